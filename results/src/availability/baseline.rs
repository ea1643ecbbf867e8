//! The time before a fault in which nothing was broken: what the service did then is what it is
//! held to afterwards.
//!
//! # The 99th percentile
//!
//! It is looked at over *rolling windows* of [`WINDOW_OPERATIONS`] operations that were due one after the other; of
//! these no more than [`SLOWER`] may have taken longer (nearest rank). An operation that was not
//! answered took longer than any. The percentile is back with the first rolling window, not before the
//! fault's backlog was drained, that keeps within [`WITHIN`] of the percentile of the whole baseline
//! time: from then on five hundred operations in a row have been seen to be normal, not a lucky
//! moment. They must have been due, and are judged by what was answered, before the next fault.
//!
//! (Without the backlog, a closed loop's percentile would not notice an outage at all: five clients
//! that wait for a second are five slow operations among hundreds.)
//!
//! The 99th percentile of so few operations is the sixth slowest, and by itself varies by about a
//! tenth (its standard error, if latencies have an exponential tail and do not depend on each
//! other). How many of the rolling windows *before* the fault kept within the bound is therefore counted,
//! too. Where not even [`STEADY_PERCENT`] of them did, the first rolling window after the fault that does is
//! a matter of luck, and no recovery is claimed.
//!
//! # Goodput
//!
//! Goodput is what was accepted (ok), reads and trades apart: a refusal, be it a 503 or a trade for
//! which there is no stock, is an answer and no goodput. In a closed loop anybody who waits does not ask,
//! so what is missing must be estimated: what the rate of the baseline would have given from the fault
//! until its backlog was drained, less what came. Service is never even, so the estimate has a bound of
//! noise beside it: what was missing at the most in 99 of 100 equally long stretches of the baseline.
//! The estimate itself stays as it is, also below the bound and below 0: set to 0 where it is small,
//! its mean over many faults would be too high. If the stretch is longer than half of the baseline,
//! stretches of that half are taken, and what was missing in them is scaled up.
//!
//! In an open loop the demand is known: whatever was due and answered, however late, is not lost.
//! What is missing are the operations that failed or whose outcome is unknown.

use super::operations::{Kind, Operation, OperationIndex};
use super::window::Window;

/// How many operations make a rolling window.
const WINDOW_OPERATIONS: usize = 500;
/// How many of them may be above the 99th percentile: the rest.
const SLOWER: usize = WINDOW_OPERATIONS / 100;
/// How many operations a baseline must have: two rolling windows, so that they can be compared.
const MIN_OPERATIONS: usize = 2 * WINDOW_OPERATIONS;
/// How far above the percentile before still counts as back.
const WITHIN: f64 = 1.1;
/// How many percent of the rolling windows before the fault must keep within that themselves.
const STEADY_PERCENT: f64 = 50.0;
/// A stretch of baseline begins every tenth of its length...
const STRETCH_STEPS: u64 = 10;
/// ... but no more than so many are looked at.
const MAX_STRETCHES: u64 = 10_000;
/// The share of stretches in which no more was missing than the bound of noise.
const NOISE_QUANTILE: f64 = 0.99;

/// Goodput of one kind that was missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Missing {
    pub(super) operations: f64,
    /// How many may be missing by chance; nothing if they were counted, not estimated.
    pub(super) noise: Option<f64>,
    /// The time in which the service before the fault gave as many, if it is known how many it gave.
    pub(super) ms: Option<f64>,
}

impl Missing {
    /// What an open loop was missing, which needs no estimate.
    pub(super) fn counted(operations: u64, kind: Kind, baseline: Option<&Baseline<'_>>) -> Self {
        let operations = operations as f64;
        let per_us = baseline.and_then(|baseline| baseline.per_us(kind));
        Self { operations, noise: None, ms: per_us.map(|per_us| operations / per_us / 1000.0) }
    }
}

/// A time in which nothing was broken, with enough operations to know it by.
#[derive(Debug)]
pub(super) struct Baseline<'a> {
    load: &'a OperationIndex<'a>,
    from_us: u64,
    to_us: u64,
    p99_us: Option<u64>,
    steady_percent: Option<f64>,
}

impl<'a> Baseline<'a> {
    /// The time from `from_us` to the fault at `to_us`; nothing if too little was done in it.
    pub(super) fn new(load: &'a OperationIndex<'a>, from_us: u64, to_us: u64) -> Option<Self> {
        let due = load.due(from_us, Some(to_us)).iter();
        // What the fault found under way is the fault's.
        let baseline: Vec<&Operation> = due.filter(|operation| operation.end_us < to_us).collect();
        if baseline.len() < MIN_OPERATIONS {
            return None;
        }
        let p99_us = p99(&baseline);
        let steady_percent = p99_us.map(|p99_us| {
            let slow = baseline.iter().map(|operation| is_slow(operation, bound_us(p99_us), to_us));
            let kept = in_rolling_windows(slow.collect());
            let good = kept.iter().filter(|&&kept| kept).count();
            100.0 * good as f64 / kept.len() as f64
        });
        Some(Self { load, from_us, to_us, p99_us, steady_percent })
    }

    /// Operations of a kind that were accepted per second; nothing if there was none.
    pub(super) fn per_s(&self, kind: Kind) -> Option<f64> {
        self.per_us(kind).map(|per_us| per_us * 1e6)
    }

    fn per_us(&self, kind: Kind) -> Option<f64> {
        let accepted = self.load.accepted(kind, self.from_us, self.to_us);
        (accepted > 0).then(|| accepted as f64 / (self.to_us - self.from_us) as f64)
    }

    /// The 99th percentile of latencies in milliseconds.
    pub(super) fn p99_ms(&self) -> Option<f64> {
        self.p99_us.map(|us| us as f64 / 1000.0)
    }

    /// How many percent of its rolling windows kept within the bound that a recovery is judged by.
    pub(super) fn steady_percent(&self) -> Option<f64> {
        self.steady_percent
    }

    /// When the 99th percentile was back, at the earliest at `drained_us`.
    pub(super) fn p99_back_us(&self, drained_us: u64, window: Window) -> Option<u64> {
        let bound_us = bound_us(self.p99_us?);
        self.steady_percent.filter(|&percent| percent >= STEADY_PERCENT)?;
        let after = self.load.due(drained_us, window.until_us);
        let until_us = window.until_us.unwrap_or(u64::MAX);
        let slow = after.iter().map(|operation| is_slow(operation, bound_us, until_us));
        let first = in_rolling_windows(slow.collect()).iter().position(|&kept| kept)?;
        Some(if first == 0 { drained_us } else { after[first].due_us })
    }

    /// What a closed loop was missing from the fault until `until_us`.
    pub(super) fn missing(&self, kind: Kind, at_us: u64, until_us: u64) -> Option<Missing> {
        let per_us = self.per_us(kind)?;
        let length_us = until_us - at_us;
        let operations = self.less_than_usual(kind, per_us, at_us, length_us);
        let noise = Some(self.noise(kind, per_us, length_us));
        Some(Missing { operations, noise, ms: Some(operations / per_us / 1000.0) })
    }

    /// How many less were accepted than at the baseline rate.
    fn less_than_usual(&self, kind: Kind, per_us: f64, after_us: u64, length_us: u64) -> f64 {
        let came = self.load.accepted(kind, after_us, after_us + length_us);
        length_us as f64 * per_us - came as f64
    }

    /// What was missing at the most in 99 of 100 baseline stretches of this length.
    fn noise(&self, kind: Kind, per_us: f64, length_us: u64) -> f64 {
        let calm_us = self.to_us - self.from_us;
        let stretch_us = length_us.min(calm_us / 2).max(1);
        let step_us = (stretch_us / STRETCH_STEPS).max(calm_us / MAX_STRETCHES).max(1);
        let starts = (self.from_us..=self.to_us - stretch_us)
            .step_by(usize::try_from(step_us).unwrap_or(usize::MAX));
        let mut missing: Vec<f64> =
            starts.map(|from_us| self.less_than_usual(kind, per_us, from_us, stretch_us)).collect();
        missing.sort_by(f64::total_cmp);
        let rank = (missing.len() as f64 * NOISE_QUANTILE).ceil() as usize;
        let noise = missing.get(rank.saturating_sub(1)).copied().unwrap_or(0.0);
        noise.max(0.0) * (length_us as f64 / stretch_us as f64)
    }
}

fn bound_us(p99_us: u64) -> u64 {
    (p99_us as f64 * WITHIN) as u64
}

/// Whether it had no answer by `until_us`, or only after more than `bound_us`.
fn is_slow(operation: &Operation, bound_us: u64, until_us: u64) -> bool {
    !operation.answered || operation.end_us >= until_us || operation.response_us() > bound_us
}

/// The 99th percentile by nearest rank; nothing if it falls on an operation without an answer.
fn p99(operations: &[&Operation]) -> Option<u64> {
    let latency = |operation: &&Operation| {
        if operation.answered { operation.response_us() } else { u64::MAX }
    };
    let mut latencies: Vec<u64> = operations.iter().map(latency).collect();
    let rank = (latencies.len() * 99).div_ceil(100).checked_sub(1)?;
    let (_, &mut p99_us, _) = latencies.select_nth_unstable(rank);
    (p99_us != u64::MAX).then_some(p99_us)
}

/// For every rolling window, in order of its first operation, whether its 99th percentile kept within the
/// bound; `slow` says of each operation whether it took longer.
fn in_rolling_windows(slow: Vec<bool>) -> Vec<bool> {
    let Some(rest) = slow.get(WINDOW_OPERATIONS..) else { return Vec::new() };
    let mut slower = slow[..WINDOW_OPERATIONS].iter().filter(|&&slow| slow).count();
    let mut kept = vec![slower <= SLOWER];
    for (&leaves, &enters) in slow.iter().zip(rest) {
        slower = slower + usize::from(enters) - usize::from(leaves);
        kept.push(slower <= SLOWER);
    }
    kept
}
