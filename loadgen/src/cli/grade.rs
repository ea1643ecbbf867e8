//! `grade`.

use std::path::PathBuf;

use super::{Binaries, Json};

/// `grade`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble grade --target shop.toml                            points, with the reasons
  double-trouble grade --target submissions/*/target.toml            several, and an overview
  double-trouble grade --print-rubric > rubric.toml                  what is asked, to begin with
  double-trouble grade --target shop.toml --rubric rubric.toml

Each submission is put under load and sent through the stories of the rubric: its leader dies, all replicas die
at once, processes stand still. A page for each, as HTML and Markdown, says what was earned, what was not and
why, and names the commands that repeat it. What a submission has nothing for is left out of its total.

A submission is run in a copy of its folder, with limits (4 GiB of memory and 1000 processes for each of its
processes with what that starts, 3 minutes a story; [limits] in its file can make them narrower), and all of it costs bounded minutes. A target's file runs commands as you all the same.

Exit codes: 0 graded, whatever the points, 2 interrupted, 3 bad usage or set-up, or this machine was in the way
of a submission (somebody else has a port that its file gives a number): that one has no points, and the others have theirs."
)]
pub struct Grade {
    /// The submissions: the file of each target
    #[arg(long = "target", value_name = "FILE", num_args = 1.., required_unless_present = "print_rubric")]
    pub targets: Vec<PathBuf>,
    /// What is asked, and what it is worth [default: the one that --print-rubric prints]
    #[arg(long, value_name = "FILE")]
    pub rubric: Option<PathBuf>,
    /// Print the default rubric, in which every field is explained, and do nothing else
    #[arg(long, conflicts_with_all = ["targets", "rubric"])]
    pub print_rubric: bool,
    /// For how long each submission is run at the most
    #[arg(long, value_name = "M", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub minutes: u32,
    /// How many replicas, for a file that says {{ replicas }}
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub replicas: u8,
    /// Folder in which the folder with the pages is made
    #[arg(long, value_name = "DIR", default_value = "results/grades")]
    pub out: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub json: Json,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become help text")]
    pub binaries: Binaries,
}
