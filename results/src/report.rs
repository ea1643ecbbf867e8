//! Figures and charts of a run, from the run alone.
//!
//! Rerunnable: whatever is there is written anew, nothing but the figures' own files is touched.
//! A run that was cut short is reported as far as it got.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use crate::availability::{self, AvailabilityRow, GapRow};
use crate::charts::{self, ChartError, Drawn, Material};
use crate::checks::ConsistencyReport;
use crate::compare::{self, CacheEffects, Comparison, Floor, Measured};
use crate::knee::{self, Sweep};
use crate::lateness::{self, Lateness};
use crate::records::{FolderError, RunFolder};
use crate::run::Run;
use crate::summary::{self, SummaryRow};

/// Why a run could not be reported.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the run could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A chart could not be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A CSV could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The rows of `summary.csv`.
    pub summary: Vec<SummaryRow>,
    /// The rows of `availability.csv`; empty if no fault was injected.
    pub availability: Vec<AvailabilityRow>,
    /// The rows of `gaps.csv`: gaps between answers to trades that no fault can be blamed for.
    pub gaps: Vec<GapRow>,
    /// The charts.
    pub charts: Drawn,
    /// What the cache buys, if cells with and without it were run.
    pub cache: Option<String>,
    /// The same as figures.
    pub cache_effects: CacheEffects,
    /// How build b compares with build a, if two were measured side by side.
    pub builds: Option<Comparison>,
    /// What was offered and answered in an open loop, and which rate was held; if there was one.
    pub open_loop: Option<OpenLoop>,
    /// What the leaders' faults cost, if there were any.
    pub outage: Option<String>,
}

/// How an open loop went.
#[derive(Clone, Debug)]
pub struct OpenLoop {
    /// What was offered, sent and answered in each cell, by its id, in the manifest's order.
    pub cells: Vec<(String, Lateness)>,
    /// The sweeps of the rate.
    pub sweeps: Vec<Sweep>,
    /// Both for people.
    pub text: String,
}

impl Report {
    /// Tables and sentences for people, ending with a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut parts = vec![summary::table(&self.summary)];
        parts.push(self.cache_effects.table());
        parts.extend(self.cache.as_ref().map(|sentences| format!("{sentences}\n")));
        parts.extend(self.builds.as_ref().map(Comparison::to_text));
        parts.extend(self.open_loop.as_ref().map(|open_loop| open_loop.text.clone()));
        if !self.availability.is_empty() {
            parts.push(availability::table(&self.availability));
        }
        parts.extend(self.outage.as_ref().map(|sentences| format!("{sentences}\n")));
        parts
            .extend(availability::about_gaps(&self.gaps).map(|sentences| format!("{sentences}\n")));
        let left_out: String =
            self.charts.left_out.iter().map(|reason| format!("no chart: {reason}\n")).collect();
        parts.push(left_out);
        parts.retain(|part| !part.is_empty());
        parts.join("\n")
    }
}

/// Writes `summary.csv`, `availability.csv`, `availability-overall.csv` and `gaps.csv` (if faults were
/// injected) and the charts. What the checks found is taken from `consistency.json`, if that is there.
///
/// # Errors
/// If a file cannot be written, or a chart cannot be drawn.
pub fn write(run: &Run) -> Result<Report, ReportError> {
    let (folder, manifest) = (run.folder(), run.manifest());
    let mut summary = summary::summarise(manifest, run.observations());
    let late_trials = lateness::by_trial(run);
    let late_cells = lateness::by_cell(&late_trials);
    summary::add_lateness(&mut summary, &late_cells);
    write_file(folder, "summary.csv", |file| summary::write_csv(&summary, file))?;
    let mut availability = availability::measure(run);
    if !availability.is_empty() {
        if let Some(checked) = ConsistencyReport::read(folder)? {
            availability::attribute(&mut availability, &checked);
        }
        write_file(folder, "availability.csv", |file| {
            availability::write_csv(&availability, file)
        })?;
        let overall = availability::overall(&availability);
        write_file(folder, "availability-overall.csv", |file| {
            availability::write_overall_csv(&overall, file)
        })?;
    }
    let gaps = availability::gaps(run, &availability);
    if !gaps.is_empty() {
        write_file(folder, "gaps.csv", |file| availability::write_gaps_csv(&gaps, file))?;
    }
    let open_loop = open_loop(run, &late_cells);
    let material = Material {
        run,
        summary: &summary,
        availability: &availability,
        sweeps: open_loop.as_ref().map_or(&[], |open_loop| &open_loop.sweeps),
    };
    let charts = charts::draw(&material)?;
    let cache_effects = compare::cache_effects(manifest, run.observations(), &summary);
    let cache = cache_effects.sentences();
    let outage = availability::headline(&availability);
    // A run whose builds have nothing in common yet was cut short; its tables say how far it got.
    let measured = Measured { run, faults: &availability };
    let builds = compare::compare(&measured, None, &Floor::default()).ok();
    Ok(Report {
        summary,
        availability,
        gaps,
        charts,
        cache,
        cache_effects,
        builds,
        open_loop,
        outage,
    })
}

/// The table of rates, and a sentence for each sweep of them; nothing if the loop was closed.
fn open_loop(run: &Run, cells: &HashMap<&str, Lateness>) -> Option<OpenLoop> {
    let manifest = run.manifest();
    let table = lateness::table(manifest, cells)?;
    let sweeps = knee::sweeps(manifest, run.observations(), cells);
    let sentences: String = sweeps.iter().map(|sweep| format!("{}\n", sweep.sentence())).collect();
    let measured = |id: &String| Some((id.clone(), cells.get(id.as_str())?.clone()));
    Some(OpenLoop {
        cells: manifest.cells.iter().filter_map(|cell| measured(&cell.id)).collect(),
        sweeps,
        text: table + &sentences,
    })
}

fn write_file(
    folder: &RunFolder,
    name: &str,
    write: impl FnOnce(BufWriter<File>) -> Result<(), csv::Error>,
) -> Result<(), ReportError> {
    let path = folder.path(name);
    File::create(&path)
        .map_err(csv::Error::from)
        .and_then(|file| write(BufWriter::new(file)))
        .map_err(|source| ReportError::Write { path, source })
}
