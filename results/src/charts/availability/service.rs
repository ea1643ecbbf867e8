//! What the service as a whole delivered: what it accepted in equal slices of time, judged against its
//! own usual rate.

use crate::records::{Observation, Op};
use crate::stats::median;
use crate::summary::is_accepted;

/// Lengths that a slice may have, in milliseconds.
const LENGTHS_MS: [u64; 5] = [100, 200, 500, 1000, 2000];

/// A median slice has at least so many answers, or the next length is taken: of fewer, half are
/// missing by chance every now and then.
const ENOUGH: f64 = 10.0;

/// Below this share of the median a slice counts as degraded.
pub(super) const DEGRADED_BELOW: f64 = 0.5;

/// How much of the usual a slice had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// At least half of the median slice.
    Full,
    /// Less.
    Degraded,
    /// Nothing.
    None,
}

/// What was accepted in a trial over time.
#[derive(Debug, PartialEq)]
pub(super) struct Service {
    /// What was accepted: what changes something, or reads if nothing did.
    pub(super) op: Op,
    pub(super) slice_ms: u64,
    pub(super) from_us: u64,
    /// Accepted per slice. The last slice, which the load's end cuts short, is left out.
    pub(super) answers: Vec<u64>,
    pub(super) median: f64,
}

impl Service {
    /// Nothing if nothing was accepted, or not for as long as a slice.
    pub(super) fn new(load: &[&Observation], span_us: (u64, u64)) -> Option<Self> {
        let accepted = |op: Op| load.iter().filter(move |row| row.op == op && is_accepted(row));
        let all = [Op::Trade, Op::Write, Op::Append, Op::Query, Op::Read];
        let op = all.into_iter().find(|&op| accepted(op).next().is_some()).unwrap_or(Op::Query);
        let ends_us: Vec<u64> = accepted(op).map(|row| row.end_us).collect();
        let sliced = LENGTHS_MS.iter().filter_map(|&ms| Self::sliced(op, &ends_us, span_us, ms));
        let mut sliced: Vec<Self> = sliced.collect();
        let enough = sliced.iter().position(|service| service.median >= ENOUGH);
        let index = enough.or(sliced.len().checked_sub(1))?;
        Some(sliced.swap_remove(index))
    }

    fn sliced(op: Op, ends_us: &[u64], span_us: (u64, u64), slice_ms: u64) -> Option<Self> {
        let (from_us, until_us) = span_us;
        let slices = until_us.saturating_sub(from_us) / (slice_ms * 1000);
        let mut answers = vec![0; usize::try_from(slices).ok()?];
        for &end_us in ends_us {
            let slice = end_us.saturating_sub(from_us) / (slice_ms * 1000);
            if let Some(count) = usize::try_from(slice).ok().and_then(|i| answers.get_mut(i)) {
                *count += 1;
            }
        }
        let median = median(&answers.iter().map(|&count| count as f64).collect::<Vec<_>>())?;
        Some(Self { op, slice_ms, from_us, answers, median })
    }

    pub(super) fn level(&self, answers: u64) -> Level {
        match answers {
            0 => Level::None,
            n if (n as f64) < self.median * DEGRADED_BELOW => Level::Degraded,
            _ => Level::Full,
        }
    }

    /// For how many seconds it was at this level.
    pub(super) fn seconds_at(&self, level: Level) -> f64 {
        let slices = self.answers.iter().filter(|&&answers| self.level(answers) == level);
        slices.count() as f64 * self.slice_ms as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::trade;
    use super::*;
    use crate::records::Outcome;

    /// One trade every `gap_us`, except from 1 s to 1.5 s (none) and to 2 s (every fifth).
    fn service(gap_us: u64) -> Service {
        let starts = (0..4_000_000 / gap_us).map(|n| (n, n * gap_us));
        let kept = starts.filter(|&(n, us)| match us {
            1_000_000..1_500_000 => false,
            1_500_000..2_000_000 => n % 5 == 0,
            _ => true,
        });
        let rows: Vec<Observation> = kept.map(|(_, us)| trade(us, 100, Outcome::Ok)).collect();
        Service::new(&rows.iter().collect::<Vec<_>>(), (0, 4_000_000)).unwrap()
    }

    #[test]
    fn every_slice_is_judged_by_the_median_one() {
        let service = service(5_000);
        assert_eq!((service.slice_ms, service.answers.len()), (100, 40));
        assert!((service.seconds_at(Level::None) - 0.5).abs() < 1e-9);
        assert!((service.seconds_at(Level::Degraded) - 0.5).abs() < 1e-9);
        assert!((service.seconds_at(Level::Full) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_slow_load_gets_longer_slices_instead_of_chance_outages() {
        assert_eq!(service(45_000).slice_ms, 500);
    }

    #[test]
    fn nothing_answered_is_no_service() {
        let lost = trade(0, 3_000_000, Outcome::Unknown);
        let service = Service::new(&[&lost], (0, 3_000_000)).unwrap();
        assert!(service.answers.iter().all(|&answers| service.level(answers) == Level::None));
        assert_eq!(Service::new(&[&lost], (0, 50_000)), None);
    }
}
