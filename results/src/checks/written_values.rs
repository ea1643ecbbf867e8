//! Reads show what was written: a value that is read, or held in the end, was there at first or some client sent it.
//!
//! *Otherwise: a service that mixes up two keys, cuts a value short, or shows what it had refused passes as long as nobody
//! compares.* A change that has failed or was refused put nothing there; one whose outcome is unknown may have.

use std::collections::BTreeSet;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows, Origin};
use super::log_entries;
use super::part::Part;
use super::rows::Operation;
use crate::records::{Fact, Model, Outcome};

pub(super) const CHECK: Check = Check {
    name: "values-were-written",
    claim: "reads show only what was written",
    parts: &[READS, HELD],
    needs: &[Need::Keys],
    examine,
    count: None,
};

const READS: Part = Part::new("what is read", &[Fact::Reads, Fact::Values]);
const HELD: Part = Part::new("what is held in the end", &[Fact::StateOfKeys]);

fn examine(history: &History<'_>, finding: &mut Finding) {
    let keys = keys::keys(history);
    let mut looked_at = 0;
    for (key, rows) in &keys {
        // Of one value that is wrong a hundred reads say no more than one.
        let mut told = BTreeSet::new();
        if history.can(&READS) {
            for &read in &rows.reads {
                for value in shown(history, read) {
                    looked_at += 1;
                    if let Some(why) = unheard_of(history, rows, &value, Some(read))
                        && told.insert(value.clone())
                    {
                        finding.violation(|| {
                            let what = format!(
                                "client {} read {} in {key}, {why}",
                                read.row.client,
                                keys::in_words(&value)
                            );
                            let violation = Violation::new(history, what);
                            of_change(violation, history, rows, &value)
                                .at(history, read.row.end_us)
                                .operation(read)
                        });
                    }
                }
            }
        }
        if history.can(&HELD) {
            for &row in &rows.held {
                let Some(value) = keys::held_value(row) else { continue };
                looked_at += 1;
                if let Some(why) = unheard_of(history, rows, value, None)
                    && told.insert(value.to_owned())
                {
                    finding.violation(|| {
                        let held = keys::in_words(value);
                        let what = format!("{} ended with {held} in {key}, {why}", row.source);
                        let violation = Violation::new(history, what);
                        of_change(violation, history, rows, value).held(row)
                    });
                }
            }
        }
    }
    finding.examined("values that were read or held", looked_at);
}

/// The values that a read shows: of a log its entries.
fn shown(history: &History<'_>, read: &Operation) -> Vec<String> {
    match history.target.model() {
        Model::Log => log_entries::of_read(read),
        Model::Stocks | Model::Register => {
            keys::seen(read).map(str::to_owned).into_iter().collect()
        }
    }
}

/// Why nobody can have put a value there, to go on after it.
fn unheard_of(
    history: &History<'_>,
    rows: &KeyRows<'_>,
    value: &str,
    read: Option<&Operation>,
) -> Option<String> {
    match rows.origin(value, keys::initial(history)) {
        Origin::Beginning | Origin::Several => None,
        Origin::Nobody => Some("which nobody ever wrote there".to_owned()),
        Origin::Put(change) => match change.row.outcome {
            Outcome::Failed => Some("although that change had failed".to_owned()),
            Outcome::Rejected => Some("although that change had been refused".to_owned()),
            Outcome::Ok | Outcome::Unknown => read
                .is_some_and(|read| read.row.end_us < change.row.start_us)
                .then(|| "before anybody had sent it".to_owned()),
        },
    }
}

fn of_change(
    violation: Violation,
    history: &History<'_>,
    rows: &KeyRows<'_>,
    value: &str,
) -> Violation {
    match rows.origin(value, keys::initial(history)).change() {
        Some(change) => violation.operation(change),
        None => violation,
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_passes};
    use crate::records::Outcome;

    #[test]
    fn what_was_written_and_what_was_there_at_first_may_be_read() {
        let mut trial = KeyTrial::register();
        trial.read(1, "k1", "null", (5, 9));
        trial.write(1, "k1", "7", (10, 20));
        trial.read(2, "k1", "7", (30, 40));
        trial.attempt(1, "k1", "8", Outcome::Unknown, (50, 60));
        trial.read(2, "k1", "8", (70, 80));
        trial.holds("store", "k1", "8");
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_value_from_nowhere_is_found_in_a_read_and_in_the_end() {
        let mut trial = KeyTrial::register();
        trial.write(1, "k1", "7", (10, 20));
        trial.write(1, "k2", "8", (30, 40));
        trial.read(2, "k1", "8", (50, 60));
        assert_fails(&trial.check(&CHECK), "client 2 read 8 in k1, which nobody ever wrote there");
        let mut held = KeyTrial::register();
        held.write(1, "k1", "7", (10, 20));
        held.holds("store", "k1", "70");
        assert_fails(&held.check(&CHECK), "store ended with 70 in k1, which nobody ever wrote");
    }

    #[test]
    fn what_had_failed_or_was_refused_put_nothing_there() {
        for (outcome, said) in
            [(Outcome::Failed, "had failed"), (Outcome::Rejected, "been refused")]
        {
            let mut trial = KeyTrial::register();
            trial.attempt(1, "k1", "7", outcome, (10, 20));
            trial.read(2, "k1", "7", (30, 40));
            assert_fails(&trial.check(&CHECK), said);
        }
    }

    #[test]
    fn nothing_is_read_before_it_was_sent() {
        let mut trial = KeyTrial::register();
        trial.read(2, "k1", "7", (1, 5));
        trial.write(1, "k1", "7", (10, 20));
        assert_fails(&trial.check(&CHECK), "before anybody had sent it");
    }

    #[test]
    fn entries_of_a_log_are_looked_at_one_by_one() {
        let mut trial = KeyTrial::log();
        trial.append(1, "log", "1", Some(0), (10, 20));
        trial.read(2, "log", "[1]", (30, 40));
        trial.entries("store", "log", &["1"]);
        assert_passes(&trial.check(&CHECK));
        trial.read(2, "log", "[1,9]", (50, 60));
        assert_fails(&trial.check(&CHECK), "client 2 read 9 in log");
    }
}
