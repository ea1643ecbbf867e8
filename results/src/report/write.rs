//! A run's figures and charts, written into its folder.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::PathBuf;

use super::left_out::left_out;
use super::tables::{FIGURES_FILE, Tables};
use super::whole::{OpenLoop, Report};
use crate::availability;
use crate::charts::{self, ChartError, ChartInput, Drawn};
use crate::checks::ConsistencyReport;
use crate::compare::{self, Floor, Measured};
use crate::hosts;
use crate::knee;
use crate::lateness;
use crate::measurements::Measurements;
use crate::records::{FolderError, RunFolder};
use crate::summary;

/// Why a run could not be reported.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the run could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A chart could not be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A file of figures could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes the files of [`write_figures`] and the charts.
///
/// # Errors
/// If a file cannot be written, or a chart cannot be drawn.
pub fn write(measured: &Measurements<'_>) -> Result<Report, ReportError> {
    let report = write_figures(measured)?;
    let run = measured.run();
    let material = ChartInput {
        run,
        summary: &report.summary,
        availability: &report.availability,
        lateness: &measured.lateness(),
        sweeps: report.open_loop.as_ref().map_or(&[], |load| &load.sweeps),
    };
    let charts = charts::draw(&material, &run.folder().path(charts::FOLDER))?;
    Ok(Report { charts, ..report })
}

/// Writes `summary.csv`, `availability.csv`, `availability-overall.csv` and `gaps.csv` (if faults were
/// injected) and [`FIGURES_FILE`]. What the checks found is taken from `consistency.json`, if that is there. No chart is
/// drawn.
///
/// # Errors
/// If a file cannot be written.
pub fn write_figures(measured: &Measurements<'_>) -> Result<Report, ReportError> {
    let run = measured.run();
    let (folder, manifest) = (run.folder(), run.manifest());
    let late_cells = measured.lateness();
    let mut summary = measured.summary().to_vec();
    summary::add_lateness(&mut summary, &late_cells);
    write_csv(folder, "summary.csv", |file| summary::write_csv(&summary, file))?;
    let mut faults = measured.faults().to_vec();
    if let Some(checked) = ConsistencyReport::read(folder)?.filter(|_| !faults.is_empty()) {
        availability::attribute(&mut faults, &checked);
    }
    let overall = availability::overall(&faults);
    if !faults.is_empty() {
        write_csv(folder, "availability.csv", |file| availability::write_csv(&faults, file))?;
        write_csv(folder, "availability-overall.csv", |file| {
            availability::write_overall_csv(&overall, file)
        })?;
    }
    let gaps = availability::gaps(run, &faults);
    if !gaps.is_empty() {
        write_csv(folder, "gaps.csv", |file| availability::write_gaps_csv(&gaps, file))?;
    }
    let cells = lateness::cells_in_order(manifest, &late_cells);
    let sweeps = knee::sweeps(manifest, run.observations(), &late_cells);
    let cache_effects = compare::cache_effects(manifest, run.observations(), &summary);
    // A run whose builds have nothing in common yet was cut short; its tables say how far it got.
    let builds = compare::compare(&Measured { run, faults: &faults }, None, &Floor::default()).ok();
    let tables = Tables {
        cache: cache_effects.table(),
        operations: summary::table(&summary, manifest),
        rates: lateness::table(&cells),
        sweeps: knee::table(&sweeps, manifest),
        faults: availability::table(&faults),
        kinds: availability::kinds_table(&overall),
        gaps: availability::gaps_table(&gaps),
        hosts: hosts::table(run),
        builds: builds.as_ref().map(|builds| [builds.headline_table(), builds.cells_table()]),
        left_out: left_out(run.target(), !faults.is_empty()),
    };
    let json = tables.to_json(&folder.name()).map_err(io::Error::from);
    let path = folder.path(FIGURES_FILE);
    json.and_then(|json| fs::write(&path, json))
        .map_err(|source| ReportError::Write { path, source })?;
    Ok(Report {
        model: run.target().model(),
        charts: Drawn::default(),
        cache: cache_effects.sentences(),
        cache_effects,
        builds,
        open_loop: (!cells.is_empty()).then_some(OpenLoop { cells, sweeps }),
        outage: availability::headline(&faults, &overall),
        summary,
        availability: faults,
        overall,
        gaps,
        tables,
    })
}

fn write_csv(
    folder: &RunFolder,
    name: &str,
    write: impl FnOnce(BufWriter<File>) -> Result<(), csv::Error>,
) -> Result<(), ReportError> {
    let path = folder.path(name);
    File::create(&path)
        .and_then(|file| write(BufWriter::new(file)).map_err(io::Error::from))
        .map_err(|source| ReportError::Write { path, source })
}
