//! `lab`.

use std::path::PathBuf;

use crate::plan::Overrides;

/// `lab`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble lab                           how many exercises there are, and how hard they are
  double-trouble lab 3                         keep the bazaar of exercise 3 up, and look for its bug by hand
  double-trouble lab 3 --console               the same, with a page to watch it and break it on
  double-trouble lab 3 --plan failover         run a plan against the same bug, and read the report
  double-trouble lab 3 --plan mine.toml --seed 7
  double-trouble lab 3 --hint                  which promise is broken
  double-trouble lab 3 --reveal                which rule was left out, and the evidence

Each exercise is a bazaar in which one rule is left out; a number means the same bug on every machine. Its name
stands in no file of a run, on no page and on no command line. (It is in the environment of the services.)
Needs services that were built with the feature planted-bugs: `make planted` builds them.

Exit codes: of --plan those of bench and failover, so 1 if a check found the bug; of --reveal 0 if the bug was
caught again.")]
pub struct Lab {
    /// The exercise, from 1 [default: say how many there are]
    #[arg(value_name = "N")]
    pub number: Option<u32>,
    /// Run this plan against the exercise's bug: a file, or one that the program carries
    #[arg(long, value_name = "FILE", requires = "number", conflicts_with_all = ["hint", "reveal", "console"])]
    pub plan: Option<PathBuf>,
    /// Say which promise is broken, and not how
    #[arg(long, requires = "number", conflicts_with = "reveal")]
    pub hint: bool,
    /// Say which rule was left out, provoke the bug and show the evidence
    #[arg(long, requires = "number")]
    pub reveal: bool,
    /// Serve a local page as well, as `serve --console`
    #[arg(long, requires = "number", conflicts_with_all = ["hint", "reveal"])]
    pub console: bool,
    /// The page's port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", requires = "console", default_value_t = bazaar_console::DEFAULT_PORT)]
    pub console_port: u16,
    /// First port of a range, as for `serve` [default: 30001 front-end, 10001 catalog, 20001.. replicas]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65500),
        requires = "number", conflicts_with_all = ["plan", "hint", "reveal"])]
    pub base_port: Option<u16>,
    /// Folder of the databases and logs, kept, as for `serve`
    #[arg(long, value_name = "DIR", requires = "number", conflicts_with_all = ["plan", "hint", "reveal"])]
    pub data_dir: Option<PathBuf>,
    /// Folder in which the folder of a run is made
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    pub out: PathBuf,
    /// Folder of services that bugs can be planted in [default: `planted`, beside the folder of this
    /// program]
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub overrides: Overrides,
}
