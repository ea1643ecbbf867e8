//! The operations of several units, kept apart so that each can count more than once or not at all.

use super::latencies::Rounding;
use super::sample::{Answer, Basis};

/// Figures of fewer answered operations than this have no interval.
pub const MIN_ANSWERED: u64 = 30;

/// A percentile with fewer operations beyond it than this has no interval: it rests on a handful
/// of operations, and which units they fell into is chance.
pub const MIN_BEYOND: u64 = 10;

/// What is asked of a pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// The mean latency.
    Mean,
    /// The latency that this share of the operations did not exceed.
    Percentile(f64),
    /// Accepted operations per second.
    Throughput,
}

/// The answered operations of one unit.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// Their latencies in microseconds.
    pub latencies_us: Vec<u64>,
    /// How many of them were accepted.
    pub accepted: u64,
    /// How long the unit lasted.
    pub span_s: f64,
}

impl Unit {
    /// Adds an operation.
    pub fn add(&mut self, answer: &Answer) {
        self.latencies_us.push(answer.latency_us);
        self.accepted += u64::from(answer.is_accepted);
    }
}

/// The operations of several units.
#[derive(Clone, Debug)]
pub struct Pool {
    basis: Basis,
    units: usize,
    /// The shortest and the longest latency, exactly.
    latencies: Option<(f64, f64)>,
    /// Every latency that occurs, ascending, as a histogram rounds it.
    values: Vec<u64>,
    /// For each of them, unit by unit: how many operations of the unit did not exceed it.
    cumulative: Vec<u32>,
    counts: Vec<u64>,
    accepted: Vec<f64>,
    sums_us: Vec<f64>,
    spans_s: Vec<f64>,
}

impl Pool {
    /// Pools units; `basis` says what they are.
    #[must_use]
    pub fn new(basis: Basis, units: &[Unit]) -> Self {
        let rounding = Rounding::new();
        let mut rows: Vec<(u64, u32)> = Vec::new();
        for (number, unit) in (0..).zip(units) {
            rows.extend(unit.latencies_us.iter().map(|&us| (rounding.round(us), number)));
        }
        rows.sort_unstable();
        let mut values = Vec::new();
        let mut cumulative: Vec<u32> = Vec::new();
        let mut running = vec![0_u32; units.len()];
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            for &(_, unit) in same {
                running[unit as usize] += 1;
            }
            values.push(same[0].0);
            cumulative.extend_from_slice(&running);
        }
        let all = || units.iter().flat_map(|unit| unit.latencies_us.iter().copied());
        let (shortest, longest) = (all().min(), all().max());
        Self {
            basis,
            units: units.len(),
            latencies: shortest.zip(longest).map(|(low, high)| (low as f64, high as f64)),
            values,
            cumulative,
            counts: units.iter().map(|unit| unit.latencies_us.len() as u64).collect(),
            accepted: units.iter().map(|unit| unit.accepted as f64).collect(),
            sums_us: units
                .iter()
                .map(|unit| unit.latencies_us.iter().sum::<u64>() as f64)
                .collect(),
            spans_s: units.iter().map(|unit| unit.span_s).collect(),
        }
    }

    /// What its units are.
    #[must_use]
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// How many units there are.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units
    }

    /// How many operations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether there are operations enough for an interval of `figure`.
    #[must_use]
    pub fn is_enough_for(&self, figure: Figure) -> bool {
        let beyond = match figure {
            Figure::Percentile(quantile) => (self.count() as f64 * (1.0 - quantile)).round() as u64,
            Figure::Mean | Figure::Throughput => self.count(),
        };
        self.count() >= MIN_ANSWERED && beyond >= MIN_BEYOND
    }

    /// Beyond what no figure of these operations can lie, however its units are drawn: a latency not
    /// beyond the shortest and the longest that were measured, nor a throughput of slices beyond the
    /// slowest and the fastest slice. The throughputs of trials bound nothing: three trials enclose what
    /// others would show in three of four cases only.
    pub(super) fn range(&self, figure: Figure) -> Option<(f64, f64)> {
        match figure {
            Figure::Mean | Figure::Percentile(_) => self.latencies,
            Figure::Throughput if self.basis == Basis::Slices => {
                let per_s = self.accepted.iter().zip(&self.spans_s);
                let per_s: Vec<f64> = per_s
                    .filter(|(_, span_s)| **span_s > 0.0)
                    .map(|(accepted, span_s)| accepted / span_s)
                    .collect();
                let low = per_s.iter().copied().min_by(f64::total_cmp)?;
                Some((low, per_s.iter().copied().max_by(f64::total_cmp)?))
            }
            Figure::Throughput => None,
        }
    }

    /// The figure of all operations; nothing without operations.
    #[must_use]
    pub fn figure(&self, figure: Figure) -> Option<f64> {
        self.weighted(figure, &vec![1; self.units])
    }

    /// The figure if each unit had occurred `weights` times; nothing if that leaves no operation.
    #[must_use]
    pub fn weighted(&self, figure: Figure, weights: &[u32]) -> Option<f64> {
        let sum = |of: &[f64]| -> f64 {
            weights.iter().zip(of).map(|(&weight, value)| f64::from(weight) * value).sum()
        };
        let count: u64 = weights
            .iter()
            .zip(&self.counts)
            .map(|(&weight, count)| u64::from(weight) * count)
            .sum();
        if count == 0 {
            return None;
        }
        match figure {
            Figure::Mean => Some(sum(&self.sums_us) / count as f64),
            Figure::Throughput => {
                let span_s = sum(&self.spans_s);
                (span_s > 0.0).then(|| sum(&self.accepted) / span_s)
            }
            Figure::Percentile(quantile) => {
                let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
                Some(self.at_rank(rank, weights) as f64)
            }
        }
    }

    /// The smallest value that at least `rank` operations do not exceed.
    fn at_rank(&self, rank: u64, weights: &[u32]) -> u64 {
        let below = |index: usize| -> u64 {
            let row = &self.cumulative[index * self.units..(index + 1) * self.units];
            weights
                .iter()
                .zip(row)
                .map(|(&weight, &count)| u64::from(weight) * u64::from(count))
                .sum()
        };
        let (mut low, mut high) = (0, self.values.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if below(middle) < rank {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.values[low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(latencies_us: impl IntoIterator<Item = u64>) -> Unit {
        let latencies_us: Vec<u64> = latencies_us.into_iter().collect();
        Unit { accepted: latencies_us.len() as u64, latencies_us, span_s: 2.0 }
    }

    fn pool() -> Pool {
        Pool::new(Basis::Trials, &[unit(1..=100), unit(901..=1000)])
    }

    #[test]
    fn a_pool_has_the_figures_of_all_its_operations() {
        let pool = pool();
        assert_eq!(pool.figure(Figure::Percentile(0.5)), Some(100.0));
        assert_eq!(pool.figure(Figure::Percentile(0.99)), Some(998.0));
        assert_eq!(pool.figure(Figure::Mean), Some(500.5));
        assert_eq!(pool.figure(Figure::Throughput), Some(50.0));
    }

    #[test]
    fn its_percentiles_are_those_of_a_histogram() {
        let latencies = || (1..=5000_u64).map(|n| n * n / 7 + 1);
        let histogram: super::super::Latencies = latencies().collect();
        let pool = Pool::new(Basis::Trials, &[unit(latencies())]);
        for quantile in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let expected = histogram.percentile_us(quantile).unwrap() as f64;
            assert_eq!(pool.figure(Figure::Percentile(quantile)), Some(expected), "{quantile}");
        }
    }

    #[test]
    fn a_unit_can_count_more_than_once_or_not_at_all() {
        let pool = pool();
        assert_eq!(pool.weighted(Figure::Percentile(0.5), &[2, 0]), Some(50.0));
        assert_eq!(pool.weighted(Figure::Percentile(0.5), &[1, 3]), Some(934.0));
        assert_eq!(pool.weighted(Figure::Throughput, &[0, 2]), Some(50.0));
        assert_eq!(pool.weighted(Figure::Mean, &[0, 0]), None);
    }

    #[test]
    fn what_was_refused_has_a_latency_and_is_no_throughput() {
        let refused = Unit { accepted: 0, ..unit(1..=100) };
        let pool = Pool::new(Basis::Trials, &[refused, unit(1..=100)]);
        assert_eq!(pool.figure(Figure::Throughput), Some(25.0));
        assert_eq!(pool.weighted(Figure::Throughput, &[2, 0]), Some(0.0));
        assert_eq!(pool.count(), 200);
    }

    #[test]
    fn a_percentile_needs_operations_beyond_it() {
        let pool = Pool::new(Basis::Trials, &[unit(1..=999)]);
        assert!(pool.is_enough_for(Figure::Percentile(0.99)));
        assert!(!pool.is_enough_for(Figure::Percentile(0.999)));
        let few = Pool::new(Basis::Trials, &[unit(1..=29)]);
        assert!(!few.is_enough_for(Figure::Percentile(0.5)));
        assert!(!few.is_enough_for(Figure::Throughput));
    }
}
