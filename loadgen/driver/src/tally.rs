//! What clients measured in one trial, counted while it goes on: enough for a line of figures at
//! its end. The tables come from the run's files.

use std::collections::BTreeMap;

use results::records::{Observation, Op, Outcome};
use results::stats::Latencies;
use results::summary::{is_answered, is_measured};
use serde::Serialize;

/// The measured operations of a trial.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Op, OpTally>);

#[derive(Debug, Default)]
struct OpTally {
    ok: u64,
    rejected: u64,
    failed: u64,
    unknown: u64,
    latencies: Latencies,
    first_us: Option<u64>,
    last_us: u64,
}

/// Figures of one kind of operation. Latencies are those of answered operations, in an open loop
/// from the moment at which they were due.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OpFigures {
    /// Which kind.
    pub op: Op,
    /// Accepted.
    pub ok: u64,
    /// Refused by a well-formed no.
    pub rejected: u64,
    /// Certainly without effect.
    pub failed: u64,
    /// Perhaps with an effect.
    pub unknown: u64,
    /// Answered (ok or rejected) operations per second, from the first send to the last answer.
    pub answered_per_s: Option<f64>,
    /// Median latency.
    pub p50_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// The slowest.
    pub max_us: Option<u64>,
}

impl Tally {
    /// Adds an operation, unless it is of the warm-up.
    pub fn add(&mut self, row: &Observation) {
        if !is_measured(row) {
            return;
        }
        self.0.entry(row.op).or_default().add(row);
    }

    /// The figures of every kind of operation that there were any of.
    pub fn figures(&self) -> Vec<OpFigures> {
        self.0.iter().map(|(op, tally)| tally.figures(*op)).collect()
    }
}

impl OpTally {
    fn add(&mut self, row: &Observation) {
        match row.outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unknown => self.unknown += 1,
        }
        if is_answered(row) {
            self.latencies.record(row.response_us());
        }
        self.first_us = Some(self.first_us.map_or(row.start_us, |first| first.min(row.start_us)));
        self.last_us = self.last_us.max(row.end_us);
    }

    fn figures(&self, op: Op) -> OpFigures {
        let took_us = self.last_us.saturating_sub(self.first_us.unwrap_or(self.last_us));
        let answered = (self.ok + self.rejected) as f64;
        OpFigures {
            op,
            ok: self.ok,
            rejected: self.rejected,
            failed: self.failed,
            unknown: self.unknown,
            answered_per_s: (took_us > 0).then(|| answered * 1e6 / took_us as f64),
            p50_us: self.latencies.percentile_us(0.5),
            p99_us: self.latencies.percentile_us(0.99),
            max_us: self.latencies.max_us(),
        }
    }
}
