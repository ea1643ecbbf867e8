//! `summary.csv`: what each operation cost in each cell.
//!
//! Counted are the operations of the load and the lookups at the end; the warm-up is left out.
//! Latency figures are over the operations that were answered, ok or rejected, since the latency of
//! a failed or unknown one says when the client gave up, not what the service does; how many of
//! those there were stands beside. Percentiles are those of [`crate::stats`].
//!
//! The trials of a cell are pooled: a row describes all its operations as one sample. What
//! tells trials apart (confidence intervals) is computed from the same rows of
//! `observations.csv`, trial by trial, and belongs beside this.

mod cache;
mod table;

use std::collections::HashMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::records::{CacheState, Cell, Manifest, Observation, Op, Outcome, Phase};
use crate::stats::Latencies;

pub use cache::what_the_cache_buys;
pub(crate) use table::op_name;
pub use table::table;

/// Every operation, in the order of tables and charts.
pub const OPS: [Op; 3] = [Op::Query, Op::Trade, Op::Lookup];

/// One operation in one cell. Empty means that there was nothing to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The cell's id.
    pub cell: String,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// Whether the front-end cached: `on` or `off`.
    #[serde(with = "on_off")]
    pub cache: bool,
    /// How many clients there were.
    pub clients: u32,
    /// How many trials were pooled: those that have at least one row.
    pub trials: u32,
    /// What was done.
    pub op: Op,
    /// How often, whatever came of it.
    pub count: u64,
    /// Done, and acknowledged.
    pub ok: u64,
    /// Answered with a well-formed no.
    pub rejected: u64,
    /// Certainly without effect.
    pub failed: u64,
    /// Perhaps with an effect.
    pub unknown: u64,
    /// Mean latency of the answered ones.
    pub mean_us: Option<f64>,
    /// The median.
    pub p50_us: Option<u64>,
    /// The 90th percentile.
    pub p90_us: Option<u64>,
    /// The 99th percentile.
    pub p99_us: Option<u64>,
    /// The 99.9th percentile.
    pub p999_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
    /// For how long there was load, summed over the trials: from the first send to the last answer
    /// of any operation of the phase.
    pub span_s: f64,
    /// Answered operations per second of that.
    pub throughput_per_s: Option<f64>,
    /// Queries that the cache answered.
    pub cache_hits: Option<u64>,
    /// Queries that the catalog was asked for.
    pub cache_misses: Option<u64>,
}

impl SummaryRow {
    /// Ok and rejected together: the service did its work.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.ok + self.rejected
    }
}

/// Whether the service answered: ok, or a well-formed no.
#[must_use]
pub fn is_answered(observation: &Observation) -> bool {
    matches!(observation.outcome, Outcome::Ok | Outcome::Rejected)
}

/// Whether the figures count it: an operation of the load, or a lookup at the end.
#[must_use]
pub fn is_measured(observation: &Observation) -> bool {
    observation.phase != Phase::WarmUp
}

/// One row per cell and operation that occurs, cells in the manifest's order. Rows of cells
/// that the manifest does not know are left out.
#[must_use]
pub fn summarise(manifest: &Manifest, observations: &[Observation]) -> Vec<SummaryRow> {
    let mut tallies: HashMap<(&str, Op), Tally> = HashMap::new();
    let mut spans: HashMap<(&str, Phase), HashMap<u32, Span>> = HashMap::new();
    for observation in observations.iter().filter(|observation| is_measured(observation)) {
        let cell = observation.cell.as_str();
        let tally =
            tallies.entry((cell, observation.op)).or_insert_with(|| Tally::new(observation.phase));
        tally.add(observation);
        let trials = spans.entry((cell, observation.phase)).or_default();
        trials.entry(observation.trial).or_default().cover(observation);
    }
    let mut rows = Vec::new();
    for cell in &manifest.cells {
        for op in OPS {
            if let Some(tally) = tallies.get(&(cell.id.as_str(), op)) {
                rows.push(tally.row(cell, op, &spans[&(cell.id.as_str(), tally.phase)]));
            }
        }
    }
    rows
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_csv(rows: &[SummaryRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}

/// From the first send to the last answer.
#[derive(Clone, Copy, Debug)]
struct Span {
    first_us: u64,
    last_us: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self { first_us: u64::MAX, last_us: 0 }
    }
}

impl Span {
    fn cover(&mut self, observation: &Observation) {
        self.first_us = self.first_us.min(observation.start_us);
        self.last_us = self.last_us.max(observation.end_us);
    }

    fn seconds(self) -> f64 {
        self.last_us.saturating_sub(self.first_us) as f64 / 1e6
    }
}

/// What is counted on the way through the observations.
struct Tally {
    /// The phase that the operation belongs to; its span is what throughput is relative to.
    phase: Phase,
    latencies: Latencies,
    ok: u64,
    rejected: u64,
    failed: u64,
    unknown: u64,
    hits: u64,
    misses: u64,
}

impl Tally {
    fn new(phase: Phase) -> Self {
        Self {
            phase,
            latencies: Latencies::default(),
            ok: 0,
            rejected: 0,
            failed: 0,
            unknown: 0,
            hits: 0,
            misses: 0,
        }
    }

    fn add(&mut self, observation: &Observation) {
        match observation.outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unknown => self.unknown += 1,
        }
        match observation.cache {
            Some(CacheState::Hit) => self.hits += 1,
            Some(CacheState::Miss) => self.misses += 1,
            None => {}
        }
        if is_answered(observation) {
            self.latencies.record(observation.latency_us);
        }
    }

    fn row(&self, cell: &Cell, op: Op, spans: &HashMap<u32, Span>) -> SummaryRow {
        let span_s: f64 = spans.values().map(|span| span.seconds()).sum();
        let answered = (self.ok + self.rejected) as f64;
        let of_queries = |number: u64| (op == Op::Query).then_some(number);
        SummaryRow {
            cell: cell.id.clone(),
            p: cell.p,
            cache: cell.cache,
            clients: cell.clients,
            trials: u32::try_from(spans.len()).unwrap_or(u32::MAX),
            op,
            count: self.ok + self.rejected + self.failed + self.unknown,
            ok: self.ok,
            rejected: self.rejected,
            failed: self.failed,
            unknown: self.unknown,
            mean_us: self.latencies.mean_us(),
            p50_us: self.latencies.percentile_us(0.5),
            p90_us: self.latencies.percentile_us(0.9),
            p99_us: self.latencies.percentile_us(0.99),
            p999_us: self.latencies.percentile_us(0.999),
            max_us: self.latencies.max_us(),
            span_s,
            throughput_per_s: (span_s > 0.0).then(|| answered / span_s),
            cache_hits: of_queries(self.hits),
            cache_misses: of_queries(self.misses),
        }
    }
}

/// `on` and `off` instead of `true` and `false`, as the plan and the command line write it.
mod on_off {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` passes a reference")]
    pub(super) fn serialize<S: Serializer>(on: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *on { "on" } else { "off" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(de::Error::custom(format!("cache must be on or off, not {other}"))),
        }
    }
}
