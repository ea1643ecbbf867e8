//! A trial's operations, laid out so that a fault's window can be looked up instead of searched.
//!
//! Every question about a fault is one about operations that were due, or answered, within some
//! time. So they are sorted once per trial, by each of the two, and a fault costs little more than
//! what lies in its window.

use std::collections::HashMap;

use super::gaps::TradeAnswers;
use super::window::Window;
use crate::records::{CacheState, DumpRow, Observation, Op, Outcome, Phase};
use crate::summary::is_answered;
use crate::timeline::Timeline;

/// An operation of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// When it was to be sent: in an open loop as planned, in a closed one when it was.
    pub(super) due_us: u64,
    /// When it was answered or given up.
    pub(super) end_us: u64,
    pub(super) answered: bool,
    /// Whether the front-end answered it from its cache.
    pub(super) hit: bool,
}

impl Operation {
    /// The latency that figures are made of: since it was due.
    pub(super) fn response_us(&self) -> u64 {
        self.end_us - self.due_us
    }
}

/// An acknowledged trade, of the load or of the warm-up.
#[derive(Clone, Copy, Debug)]
struct Acknowledged<'a> {
    start_us: u64,
    end_us: u64,
    request_id: Option<&'a str>,
}

/// Something that did not go well at once, or not at all.
#[derive(Clone, Copy, Debug)]
struct Failure {
    end_us: u64,
    outcome: Outcome,
    retried: bool,
    kind: Kind,
    in_load: bool,
}

/// What a client wants: goodput is told of each apart, since a fault that stops every trade may leave
/// reads alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Queries, lookups during the load, and reads.
    Reads,
    /// Trades, and whatever else changes something.
    Trades,
}

impl Kind {
    fn of(op: Op) -> Self {
        if op.changes() { Self::Trades } else { Self::Reads }
    }
}

/// What became of the operations that ended in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failures {
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) retried: u64,
    /// Trades that failed or are unknown, without those of the warm-up.
    unanswered_trades: u64,
    /// The same of reads, without lookups at the end.
    unanswered_reads: u64,
}

impl Failures {
    /// How many of a kind failed or are unknown, of the load.
    pub(super) fn unanswered(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Reads => self.unanswered_reads,
            Kind::Trades => self.unanswered_trades,
        }
    }
}

/// The operations of one trial.
#[derive(Debug, Default)]
pub(super) struct OperationIndex<'a> {
    /// Those of the load proper, without warm-up and lookups at the end, by when they were due.
    pub(super) operations: Vec<Operation>,
    /// When reads of those were accepted (ok), ascending.
    accepted_reads_us: Vec<u64>,
    /// The same of trades.
    accepted_trades_us: Vec<u64>,
    /// When its last operation ended.
    ended_us: Option<u64>,
    /// Whether operations were planned for a time, whether or not a client was free then.
    pub(super) is_open: bool,
    trades: bool,
    reads: bool,
    /// When trades were answered, warm-up included, ascending.
    trade_answers_us: Vec<u64>,
    /// By when they were acknowledged.
    acknowledged: Vec<Acknowledged<'a>>,
    /// The epoch in which each trade was numbered, by request id.
    epochs: HashMap<&'a str, u64>,
    /// By when they ended.
    failures: Vec<Failure>,
}

impl<'a> OperationIndex<'a> {
    /// The operations of one trial; `log` says in which epoch a trade was numbered, and `timeline` what was owed to a host of clients when that was
    /// lost: that is no fault's failure.
    pub(super) fn new(rows: &[&'a Observation], log: &'a [DumpRow], timeline: &Timeline) -> Self {
        let numbered = log.iter().filter_map(|row| row.request_id.as_deref().zip(row.epoch()));
        let mut load = Self { epochs: numbered.collect(), ..Self::default() };
        for row in rows {
            load.add(row, timeline.was_owed(row));
        }
        load.operations.sort_by_key(|operation| operation.due_us);
        load.accepted_reads_us.sort_unstable();
        load.accepted_trades_us.sort_unstable();
        load.trade_answers_us.sort_unstable();
        load.acknowledged.sort_by_key(|trade| trade.end_us);
        load.failures.sort_by_key(|failure| failure.end_us);
        load
    }

    fn add(&mut self, row: &'a Observation, is_owed: bool) {
        let (answered, in_load) = (is_answered(row), row.phase == Phase::Load);
        if in_load {
            self.operations.push(Operation {
                // Of a client on another host as much later as its clock leaves open, so that its response is what that clock says.
                due_us: row.end_us.saturating_sub(row.response_us()),
                end_us: row.end_us,
                answered,
                hit: row.cache == Some(CacheState::Hit),
            });
            self.ended_us = self.ended_us.max(Some(row.end_us));
            self.is_open |= row.planned_us.is_some();
            match Kind::of(row.op) {
                Kind::Reads => self.reads = true,
                Kind::Trades => self.trades = true,
            }
            if row.outcome.is_accepted() {
                match Kind::of(row.op) {
                    Kind::Reads => self.accepted_reads_us.push(row.end_us),
                    Kind::Trades => self.accepted_trades_us.push(row.end_us),
                }
            }
        }
        if row.op.changes() && answered {
            self.trade_answers_us.push(row.end_us);
        }
        if row.op.changes() && row.outcome == Outcome::Ok {
            let (start_us, end_us) = (row.start_us, row.end_us);
            let request_id = row.request_id.as_deref();
            self.acknowledged.push(Acknowledged { start_us, end_us, request_id });
        }
        let retried = row.attempts > 1;
        if (!answered && !is_owed) || retried {
            let (end_us, outcome, kind) = (row.end_us, row.outcome, Kind::of(row.op));
            self.failures.push(Failure { end_us, outcome, retried, kind, in_load });
        }
    }

    /// Whether the load traded at all.
    pub(super) fn has_trades(&self) -> bool {
        self.trades
    }

    /// Whether there was load of this kind.
    pub(super) fn asks_for(&self, kind: Kind) -> bool {
        match kind {
            Kind::Reads => self.reads,
            Kind::Trades => self.trades,
        }
    }

    /// When its first operation was due; nothing without operations.
    pub(super) fn began_us(&self) -> Option<u64> {
        self.operations.first().map(|operation| operation.due_us)
    }

    /// The operations that were due from `from_us` on, up to and without `until_us`.
    pub(super) fn due(&self, from_us: u64, until_us: Option<u64>) -> &[Operation] {
        let place = |us: u64| self.operations.partition_point(|operation| operation.due_us < us);
        let from = place(from_us);
        let until = until_us.map_or(self.operations.len(), place);
        &self.operations[from..until.max(from)]
    }

    /// How many operations of a kind were accepted after `after_us`, up to and with `until_us`.
    pub(super) fn accepted(&self, kind: Kind, after_us: u64, until_us: u64) -> usize {
        let accepted_us = match kind {
            Kind::Reads => &self.accepted_reads_us,
            Kind::Trades => &self.accepted_trades_us,
        };
        let place = |us: u64| accepted_us.partition_point(|&accepted_us| accepted_us <= us);
        place(until_us).saturating_sub(place(after_us))
    }

    /// The earliest acknowledgement since `since_us` of a trade of this epoch or a later one.
    pub(super) fn first_ack_of(&self, epoch: u64, since_us: u64) -> Option<u64> {
        let mut since = self.acknowledged_since(since_us);
        let of = |trade: &Acknowledged<'_>| self.epochs.get(trade.request_id?).copied();
        since.find(|trade| of(trade) >= Some(epoch)).map(|trade| trade.end_us)
    }

    /// The earliest acknowledgement of a trade that was sent at `since_us` or later.
    pub(super) fn first_ack_sent(&self, since_us: u64) -> Option<u64> {
        let mut since = self.acknowledged_since(since_us);
        since.find(|trade| trade.start_us >= since_us).map(|trade| trade.end_us)
    }

    fn acknowledged_since(&self, since_us: u64) -> impl Iterator<Item = &Acknowledged<'a>> {
        let from = self.acknowledged.partition_point(|trade| trade.end_us < since_us);
        self.acknowledged[from..].iter()
    }

    /// What became of the operations that ended in the window.
    pub(super) fn failures(&self, window: Window) -> Failures {
        let from = self.failures.partition_point(|failure| failure.end_us < window.at_us);
        let within = self.failures[from..].iter();
        let mut failures = Failures::default();
        for failure in within.take_while(|failure| window.contains(failure.end_us)) {
            failures.failed += u64::from(failure.outcome == Outcome::Failed);
            failures.unknown += u64::from(failure.outcome == Outcome::Unknown);
            failures.retried += u64::from(failure.retried);
            let unanswered = u64::from(!failure.outcome.is_answer() && failure.in_load);
            match failure.kind {
                Kind::Reads => failures.unanswered_reads += unanswered,
                Kind::Trades => failures.unanswered_trades += unanswered,
            }
        }
        failures
    }

    /// When trades of the load were answered; nothing without operations.
    pub(super) fn trade_answers(&self) -> Option<TradeAnswers<'_>> {
        Some(TradeAnswers {
            answers_us: &self.trade_answers_us,
            began_us: self.began_us()?,
            ended_us: self.ended_us?,
        })
    }
}
