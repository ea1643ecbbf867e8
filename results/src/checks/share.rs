//! How many of the operations that were due were answered.

use super::check::{Finding, MAX_EVIDENCE};
use super::due::Fate;
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::InconclusiveReason;
use super::rows::Operation;

/// How many of a hundred operations that were due must be answered. One client's connection may break at
/// a bad moment; a bazaar that turns away more than that does not work.
pub(super) const ANSWERED_PERCENT: u64 = 99;

/// How many operations of a kind or of a stock were due, and which of them were not answered.
#[derive(Default)]
pub(super) struct Share<'a> {
    pub(super) due: u64,
    refused: Vec<&'a Operation>,
    silent: Vec<&'a Operation>,
}

impl<'a> Share<'a> {
    pub(super) fn add(&mut self, operation: &'a Operation, fate: Fate) {
        match fate {
            Fate::NotDue | Fate::Excused => return,
            Fate::Answered => {}
            Fate::Refused => self.refused.push(operation),
            Fate::Silent => self.silent.push(operation),
        }
        self.due += 1;
    }

    fn unanswered(&self) -> u64 {
        (self.refused.len() + self.silent.len()) as u64
    }

    pub(super) fn is_enough(&self) -> bool {
        self.is_within_bound(self.unanswered())
    }

    fn is_within_bound(&self, missing: u64) -> bool {
        missing * 100 <= self.due * (100 - ANSWERED_PERCENT)
    }

    pub(super) fn judge(&self, what: &str, history: &History<'_>, finding: &mut Finding) {
        let (due, answered) = (self.due, self.due - self.unanswered());
        if !self.is_within_bound(self.refused.len() as u64) {
            finding.violation(|| {
                let what = format!(
                    "{answered} of {due} {what} were answered that were due while everything they need \
                     was up"
                );
                let first_us = self.refused.iter().map(|one| one.row.start_us).min().unwrap_or(0);
                let violation = Violation::new(history, what).at(history, first_us);
                let shown = self.refused.iter().take(MAX_EVIDENCE);
                shown.fold(violation, |all, operation| all.operation(operation))
            });
        } else if !self.is_enough() {
            finding.inconclusive(InconclusiveReason::Unanswered {
                what: what.to_owned(),
                answered,
                due,
            });
        }
    }
}

/// How much was looked at.
#[derive(Default)]
pub(super) struct Totals {
    due: usize,
    unanswered: usize,
    excused: usize,
}

impl Totals {
    pub(super) fn count(&mut self, fate: Fate) {
        self.due += usize::from(!matches!(fate, Fate::NotDue | Fate::Excused));
        self.unanswered += usize::from(matches!(fate, Fate::Refused | Fate::Silent));
        self.excused += usize::from(fate == Fate::Excused);
    }

    pub(super) fn tell(&self, finding: &mut Finding) {
        if self.due > 0 {
            finding.examined("operations due", self.due);
            finding.examined("of them not answered", self.unanswered);
        }
        if self.due > 0 && self.excused > 0 {
            finding.examined("not answered while something was broken", self.excused);
        }
    }
}
