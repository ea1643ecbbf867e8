//! The pictures of a run, each as SVG and as PNG, from values alone.
//!
//! plotters draws; no font, no program and no library of the system is needed. Every chart has
//! axes with units, a legend above the plotting area, and a title that says what was measured. A
//! chart without data is not drawn: [`Drawn::left_out`] says why instead.
//!
//! * `by_p`: latency and throughput against p, cache on beside cache off.
//! * `rate_sweep`: latency and answers against the rate that was offered.
//! * `distribution`: every percentile of an operation, on a scale that opens up the tail.
//! * `staleness`: how stale reads were, and how soon after an acknowledgement they came.
//! * `timeline`: a trial with faults from end to end.
//! * `availability`: the same trial, process by process.
//! * `fault_zoom`: the moments around each fault, in slices of 10 ms.

mod availability;
mod axis;
mod by_p;
mod chart;
mod cloud;
mod distribution;
mod fault_zoom;
mod faults;
mod frame;
mod marks;
mod output;
mod palette;
mod raster;
mod rate_sweep;
mod staleness;
mod svg;
#[cfg(test)]
mod testing;
mod timeline;
mod trial;

use std::fs;
use std::path::PathBuf;

use crate::availability::AvailabilityRow;
use crate::knee::Sweep;
use crate::records::{Manifest, Op};
use crate::run::Run;
use crate::summary::SummaryRow;
use crate::text::counted;

use output::{Figure, save};
use trial::TrialView;

pub use chart::{Chart, ChartKind};
pub use output::ChartError;

/// The folder inside the run's that the charts go to.
pub const FOLDER: &str = "charts";

/// Everything that charts are made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What was run, seen and held.
    pub run: &'a Run,
    /// The summary of the observations.
    pub summary: &'a [SummaryRow],
    /// What each fault cost.
    pub availability: &'a [AvailabilityRow],
    /// The sweeps of the rate, if there were any.
    pub sweeps: &'a [Sweep],
}

/// What became of the charts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// The charts, in the order in which they are drawn.
    pub charts: Vec<Chart>,
    /// The files written.
    pub files: Vec<PathBuf>,
    /// Charts that had nothing to show, one line each: which, and why.
    pub left_out: Vec<String>,
}

/// Draws all charts that fit the run into its folder: those of a sweep for a bench, those over time
/// for every trial that saw faults.
///
/// # Errors
/// If a chart cannot be drawn or a file cannot be written.
pub fn draw(material: &Material<'_>) -> Result<Drawn, ChartError> {
    let (target, manifest) = (material.run.folder().path(FOLDER), material.run.manifest());
    fs::create_dir_all(&target)
        .map_err(|source| ChartError::Write { path: target.clone(), source })?;
    let mut studio = Studio { folder: target, drawn: Drawn::default() };
    let of_faults = manifest.kind != "bench";
    if !of_faults {
        draw_sweep(&mut studio, material)?;
    }
    let trials = TrialView::all(material);
    for trial in &trials {
        let had_faults = !trial.faults.is_empty();
        if of_faults || had_faults {
            studio.draw(timeline::Timeline::new(manifest, trial))?;
            studio.draw(availability::Availability::new(manifest, trial))?;
            studio.draw(fault_zoom::FaultZoom::new(manifest, trial))?;
        }
    }
    studio.draw(staleness::Staleness::new(material, &trials))?;
    Ok(studio.drawn)
}

fn draw_sweep(studio: &mut Studio, material: &Material<'_>) -> Result<(), ChartError> {
    for sweep in rate_sweep::RateSweep::all(material) {
        studio.draw(sweep)?;
    }
    for op in [Op::Query, Op::Trade] {
        studio.draw(by_p::LatencyByP::new(material, op))?;
    }
    studio.draw(by_p::ThroughputByP::new(material))?;
    for op in crate::summary::OPS {
        studio.draw(distribution::Distribution::new(material, op))?;
    }
    Ok(())
}

/// A figure, or the reason why there is none.
type Attempt<F> = Result<F, String>;

struct Studio {
    folder: PathBuf,
    drawn: Drawn,
}

impl Studio {
    fn draw<F: Figure>(&mut self, attempt: Attempt<F>) -> Result<(), ChartError> {
        match attempt {
            Ok(figure) => {
                let chart = figure.card();
                self.drawn.files.extend(save(&figure, &chart, &self.folder)?);
                self.drawn.charts.push(chart);
            }
            Err(reason) => self.drawn.left_out.push(reason),
        }
        Ok(())
    }
}

/// What every subtitle says of the run: `plan quick · 5 clients · 3 replicas · durability flush`.
fn setting(manifest: &Manifest) -> String {
    let clients = || manifest.cells.iter().map(|cell| u64::from(cell.clients));
    let clients = match (clients().min(), clients().max()) {
        (Some(fewest), Some(most)) if fewest < most => format!("{fewest} to {most} clients"),
        (_, most) => counted(most.unwrap_or(0), "client", "clients"),
    };
    let replicas = counted(u64::from(manifest.replicas), "replica", "replicas");
    let (plan, durability) = (&manifest.plan_name, &manifest.durability);
    format!("plan {plan} · {clients} · {replicas} · durability {durability}")
}

/// `100/s · build a`, or whatever of it there is to say.
fn rate_and_build(rate_per_s: Option<f64>, build: Option<&str>) -> String {
    let rate = rate_per_s.map(|rate| format!("{rate}/s"));
    let build = build.map(|build| format!("build {build}"));
    rate.into_iter().chain(build).collect::<Vec<_>>().join(" · ")
}

/// The title of every axis of latencies. They span decades, so all are logarithmic.
const LATENCY: &str = "latency (ms, log scale)";

/// Microseconds as the milliseconds that axes show.
fn to_ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

/// The operation's name for one of them.
fn singular(op: Op) -> &'static str {
    match op {
        Op::Query => "query",
        Op::Trade => "trade",
        Op::Lookup => "lookup",
    }
}

/// The operation's name for many of them.
fn plural(op: Op) -> &'static str {
    match op {
        Op::Query => "queries",
        Op::Trade => "trades",
        Op::Lookup => "lookups",
    }
}
