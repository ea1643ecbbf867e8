//! `compare`: what changed between two runs, or two builds in one, and whether it is more than noise.

use std::fs;
use std::path::Path;

use anyhow::Context;
use results::availability::{self, AvailabilityRow};
use results::compare::{Comparison, Floor, Measured, compare as compare_runs};
use results::run::Run;

use super::stored::open;
use crate::cli::{Compare, CompareFormat};
use crate::exit::Exit;
use crate::output::{self, say};

/// Compares, and prints or writes what was found.
pub(super) fn compare(args: &Compare) -> anyhow::Result<Exit> {
    let a = Stored::read("RUN_A", &args.run_a)?;
    let b = args.run_b.as_ref().map(|folder| Stored::read("RUN_B", folder)).transpose()?;
    let floor = match &args.noise {
        Some(folder) => Floor::measured(&Stored::read("--noise", folder)?.measured())
            .context("--noise needs an A/A run, in which both builds are the same")?,
        None => Floor::default(),
    };
    let b = b.as_ref().map(Stored::measured);
    let comparison = compare_runs(&a.measured(), b.as_ref(), &floor)?;
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

/// A run and what its faults cost.
struct Stored {
    run: Run,
    faults: Vec<AvailabilityRow>,
}

impl Stored {
    fn read(what: &str, folder: &Path) -> anyhow::Result<Self> {
        let run = Run::open(&open(what, folder)?)?;
        Ok(Self { faults: availability::measure(&run), run })
    }

    fn measured(&self) -> Measured<'_> {
        Measured { run: &self.run, faults: &self.faults }
    }
}

fn formatted(comparison: &Comparison, format: CompareFormat) -> anyhow::Result<String> {
    Ok(match format {
        CompareFormat::Text => comparison.to_text(),
        CompareFormat::Markdown => comparison.to_markdown(),
        CompareFormat::Json => serde_json::to_string_pretty(comparison)? + "\n",
    })
}
