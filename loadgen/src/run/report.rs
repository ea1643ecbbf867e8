//! What a run says at its end; the same again later, from its files alone.

use std::fs;

use anyhow::Context;
use results::checks::{self, ConsistencyReport};
use results::records::RunFolder;
use results::report;
use results::verdict::Verdict;

use super::catalog_queries;
use crate::exit::Exit;

/// Figures, charts and checks of a run, written into its folder and printed; returns what was
/// found. The databases of a run that passed are removed unless `keep_data`; those of any other run
/// are evidence.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(super) fn finish(
    folder: &RunFolder,
    keep_data: bool,
) -> anyhow::Result<(Exit, ConsistencyReport)> {
    let figures = show_figures(folder);
    let (exit, report) = check(folder)?;
    println!("Everything is in {}", folder.root().display());
    // The checks do not need the figures, and so are shown even if those cannot be drawn.
    figures?;
    if exit == Exit::Pass && !keep_data {
        remove_data(folder)?;
    }
    Ok((exit, report))
}

/// Writes figures and charts, and prints them.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn show_figures(folder: &RunFolder) -> anyhow::Result<()> {
    let report = report::write(folder)?;
    println!("{}", report.to_text());
    for sentence in catalog_queries::sentences(folder) {
        println!("{sentence}");
    }
    println!("\nCharts:");
    for path in &report.charts.files {
        println!("  {}", path.display());
    }
    println!();
    Ok(())
}

/// Checks a run and prints what was found.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn check(folder: &RunFolder) -> anyhow::Result<(Exit, ConsistencyReport)> {
    let report = checks::check_run(folder)?;
    report.write(folder).context("cannot write consistency.json")?;
    println!("{}", report.to_text());
    let verdict: Verdict = report.verdict;
    Ok((verdict.into(), report))
}

fn remove_data(folder: &RunFolder) -> anyhow::Result<()> {
    let data = folder.path("data");
    fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))
}
