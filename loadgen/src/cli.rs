//! What can be typed.

mod client;
mod engines;
mod grade;
mod history;
mod hosts;
mod lab;
mod target;

use std::path::PathBuf;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::output::in_colour;
use crate::plan::{CacheSetting, DurabilitySetting, Overrides};
pub use client::{Client, ClientAction};
pub use engines::Engines;
pub use grade::Grade;
pub use history::History;
pub use hosts::Hosts;
pub use lab::Lab;
pub use target::{Target, TargetAction, TargetCheck, TargetNew};

/// Loads a replicated stock bazaar, breaks it, measures it, and judges it from outside.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "double-trouble",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble bench                        what does the cache buy? (4 minutes)
  double-trouble bench --plan rates           up to which rate does it hold what it is offered?
  double-trouble failover --seed 7            what does a leader's death cost, was anything lost?
  double-trouble soak --minutes 10            random faults: does anything ever go wrong?
  double-trouble check results/runs/latest    check the newest run again, from its files
  double-trouble compare RUN_A RUN_B          what changed, and is it more than noise?
  double-trouble serve --console              watch a failover on a local page
  double-trouble serve                        keep a bazaar up, and in another terminal
  double-trouble client trade Stock1 Buy 3    trade by hand
  double-trouble target new                   describe a service of your own
  double-trouble grade --target shop.toml     points for it, with the reasons
  double-trouble engines --target etcd.toml   systems beside each other, on one page
  double-trouble history results/runs/*       what changed from commit to commit
  double-trouble lab                          exercises: find the bug that was hidden in a bazaar

Exit codes: 0 pass, 1 fail, 2 inconclusive (also: interrupted), 3 bad usage or set-up.
RUST_LOG=debug says more on stderr.
Needs Linux; its build needs Rust 1.95 and a C compiler, and nothing else."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start the bazaar, or a service of your own, and keep it up until Ctrl-C
    Serve(Serve),
    /// Query, trade and check by hand, against any address
    Client(Client),
    /// Sweep the share of trades with the cache on and off: what does the cache buy?
    Bench(Run),
    /// Load the bazaar while leaders are killed: what does it cost, is anything lost?
    Failover(Run),
    /// Break the bazaar at random, round after round: does anything ever go wrong?
    Soak(Soak),
    /// Plant bugs in the services: do the checks catch each of them?
    Prove(Prove),
    /// Exercises for who learns to test: find the bug that is hidden in a bazaar
    Lab(Lab),
    /// Check a run again, from its files alone
    Check(Check),
    /// Write a run's report.html, charts and tables again, from its files alone
    Report(Folder),
    /// What changed between two runs, or two builds in one: is it more than noise?
    Compare(Compare),
    /// Systems beside each other: the same load and the same faults on each, and one page
    Engines(Engines),
    /// Figures of comparable runs over time, by commit: what changed, and when?
    History(History),
    /// Points for submissions to a course: what holds of each, what does not, and why
    Grade(Grade),
    /// Describe a service of your own in one file, and see whether the description is true
    Target(Target),
    /// Run a command among several hosts on this machine, each a network namespace
    Hosts(Hosts),
}

/// `serve`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble serve
  double-trouble serve --console                      and a page to watch it and break it on
  double-trouble serve --data-dir ./data              keep the databases, and go on with them later
  double-trouble serve --base-port 41000 --cache off  41000 front-end, 41001 catalog, 41002.. replicas
  double-trouble serve --target toy-store.toml --console   a service of your own")]
pub struct Serve {
    /// The service to start, as its target's file describes it (`target new`) [default: the built-in bazaar]
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// The way to start it, one of the file's section variants [default: the one that is marked default, if any]
    #[arg(long, value_name = "NAME", requires = "target")]
    pub variant: Option<String>,
    /// Whether the bazaar's front-end caches
    #[arg(long, value_enum, default_value = "on", conflicts_with = "target")]
    pub cache: CacheSetting,
    /// How many order replicas, 1 to 9; of a target, what {{ replicas }} says in its file
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub replicas: u8,
    /// Folder of the databases (of a target, its scratch and workspace) and logs, kept [default: a new one in the temporary folder, removed
    /// at the end]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// First port of a range [default: 30001 front-end, 10001 catalog, 20001.. replicas]
    #[arg(long, value_name = "PORT", conflicts_with = "target", value_parser = clap::value_parser!(u16).range(1..=65500))]
    pub base_port: Option<u16>,
    /// Whether a commit waits for the disk
    #[arg(long, value_enum, default_value = "flush", conflicts_with = "target")]
    pub durability: DurabilitySetting,
    /// How often the front-end pings the leader
    #[arg(long, value_name = "MS", default_value_t = 100, conflicts_with = "target", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub ping_period_ms: u64,
    /// After how long without an answer the leader is given up
    #[arg(long, value_name = "MS", default_value_t = 300, conflicts_with = "target", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub ping_timeout_ms: u64,
    /// Serve a local page as well that shows who leads and what clients see, with buttons that kill,
    /// pause and restart, and a load to steer
    #[arg(long)]
    pub console: bool,
    /// The page's port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", requires = "console", default_value_t = bazaar_console::DEFAULT_PORT)]
    pub console_port: u16,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: Binaries,
}

/// Where the services are.
#[derive(Clone, Debug, clap::Args)]
pub struct Binaries {
    /// Folder of the binaries front-end, catalog and order [default: the one this program is in, or
    /// else the first on PATH that has them all]
    #[arg(long, value_name = "DIR", env = "DOUBLE_TROUBLE_BIN_DIR")]
    pub bin_dir: Option<PathBuf>,
}

/// How progress is told.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Json {
    /// Tell progress as JSON lines on stdout; what is said to people goes to stderr
    #[arg(long)]
    pub json: bool,
}

/// `bench` and `failover`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble bench --plan quick                        a minute
  double-trouble bench --p 0,0.5 --duration 3 --trials 3
  double-trouble bench --plan rates                        what rate does it hold?
  double-trouble bench --rate 500,1000 --p 0.2             an open loop: the schedule waits for nobody
  double-trouble bench --trials 10 --against ../old/target/release
  double-trouble bench --trials 8 --bin-dir target/planted --against target/planted --slow-trades 20
  double-trouble failover --seed 7
  double-trouble failover --plan all-down                  every replica dies at once: is anything lost?
  double-trouble bench --target toy-store.toml --plan quick    a service of your own

A plan is a TOML file in which every field has a default; loadgen/plans/bench.toml and failover.toml
explain them. Options given here stand above the plan. The run's files are in results/runs, the newest
in results/runs/latest.")]
pub struct Run {
    /// The plan: a file, or one that the program carries: bench, grade, quick, rates, engines-load; and with faults failover, pause,
    /// all-down, crowd, hang, restart-then-lead, engines-kill, engines-pause, engines-cut
    /// [default: the one that is named after the command]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The service to test, as its target's file describes it (`target new`) [default: the built-in bazaar]
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// Measure another build of the services side by side: the folder of its binaries. The same
    /// folder as --bin-dir shows how much the figures differ when nothing does
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,
    /// Make every trade of that other build take PERCENT longer, to see whether `compare` finds it; for
    /// services built with the feature planted-bugs (`make planted`)
    #[arg(long, value_name = "PERCENT", requires = "against", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub slow_trades: Option<u16>,
    /// Folder in which the run's folder is made
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    pub out: PathBuf,
    /// Keep the databases of a run that passed
    #[arg(long)]
    pub keep_data: bool,
    /// How to say what was found
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    pub format: Format,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub overrides: Overrides,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub json: Json,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: Binaries,
}

/// `soak`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble soak --minutes 60
  double-trouble soak --seed 7 --minutes 5     the same rounds every time
  double-trouble soak --seed 7 --round 3       one of them alone
  double-trouble soak --target loadgen/targets/engines/redis-sentinel.toml --variant wait --minutes 240

Every round starts a fresh bazaar, loads it, and breaks it at random: processes are killed, paused and
slowed, links cut and delayed, disks stalled, filled and powered off, files lost or replaced by old ones,
and services flooded. Then it heals everything, waits until all replicas are in sync, and checks what
clients, replicas and catalog say. A page over all rounds, soak.html, is written after each.

A round's folder is a run's. One that passed keeps its figures, events and checks, less than 0.5 MB; its rows and databases are
removed, unless --keep-data is given. One that did not pass keeps everything, some 30 MB, and `check` and `report` work on it. No
round begins once all of them hold --max-disk-mb, so a soak never takes more than that and one round.")]
pub struct Soak {
    /// Seed of the rounds [default: another one each time; it is printed]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// The service to test, as its target's file describes it: its processes are killed, paused and slowed [default: the
    /// built-in bazaar]
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// The way to start the target, one of its file's section variants [default: the one that is marked default, if any]
    #[arg(long, value_name = "NAME", requires = "target")]
    pub variant: Option<String>,
    /// For how long, in whole rounds
    #[arg(long, value_name = "M", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub minutes: u32,
    /// This round alone; needs the seed
    #[arg(long, value_name = "N", requires = "seed", value_parser = clap::value_parser!(u32).range(1..=26_000))]
    pub round: Option<u32>,
    /// Folder in which the soak's folder is made
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    pub out: PathBuf,
    /// Keep rows and databases of rounds that passed: some 30 MB each
    #[arg(long)]
    pub keep_data: bool,
    /// End once the rounds hold so much
    #[arg(long, value_name = "MB", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub max_disk_mb: u64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub json: Json,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: Binaries,
}

/// `prove`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble prove                          every bug; each story five times without a bug
  double-trouble prove --quick                  every bug; each story once without a bug
  double-trouble prove --bug skip-invalidation

Needs services that were built with the feature planted-bugs; `make prove` builds them and calls this.
The matrix is in the proof's folder, as prove.txt and prove.json, beside the folder of every run: `check`
works on those, and `failover --plan RUN/plan.toml --bin-dir target/planted` repeats one.

Exit codes: 0 every bug was caught by the check that is meant to catch it and the correct build was
clean, 1 not so, 2 interrupted, 3 bad usage or set-up.")]
pub struct Prove {
    /// Only this bug; repeat it for several [default: all]
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// Send the correct build through each story once, not five times
    #[arg(long)]
    pub quick: bool,
    /// Folder in which the proof's folder is made
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    pub out: PathBuf,
    /// Folder of services that bugs can be planted in [default: `planted`, beside the folder of this
    /// program]
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub json: Json,
}

/// `check` and `report`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble report results/runs/latest")]
pub struct Folder {
    /// The run's folder
    pub run: PathBuf,
}

/// `check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble check results/runs/latest
  double-trouble check results/runs/latest --export history.jsonl
  double-trouble check results/runs/latest --format junit > junit.xml")]
pub struct Check {
    /// The run's folder
    pub run: PathBuf,
    /// Also write every stock's history as JSON lines, for another checker
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// How to say what was found
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// How what a run came to is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Tables for people
    Text,
    /// JUnit's XML on stdout, for pipelines; what is said to people goes to stderr
    Junit,
}

/// `compare`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble compare results/runs/BEFORE results/runs/AFTER
  double-trouble compare results/runs/latest                      builds a and b of one run
  double-trouble compare results/runs/latest --noise results/runs/A_A
  double-trouble compare BEFORE AFTER --format markdown --out pr.md

Compared are cells that both runs have. The verdict rests on medians and 99th percentiles of queries and
trades and on the throughput, over all cells (and on times after a leader's death, if there are five): it is
worse or better if one of them is shown to have changed by more than the noise floor. The chance that any of
these verdicts is false is below 5%, for all of them together. With fewer than three trials of a cell nothing
can be told; use at least five. Two builds side
by side (bench --against DIR) see more than two runs do: what the machine does hits both.

Exit codes: 0 nothing is worse, 1 something is worse, 2 cannot be told (too few trials, or a median or the
throughput could be worse by 20% without being seen), 3 bad usage, or nothing to compare.")]
pub struct Compare {
    /// The run to compare with
    pub run_a: PathBuf,
    /// The run to compare [default: build b of RUN_A, with its build a]
    pub run_b: Option<PathBuf>,
    /// Take the noise floor from an A/A run, one whose two builds are the same: the largest effect in
    /// it [default: 3%]
    #[arg(long, value_name = "RUN")]
    pub noise: Option<PathBuf>,
    /// How to say it
    #[arg(long, value_enum, default_value = "text")]
    pub format: CompareFormat,
    /// Write it to a file, and only the verdict to the terminal
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a comparison is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CompareFormat {
    /// Tables for a terminal
    Text,
    /// For programs
    Json,
    /// For a pull request
    Markdown,
    /// A page with the charts of both runs
    Html,
}

/// Parses the command line.
///
/// # Errors
/// Help was asked for, or something cannot be understood: the error's own text says which.
pub fn parse() -> Result<Args, clap::Error> {
    let colour = if in_colour(&std::io::stdout()) && in_colour(&std::io::stderr()) {
        ColorChoice::Always
    } else {
        ColorChoice::Never
    };
    let mut command = take_negative_numbers(Args::command()).color(colour);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// A number below zero is a value, of which the option says what is wrong with it, rather than an
/// option that nobody knows.
fn take_negative_numbers(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let takes_values = arg.get_action().takes_values();
            arg.allow_negative_numbers(takes_values)
        })
        .mut_subcommands(take_negative_numbers)
}

/// Logs go to stderr, warnings and errors unless `RUST_LOG` says otherwise.
pub fn set_up_logging() {
    let filter = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(in_colour(&std::io::stderr()));
    tracing_subscriber::registry().with(filter).with(lines).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        take_negative_numbers(Args::command()).debug_assert();
    }
}
