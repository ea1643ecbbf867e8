//! What the operations of the last seconds came to, for who decides something while the load runs.
//!
//! It holds what was measured within [`WINDOW`], so it is bounded by what clients do in that time, and holds
//! nothing unless somebody watches.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use results::records::{Observation, Op, Outcome, Phase};
use results::summary::{is_accepted, is_answered};
use results::thresholds::Lately;

/// How far back it looks. Long enough for a 99th percentile of a hundred operations a second, short enough
/// to end a load that is lost.
pub const WINDOW: Duration = Duration::from_secs(5);

/// What is kept of an operation.
#[derive(Clone, Copy, Debug)]
struct Seen {
    end_us: u64,
    op: Op,
    outcome: Outcome,
    /// How long the answer took, if there was one.
    response_us: Option<u64>,
    is_accepted: bool,
}

/// The measured operations of the last seconds.
#[derive(Debug, Default)]
pub struct Recent {
    is_watched: bool,
    seen: VecDeque<Seen>,
    /// Which kinds of operations there were since somebody began to watch.
    kinds: BTreeSet<Op>,
}

impl Recent {
    /// Somebody begins to watch.
    pub fn begin(&mut self) {
        *self = Self { is_watched: true, ..Self::default() };
    }

    /// Nobody watches any more.
    pub fn end(&mut self) {
        *self = Self::default();
    }

    /// Adds an operation.
    pub(crate) fn add(&mut self, row: &Observation) {
        if !self.is_watched || row.phase != Phase::Load {
            return;
        }
        self.kinds.insert(row.op);
        self.seen.push_back(Seen {
            end_us: row.end_us,
            op: row.op,
            outcome: row.outcome,
            response_us: is_answered(row).then(|| row.response_us()),
            is_accepted: is_accepted(row),
        });
        self.forget_before(row.end_us);
    }

    /// What ended within the window before `now_us`, for each kind of operation that there was any of
    /// since somebody watches.
    pub fn lately(&mut self, now_us: u64) -> Vec<Lately> {
        self.forget_before(now_us);
        let of_op = |op: &Op| {
            let mut lately = Lately::new(*op, WINDOW.as_secs_f64());
            for seen in self.seen.iter().filter(|seen| seen.op == *op && seen.end_us <= now_us) {
                lately.accepted += u64::from(seen.is_accepted);
                lately.failed += u64::from(seen.outcome == Outcome::Failed);
                lately.unknown += u64::from(seen.outcome == Outcome::Unknown);
                seen.response_us.into_iter().for_each(|us| lately.latencies.record(us));
            }
            lately
        };
        self.kinds.iter().map(of_op).collect()
    }

    /// Rows come nearly in the order of their ends: what is a little late stays a little longer.
    fn forget_before(&mut self, now_us: u64) {
        let window_us = u64::try_from(WINDOW.as_micros()).unwrap_or(u64::MAX);
        let from_us = now_us.saturating_sub(window_us);
        while self.seen.front().is_some_and(|seen| seen.end_us < from_us) {
            self.seen.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(end_us: u64, latency_us: u64) -> Observation {
        Observation {
            phase: Phase::Load,
            ..Observation::new("cell", 1, Op::Query, end_us - latency_us, end_us)
        }
    }

    #[test]
    fn what_ended_longer_ago_than_the_window_counts_no_more() {
        let mut recent = Recent::default();
        recent.begin();
        for second in 1..=8 {
            recent.add(&query(second * 1_000_000, second * 100));
        }
        let lately = recent.lately(8_000_000);
        assert_eq!((lately.len(), lately[0].accepted), (1, 6));
        assert_eq!(lately[0].latencies.max_us(), Some(800));
        // It has been silent since, which is known of queries and of nothing else.
        let later = recent.lately(60_000_000);
        assert_eq!((later.len(), later[0].accepted, later[0].op), (1, 0, Op::Query));
    }

    #[test]
    fn the_warm_up_and_what_nobody_watches_are_left_out() {
        let mut recent = Recent::default();
        recent.add(&query(1_000_000, 10));
        recent.begin();
        recent.add(&Observation { phase: Phase::WarmUp, ..query(1_000_000, 10) });
        assert!(recent.lately(1_000_000).is_empty());
    }

    #[test]
    fn what_failed_is_told_apart_from_what_may_have_been_done() {
        let mut recent = Recent::default();
        recent.begin();
        for outcome in [Outcome::Failed, Outcome::Unknown, Outcome::Unknown, Outcome::Rejected] {
            recent.add(&Observation { outcome, ..query(1_000_000, 10) });
        }
        let lately = recent.lately(1_000_000).remove(0);
        let counts = (lately.accepted, lately.failed, lately.unknown, lately.latencies.count());
        assert_eq!(counts, (0, 1, 2, 1));
    }
}
