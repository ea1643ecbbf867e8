//! Instructions of one query and of one trade in each process, counted by valgrind (callgrind): a change of the code's cost
//! shows in them without the machine's noise.
//!
//! Each count is of a whole process, so a bazaar runs twice, once with few operations and once with many; the difference,
//! divided by the operations that it has more, is one operation's. Pings are seldom meanwhile, so that time costs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Stage;
use crate::client::{Client, Script};
use crate::goals;
use crate::sample::{Figure, Side};
use crate::system::bazaar::{Bazaar, QUERY};
use crate::tools::Tool;

/// So many operations the first time: connections are open then, and every path was taken.
const FEW: u64 = 100;
/// So many the second time.
const MANY: u64 = 600;
/// How often the front-end and leaders ask who is there, in milliseconds: hardly ever, and patiently, for everything takes
/// fifty times as long.
const PING_MS: &str = "30000";

pub(super) async fn compare(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let Some(valgrind) = stage.tools.path(Tool::Valgrind).map(Path::to_owned) else {
        return Ok(());
    };
    for round in 1..=stage.config.rounds {
        for operation in [goals::QUERY, goals::TRADE] {
            let few = count(stage, &valgrind, operation, FEW).await?;
            let many = count(stage, &valgrind, operation, MANY).await?;
            let mut told = Vec::new();
            for (process, all) in many {
                let before = few.iter().filter(|(name, _)| *name == process);
                let before: u64 = before.map(|(_, all)| all).sum();
                let each = all.saturating_sub(before) as f64 / (MANY - FEW) as f64;
                let case = goals::instructions(operation, &process);
                stage.add(round, &case, Side::Bazaar, Figure::Instructions, each)?;
                told.push(format!("{process} {each:.0}"));
            }
            stage.say(round, operation, &format!("instructions: {}", told.join(", ")));
        }
    }
    Ok(())
}

/// What each kind of process executes from its start to its end with so many operations. Of followers it is their mean.
async fn count(
    stage: &Stage<'_>,
    valgrind: &Path,
    operation: &str,
    operations: u64,
) -> anyhow::Result<Vec<(String, u64)>> {
    let folder = stage.folder("instructions");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let file = |name: &str| folder.join(format!("{name}.callgrind"));
    let made = |name: &str, command: Vec<String>| {
        let to = format!("--callgrind-out-file={}", file(name).display());
        let counted = [valgrind.display().to_string(), "--tool=callgrind".to_owned(), to];
        let pings = ["--ping-period-ms", PING_MS, "--ping-timeout-ms", PING_MS];
        let pings = pings.iter().filter(|_| name != "catalog").map(|word| (*word).to_owned());
        counted.into_iter().chain(itself(command)).chain(pings).collect()
    };
    let bazaar = Bazaar::start_as(&stage.config.bin_dir, &folder, made).await?;
    let script = match operation {
        goals::QUERY => Script::Get(QUERY.to_owned()),
        _ => Script::Trade,
    };
    let mut client = Client::new(script, &[bazaar.front_end], 0);
    for _ in 0..operations {
        client.operate().await?;
    }
    let leader = bazaar.leadership().await?.leader;
    let names: Vec<String> = bazaar.fleet.pids().into_keys().collect();
    // The counts are written at the end.
    bazaar.fleet.stop().await;
    let total =
        |name: &String| total(&file(name)).with_context(|| format!("{name} was not counted"));
    let mut counts = Vec::new();
    let mut followers = Vec::new();
    for name in &names {
        match name.as_str() {
            _ if *name == leader => counts.push(("leader".to_owned(), total(name)?)),
            order if order.starts_with("order-") => followers.push(total(name)?),
            other => counts.push((other.to_owned(), total(name)?)),
        }
    }
    let mean = followers.iter().sum::<u64>() / followers.len().max(1) as u64;
    counts.push(("follower".to_owned(), mean));
    Ok(counts)
}

/// The program that a service's own only calls, told which service it is: valgrind does not follow that call.
fn itself(command: Vec<String>) -> Vec<String> {
    let mut words = command.into_iter();
    let program = words.next().map(PathBuf::from).unwrap_or_default();
    let all = program.with_file_name("bazaar").display().to_string();
    let service = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    [all, service].into_iter().chain(words).collect()
}

/// The instructions in a file of callgrind's.
fn total(path: &PathBuf) -> anyhow::Result<u64> {
    let text = fs::read_to_string(path)?;
    totals(&text).context("no totals")
}

fn totals(text: &str) -> Option<u64> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_counted_in_the_program_that_holds_it() {
        let command = ["/bin/order", "--id", "1"].map(str::to_owned);
        assert_eq!(itself(command.to_vec()), ["/bin/bazaar", "order", "--id", "1"]);
    }

    #[test]
    fn the_total_is_at_the_end_of_the_file() {
        assert_eq!(totals("version: 1\nevents: Ir\n1 5\ntotals: 123456\n"), Some(123_456));
        assert_eq!(totals("version: 1\n"), None);
    }
}
