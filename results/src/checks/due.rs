//! Whether an operation was due, and what became of it.
//!
//! An operation was *due* if it began when everything that it [needs] had been up for the time that the
//! bazaar may take to notice, and either ended before that changed or waited for as long as that time.
//!
//! One that was due and was not answered is put down to the services where they said so themselves, by a
//! status, or where somebody else was served meanwhile; if nobody was, the machine may have stalled, and
//! nobody can tell. Nor can anybody where the harness's own heartbeat says that it did stall, or where the
//! leader changed though nothing was broken: a stall looks like a death to anybody who waits for an answer. What was under way from a host of
//! clients when that was lost need not have been answered.

use std::cell::OnceCell;

use super::history::History;
use super::needs::{self, Possible};
use super::rows::Operation;
use crate::records::Op;

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Answered, and it was due.
    Answered,
    /// Answered, and it need not have been.
    NotDue,
    /// Not answered, and it need not have been.
    Excused,
    /// It was due, and the services did not answer it.
    Refused,
    /// It was due and was not answered, and nobody can tell whether that is the services' fault.
    Silent,
}

/// When which kind was to be answered, and who was served when.
pub(super) struct Asked<'a> {
    history: &'a History<'a>,
    bound_us: u64,
    /// Since when operations are to be answered, and until when everything was up.
    reads: Vec<Possible>,
    trades: Vec<Possible>,
    /// Made when it is first asked for: a run in which all are answered does without.
    served: OnceCell<Served>,
    /// When the machine stalled, or may have: where the leader changed though nothing was broken.
    stalls: Vec<(u64, u64)>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(history: &'a History<'a>) -> Self {
        let settled = |possible: Vec<Possible>| {
            let settled = possible
                .into_iter()
                .map(|one| Possible { from_us: one.settled_us(history), to_us: one.to_us });
            settled.filter(|one| one.from_us < one.to_us).collect()
        };
        Self {
            history,
            bound_us: needs::bound_us(history),
            reads: settled(needs::of_reads(history)),
            trades: settled(needs::of_trades(history, 0, u64::MAX)),
            served: OnceCell::new(),
            stalls: needs::stalls(history).chain(unprovoked_changes(history)).collect(),
        }
    }

    pub(super) fn fate(&self, operation: &Operation) -> Fate {
        let is_due = self.is_due(operation);
        match operation.row.outcome.is_answer() {
            true if is_due => Fate::Answered,
            true => Fate::NotDue,
            false if !is_due || self.history.timeline.was_owed(&operation.row) => Fate::Excused,
            false if self.is_the_services(operation) => Fate::Refused,
            false => Fate::Silent,
        }
    }

    fn is_due(&self, operation: &Operation) -> bool {
        let (start_us, end_us) = (operation.row.start_us, operation.row.end_us);
        let is_read = matches!(operation.row.op, Op::Query | Op::Read);
        let possible = if is_read { &self.reads } else { &self.trades };
        let next = possible.partition_point(|one| one.from_us <= start_us);
        let Some(one) = next.checked_sub(1).and_then(|index| possible.get(index)) else {
            return false;
        };
        let had_us = one.to_us.saturating_sub(start_us);
        end_us <= one.to_us || had_us >= self.bound_us
    }

    fn is_the_services(&self, operation: &Operation) -> bool {
        let row = &operation.row;
        let served = || self.served.get_or_init(|| Served::new(self.history));
        let said_so = row.status.is_some() || served().between(row.start_us, row.end_us);
        let may_have_stalled = self
            .stalls
            .iter()
            .any(|&(from_us, to_us)| row.start_us <= to_us && row.end_us >= from_us);
        said_so && !may_have_stalled
    }
}

fn unprovoked_changes(history: &History<'_>) -> Vec<(u64, u64)> {
    let bound_us = needs::bound_us(history);
    let changes = history.timeline.changes();
    let later = history.timeline.terms().iter().skip(1);
    let doubted = later.map(|term| (term.suspected_us.unwrap_or(term.from_us), term.from_us));
    let around = doubted.map(|(doubted_us, from_us)| {
        (doubted_us.min(from_us).saturating_sub(bound_us), from_us.saturating_add(bound_us))
    });
    around
        .filter(|&(from_us, to_us)| {
            // Whatever was broken or mended just before explains it.
            let until_us = to_us.saturating_sub(bound_us);
            changes.range(from_us..=until_us).next().is_none()
        })
        .collect()
}

/// When operations began that were answered, ascending, and when the first of those that began no earlier
/// ended.
struct Served(Vec<(u64, u64)>);

impl Served {
    fn new(history: &History<'_>) -> Self {
        let answered = history.operations.iter().filter(|one| one.row.outcome.is_answer());
        let mut times: Vec<_> = answered.map(|one| (one.row.start_us, one.row.end_us)).collect();
        times.sort_unstable();
        let mut first_us = u64::MAX;
        for (_, end_us) in times.iter_mut().rev() {
            first_us = first_us.min(*end_us);
            *end_us = first_us;
        }
        Self(times)
    }

    /// Whether an operation began and was answered between these moments.
    fn between(&self, from_us: u64, to_us: u64) -> bool {
        let first = self.0.partition_point(|&(start_us, _)| start_us < from_us);
        self.0.get(first).is_some_and(|&(_, end_us)| end_us <= to_us)
    }
}
