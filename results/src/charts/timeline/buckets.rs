//! Operations in equal slices of time.
//!
//! Latency belongs to the moment at which the operation was due, so that a stalled one stands
//! where the stall began; throughput counts what was accepted when it arrives.

use std::collections::BTreeMap;

use crate::records::{Observation, Op};
use crate::stats::Latencies;
use crate::summary::{is_accepted, is_answered};

/// Lengths that a slice may have, in milliseconds: round ones.
const LENGTHS_MS: [u64; 10] = [100, 200, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// With more slices than this the lines would be a scribble.
const MOST_SLICES: u64 = 240;

/// The shortest round length that keeps a load of `span_us` within the bound; the longest one for
/// a load of days.
pub(super) fn slice_us(span_us: u64) -> u64 {
    let fits = |ms: &u64| span_us <= ms * 1000 * MOST_SLICES;
    let [.., longest] = LENGTHS_MS;
    LENGTHS_MS.into_iter().find(fits).unwrap_or(longest) * 1000
}

/// A line over time: points are (seconds since the run's origin, value).
pub(super) type Line = Vec<(f64, f64)>;

/// One operation over time. Of latencies only answered ones count: the latency of a lost one says when the
/// client gave up. Slices in which none was due have no point.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// The median latency, in milliseconds.
    pub(super) p50_ms: Line,
    /// The 99th percentile.
    pub(super) p99_ms: Line,
    /// The slowest.
    pub(super) max_ms: Line,
    /// In an open loop: the 99th percentile without the wait before the send.
    pub(super) uncorrected_p99_ms: Line,
    /// Accepted per second in every full slice.
    pub(super) accepted_per_s: Line,
    slice_us: u64,
}

impl Buckets {
    pub(super) fn new(load: &[&Observation], op: Op, (from_us, to_us): (u64, u64)) -> Self {
        let slice_us = slice_us(to_us.saturating_sub(from_us));
        let index = |us: u64| us.saturating_sub(from_us) / slice_us;
        let middle = |index: u64| (from_us + index * slice_us + slice_us / 2) as f64 / 1e6;
        let mut due: BTreeMap<u64, Latencies> = BTreeMap::new();
        let mut sent: BTreeMap<u64, Latencies> = BTreeMap::new();
        let mut accepted: BTreeMap<u64, u64> = BTreeMap::new();
        for row in load.iter().filter(|row| row.op == op && is_answered(row)) {
            due.entry(index(row.due_us())).or_default().record(row.response_us());
            if row.planned_us.is_some() {
                sent.entry(index(row.start_us)).or_default().record(row.latency_us);
            }
            *accepted.entry(index(row.end_us)).or_default() += u64::from(is_accepted(row));
        }
        let line = |slices: &BTreeMap<u64, Latencies>, value: fn(&Latencies) -> Option<u64>| {
            let points = slices.iter();
            points
                .filter_map(|(&slice, latencies)| {
                    Some((middle(slice), value(latencies)? as f64 / 1000.0))
                })
                .collect::<Line>()
        };
        // The last slice is cut short by the load's end and would show a drop that is none.
        let full = index(to_us).max(1);
        let per_s =
            |slice: u64| accepted.get(&slice).copied().unwrap_or(0) as f64 * 1e6 / slice_us as f64;
        Self {
            p50_ms: line(&due, |latencies| latencies.percentile_us(0.5)),
            p99_ms: line(&due, |latencies| latencies.percentile_us(0.99)),
            max_ms: line(&due, Latencies::max_us),
            uncorrected_p99_ms: line(&sent, |latencies| latencies.percentile_us(0.99)),
            accepted_per_s: (0..full).map(|slice| (middle(slice), per_s(slice))).collect(),
            slice_us,
        }
    }

    /// The line in stretches of neighbouring slices, so that it bridges no slice in which nothing
    /// was measured.
    pub(super) fn stretches<'a>(&self, line: &'a Line) -> impl Iterator<Item = &'a [(f64, f64)]> {
        let slice_s = self.slice_us as f64 / 1e6;
        line.chunk_by(move |a, b| b.0 - a.0 < slice_s * 1.5)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::trade;
    use super::*;
    use crate::records::Outcome;

    #[test]
    fn latency_stands_where_it_was_due_and_throughput_where_it_ended() {
        let rows = [
            trade(1_000_000, 1_000, Outcome::Ok),
            trade(1_020_000, 1_800, Outcome::Rejected),
            trade(1_090_000, 220_000, Outcome::Ok),
            trade(1_095_000, 200_000, Outcome::Unknown),
        ];
        let load: Vec<&Observation> = rows.iter().collect();
        let buckets = Buckets::new(&load, Op::Trade, (1_000_000, 1_400_000));
        assert_eq!(buckets.p50_ms, [(1.05, 1.8)]);
        assert_eq!(buckets.max_ms, [(1.05, 220.0)]);
        assert!(buckets.uncorrected_p99_ms.is_empty());
        assert_eq!(buckets.accepted_per_s, [(1.05, 10.0), (1.15, 0.0), (1.25, 0.0), (1.35, 10.0)]);
        let none = Buckets::new(&load, Op::Query, (1_000_000, 1_400_000));
        assert!(none.p50_ms.is_empty());
    }

    #[test]
    fn an_open_loop_counts_the_wait_before_the_send_and_shows_it_without_as_well() {
        let late =
            Observation { planned_us: Some(1_010_000), ..trade(1_510_000, 20_000, Outcome::Ok) };
        let buckets = Buckets::new(&[&late], Op::Trade, (1_000_000, 2_000_000));
        assert_eq!(buckets.max_ms, [(1.05, 520.0)]);
        assert_eq!(buckets.uncorrected_p99_ms, [(1.55, 20.0)]);
    }

    #[test]
    fn lines_break_where_nothing_was_measured() {
        let buckets = Buckets { slice_us: 100_000, ..Buckets::default() };
        let line = vec![(0.05, 1.0), (0.15, 1.0), (0.45, 1.0)];
        let lengths: Vec<usize> = buckets.stretches(&line).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 1]);
    }

    #[test]
    fn long_loads_have_long_slices() {
        assert_eq!(slice_us(0), 100_000);
        assert_eq!(slice_us(24_000_000), 100_000);
        assert_eq!(slice_us(48_000_000), 200_000);
        assert_eq!(slice_us(u64::MAX / 2), 60_000_000);
    }
}
