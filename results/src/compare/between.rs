//! Two sides, compared.

use super::comparison::{self, COMPARISON_FORMAT, Comparison, Effect, SideName};
use super::effect::{Design, Draws};
use super::figures;
use super::floor::{Floor, LEAST_FLOOR};
use super::late;
use super::side::{CellKey, CellSample, Side};
use super::warnings;
use crate::availability::AvailabilityRow;
use crate::records::Cell;
use crate::run::Run;

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
    sides(&[*a], &[*b], builds, design, floor)
}

/// Compares several runs with several others: the trials of all runs of a side are that side's trials. The first run of a
/// side gives it its name, its cells and what warnings are about.
///
/// # Errors
/// There is nothing to compare.
pub fn compare_several(
    a: &[Measured<'_>],
    b: &[Measured<'_>],
    floor: &Floor,
) -> Result<Comparison, NotComparable> {
    sides(a, b, (None, None), Design::Unpaired, floor)
}

fn sides(
    runs_a: &[Measured<'_>],
    runs_b: &[Measured<'_>],
    builds: (Option<&str>, Option<&str>),
    design: Design,
    floor: &Floor,
) -> Result<Comparison, NotComparable> {
    let (Some(a), Some(b)) = (runs_a.first(), runs_b.first()) else {
        let name = |runs: &[Measured<'_>]| {
            runs.first().map_or_else(|| "no run".to_owned(), Measured::name)
        };
        return Err(NotComparable::NothingMeasured { a: name(runs_a), b: name(runs_b) });
    };
    let (side_a, side_b) = (side_of(runs_a, builds.0), side_of(runs_b, builds.1));
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
    let (verdict, reason) = comparison::verdict(&headline, trials);
    let each_cell = cell_by_cell(&cells, design, floor, &mut draws);
    let ids: Vec<_> = cells.iter().map(|cell| (cell.name, cell.name_of_b)).collect();
    let mut warnings = warnings::warnings(a.run.manifest(), b.run.manifest(), &ids, design, trials);
    warnings.extend(late::warning(a.run, b.run, &ids, &each_cell));
    Ok(Comparison {
        format: COMPARISON_FORMAT,
        verdict,
        reason,
        a: SideName::new(a.run, builds.0),
        b: SideName::new(b.run, builds.1),
        paired: design == Design::Paired,
        common_cells: cells.len() as u64,
        trials: trials as u64,
        floor_percent: floor.share * 100.0,
        floor_from: floor.from.clone(),
        warnings,
        headline,
        cells: each_cell,
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

fn side_of<'a>(measured: &[Measured<'a>], build: Option<&str>) -> Side<'a> {
    let mut sides = measured.iter().map(|measured| {
        let run = measured.run;
        Side::new(run.manifest(), run.observations(), measured.faults, build)
    });
    let first = sides.next().unwrap_or_default();
    sides.fold(first, Side::with)
}

/// A cell that both sides have.
struct Common<'a> {
    name: &'a str,
    /// Its id on side b.
    name_of_b: &'a str,
    a: &'a CellSample,
    b: &'a CellSample,
}

fn common_cells<'a>(a: &'a Side<'a>, b: &'a Side<'a>) -> Vec<Common<'a>> {
    let of_a = |(key, cell): &'a (CellKey, &'a Cell)| {
        let (_, other) = b.cells.iter().find(|(other, _)| other == key)?;
        Some(Common {
            name: &cell.id,
            name_of_b: &other.id,
            a: a.sample(cell)?,
            b: b.sample(other)?,
        })
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
