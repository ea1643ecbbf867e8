//! `compare`: what changed between two runs, or two builds in one, and whether it is more than noise.

use std::fs;
use std::path::Path;

use anyhow::Context;
use results::compare::{Comparison, Floor, Measured, compare as compare_runs};
use results::html;
use results::measurements::Measurements;
use results::run::Run;

use super::stored::open;
use crate::cli::{Compare, CompareFormat};
use crate::exit::Exit;
use crate::output::{self, say};

/// Compares, and prints or writes what was found.
pub(super) fn compare(args: &Compare) -> anyhow::Result<Exit> {
    let a = read("RUN_A", &args.run_a)?;
    let b = args.run_b.as_ref().map(|folder| read("RUN_B", folder)).transpose()?;
    let (a, b) = (Measurements::new(&a), b.as_ref().map(Measurements::new));
    let floor = match &args.noise {
        Some(folder) => {
            let run = read("--noise", folder)?;
            Floor::measured(&sides(&Measurements::new(&run)))
                .context("--noise needs an A/A run, in which both builds are the same")?
        }
        None => Floor::default(),
    };
    let comparison = compare_runs(&sides(&a), b.as_ref().map(sides).as_ref(), &floor)?;
    let text = match args.format {
        CompareFormat::Text => comparison.to_text(),
        CompareFormat::Markdown => comparison.to_markdown(),
        CompareFormat::Json => serde_json::to_string_pretty(&comparison)? + "\n",
        CompareFormat::Html => page(&comparison, &a, b.as_ref())?,
    };
    match &args.out {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            say!("{}", comparison.reason);
        }
        None => output::stdout(format_args!("{text}")),
    }
    Ok(comparison.as_verdict().into())
}

fn read(what: &str, folder: &Path) -> anyhow::Result<Run> {
    Ok(Run::open(&open(what, folder)?)?)
}

fn sides<'a>(measured: &'a Measurements<'_>) -> Measured<'a> {
    Measured { run: measured.run(), faults: measured.faults() }
}

fn page(
    comparison: &Comparison,
    a: &Measurements<'_>,
    b: Option<&Measurements<'_>>,
) -> anyhow::Result<String> {
    let scratch = tempfile::tempdir().context("cannot make a folder to draw charts in")?;
    Ok(html::comparison(comparison, a, b, scratch.path())?)
}
