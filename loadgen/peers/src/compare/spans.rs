//! Where a trade's time goes: one client trades, every process writes down when each trade reached which stage, and the
//! picture has the median of each stage.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

use super::{Stage, WARM_UP};
use crate::client::Script;
use crate::load::Loop;
use crate::output::trade;
use crate::spans::{Marks, Roles, picture};
use crate::system::bazaar::Bazaar;

pub(super) async fn draw(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let folder = stage.folder("spans-bazaar");
    fs::create_dir_all(&folder)?;
    let file = |name: &str| folder.join(format!("{name}.spans.csv"));
    let made = |name: &str, command: Vec<String>| {
        let more = ["--log-spans".to_owned(), file(name).display().to_string()];
        command.into_iter().chain(more).collect()
    };
    let bazaar = Bazaar::start_as(&stage.config.bin_dir, &folder, made).await?;
    let load = Loop { script: Script::Trade, entries: vec![bazaar.front_end], clients: 1 };
    let measured = load.measure(WARM_UP, stage.span(), bazaar.fleet.all()).await?;
    let leader = bazaar.leadership().await?.leader;
    let names: Vec<String> = bazaar.fleet.pids().into_keys().collect();
    // They write at their end.
    bazaar.fleet.stop().await;
    let mut marks = BTreeMap::new();
    for name in &names {
        let text = fs::read_to_string(file(name)).with_context(|| format!("{name} wrote none"))?;
        marks.insert(name.clone(), Marks::read(&text)?);
    }
    let followers =
        names.iter().filter(|name| name.starts_with("order-") && **name != leader).cloned();
    let roles = Roles { leader: leader.clone(), followers: followers.collect() };
    let picture = picture(&marks, &roles)?;
    let (trades, total) = (picture.trades, picture.total_us / 1e3);
    eprintln!("spans: the stages of {trades} trades of one client; the median took {total:.2} ms");
    if let Some(reason) = measured.reason {
        stage.notes.push(format!("spans: {} trades failed; the first: {reason}", measured.failed));
    }
    for file in trade::draw(&picture, &stage.config.out)? {
        eprintln!("written: {}", file.display());
    }
    Ok(())
}
