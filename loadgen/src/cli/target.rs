//! `target`.

use std::path::PathBuf;

use clap::Subcommand;

/// `target`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble target new toy-store --out toy-store.toml   a file to begin with
  double-trouble target schema > target.schema.json          for an editor that completes and checks it
  double-trouble target check toy-store.toml                 is what it says true?

A target is a service: its processes, how to talk to it, what its answers mean, and how to read what it
holds. One TOML file describes it; nothing of the service is changed."
)]
pub struct Target {
    /// What to do.
    #[command(subcommand)]
    pub action: TargetAction,
}

/// What to do with a target's file.
#[derive(Clone, Debug, Subcommand)]
pub enum TargetAction {
    /// Write a file to begin with, in which every section is explained
    New(TargetNew),
    /// Print the JSON schema of the file, for editors
    Schema,
    /// Start a target, try everything that its file describes, and break each process once
    Check(TargetCheck),
}

/// `target new`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble target new
  double-trouble target new toy-store --out toy-store.toml")]
pub struct TargetNew {
    /// What reports will call the target
    #[arg(default_value = "my-service")]
    pub name: String,
    /// Write it to a file that is not there yet [default: print it]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `target check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble target check toy-store.toml
  double-trouble target check toy-store.toml --variant cache-off
  double-trouble target check toy-store.toml --keep          look at the logs and files afterwards

It starts the target, does a query, a trade and a lookup, asks who leads, reads what is kept, and kills and
restarts each process in turn. A line for each says `ok`, `missing` (not described, so not tried) or `fails`.
A target's file runs commands as you: read one that you did not write as you would a Makefile.

Exit codes: 0 all that is described works, 1 something does not, 2 interrupted, 3 a bad file, or it does not
start.")]
pub struct TargetCheck {
    /// The target's file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The way to start it, one of the section variants [default: the one that is marked default, if any]
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// How many replicas, for a file that says {{ replicas }}
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub replicas: u8,
    /// Keep the folder with logs, files and copies
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: super::Binaries,
}
