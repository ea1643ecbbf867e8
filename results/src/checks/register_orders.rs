//! Each register's history is linearizable: some order of its operations, each at one moment between its call and its answer,
//! explains everything that every client was told.
//!
//! The other checks of registers each look for one way to be wrong. This one looks for an order ([`linear`](crate::linear)), and
//! so finds whatever leaves none: two compare-and-sets that both had the same value, a refusal that was not due, a write that
//! comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::InconclusiveReason;
use super::keys::{self, KeyRows};
use super::linearizability::{bands, file_name, nearest};
use super::part::Part;
use super::rows::Operation;
use super::run_file::RunFile;
use super::trial_name::TrialName;
use crate::linear::picture::{self, Scene, Source};
use crate::linear::{
    self, Budget, Decision, Explanation, Model as _, Register, RegisterAction, RegisterHistory,
    explain, search,
};
use crate::parallel;
use crate::records::{Fact, NOTHING, Observation, Op, Outcome, Row as _};

pub(super) const CHECK: Check = Check {
    name: "registers-linearizable",
    claim: "each register's history is linearizable",
    parts: &[Part::whole(&[Fact::Reads, Fact::Values, Fact::Writes, Fact::DurableAcknowledgement])],
    needs: &[],
    examine,
    count: None,
};

/// A register's history in the form in which an order is looked for.
struct Placed<'a> {
    history: RegisterHistory,
    /// Per operation, its row.
    rows: Vec<&'a Operation>,
    values: Numbers<'a>,
}

/// Values by the numbers that stand for them. A number stands for itself, as clients write them.
#[derive(Default)]
struct Numbers<'a> {
    others: BTreeMap<&'a str, u32>,
}

/// The numbers of all values that do not stand for themselves begin behind that of nothing.
const FIRST_OTHER: u32 = linear::NOTHING + 1;

impl<'a> Numbers<'a> {
    fn of(&mut self, value: &'a str) -> u32 {
        if value == NOTHING {
            return linear::NOTHING;
        }
        let own = value.parse::<u32>().ok();
        // Of several spellings of a number only one stands for itself.
        if let Some(own) = own.filter(|own| *own < linear::NOTHING && own.to_string() == value) {
            return own;
        }
        let next = FIRST_OTHER + u32::try_from(self.others.len()).unwrap_or(u32::MAX - FIRST_OTHER);
        *self.others.entry(value).or_insert(next)
    }

    fn word(&self, number: u32) -> String {
        let other = self.others.iter().find(|(_, known)| **known == number);
        let itself = || match number {
            linear::NOTHING => "nothing".to_owned(),
            number => number.to_string(),
        };
        other.map_or_else(itself, |(value, _)| keys::in_words(value))
    }

    /// What the numbers that stand for other values stand for.
    fn legend(&self) -> String {
        let others = self
            .others
            .iter()
            .map(|(value, number)| format!("{number} stands for {}", keys::in_words(value)));
        others.collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Placed<'a> {
    fn new(rows: &KeyRows<'a>, initial: &'a str) -> Self {
        let mut values = Numbers::default();
        let initial = Register { value: values.of(initial) };
        let mut placed = Self {
            history: RegisterHistory { initial, operations: Vec::new() },
            rows: Vec::new(),
            values,
        };
        let read: BTreeSet<&str> = rows.reads.iter().filter_map(|read| keys::seen(read)).collect();
        let is_refused = |change: &&Operation| {
            change.row.op == Op::CompareAndSet && change.row.outcome == Outcome::Rejected
        };
        let expected = |change: &&'a Operation| change.row.keyed.as_ref()?.expected.as_deref();
        let needed: BTreeSet<&str> = rows.changes.iter().filter_map(expected).collect();
        let any_refused = rows.changes.iter().any(is_refused);
        for &operation in rows.changes.iter().chain(&rows.reads) {
            let is_unseen = operation
                .row
                .value()
                .is_none_or(|value| !read.contains(value) && !needed.contains(value));
            // What may or may not have been done and nobody saw can be left out: an order that has it has one without it.
            if operation.row.outcome == Outcome::Unknown && is_unseen && !any_refused {
                continue;
            }
            placed.push(operation);
        }
        placed
    }

    fn push(&mut self, operation: &'a Operation) {
        let row = &operation.row;
        let value = row.value().map(|value| self.values.of(value));
        let expected = row.keyed.as_ref().and_then(|keyed| keyed.expected.as_deref());
        let expected = expected.map(|expected| self.values.of(expected));
        let action = match (row.op, row.outcome) {
            (Op::Read, _) => {
                keys::seen(operation).map(|seen| RegisterAction::Read(self.values.of(seen)))
            }
            (Op::Write, Outcome::Ok | Outcome::Unknown) => value.map(RegisterAction::Write),
            (Op::CompareAndSet, Outcome::Ok | Outcome::Unknown) => {
                expected.zip(value).map(|(expected, value)| RegisterAction::Set { expected, value })
            }
            (Op::CompareAndSet, Outcome::Rejected) => {
                expected.map(|expected| RegisterAction::Refused { expected })
            }
            _ => None,
        };
        let Some(action) = action else { return };
        let return_us = (row.outcome != Outcome::Unknown).then_some(row.end_us);
        self.history.operations.push(linear::Operation {
            client: row.client,
            call_us: row.start_us,
            return_us,
            action,
        });
        self.rows.push(operation);
    }

    fn sources(&self) -> Vec<Source> {
        let source = |operation: &&Operation| Source {
            row: format!("{}:{}", Observation::FILE, operation.line),
            request_id: operation.row.request_id.as_deref().map(str::to_owned),
        };
        self.rows.iter().map(source).collect()
    }
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    let keys = keys::keys(history);
    let keys: Vec<_> = keys.iter().collect();
    let initial = history.target.initial().unwrap_or(NOTHING);
    let judged = parallel::map(keys.len(), |place| {
        let (key, rows) = keys[place];
        let placed = Placed::new(rows, initial);
        let decision = search(&placed.history, Budget::default());
        let explanation = match decision {
            Decision::NotLinearizable => explain(&placed.history, Budget::default()),
            _ => None,
        };
        (*key, placed, decision, explanation)
    });
    let mut names = BTreeSet::new();
    let (mut operations, mut unknown) = (0, 0);
    for (key, placed, decision, explanation) in judged {
        let all = &placed.history.operations;
        operations += all.len();
        unknown += all.iter().filter(|operation| operation.is_optional()).count();
        let undecided = |why| InconclusiveReason::Undecided { stock: key.to_owned(), why };
        match (decision, explanation) {
            (Decision::Linearizable(_), _) => {}
            (Decision::Undecided(why), _) => finding.inconclusive(undecided(why)),
            (Decision::NotLinearizable, None) => {
                finding.inconclusive(undecided("more work to explain than it may cost"));
            }
            (Decision::NotLinearizable, Some(explanation)) => {
                let file = file_name(history, key, &mut names);
                finding.violation(|| violation(history, key, &placed, &explanation).picture(&file));
                let contents = picture::html(&scene(history, key, &placed, &explanation));
                finding.files.push(RunFile { name: file, contents });
            }
        }
    }
    finding.examined("operations on registers", operations);
    finding.examined("registers", keys.len());
    finding.examined("writes that may or may not have taken effect", unknown);
}

fn violation(
    history: &History<'_>,
    key: &str,
    placed: &Placed<'_>,
    explanation: &Explanation<Register>,
) -> Violation {
    let culprit = placed.history.operations[explanation.culprit];
    let part = &explanation.part;
    let told = match culprit.action {
        RegisterAction::Read(value) => format!("{} is there", placed.values.word(value)),
        other => Register::told(other),
    };
    let what = format!(
        "no order of the operations on {key} explains that client {} was told that {told}; without that answer there is \
         one. Beginning with {}, the rows below show it",
        culprit.client,
        placed.values.word(part.initial.value),
    );
    let at_us = culprit.return_us.unwrap_or(culprit.call_us);
    let others = part.required.iter().copied().filter(|&place| place != explanation.culprit);
    let places = std::iter::once(explanation.culprit).chain(part.anchor).chain(others);
    let violation = Violation::new(history, what).at(history, at_us);
    places.fold(violation, |all, place| all.operation(placed.rows[place]))
}

fn scene<'a>(
    history: &History<'_>,
    key: &str,
    placed: &'a Placed<'_>,
    explanation: &'a Explanation<Register>,
) -> Scene<'a, Register> {
    let culprit = placed.history.operations[explanation.culprit];
    let trial = TrialName { cell: history.cell.id.clone(), trial: history.trial }.to_string();
    let legend = placed.values.legend();
    Scene {
        trial: if legend.is_empty() { trial } else { format!("{trial}; {legend}") },
        name: key.to_owned(),
        history: &placed.history,
        explanation,
        sources: placed.sources(),
        bands: bands(history),
        nearest_fault: nearest(history, culprit.return_us.unwrap_or(culprit.call_us)),
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_passes};
    use crate::records::Outcome;

    #[test]
    fn a_history_with_an_order_passes() {
        let mut trial = KeyTrial::register();
        trial.read(2, "k1", "null", (5, 15));
        trial.write(1, "k1", "1", (10, 20));
        trial.set(1, "k1", "1", "2", Outcome::Ok, (30, 40));
        trial.set(2, "k1", "1", "3", Outcome::Rejected, (35, 45));
        trial.read(3, "k1", "2", (50, 60));
        trial.attempt(4, "k1", "9", Outcome::Unknown, (55, 70));
        trial.read(3, "k1", "9", (80, 90));
        trial.write(1, "k2", "\"text\"", (100, 110));
        trial.read(1, "k2", "\"text\"", (120, 130));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn two_changes_of_one_value_that_both_were_done_have_no_order_and_a_picture() {
        let mut trial = KeyTrial::register();
        trial.write(1, "k1", "1", (10, 20));
        trial.set(1, "k1", "1", "2", Outcome::Ok, (30, 40));
        trial.set(2, "k1", "1", "3", Outcome::Ok, (35, 45));
        let report = trial.report();
        let result = report.checks.iter().find(|check| check.name == CHECK.name).unwrap();
        assert_fails(result, "client 2 was told that its change of 1 to 3 is done");
        let picture = result.evidence[0].picture.as_deref();
        assert_eq!(picture, Some("linearizability-c-trial1-k1.html"));
        assert!(report.files[0].contents.contains("about this register fits into one order"));
    }

    #[test]
    fn a_refusal_that_was_not_due_and_a_value_that_comes_back_have_no_order() {
        let mut refused = KeyTrial::register();
        refused.write(1, "k1", "1", (10, 20));
        refused.set(1, "k1", "1", "2", Outcome::Rejected, (30, 40));
        assert_fails(&refused.check(&CHECK), "something else than 1 is there");
        let mut back = KeyTrial::register();
        back.write(1, "k1", "1", (10, 20));
        back.read(2, "k1", "1", (30, 40));
        back.read(2, "k1", "null", (50, 60));
        assert_fails(&back.check(&CHECK), "client 2 was told that nothing is there");
    }
}
