//! Which bazaars a run measures, and in which order.
//!
//! A machine is never equally fast for minutes on end. What is to be compared is therefore measured
//! in turns: every cell once, then every cell again, each time in another order that the seed decides
//! (a randomised block design), so that no cell always comes early or always after the same one. Two
//! builds of the same cell follow each other directly and change places from trial to trial (a, b, b,
//! a), which cancels what drifts steadily.

use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use results::records::Cell;

use crate::lab::Exercise;
use crate::plan::Plan;

/// Where the services' binaries are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Builds<'a> {
    /// The folder of the build that is measured.
    pub(crate) a: &'a Path,
    /// The folder of another one, if two are measured side by side.
    pub(crate) b: Option<&'a Path>,
    /// By how many per cent the trades of that one are slowed.
    pub(crate) slow_b: Option<u16>,
    /// The exercise whose bug all of them have, if that is what is run.
    pub(crate) exercise: Option<&'a Exercise>,
}

/// The build that is measured, and the one beside it, as cells have them.
const A: &str = "a";
/// See [`A`].
const B: &str = "b";
/// Keeps the order's random numbers apart from the clients', which come from the same seed.
const STREAM: u64 = 0x006f_7264_6572;

impl<'a> Builds<'a> {
    /// One build alone.
    pub(crate) fn one(bin_dir: &'a Path) -> Self {
        Self { a: bin_dir, b: None, slow_b: None, exercise: None }
    }

    /// The cells of a plan, with each build beside the other.
    pub(crate) fn cells(&self, plan: &Plan) -> Vec<Cell> {
        if self.b.is_none() {
            return plan.cells();
        }
        let both = |cell: Cell| {
            let b =
                Cell { id: format!("{}-{B}", cell.id), build: Some(B.to_owned()), ..cell.clone() };
            [Cell { build: Some(A.to_owned()), ..cell }, b]
        };
        plan.cells().into_iter().flat_map(both).collect()
    }

    /// The folder of a cell's binaries.
    pub(super) fn of(&self, cell: &Cell) -> &'a Path {
        self.b.filter(|_| cell.build.as_deref() == Some(B)).unwrap_or(self.a)
    }

    /// What the services of a cell are told besides what its plan says.
    pub(super) fn flags(&self, cell: &Cell) -> Vec<String> {
        let slowed = self.slow_b.filter(|_| cell.build.as_deref() == Some(B));
        slowed.map(|percent| format!("--slow-trades={percent}")).into_iter().collect()
    }

    /// What all services have in their environment: a bug that is to be found.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        self.exercise.map(|exercise| exercise.environment.clone()).unwrap_or_default()
    }

    /// How many cells are the same but for the build.
    fn abreast(&self) -> usize {
        if self.b.is_some() { 2 } else { 1 }
    }

    /// The trials in the order in which they are run: each the number of the repetition, from 1, and
    /// its cell. A plan of one trial keeps the order of its cells.
    pub(super) fn order(&self, plan: &Plan) -> Vec<(u32, Cell)> {
        let cells = self.cells(plan);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(plan.load.seed ^ STREAM);
        // Each block: the cells that are the same but for the build, and which of them begins.
        let mut blocks: Vec<(&[Cell], bool)> =
            cells.chunks(self.abreast()).map(|block| (block, rng.random_bool(0.5))).collect();
        let mut order = Vec::new();
        for trial in 1..=plan.load.trials {
            if plan.load.trials > 1 {
                blocks.shuffle(&mut rng);
            }
            for (block, is_turned) in &mut blocks {
                let turned = block.iter().rev().filter(|_| *is_turned);
                let block = turned.chain(block.iter().filter(|_| !*is_turned));
                order.extend(block.map(|cell| (trial, cell.clone())));
                *is_turned = !*is_turned;
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::plan::Load;

    fn plan(trials: u32, seed: u64) -> Plan {
        Plan { load: Load { trials, seed, ..Load::default() }, ..Plan::default() }
    }

    fn ids(order: &[(u32, Cell)]) -> Vec<&str> {
        order.iter().map(|(_, cell)| cell.id.as_str()).collect()
    }

    const BOTH: [&str; 2] = ["a", "b"];

    fn builds() -> Builds<'static> {
        let (a, b) = (Path::new(BOTH[0]), Some(Path::new(BOTH[1])));
        Builds { a, b, slow_b: Some(20), exercise: None }
    }

    #[test]
    fn one_trial_keeps_the_order_of_the_charts() {
        let plan = plan(1, 7);
        let order = Builds::one(Path::new("bin")).order(&plan);
        let cells = plan.cells();
        let expected: Vec<_> = cells.iter().map(|cell| cell.id.as_str()).collect();
        assert_eq!(ids(&order), expected);
    }

    #[test]
    fn every_trial_has_every_cell_once_in_an_order_of_its_own() {
        let plan = plan(5, 7);
        let builds = Builds::one(Path::new("bin"));
        let order = builds.order(&plan);
        assert_eq!(order, builds.order(&plan), "the seed decides");
        let all: BTreeSet<_> = plan.cells().into_iter().map(|cell| cell.id).collect();
        let trials: Vec<_> = order.chunks(all.len()).collect();
        assert_eq!(trials.len(), 5);
        for (number, trial) in (1..).zip(&trials) {
            assert!(trial.iter().all(|(of, _)| *of == number));
            let once: BTreeSet<_> = ids(trial).into_iter().map(str::to_owned).collect();
            assert_eq!(once, all);
        }
        let orders: BTreeSet<_> = trials.iter().map(|trial| ids(trial)).collect();
        assert_eq!(orders.len(), 5);
    }

    #[test]
    fn two_builds_run_side_by_side_and_change_places() {
        let plan = plan(4, 3);
        let order = builds().order(&plan);
        assert_eq!(order.len(), 4 * 2 * plan.cells().len());
        for cell in plan.cells() {
            let places = |id: &str| -> Vec<usize> {
                let of_cell = order.iter().enumerate().filter(|(_, (_, cell))| cell.id == id);
                of_cell.map(|(place, _)| place).collect()
            };
            let (a, b) = (places(&cell.id), places(&format!("{}-b", cell.id)));
            let first: Vec<bool> = a.iter().zip(&b).map(|(a, b)| a < b).collect();
            assert!(a.iter().zip(&b).all(|(a, b)| a.abs_diff(*b) == 1));
            assert!(first.windows(2).all(|pair| pair[0] != pair[1]), "{first:?}");
        }
    }

    #[test]
    fn a_cell_is_run_by_its_own_build() {
        for cell in builds().cells(&plan(1, 1)) {
            let build = if cell.id.ends_with("-b") { "b" } else { "a" };
            assert_eq!(cell.build.as_deref(), Some(build));
            assert_eq!(builds().of(&cell), Path::new(build));
            let slowed = !builds().flags(&cell).is_empty();
            assert_eq!(slowed, cell.build.as_deref() == Some(B));
        }
        let alone = Builds::one(Path::new("bin"));
        for cell in alone.cells(&plan(1, 1)) {
            assert_eq!((cell.build.as_deref(), alone.of(&cell)), (None, Path::new("bin")));
        }
    }
}
