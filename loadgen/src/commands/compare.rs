//! `compare`: what changed between two runs, or two builds in one, and whether it is more than noise.

use std::fs;

use anyhow::Context;
use results::compare::{Comparison, Floor, Measured, compare as compare_runs};

use super::stored::open;
use crate::cli::{Compare, CompareFormat};
use crate::exit::Exit;
use crate::output::{self, say};

/// Compares, and prints or writes what was found.
pub(super) fn compare(args: &Compare) -> anyhow::Result<Exit> {
    let a = Measured::read(&open("RUN_A", &args.run_a)?)?;
    let b = args.run_b.as_ref().map(|folder| anyhow::Ok(Measured::read(&open("RUN_B", folder)?)?));
    let floor = match &args.noise {
        Some(folder) => Floor::measured(&Measured::read(&open("--noise", folder)?)?)
            .context("--noise needs an A/A run, in which both builds are the same")?,
        None => Floor::default(),
    };
    let comparison = compare_runs(&a, b.transpose()?.as_ref(), &floor)?;
    let text = formatted(&comparison, args.format)?;
    match &args.out {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            say!("{}", comparison.reason);
        }
        None => output::stdout(format_args!("{text}")),
    }
    Ok(comparison.as_verdict().into())
}

fn formatted(comparison: &Comparison, format: CompareFormat) -> anyhow::Result<String> {
    Ok(match format {
        CompareFormat::Text => comparison.to_text(),
        CompareFormat::Markdown => comparison.to_markdown(),
        CompareFormat::Json => serde_json::to_string_pretty(comparison)? + "\n",
    })
}
