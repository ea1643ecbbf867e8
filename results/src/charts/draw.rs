//! All charts of a run, drawn into its folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::availability::Availability;
use super::by_p::{LatencyByP, ThroughputByP};
use super::chart::Chart;
use super::distribution::Distribution;
use super::fault_zoom::FaultZoom;
use super::input::ChartInput;
use super::output::{Attempt, ChartError, Figure, save};
use super::rate_sweep::RateSweep;
use super::staleness::Staleness;
use super::timeline::Timeline;
use super::trial::TrialView;
use crate::records::{Model, Op};
use crate::summary::OPS;

/// The folder inside the run's that the charts go to.
pub const FOLDER: &str = "charts";

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

/// Draws all charts that fit the run into `target`, which is made: those of a sweep for a bench, those over time
/// for every trial that saw faults.
///
/// # Errors
/// If a chart cannot be drawn or a file cannot be written.
pub fn draw(material: &ChartInput<'_>, target: &Path) -> Result<Drawn, ChartError> {
    let manifest = material.run.manifest();
    fs::create_dir_all(target)
        .map_err(|source| ChartError::Write { path: target.to_owned(), source })?;
    let mut studio = Studio { folder: target.to_owned(), drawn: Drawn::default() };
    let of_faults = manifest.kind != "bench";
    if !of_faults {
        draw_sweep(&mut studio, material)?;
    }
    let trials = TrialView::all(material);
    for trial in &trials {
        let had_faults = !trial.faults.is_empty();
        if of_faults || had_faults {
            studio.draw(Timeline::new(manifest, trial))?;
            studio.draw(Availability::new(manifest, trial))?;
            studio.draw(FaultZoom::new(manifest, trial))?;
        }
    }
    if material.run.target().model() == Model::Stocks {
        studio.draw(Staleness::new(material, &trials))?;
    }
    Ok(studio.drawn)
}

fn draw_sweep(studio: &mut Studio, material: &ChartInput<'_>) -> Result<(), ChartError> {
    let keeps_keys = material.run.target().model() != Model::Stocks;
    // Of registers and logs what their clients did.
    let is_done = |op: Op| material.summary.iter().any(|row| row.op == op);
    let is_of = |op: Op| if keeps_keys { is_done(op) } else { !op.is_keyed() };
    for sweep in RateSweep::all(material) {
        studio.draw(sweep)?;
    }
    for op in OPS.into_iter().filter(|&op| op != Op::Lookup && is_of(op)) {
        studio.draw(LatencyByP::new(material, op))?;
    }
    studio.draw(ThroughputByP::new(material))?;
    for op in OPS.into_iter().filter(|&op| is_of(op)) {
        studio.draw(Distribution::new(material, op))?;
    }
    Ok(())
}

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
