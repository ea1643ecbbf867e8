//! What is counted of one operation in one cell, and the row that comes of it.

use std::collections::{BTreeMap, HashMap};

use super::measured::{is_accepted, is_answered};
use super::row::SummaryRow;
use crate::records::{CacheState, Cell, Observation, Op, Outcome, Phase};
use crate::stats::{
    Answer, Basis, Figure, Interval, Latencies, LoadSpan, Pool, Resamples, TrialSample,
};

/// What is counted on the way through the observations.
pub(super) struct Tally {
    /// The phase that the operation belongs to; its span is what throughput is relative to.
    pub(super) phase: Phase,
    latencies: Latencies,
    /// From the moment of sending, of operations that were due at a set time.
    uncorrected: Latencies,
    /// Every answered operation, trial by trial.
    trials: BTreeMap<u32, Vec<Answer>>,
    ok: u64,
    rejected: u64,
    failed: u64,
    unknown: u64,
    hits: u64,
    misses: u64,
}

impl Tally {
    pub(super) fn new(phase: Phase) -> Self {
        Self {
            phase,
            latencies: Latencies::default(),
            uncorrected: Latencies::default(),
            trials: BTreeMap::new(),
            ok: 0,
            rejected: 0,
            failed: 0,
            unknown: 0,
            hits: 0,
            misses: 0,
        }
    }

    pub(super) fn add(&mut self, observation: &Observation) {
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
            let response_us = observation.response_us();
            self.latencies.record(response_us);
            if observation.planned_us.is_some() {
                self.uncorrected.record(observation.latency_us);
            }
            let trial = self.trials.entry(observation.trial).or_default();
            trial.push(Answer {
                start_us: observation.start_us,
                latency_us: response_us,
                is_accepted: is_accepted(observation),
            });
        }
    }

    /// The row of a cell. `spans` says when there was load in each trial.
    pub(super) fn row(
        mut self,
        cell: &Cell,
        op: Op,
        spans: &BTreeMap<u32, LoadSpan>,
        drawn: &mut Drawn,
    ) -> SummaryRow {
        let span_s: f64 = spans.values().map(|span| span.seconds()).sum();
        let of_queries = |number: u64| (op == Op::Query).then_some(number);
        let intervals = Intervals::new(self.samples(spans), drawn);
        SummaryRow {
            cell: cell.id.clone(),
            p: cell.p,
            cache: cell.cache,
            variant: cell.variant.clone(),
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
            throughput_per_s: (span_s > 0.0).then(|| self.ok as f64 / span_s),
            cache_hits: of_queries(self.hits),
            cache_misses: of_queries(self.misses),
            rate_per_s: cell.rate_per_s,
            build: cell.build.clone(),
            interval_basis: intervals.basis,
            mean_low_us: low(intervals.mean),
            mean_high_us: high(intervals.mean),
            p50_low_us: low_us(intervals.p50),
            p50_high_us: high_us(intervals.p50),
            p90_low_us: low_us(intervals.p90),
            p90_high_us: high_us(intervals.p90),
            p99_low_us: low_us(intervals.p99),
            p99_high_us: high_us(intervals.p99),
            p999_low_us: low_us(intervals.p999),
            p999_high_us: high_us(intervals.p999),
            throughput_low_per_s: low(intervals.throughput),
            throughput_high_per_s: high(intervals.throughput),
            uncorrected_p50_us: self.uncorrected.percentile_us(0.5),
            uncorrected_p99_us: self.uncorrected.percentile_us(0.99),
            uncorrected_p999_us: self.uncorrected.percentile_us(0.999),
            uncorrected_max_us: self.uncorrected.max_us(),
            offered_per_s: None,
            sent_per_s: None,
            answered_per_s: None,
            lateness_p50_us: None,
            lateness_p99_us: None,
            lateness_max_us: None,
            waited_p50_us: None,
            waited_p99_us: None,
            waited_max_us: None,
            withheld: String::new(),
        }
    }

    /// A sample of every trial that had load, whether or not this operation occurred in it.
    fn samples(&mut self, spans: &BTreeMap<u32, LoadSpan>) -> Vec<TrialSample> {
        let sample = |(trial, &span): (&u32, &LoadSpan)| {
            let operations = self.trials.remove(trial).unwrap_or_default();
            TrialSample { span, operations }
        };
        spans.iter().map(sample).collect()
    }
}

/// Draws by number of units: cells mostly have the same number of them.
#[derive(Default)]
pub(super) struct Drawn(HashMap<usize, Resamples>);

/// The intervals of one row.
struct Intervals {
    basis: Option<Basis>,
    mean: Option<Interval>,
    p50: Option<Interval>,
    p90: Option<Interval>,
    p99: Option<Interval>,
    p999: Option<Interval>,
    throughput: Option<Interval>,
}

impl Intervals {
    fn new(samples: Vec<TrialSample>, drawn: &mut Drawn) -> Self {
        let pool = Pool::of_trials(&samples.iter().collect::<Vec<_>>());
        let resamples = drawn.0.entry(pool.units()).or_insert_with(|| Resamples::new(pool.units()));
        let of = |figure| pool.estimate(figure, resamples).and_then(|estimate| estimate.interval);
        let (mean, throughput) = (of(Figure::Mean), of(Figure::Throughput));
        let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|at| of(Figure::Percentile(at)));
        // The mean of few operations has none where the median has one.
        let is_any = [mean, p50, p90, p99, p999, throughput].iter().any(Option::is_some);
        let basis = is_any.then(|| pool.basis());
        Self { basis, mean, p50, p90, p99, p999, throughput }
    }
}

fn low(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.low)
}

fn high(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.high)
}

/// Rounded outwards, so that a microsecond's rounding never narrows an interval.
fn low_us(interval: Option<Interval>) -> Option<u64> {
    interval.map(|interval| interval.low.floor() as u64)
}

fn high_us(interval: Option<Interval>) -> Option<u64> {
    interval.map(|interval| interval.high.ceil() as u64)
}
