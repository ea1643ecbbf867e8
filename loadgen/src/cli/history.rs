//! `history`.

use std::path::PathBuf;

/// `history`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble history results/runs/*
  double-trouble history results/runs                   all runs in a folder
  double-trouble history results/runs/*-soak-7 --out soaks    rounds of the same number, soak by soak

Runs are put together that have the same plan (whatever its seed and the moments of its faults), target, settings and machine. Of each
such group a chart shows throughput, latencies and outages by commit, and a table what changed from each commit to the next, with the
interval of the change: it is called a change only if `compare` would call it one. Runs of one commit count as trials of one another. What
cannot be compared is named, with the reason. Only optimised builds know their commit; a run of any other stands for itself.

Exit codes: 0 the page is written, 3 bad usage, or nothing to show."
)]
pub struct History {
    /// Folders of runs, of soaks, or folders that hold such
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Folder in which the page is written; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = "results/history")]
    pub out: PathBuf,
}
