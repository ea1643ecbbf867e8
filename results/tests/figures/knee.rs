use std::collections::HashMap;

use results::knee::{Sweep, sweeps};
use results::lateness::Lateness;
use results::records::{Cell, Observation, Op};

use crate::rows::{cell, manifest, operation};

/// A rate, how much of it was answered, and how long that took.
type Tried = (f64, f64, u64);

fn open_cell(rate_per_s: f64) -> Cell {
    let closed = cell(0.2, true);
    Cell { id: format!("r{rate_per_s}"), rate_per_s: Some(rate_per_s), ..closed }
}

fn swept(tried: &[Tried]) -> Vec<Sweep> {
    swept_late(tried, 0)
}

/// The same with a generator that was so late itself, in microseconds.
fn swept_late(tried: &[Tried], own_us: u64) -> Vec<Sweep> {
    let cells: Vec<Cell> = tried.iter().map(|(rate, _, _)| open_cell(*rate)).collect();
    let mut rows = Vec::new();
    let mut of_cells = HashMap::new();
    for ((rate, answered, latency_us), cell) in tried.iter().zip(&cells) {
        // Due at once, sent half of its latency later: the corrected latency counts.
        rows.extend((0..100).map(|at_us| Observation {
            planned_us: Some(at_us),
            ..operation(cell, Op::Query, at_us + latency_us / 2, latency_us / 2)
        }));
        // Looking up the orders afterwards is no part of the load.
        rows.push(operation(cell, Op::Lookup, 0, 9_000_000));
        let (offered, answered) = ((rate * 10.0) as u64, (answered * 10.0) as u64);
        let own = std::iter::repeat_n(own_us, 100).collect();
        let lateness = Lateness { seconds: 10.0, offered, answered, own, ..Lateness::default() };
        of_cells.insert(cell.id.as_str(), lateness);
    }
    sweeps(&manifest("bench", cells.clone()), &rows, &of_cells)
}

fn sentence(tried: &[Tried]) -> String {
    let [sweep] = &swept(tried)[..] else { panic!("one sweep") };
    sweep.sentence()
}

#[test]
fn the_knee_is_the_highest_rate_that_is_answered_as_it_comes() {
    let tried = [(800.0, 400.0, 2_000_000), (100.0, 100.0, 2_000), (400.0, 397.0, 8_000)];
    assert_eq!(
        sentence(&tried),
        "p = 0.2, cache on: up to 400/s are held (99th percentile 8.00 ms); of 800/s 400/s were \
         answered (99th percentile 2000 ms)."
    );
}

#[test]
fn a_rate_that_is_answered_late_is_not_held() {
    let [sweep] = &swept(&[(100.0, 100.0, 2_000), (200.0, 200.0, 21_000)])[..] else { panic!() };
    assert_eq!(sweep.knee().map(|step| step.rate_per_s), Some(100.0));
    assert_eq!(sweep.beyond().and_then(|step| step.p99_us), Some(21_000));
}

#[test]
fn a_rate_beyond_one_that_was_lost_is_no_knee() {
    let lucky = [(100.0, 100.0, 2_000), (200.0, 150.0, 2_000), (300.0, 300.0, 2_000)];
    assert_eq!(swept(&lucky)[0].knee().map(|step| step.rate_per_s), Some(100.0));
}

#[test]
fn a_sweep_without_a_knee_says_so() {
    let all = sentence(&[(100.0, 100.0, 2_000), (200.0, 200.0, 2_000)]);
    assert!(
        all.ends_with(
            "up to 200/s are held (99th percentile 2.00 ms), the highest rate that was tried."
        ),
        "{all}"
    );
    let none = sentence(&[(100.0, 50.0, 2_000), (200.0, 50.0, 2_000)]);
    assert!(
        none.contains("not even the lowest rate is held; of 100/s 50.0/s were answered"),
        "{none}"
    );
}

#[test]
fn a_latency_that_says_more_about_the_generator_is_withheld_and_holds_no_rate() {
    let tried = [(100.0, 100.0, 2_000), (200.0, 200.0, 90_000)];
    let sweep = swept_late(&tried, 401).remove(0);
    assert_eq!((sweep.steps[0].p99_us, sweep.steps[0].p99_is_withheld), (None, true));
    assert_eq!((sweep.steps[1].p99_us, sweep.steps[1].is_held), (Some(90_000), true));
    let said = sweep.sentence();
    assert!(said.contains("up to 200/s are held (99th percentile 90.0 ms)"), "{said}");
    assert!(said.contains("nothing was held against the lowest rate's latency, which is withheld"));
    assert!(!swept_late(&tried, 399)[0].steps[1].is_held);
}

#[test]
fn one_rate_is_no_sweep() {
    assert!(swept(&[(100.0, 100.0, 2_000)]).is_empty());
}
