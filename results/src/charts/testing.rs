//! Rows for the tests of this module.

use std::sync::OnceLock;

use super::faults::Fault;
use super::trial::TrialView;
use super::words::Way;
use crate::records::{Cell, Observation, Op, Outcome};
use crate::timeline::Timeline;

/// A trade of client 1 that took `latency_us`.
pub(super) fn trade(start_us: u64, latency_us: u64, outcome: Outcome) -> Observation {
    let end_us = start_us + latency_us;
    Observation {
        outcome,
        status: None,
        ..Observation::new("cell", 1, Op::Trade, start_us, end_us)
    }
}

/// A trial with these rows and faults.
pub(super) fn trial<'a>(load: Vec<&'a Observation>, faults: Vec<Fault>) -> TrialView<'a> {
    TrialView {
        way: Way { cache: true, name: Some("cache on".to_owned()) },
        cell: CELL.get_or_init(|| Cell::new("cell", 0.5, true)),
        number: 1,
        load,
        timeline: TIMELINE.get_or_init(Timeline::default),
        faults,
    }
}

static CELL: OnceLock<Cell> = OnceLock::new();
static TIMELINE: OnceLock<Timeline> = OnceLock::new();
