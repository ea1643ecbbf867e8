//! Rows for the tests of this module.

use std::sync::OnceLock;

use super::faults::Fault;
use super::trial::TrialView;
use crate::records::{Cell, Observation, Op, Outcome, Phase};
use crate::timeline::Timeline;

/// A trade of client 1 that took `latency_us`.
pub(super) fn trade(start_us: u64, latency_us: u64, outcome: Outcome) -> Observation {
    Observation {
        cell: "cell".into(),
        trial: 1,
        phase: Phase::Load,
        client: 1,
        seq: 1,
        op: Op::Trade,
        stock_name: None,
        trade_type: None,
        quantity: None,
        planned_us: None,
        start_us,
        end_us: start_us + latency_us,
        latency_us,
        outcome,
        status: None,
        reason: None,
        order_no: None,
        seen_quantity: None,
        seen_volume: None,
        cache: None,
        request_id: None,
        attempts: 1,
    }
}

/// A trial with these rows and faults.
pub(super) fn trial<'a>(load: Vec<&'a Observation>, faults: Vec<Fault>) -> TrialView<'a> {
    TrialView {
        cell: CELL.get_or_init(cell),
        number: 1,
        load,
        timeline: TIMELINE.get_or_init(Timeline::default),
        faults,
    }
}

static CELL: OnceLock<Cell> = OnceLock::new();
static TIMELINE: OnceLock<Timeline> = OnceLock::new();

fn cell() -> Cell {
    Cell {
        id: "cell".to_owned(),
        p: 0.5,
        cache: true,
        clients: 1,
        rate_per_s: None,
        build: None,
        trials: 1,
        planned_faults: 0,
    }
}
