//! What a run says at its end; the same again later, from its files alone.

use std::fs;

use anyhow::Context;
use results::catalog_queries;
use results::checks::{self, ConsistencyReport};
use results::html;
use results::records::RunFolder;
use results::report;
use results::thresholds::{self, ThresholdResult};

use crate::exit::Exit;

/// Figures, charts, checks and page of a run, written into its folder and printed; returns what was
/// found. The databases of a run that passed are removed unless `keep_data`; those of any other run
/// are evidence.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(super) fn finish(
    folder: &RunFolder,
    keep_data: bool,
) -> anyhow::Result<(Exit, ConsistencyReport)> {
    let (checked, held) = check_and_write(folder)?;
    let shown = show_figures(folder, &checked, &held);
    show_verdicts(&checked, &held);
    println!("Everything is in {}", folder.root().display());
    // The checks do not need the figures, and so are shown even if those cannot be drawn.
    shown?;
    let exit = checked.verdict.combine(thresholds::verdict(&held)).into();
    if exit == Exit::Pass && !keep_data {
        remove_data(folder)?;
    }
    Ok((exit, checked))
}

/// Writes figures, charts and page anew, and prints the figures.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn report(folder: &RunFolder) -> anyhow::Result<()> {
    let (checked, held) = check_and_write(folder)?;
    show_figures(folder, &checked, &held)
}

/// Checks a run, holds its figures against the plan's thresholds, and prints what was found.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn check(folder: &RunFolder) -> anyhow::Result<(Exit, ConsistencyReport)> {
    let (checked, held) = check_and_write(folder)?;
    show_verdicts(&checked, &held);
    Ok((checked.verdict.combine(thresholds::verdict(&held)).into(), checked))
}

/// The page comes first: it says the same, and more, and better.
fn show_figures(
    folder: &RunFolder,
    checked: &ConsistencyReport,
    held: &[ThresholdResult],
) -> anyhow::Result<()> {
    let figures = report::write(folder)?;
    let page = html::write(folder, &figures, checked, held)?;
    println!("Report: {}\n", page.display());
    println!("{}", figures.to_text());
    for sentence in catalog_queries::sentences(folder) {
        println!("{sentence}");
    }
    println!("\nCharts:");
    for path in &figures.charts.files {
        println!("  {}", path.display());
    }
    println!();
    Ok(())
}

fn check_and_write(
    folder: &RunFolder,
) -> anyhow::Result<(ConsistencyReport, Vec<ThresholdResult>)> {
    let checked = checks::check_run(folder)?;
    checked.write(folder).context("cannot write consistency.json")?;
    let held = thresholds::evaluate_run(folder, checked.verdict)?;
    Ok((checked, held))
}

fn show_verdicts(checked: &ConsistencyReport, held: &[ThresholdResult]) {
    println!("{}", checked.to_text());
    if !held.is_empty() {
        println!("{}", thresholds::table(held));
    }
}

fn remove_data(folder: &RunFolder) -> anyhow::Result<()> {
    let data = folder.path("data");
    fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))
}
