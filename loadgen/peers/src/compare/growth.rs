//! What a bazaar costs that has many stocks, or many orders, beside one that has few; and whether trades wait while
//! everything is dumped.
//!
//! Nobody waits for a million trades: the files are filled with them (the crate `prefill`), and the services start over
//! those. Each number of stocks or orders is a bazaar of its own, and all of them run at once, asked in turns, so that a
//! slow minute of the machine is everybody's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;

use super::{Stage, WARM_UP, turns};
use crate::client::Script;
use crate::goals;
use crate::http::Connection;
use crate::load::{Loop, Measured};
use crate::sample::{Figure, Side};
use crate::system::bazaar::{Bazaar, REPLICAS};
use crate::usage;

/// So many ask at once.
const CONNECTIONS: usize = 64;
/// So many trade while everything is dumped.
const CLIENTS: usize = 5;
/// How long replicas may take to be in sync over files that are full.
const IN_SYNC_WITHIN: Duration = Duration::from_secs(300);

/// A bazaar that holds so many of something.
struct Grown {
    held: u64,
    bazaar: Bazaar,
}

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let stocks = stage.config.stocks.clone();
    if stocks.len() > 1 {
        queries(stage, &stocks).await?;
    }
    let orders = stage.config.orders.clone();
    let mut grown = Vec::new();
    for held in orders {
        let started = start(stage, &format!("growth-orders-{held}"), prefill::STOCKS).await?;
        let fill = move |data: &Path| Ok(prefill::fill(data, REPLICAS as u8, held)?);
        let bazaar = started.over(fill).await.with_context(|| format!("{held} orders"))?;
        bazaar.wait_in_sync(None, IN_SYNC_WITHIN).await?;
        grown.push(Grown { held, bazaar });
    }
    for round in 1..=stage.config.rounds {
        ask(stage, round, &grown, Script::AnyOrder, goals::lookup).await?;
    }
    // The fullest stays, for trades; its memory is seen before they change it.
    let fullest = grown.pop().context("no number of orders")?;
    for other in grown {
        other.bazaar.fleet.stop().await;
    }
    for round in 1..=stage.config.rounds {
        memory(stage, round, &fullest)?;
        dump(stage, round, &fullest).await?;
    }
    fullest.bazaar.fleet.stop().await;
    Ok(())
}

/// A bazaar of so many stocks, of each of which there are enough.
async fn start(stage: &Stage<'_>, name: &str, stocks: u64) -> anyhow::Result<Bazaar> {
    let folder = stage.folder(name);
    fs::create_dir_all(&folder)?;
    let file = folder.join("stocks.txt");
    fs::write(&file, prefill::stocks_file(stocks))?;
    let words = ["--stocks".to_owned(), file.display().to_string()];
    let cap = ["--cap".to_owned(), prefill::CAP.to_string()];
    let of_catalog = [words, cap].concat();
    let made = |name: &str, command: Vec<String>| match name {
        "catalog" => [command, of_catalog.clone()].concat(),
        _ => command,
    };
    Bazaar::start_as(&stage.config.bin_dir, &folder, made).await
}

/// Cached queries of each number of stocks.
async fn queries(stage: &mut Stage<'_>, stocks: &[u64]) -> anyhow::Result<()> {
    let mut grown = Vec::new();
    for &held in stocks {
        let bazaar = start(stage, &format!("growth-stocks-{held}"), held).await?;
        let mut connection = Connection::new(bazaar.front_end);
        for name in prefill::stock_names(held) {
            connection.get(&format!("/stocks/{name}")).await?.accepted()?;
        }
        grown.push(Grown { held, bazaar });
    }
    for round in 1..=stage.config.rounds {
        ask(stage, round, &grown, Script::AnyStock, goals::stocks).await?;
    }
    for one in grown {
        one.bazaar.fleet.stop().await;
    }
    Ok(())
}

/// Asks all of them in turns. What the least one does stands beside each of the others.
async fn ask(
    stage: &mut Stage<'_>,
    round: u32,
    grown: &[Grown],
    script: impl Fn(u64) -> Script,
    case: impl Fn(u64) -> String,
) -> anyhow::Result<()> {
    let mut measured: Vec<(u64, Measured)> = Vec::new();
    for Grown { held, bazaar } in turns(grown, round) {
        let (script, entries) = (script(*held), vec![bazaar.front_end]);
        let load = Loop { script, entries, clients: CONNECTIONS };
        let taken = load.measure(WARM_UP, stage.span(), bazaar.fleet.all()).await?;
        measured.push((*held, taken));
    }
    measured.sort_by_key(|(held, _)| *held);
    let Some((least, others)) = measured.split_first() else { return Ok(()) };
    for (held, taken) in others {
        stage.add_load(round, &case(*held), Side::Least, &least.1)?;
        stage.add_load(round, &case(*held), Side::Bazaar, taken)?;
    }
    Ok(())
}

/// What each replica holds.
fn memory(stage: &mut Stage<'_>, round: u32, fullest: &Grown) -> anyhow::Result<()> {
    let case = goals::held(fullest.held);
    let mut told = Vec::new();
    for (process, pid) in fullest.bazaar.fleet.pids() {
        if process.starts_with("order-") {
            let memory = usage::memory(pid)?;
            stage.add(round, &case, Side::Bazaar, Figure::RssMb, memory.rss_mb)?;
            told.push(format!("{process} {:.1} MB", memory.rss_mb));
        }
    }
    stage.say(round, &case, &told.join(", "));
    Ok(())
}

/// Trades without a dump, and as long while everything is dumped over and over.
async fn dump(stage: &mut Stage<'_>, round: u32, fullest: &Grown) -> anyhow::Result<()> {
    let case = goals::dump(fullest.held);
    let Grown { bazaar, .. } = fullest;
    let trades = || {
        let entries = vec![bazaar.front_end];
        let load = Loop { script: Script::Trade, entries, clients: CLIENTS };
        load.measure(WARM_UP, stage.span(), bazaar.fleet.all())
    };
    let before = trades().await?;
    let (dumps, (stop, mut stopped)) = (bazaar.dumps()?, oneshot::channel::<()>());
    let reading = tokio::spawn(async move {
        let mut pages = 0;
        // The last one is read to its end, so that each page counts.
        while stopped.try_recv().is_err() {
            pages += dumps.read_through().await?;
        }
        anyhow::Ok(pages)
    });
    let during = trades().await;
    let _ = stop.send(());
    let pages = reading.await?.context("a dump")?;
    let during = during?;
    for (side, taken) in [(Side::Before, &before), (Side::Bazaar, &during)] {
        stage.add_load(round, &case, side, taken)?;
        let gap = taken.longest_gap_ms.context("no gap was measured")?;
        stage.add(round, &case, side, Figure::LongestGapMs, gap)?;
        stage.say(round, &case, &format!("{side}: longest gap {gap:.0} ms"));
    }
    stage.say(round, &case, &format!("{pages} pages were read"));
    Ok(())
}
