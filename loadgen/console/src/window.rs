//! What the clients saw in the last minute, in buckets; and the figures of the last second. Pure.
//!
//! An operation belongs to the bucket in which it ended. The open bucket and those of the last second
//! keep every latency; older ones keep what the timeline draws.

use std::collections::VecDeque;

use results::records::{CacheState, Observation, Op, Outcome, Phase};
use results::stats::Latencies;
use serde::Serialize;

/// How long a bucket is: short enough to show the outage of a paused leader, long enough for a rate.
pub(super) const BUCKET_MS: u64 = 200;
/// How many buckets the window has: a minute.
const BUCKETS: usize = 300;
/// How many of them the figures are made of: a second.
const RECENT: usize = 5;

/// The last minute.
#[derive(Debug, Default)]
pub(super) struct Window {
    open: Raw,
    recent: VecDeque<Raw>,
    closed: VecDeque<Bucket>,
    totals: Totals,
    /// How late the operation that ended last was sent, in an open loop.
    behind_us: u64,
}

/// Every operation of a bucket.
#[derive(Clone, Debug, Default)]
struct Raw {
    queries: Vec<u64>,
    trades: Vec<u64>,
    lookups: Vec<u64>,
    hits: u64,
    misses: u64,
    failed: u64,
    unknown: u64,
}

/// A bucket as the timeline draws it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Bucket {
    /// Its number since the console began: it covers `BUCKET_MS` from `number * BUCKET_MS` on.
    pub(super) number: u64,
    query: Drawn,
    trade: Drawn,
    lookup: Drawn,
    failed: u64,
    unknown: u64,
}

/// One kind of operation in a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Drawn {
    answered: u64,
    p50_us: Option<u64>,
    max_us: Option<u64>,
}

/// The last second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    query: OpFigures,
    trade: OpFigures,
    lookup: OpFigures,
    failed: u64,
    unknown: u64,
    /// The share of queries that the cache answered; nothing without queries that say.
    hit_share: Option<f64>,
    /// How far the load is behind its schedule.
    behind_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct OpFigures {
    answered: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
}

/// Everything since the console began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Totals {
    answered: u64,
    failed: u64,
    unknown: u64,
    /// Acknowledged trades.
    acknowledged: u64,
    /// Acknowledged orders that were looked up and answered.
    looked_up: u64,
    /// Those of them that were not there.
    missing: u64,
}

impl Window {
    /// Adds an operation that has just ended.
    pub(super) fn add(&mut self, row: &Observation) {
        let Raw { queries, trades, lookups, hits, misses, failed, unknown } = &mut self.open;
        match row.outcome {
            Outcome::Failed => {
                *failed += 1;
                self.totals.failed += 1;
            }
            Outcome::Unknown => {
                *unknown += 1;
                self.totals.unknown += 1;
            }
            Outcome::Ok | Outcome::Rejected => {
                self.totals.answered += 1;
                match row.op {
                    Op::Lookup => lookups.push(row.response_us()),
                    op if op.changes() => trades.push(row.response_us()),
                    _ => queries.push(row.response_us()),
                }
            }
        }
        match row.cache {
            Some(CacheState::Hit) if row.op == Op::Query => *hits += 1,
            Some(CacheState::Miss) if row.op == Op::Query => *misses += 1,
            _ => {}
        }
        match (row.op, row.phase, row.outcome) {
            (op, _, Outcome::Ok) if op.changes() => self.totals.acknowledged += 1,
            (Op::Lookup, Phase::Lookup, Outcome::Ok) => self.totals.looked_up += 1,
            (Op::Lookup, Phase::Lookup, Outcome::Rejected) => {
                self.totals.looked_up += 1;
                self.totals.missing += 1;
            }
            _ => {}
        }
        if let Some(planned_us) = row.planned_us {
            self.behind_us = row.start_us.saturating_sub(planned_us);
        }
    }

    /// Closes the open bucket, which is the one before bucket `number`. Those that nobody closed in
    /// time are empty: whatever ended in them has been counted in the open one.
    pub(super) fn close_until(&mut self, number: u64) {
        let mut next = self.closed.back().map_or(0, |bucket| bucket.number + 1);
        // A machine that slept for a day need not make up for all of it.
        next = next.max(number.saturating_sub(BUCKETS as u64));
        while next < number {
            let raw = std::mem::take(&mut self.open);
            self.closed.push_back(raw.drawn(next));
            self.recent.push_back(raw);
            next += 1;
        }
        while self.closed.len() > BUCKETS {
            self.closed.pop_front();
        }
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Closed buckets from number `from` on.
    pub(super) fn since(&self, from: u64) -> Vec<Bucket> {
        self.closed.iter().filter(|bucket| bucket.number >= from).cloned().collect()
    }

    /// The last second.
    pub(super) fn figures(&self) -> Figures {
        let sum = |count: fn(&Raw) -> u64| self.recent.iter().map(count).sum::<u64>();
        let (hits, misses) = (sum(|raw| raw.hits), sum(|raw| raw.misses));
        Figures {
            query: self.op_figures(|raw| &raw.queries),
            trade: self.op_figures(|raw| &raw.trades),
            lookup: self.op_figures(|raw| &raw.lookups),
            failed: sum(|raw| raw.failed),
            unknown: sum(|raw| raw.unknown),
            hit_share: (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64),
            behind_ms: self.behind_us / 1000,
        }
    }

    fn op_figures(&self, of: fn(&Raw) -> &Vec<u64>) -> OpFigures {
        let latencies: Latencies = self.recent.iter().flat_map(of).copied().collect();
        OpFigures {
            answered: latencies.count(),
            p50_us: latencies.percentile_us(0.5),
            p99_us: latencies.percentile_us(0.99),
        }
    }

    /// Everything since the beginning.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// How late the operation that ended last was sent, in microseconds.
    pub(super) fn behind_us(&self) -> u64 {
        self.behind_us
    }

    /// A new schedule is behind nothing.
    pub(super) fn forget_behind(&mut self) {
        self.behind_us = 0;
    }
}

impl Raw {
    fn drawn(&self, number: u64) -> Bucket {
        Bucket {
            number,
            query: drawn(&self.queries),
            trade: drawn(&self.trades),
            lookup: drawn(&self.lookups),
            failed: self.failed,
            unknown: self.unknown,
        }
    }
}

fn drawn(latencies_us: &[u64]) -> Drawn {
    let mut sorted = latencies_us.to_vec();
    sorted.sort_unstable();
    // The nearest rank, as everywhere: the smallest that half of them do not exceed.
    let p50_us = sorted.get(sorted.len().div_ceil(2).saturating_sub(1)).copied();
    Drawn { answered: sorted.len() as u64, p50_us, max_us: sorted.last().copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(op: Op, outcome: Outcome, latency_us: u64) -> Observation {
        Observation {
            cell: "console".into(),
            trial: 1,
            phase: if op == Op::Lookup { Phase::Lookup } else { Phase::Load },
            client: 1,
            seq: 1,
            op,
            stock_name: None,
            trade_type: None,
            quantity: None,
            planned_us: None,
            start_us: 1000,
            end_us: 1000 + latency_us,
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
            keyed: None,
        }
    }

    #[test]
    fn an_operation_is_drawn_in_its_bucket_and_counted_in_the_last_second() {
        let mut window = Window::default();
        for latency_us in [300, 100, 200] {
            window.add(&row(Op::Query, Outcome::Ok, latency_us));
        }
        window.add(&row(Op::Trade, Outcome::Rejected, 900));
        window.close_until(1);
        let buckets = window.since(0);
        let expected = Drawn { answered: 3, p50_us: Some(200), max_us: Some(300) };
        assert_eq!((buckets.len(), buckets[0].number, buckets[0].query), (1, 0, expected));
        let figures = window.figures();
        assert_eq!((figures.query.answered, figures.query.p99_us), (3, Some(300)));
        assert_eq!(figures.trade.answered, 1);
        // A second later it is history: still drawn, no longer counted.
        window.close_until(7);
        assert_eq!(window.figures().query.answered, 0);
        assert_eq!(window.since(0).len(), 7);
        assert_eq!(window.since(5).len(), 2);
        assert_eq!(window.totals().answered, 4);
    }

    #[test]
    fn a_minute_is_kept_however_long_it_goes_on() {
        let mut window = Window::default();
        window.close_until(10_000_000);
        let buckets = window.since(0);
        assert_eq!(buckets.len(), BUCKETS);
        assert_eq!(buckets.last().map(|bucket| bucket.number), Some(9_999_999));
        window.close_until(10_000_001);
        assert_eq!(window.since(0).len(), BUCKETS);
    }

    #[test]
    fn an_acknowledged_order_that_is_not_there_is_missing() {
        let mut window = Window::default();
        window.add(&row(Op::Trade, Outcome::Ok, 1));
        window.add(&row(Op::Lookup, Outcome::Ok, 1));
        window.add(&row(Op::Lookup, Outcome::Rejected, 1));
        window.add(&row(Op::Lookup, Outcome::Failed, 1));
        let totals = window.totals();
        assert_eq!((totals.acknowledged, totals.looked_up, totals.missing), (1, 2, 1));
        assert_eq!(totals.failed, 1);
    }

    #[test]
    fn hits_and_lateness_are_told() {
        let mut window = Window::default();
        let of = |cache| Observation { cache, ..row(Op::Query, Outcome::Ok, 1) };
        assert_eq!(window.figures().hit_share, None);
        for cache in [CacheState::Hit, CacheState::Hit, CacheState::Hit, CacheState::Miss] {
            window.add(&of(Some(cache)));
        }
        let late = row(Op::Query, Outcome::Ok, 10);
        window.add(&Observation { planned_us: Some(0), start_us: 9000, end_us: 9010, ..late });
        window.close_until(1);
        let figures = window.figures();
        assert_eq!((figures.hit_share, figures.behind_ms), (Some(0.75), 9));
        assert_eq!(figures.query.p99_us, Some(9010), "an open loop's latency is since it was due");
        window.forget_behind();
        assert_eq!(window.figures().behind_ms, 0);
    }
}
