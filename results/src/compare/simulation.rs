//! Whether the verdicts can be believed, by simulation: the same build twice must be within noise,
//! and a slower one must be found, on a machine that drifts, has slow minutes, and makes neighbouring
//! operations alike.

use std::collections::{BTreeMap, HashMap};

use super::comparison::{Effect, verdict};
use super::effect::{Design, Draws};
use super::figures;
use super::floor::DEFAULT_FLOOR;
use super::judge::Change;
use super::side::{CellSample, Kind};
use crate::records::Op;
use crate::stats::coverage::{Nature, Normal};
use crate::stats::{LoadSpan, TrialSample};

/// So many comparisons are simulated for each case.
const COMPARISONS: u64 = 40;

const ROUNDS: u32 = 8;
const CELLS: usize = 3;

/// Operations of each kind in a trial.
const OPERATIONS: u64 = 400;

/// Operations that differ, on a wave that neighbours share, in trials that differ by 3 % although
/// they were run one after the other.
const NATURE: Nature = Nature { operations: 0.4, wave: 0.2, memory: 0.9, trials: 0.03 };

/// By how much a round of all cells is slower or faster than another.
const ROUNDS_DIFFER: f64 = 0.05;

/// By how much a machine that warms up slows from the first round to the last.
const DRIFT: f64 = 0.10;

/// By how much a run as a whole differs from one some minutes later.
const RUNS_DIFFER: f64 = 0.01;

/// What the machine does to each round of a run.
fn rounds(normal: &mut Normal) -> Vec<f64> {
    let run = RUNS_DIFFER * normal.next();
    let drift = |round: u32| DRIFT * f64::from(round) / f64::from(ROUNDS - 1);
    (0..ROUNDS).map(|round| run + drift(round) + ROUNDS_DIFFER * normal.next()).collect()
}

/// A cell of a closed loop: its throughput is what its latencies let it be.
fn cell(normal: &mut Normal, rounds: &[f64], slowdown: f64) -> CellSample {
    let mut kinds: HashMap<Kind, BTreeMap<u32, TrialSample>> = HashMap::new();
    for (trial, round) in (1..).zip(rounds) {
        let mut load = TrialSample::default();
        for (op, shift) in [(Op::Query, 0.0), (Op::Trade, slowdown.ln_1p())] {
            let sample = NATURE.trial(normal, OPERATIONS, round + shift);
            load.operations.extend(&sample.operations);
            kinds.entry(Kind::Only(op)).or_default().insert(trial, sample);
        }
        let busy_us = load.operations.iter().map(|answer| answer.latency_us).sum();
        load.span = LoadSpan { first_us: 0, last_us: busy_us };
        kinds.entry(Kind::Load).or_default().insert(trial, load);
    }
    CellSample::of_kinds(kinds)
}

/// A comparison in which trades of side b take `slowdown` longer.
fn comparison(seed: u64, design: Design, slowdown: f64) -> Vec<Effect> {
    let mut normal = Normal::new(seed);
    let rounds_a = rounds(&mut normal);
    let rounds_b = if design == Design::Paired { rounds_a.clone() } else { rounds(&mut normal) };
    let cells: Vec<(CellSample, CellSample)> = (0..CELLS)
        .map(|_| (cell(&mut normal, &rounds_a, 0.0), cell(&mut normal, &rounds_b, slowdown)))
        .collect();
    let pairs: Vec<(&CellSample, &CellSample)> = cells.iter().map(|(a, b)| (a, b)).collect();
    let family = figures::headline(&pairs, design, &mut Draws::default());
    figures::judged_together(&family, DEFAULT_FLOOR)
}

/// How many comparisons come to `expected`.
fn verdicts(design: Design, slowdown: f64, expected: Change) -> u64 {
    let comes_to =
        |seed: &u64| verdict(&comparison(*seed, design, slowdown), ROUNDS as usize).0 == expected;
    (0..COMPARISONS).filter(comes_to).count() as u64
}

#[test]
fn the_same_build_twice_is_within_noise_side_by_side_and_in_two_runs() {
    for design in [Design::Paired, Design::Unpaired] {
        let quiet = verdicts(design, 0.0, Change::WithinNoise);
        assert!(quiet >= COMPARISONS * 19 / 20, "{design:?}: {quiet} of {COMPARISONS}");
    }
}

#[test]
fn trades_that_take_a_fifth_longer_are_found_side_by_side() {
    let found = verdicts(Design::Paired, 0.2, Change::Worse);
    assert!(found >= COMPARISONS * 19 / 20, "{found} of {COMPARISONS}");
    let better = verdicts(Design::Paired, -0.2, Change::Better);
    assert!(better >= COMPARISONS * 19 / 20, "{better} of {COMPARISONS}");
}

#[test]
fn two_runs_see_less_than_builds_side_by_side_but_do_not_pass_what_they_cannot_see() {
    let found = verdicts(Design::Unpaired, 0.2, Change::Worse);
    assert!((COMPARISONS / 2..COMPARISONS).contains(&found), "{found} of {COMPARISONS}");
    let passed = verdicts(Design::Unpaired, 0.2, Change::WithinNoise);
    assert!(passed <= COMPARISONS / 20, "{passed} of {COMPARISONS}");
}
