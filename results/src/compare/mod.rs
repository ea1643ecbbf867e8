//! What changed between two runs, or between two builds in one run, and whether it is more than noise.
//!
//! Compared are cells that both sides have. The *headline* is a small, fixed family of figures, each
//! over all common cells: median and 99th percentile of queries and of trades, and the throughput;
//! where leaders were hit, also the time to the first acknowledged trade and the longest gap. The
//! verdict rests on it alone. Each cell's own figures are shown to say where an effect comes from; one
//! in twenty of those intervals misses the truth, so none of them is a verdict.
//!
//! * [`cache_effects`]: what the cache buys, within one run.
//! * `effect`: ratios and how far they may be off. `judge`: what may be claimed.
//! * `report`: what comes of it, as JSON. `text`: the same for people.
//! * `doubts`: in what the two sides differ that has nothing to do with what is compared.

mod cache;
mod doubts;
mod effect;
mod figures;
mod judge;
mod report;
mod side;
#[cfg(test)]
mod simulation;
mod text;

use std::fmt;

use self::effect::{Design, Draws};
use self::side::{CellSample, Side};
use crate::availability::AvailabilityRow;
use crate::records::Cell;
use crate::run::Run;
use crate::verdict::Verdict;

pub use cache::{CacheEffect, CacheEffects, cache_effects};
pub use judge::Change;
pub use report::{COMPARISON_FORMAT, Comparison, Effect, SideName};

/// The smallest effect worth calling, unless an A/A run says otherwise: 3 %. Two builds of the same
/// source differ by a per cent or two in code layout alone (Mytkowicz et al., *Producing Wrong Data
/// Without Doing Anything Obviously Wrong!*, ASPLOS 2009).
pub const DEFAULT_FLOOR: f64 = 0.03;

/// However quiet an A/A run was, effects below 1 % are not called: the next one may not be.
pub const LEAST_FLOOR: f64 = 0.01;

/// A comparison that could miss a median or a throughput worse by this much cannot call it noise.
pub const MUST_SEE: f64 = 0.20;

/// Everything about a run that a comparison needs.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The run.
    pub run: &'a Run,
    /// What each fault cost.
    pub faults: &'a [AvailabilityRow],
}

impl Measured<'_> {
    /// How the run is called.
    fn name(&self) -> String {
        self.run.folder().name()
    }

    fn has_build(&self, build: &str) -> bool {
        self.run.manifest().cells.iter().any(|cell| cell.build.as_deref() == Some(build))
    }
}

/// Why two runs are not compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComparable {
    /// A run alone has no two builds.
    #[error(
        "{0} did not measure two builds side by side; name a second run, or measure with \
         `bench --against DIR`"
    )]
    OneBuild(String),
    /// There is nothing that both measured.
    #[error("{a} and {b} have no cell in common: {a} has {cells_a}; {b} has {cells_b}")]
    NoCommonCells {
        /// The first run.
        a: String,
        /// The second run.
        b: String,
        /// The first one's cells.
        cells_a: String,
        /// The second one's cells.
        cells_b: String,
    },
    /// Common cells, but in at least one of the runs nothing was answered.
    #[error("{a} and {b} have common cells, but no figure of them was measured on both sides")]
    NothingMeasured {
        /// The first run.
        a: String,
        /// The second run.
        b: String,
    },
}

/// The smallest effect that is worth calling, and where that comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    /// As a share: 0.03.
    pub share: f64,
    /// In a few words.
    pub from: String,
}

impl Default for Floor {
    fn default() -> Self {
        Self { share: DEFAULT_FLOOR, from: "the default".to_owned() }
    }
}

impl Floor {
    /// The largest headline effect of an A/A run, in which two builds are the same.
    ///
    /// # Errors
    /// The run has no two builds, or nothing was measured on both sides.
    pub fn measured(noise: &Measured<'_>) -> Result<Self, NotComparable> {
        let comparison = compare(noise, None, &Self::default())?;
        let effects = comparison.headline.iter().map(|effect| effect.ratio().ln().abs());
        let largest = effects.fold(0.0, f64::max).exp_m1();
        let from = format!("the largest effect in {}", noise.name());
        Ok(Self { share: largest.max(LEAST_FLOOR), from })
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}%, {}", self.share * 100.0, self.from)
    }
}

/// Compares two runs, or, without a second one, builds a and b of the first.
///
/// # Errors
/// There is nothing to compare.
pub fn compare(
    a: &Measured<'_>,
    b: Option<&Measured<'_>>,
    floor: &Floor,
) -> Result<Comparison, NotComparable> {
    let design = if b.is_some() { Design::Unpaired } else { Design::Paired };
    let (builds, b) = match b {
        Some(b) => ((None, None), b),
        None if a.has_build("a") && a.has_build("b") => ((Some("a"), Some("b")), a),
        None => return Err(NotComparable::OneBuild(a.name())),
    };
    let (side_a, side_b) = (side_of(a, builds.0), side_of(b, builds.1));
    let cells = common_cells(&side_a, &side_b);
    if cells.is_empty() {
        return Err(NotComparable::NoCommonCells {
            a: a.name(),
            b: b.name(),
            cells_a: listed(&side_a),
            cells_b: listed(&side_b),
        });
    }
    let mut draws = Draws::default();
    let samples: Vec<(&CellSample, &CellSample)> =
        cells.iter().map(|cell| (cell.a, cell.b)).collect();
    let mut family = figures::headline(&samples, design, &mut draws);
    family.extend(figures::of_faults(&side_a.faults, &side_b.faults, &mut draws));
    if family.is_empty() {
        let (a, b) = (a.name(), b.name());
        return Err(NotComparable::NothingMeasured { a, b });
    }
    let headline = figures::judged_together(&family, floor.share);
    let trials = family.iter().map(|measured| measured.ratio.trials).min().unwrap_or(0);
    let (verdict, reason) = report::verdict(&headline, trials);
    Ok(Comparison {
        format: COMPARISON_FORMAT,
        verdict,
        reason,
        a: SideName::new(a, builds.0),
        b: SideName::new(b, builds.1),
        paired: design == Design::Paired,
        common_cells: cells.len() as u64,
        trials: trials as u64,
        floor_percent: floor.share * 100.0,
        floor_from: floor.from.clone(),
        warnings: doubts::warnings(a.run.manifest(), b.run.manifest(), design, trials),
        headline,
        cells: cell_by_cell(&cells, design, floor, &mut draws),
    })
}

/// The figures of every cell, each looked at alone.
fn cell_by_cell(
    cells: &[Common<'_>],
    design: Design,
    floor: &Floor,
    draws: &mut Draws,
) -> Vec<Effect> {
    let of_cell = |cell: &Common<'_>| -> Vec<Effect> {
        let measured = figures::of_cell(&(cell.a, cell.b), design, draws);
        measured.iter().map(|one| one.judged_alone(cell.name, floor.share)).collect()
    };
    cells.iter().flat_map(of_cell).collect()
}

fn side_of<'a>(measured: &Measured<'a>, build: Option<&str>) -> Side<'a> {
    let run = measured.run;
    Side::new(run.manifest(), run.observations(), measured.faults, build)
}

/// A cell that both sides have.
struct Common<'a> {
    name: &'a str,
    a: &'a CellSample,
    b: &'a CellSample,
}

fn common_cells<'a>(a: &'a Side<'a>, b: &'a Side<'a>) -> Vec<Common<'a>> {
    let of_a = |(key, cell): &'a (side::CellKey, &'a Cell)| {
        let (_, other) = b.cells.iter().find(|(other, _)| other == key)?;
        Some(Common { name: &cell.id, a: a.sample(cell)?, b: b.sample(other)? })
    };
    a.cells.iter().filter_map(of_a).collect()
}

/// At most a few cells, by name.
fn listed(side: &Side<'_>) -> String {
    const MOST: usize = 4;
    let mut names: Vec<&str> =
        side.cells.iter().take(MOST).map(|(_, cell)| cell.id.as_str()).collect();
    if side.cells.len() > MOST {
        names.push("...");
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Comparison {
    /// The verdict as every other command gives it: worse is fail, what cannot be told is
    /// inconclusive, anything else is pass.
    #[must_use]
    pub fn as_verdict(&self) -> Verdict {
        match self.verdict {
            Change::Worse => Verdict::Fail,
            Change::Unknown => Verdict::Inconclusive,
            Change::Better | Change::WithinNoise => Verdict::Pass,
        }
    }
}
