//! `engines`.

use std::path::PathBuf;

use super::{Binaries, Json};

/// `engines`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble engines --target loadgen/targets/engines/etcd.toml
  double-trouble engines --target etcd.toml redis-sentinel.toml:wait --rounds 5
  double-trouble engines --target mine.toml theirs.toml --plan my-faults.toml --without-bazaar
  double-trouble engines --page results/engines/latest       the page again, from the runs' files

Each system is put under the same load (1, 5 and 64 clients) and the same faults (its leader is killed, paused, cut off where its
links can be broken), in rounds in which the systems take turns. Every run is an ordinary run, in a folder below the comparison's: `check`
and `report` work on it. One page says what was found, with charts beside each other, and the command that repeats each run.
A system that is not installed is a row that says what installs it.

Exit codes: 0 compared, whatever was found, 2 interrupted, 3 bad usage or set-up, or nothing could be run."
)]
pub struct Engines {
    /// The systems: the file of each target, with a variant of its own behind a colon if it is not to be the default one
    #[arg(long = "target", value_name = "FILE[:VARIANT]", num_args = 1.., required_unless_present = "page")]
    pub targets: Vec<String>,
    /// Leave the built-in bazaar out, which is a row among them otherwise
    #[arg(long)]
    pub without_bazaar: bool,
    /// How often everything is done to each; intervals take three
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// The numbers of clients without faults, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,5,64")]
    pub clients: Vec<u32>,
    /// For how many seconds each of these is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0)]
    pub seconds: f64,
    /// A plan with faults, a file or one that the program carries; repeat it for several
    /// [default: engines-kill, engines-pause, engines-cut]
    #[arg(long = "plan", value_name = "FILE")]
    pub plans: Vec<PathBuf>,
    /// Seed of the first round; each round has the next one
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1 << 62))]
    pub seed: u64,
    /// Folder in which the comparison's folder is made
    #[arg(long, value_name = "DIR", default_value = "results/engines")]
    pub out: PathBuf,
    /// Keep the databases of runs that passed
    #[arg(long)]
    pub keep_data: bool,
    /// Run nothing: write the page of an earlier comparison again, from the files of its runs
    #[arg(long, value_name = "DIR", conflicts_with = "targets")]
    pub page: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub json: Json,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: Binaries,
}
