//! Operations in equal slices of time.
//!
//! Latency belongs to the moment at which the operation was sent, so that a stalled one stands
//! where the stall began; throughput counts answers when they arrive.

use std::collections::BTreeMap;

use crate::records::{Observation, Op};
use crate::stats::median;
use crate::summary::is_answered;

/// The length of a slice. Ten a second resolve an outage of 100 ms, which is what is promised.
pub(super) const BUCKET_MS: u64 = 100;

const BUCKET_US: u64 = BUCKET_MS * 1000;

/// One operation over time: points are (seconds since the run's origin, value).
#[derive(Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// The median latency of the answered operations that began in a slice; slices without any
    /// have no point.
    pub(super) medians_ms: Vec<(f64, f64)>,
    /// Their largest latency.
    pub(super) maxima_ms: Vec<(f64, f64)>,
    /// Answers per second in every full slice.
    pub(super) answers_per_s: Vec<(f64, f64)>,
    /// Operations that failed or whose outcome is unknown: when they were sent, and their latency
    /// in microseconds.
    pub(super) lost: Vec<(f64, u64)>,
}

impl Buckets {
    pub(super) fn new(load: &[&Observation], op: Op, (from_us, to_us): (u64, u64)) -> Self {
        let index = |us: u64| us.saturating_sub(from_us) / BUCKET_US;
        let middle = |index: u64| (from_us + index * BUCKET_US + BUCKET_US / 2) as f64 / 1e6;
        let mut latencies: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let mut answers: BTreeMap<u64, u64> = BTreeMap::new();
        let mut lost = Vec::new();
        for row in load.iter().filter(|row| row.op == op) {
            if is_answered(row) {
                let latency_ms = row.latency_us as f64 / 1000.0;
                latencies.entry(index(row.start_us)).or_default().push(latency_ms);
                *answers.entry(index(row.end_us)).or_default() += 1;
            } else {
                lost.push((row.start_us as f64 / 1e6, row.latency_us));
            }
        }
        if latencies.is_empty() && lost.is_empty() {
            return Self::default();
        }
        let medians = latencies
            .iter()
            .filter_map(|(&slice, latencies)| Some((middle(slice), median(latencies)?)));
        let maxima = latencies.iter().map(|(&slice, latencies)| {
            (middle(slice), latencies.iter().copied().fold(0.0, f64::max))
        });
        // The last slice is cut short by the load's end and would show a drop that is none.
        let full = index(to_us).max(1);
        let per_s = |slice: u64| {
            let count = answers.get(&slice).copied().unwrap_or(0);
            count as f64 * 1e6 / BUCKET_US as f64
        };
        Self {
            medians_ms: medians.collect(),
            maxima_ms: maxima.collect(),
            answers_per_s: (0..full).map(|slice| (middle(slice), per_s(slice))).collect(),
            lost,
        }
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.medians_ms.is_empty() && self.lost.is_empty()
    }
}

/// The points in stretches of neighbouring slices, so that no line bridges a slice in which
/// nothing was measured.
pub(super) fn stretches(points: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    let slice_s = BUCKET_US as f64 / 1e6;
    points.chunk_by(move |a, b| b.0 - a.0 < slice_s * 1.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Outcome, Phase};

    fn trade(start_us: u64, latency_us: u64, outcome: Outcome) -> Observation {
        Observation {
            cell: "cell".to_owned(),
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

    #[test]
    fn latency_stands_where_it_began_and_throughput_where_it_ended() {
        let rows = [
            trade(1_000_000, 10_000, Outcome::Ok),
            trade(1_020_000, 30_000, Outcome::Rejected),
            trade(1_090_000, 220_000, Outcome::Ok),
            trade(1_095_000, 200_000, Outcome::Unknown),
        ];
        let load: Vec<&Observation> = rows.iter().collect();
        let buckets = Buckets::new(&load, Op::Trade, (1_000_000, 1_400_000));
        assert_eq!(buckets.medians_ms, [(1.05, 30.0)]);
        assert_eq!(buckets.maxima_ms, [(1.05, 220.0)]);
        assert_eq!(buckets.answers_per_s, [(1.05, 20.0), (1.15, 0.0), (1.25, 0.0), (1.35, 10.0)]);
        assert_eq!(buckets.lost, [(1.095, 200_000)]);
        assert!(Buckets::new(&load, Op::Query, (1_000_000, 1_400_000)).is_empty());
    }

    #[test]
    fn lines_break_where_nothing_was_measured() {
        let points = [(0.05, 1.0), (0.15, 1.0), (0.45, 1.0)];
        let lengths: Vec<usize> = stretches(&points).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 1]);
    }
}
