//! What was typed, and what is made of it: one place, all errors at once.

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use wire::bazaar::MAX_STOCKS;

use crate::tools::Tool;

/// More rounds than this take days.
const MOST_ROUNDS: u32 = 1_000;
/// The longest that one side is measured at a time, in seconds.
const MOST_SECONDS: f64 = 3_600.0;
/// More clients than this need more open files than a process usually has.
const MOST_CLIENTS: usize = 512;
/// More kills than this tell nothing new.
const MOST_KILLS: u32 = 10_000;
/// A replica that missed more than this is a test of the disk's size.
const MOST_MISSED: u64 = 10_000_000;
/// More stocks than this no bazaar takes (rule S3).
const MOST_STOCKS: u64 = MAX_STOCKS as u64;
/// A log that is longer than this needs more memory than most machines have for three of it.
const MOST_ORDERS: u64 = 10_000_000;
/// So many orders a bazaar has at the least where it is seen how it grows.
const LEAST_ORDERS: u64 = 1_000;
/// And so many between that and all.
const SOME_ORDERS: u64 = 100_000;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Part {
    /// A cached query, beside nginx and bare hyper.
    Query,
    /// A durable trade, beside etcd and one flush of the disk.
    Trade,
    /// SIGKILL of the leader to the first acknowledged trade, beside etcd.
    Kill,
    /// A replica that missed orders is back in sync, under load.
    Restart,
    /// Start to ready, and idle memory, beside etcd.
    Start,
    /// Many stocks and many orders, beside few.
    Growth,
    /// The harness's own load generator, beside oha.
    Generator,
    /// Where a trade's time goes: the stages of one, drawn.
    Spans,
    /// Instructions of one query and one trade, process by process, counted by valgrind. Only if it is named.
    Instructions,
}

impl Part {
    /// All that are done where none is named.
    fn by_default() -> Vec<Self> {
        let all = Self::value_variants().iter().copied();
        // It takes minutes, and its figures have no noise that rounds would tell of.
        all.filter(|part| *part != Self::Instructions).collect()
    }
}

/// Runs the bazaar beside nginx, bare hyper, etcd and the disk, in turns, and writes table and chart.
///
/// What the machine lacks of nginx, etcd, wrk, oha, fio and valgrind is named and left out; nothing is installed. A run wants a quiet
/// machine: every figure is taken of all sides in each round, and the table has ratios of the same round, with the interval
/// in which they lie. Written are samples.csv (every figure as it was taken), peers.json, peers.csv, peers.md, peers.svg and
/// peers.png.
///
/// Exit code: 0 if all that was asked for was measured, 2 if a comparison failed or was cut short, 3 for bad usage. Goals
/// that are not met are in the table and change no exit code.
#[derive(Debug, Parser)]
#[command(name = "peers", version)]
pub(crate) struct Arguments {
    /// How often everything is measured; an interval needs three
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: u32,
    /// How long each side is measured in each round, in seconds
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    seconds: f64,
    /// Which comparisons, separated by commas; without it all
    #[arg(long, value_name = "PART,...", value_delimiter = ',')]
    only: Vec<Part>,
    /// Leave these out even if they are there, separated by commas
    #[arg(long, value_name = "TOOL,...", value_delimiter = ',')]
    without: Vec<Tool>,
    /// Connections of the cached query
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "5,64")]
    connections: Vec<usize>,
    /// Clients of the durable trade
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,5,64,512")]
    clients: Vec<usize>,
    /// How often each side's leader is killed while it is quiet, and as often while it is busy; the goals are for 100
    #[arg(long, value_name = "N", default_value_t = 10)]
    kills: u32,
    /// How many orders a replica misses before it is restarted; the goals are for 100000
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    missed: u64,
    /// How many stocks there are where growth is looked at; the goals are for 10000 beside 10
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "10,1000,10000")]
    stocks: Vec<u64>,
    /// How many orders there are at the most where growth is looked at; the goals are for 1000000
    #[arg(long, value_name = "N", default_value_t = SOME_ORDERS)]
    orders: u64,
    /// Where table and chart go. The systems' files are in a folder in it while they run, so its disk is the one that is measured
    #[arg(long, value_name = "DIR", default_value = "results/peers")]
    out: PathBuf,
    /// Where the bazaar's programs are; without it beside this one
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// End, as by SIGTERM, when that parent does
    #[arg(long, value_name = "PID")]
    parent_pid: Option<i32>,
}

/// What is done.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// How often.
    pub(crate) rounds: u32,
    /// How long each side is measured in each round.
    pub(crate) seconds: f64,
    /// Which comparisons, in order.
    pub(crate) parts: Vec<Part>,
    /// What is left out though it may be there.
    pub(crate) without: Vec<Tool>,
    /// Connections of the cached query.
    pub(crate) connections: Vec<usize>,
    /// Clients of the durable trade.
    pub(crate) clients: Vec<usize>,
    /// Kills of each side, quiet and busy each.
    pub(crate) kills: u32,
    /// Orders that a replica misses.
    pub(crate) missed: u64,
    /// Stocks of each bazaar that is looked at, the least first.
    pub(crate) stocks: Vec<u64>,
    /// Orders of each bazaar that is looked at, the least first.
    pub(crate) orders: Vec<u64>,
    /// The folder of what is written.
    pub(crate) out: PathBuf,
    /// The folder of the bazaar's programs.
    pub(crate) bin_dir: PathBuf,
    /// The parent whose end is this one's, too.
    pub(crate) parent_pid: Option<i32>,
}

impl Arguments {
    /// Checks all of it.
    ///
    /// # Errors
    /// Everything that is wrong, a line each.
    pub(crate) fn config(self, program: &Path) -> Result<Config, Vec<String>> {
        let mut problems = Vec::new();
        let mut demand = |holds: bool, problem: String| {
            if !holds {
                problems.push(problem);
            }
        };
        demand(
            (1..=MOST_ROUNDS).contains(&self.rounds),
            format!("--rounds must be 1 to {MOST_ROUNDS}"),
        );
        demand(
            self.seconds > 0.0 && self.seconds <= MOST_SECONDS,
            format!("--seconds must be above 0, and at most {MOST_SECONDS}"),
        );
        demand(
            (1..=MOST_KILLS).contains(&self.kills),
            format!("--kills must be 1 to {MOST_KILLS}"),
        );
        demand(
            (1..=MOST_MISSED).contains(&self.missed),
            format!("--missed must be 1 to {MOST_MISSED}"),
        );
        demand(
            (1..=MOST_ORDERS).contains(&self.orders),
            format!("--orders must be 1 to {MOST_ORDERS}"),
        );
        let stocks_fit = self.stocks.iter().all(|stocks| (1..=MOST_STOCKS).contains(stocks));
        demand(
            stocks_fit && !self.stocks.is_empty(),
            format!("--stocks: each must be 1 to {MOST_STOCKS}"),
        );
        for (flag, numbers) in [("--connections", &self.connections), ("--clients", &self.clients)]
        {
            let fit = numbers.iter().all(|number| (1..=MOST_CLIENTS).contains(number));
            demand(fit, format!("{flag}: each must be 1 to {MOST_CLIENTS}"));
        }
        let beside = || program.parent().map_or_else(PathBuf::new, Path::to_owned);
        let bin_dir = self.bin_dir.unwrap_or_else(beside);
        for name in ["front-end", "catalog", "order"] {
            let is_there = bin_dir.join(name).is_file();
            let place = bin_dir.display();
            demand(
                is_there,
                format!("{place} has no program {name}: run `make build`, or give --bin-dir"),
            );
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut parts = if self.only.is_empty() { Part::by_default() } else { self.only };
        parts.sort();
        parts.dedup();
        Ok(Config {
            rounds: self.rounds,
            seconds: self.seconds,
            parts,
            without: self.without,
            connections: distinct(self.connections),
            clients: distinct(self.clients),
            kills: self.kills,
            missed: self.missed,
            stocks: distinct(self.stocks),
            orders: distinct(
                [LEAST_ORDERS, SOME_ORDERS, self.orders]
                    .into_iter()
                    .filter(|orders| *orders <= self.orders)
                    .collect(),
            ),
            out: self.out,
            bin_dir,
            parent_pid: self.parent_pid,
        })
    }
}

/// Each number once, in order.
fn distinct<N: Ord>(mut numbers: Vec<N>) -> Vec<N> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let typed =
            ["peers", "--rounds", "0", "--seconds", "0", "--kills", "0", "--clients", "0,1"];
        let arguments = Arguments::try_parse_from(typed).unwrap();
        let problems = arguments.config(Path::new("/nowhere/peers")).unwrap_err();
        assert_eq!(problems.len(), 7, "{problems:?}");
        assert!(problems[6].contains("/nowhere has no program order"), "{problems:?}");
    }

    #[test]
    fn parts_are_done_in_one_order_however_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["front-end", "catalog", "order"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let typed = ["peers", "--only", "kill,query,kill", "--clients", "64,1,64"];
        let arguments = Arguments::try_parse_from(typed).unwrap();
        let config = arguments.config(&folder.path().join("peers")).unwrap();
        assert_eq!(config.parts, [Part::Query, Part::Kill]);
        assert_eq!(config.clients, [1, 64]);
        assert_eq!(config.orders, [1_000, 100_000]);
        assert_eq!(config.bin_dir, folder.path());
    }
}
