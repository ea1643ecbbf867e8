//! Processes that keep the same registers, or the same log, hold the same in the end.
//!
//! *A follower that drops what it is sent passes every other check, for which one copy that holds what it should is enough; the loss
//! shows when that copy is gone.* A register that a process does not tell holds nothing there. Of logs the entries and their order
//! are told apart: a copy that lacks an entry has lost something, one that has all of them in another order has put them in
//! another order.

use std::collections::BTreeMap;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows};
use super::log_entries::{self, HeldLog};
use super::part::Part;
use crate::records::{DumpRow, Fact, FinalKind, NOTHING};

pub(super) const REGISTERS: Check = Check {
    name: "registers-agree",
    claim: "processes that keep registers hold the same in each",
    // One alone agrees with itself, which says nothing.
    parts: &[Part::whole(&[Fact::StateOfKeys, Fact::ReplicatedKeys, Fact::CopiesOfKeys])],
    needs: &[Need::Acknowledged, Need::Keys],
    examine: registers,
    count: None,
};

pub(super) const LOGS: Check = Check {
    name: "logs-agree",
    claim: "processes that keep a log hold the same entries",
    parts: &[ENTRIES, ORDER],
    needs: &[Need::Acknowledged, Need::Keys],
    examine: logs,
    count: None,
};

const ENTRIES: Part =
    Part::new("the same entries", &[Fact::StateOfKeys, Fact::ReplicatedKeys, Fact::CopiesOfKeys]);
const ORDER: Part =
    Part::new("in the same order", &[Fact::StateOfKeys, Fact::IdenticalLogs, Fact::CopiesOfKeys]);

/// Those who keep something and were read, in the target's order: of the others nothing is known.
fn holders<'a>(history: &History<'a>) -> Vec<&'a str> {
    let was_read = |name: &&String| {
        let of_it = |row: &DumpRow| row.kind == FinalKind::Source && row.source == name.as_str();
        history.final_rows.iter().any(of_it)
    };
    history.target.keys_of().iter().filter(was_read).map(String::as_str).collect()
}

fn registers(history: &History<'_>, finding: &mut Finding) {
    let holders = holders(history);
    let Some((first, others)) = holders.split_first() else { return };
    let mut compared = 0;
    for (key, rows) in &keys::keys(history) {
        compared += 1;
        for other in others {
            let (one, there) = (held(rows, first), held(rows, other));
            if value(one) == value(there) || is_cut_off(history, one, there) {
                continue;
            }
            finding.violation(|| {
                let what = format!(
                    "{first} ended with {} in {key}, and {other} with {}",
                    keys::in_words(value(one)),
                    keys::in_words(value(there))
                );
                one.into_iter().chain(there).fold(Violation::new(history, what), Violation::held)
            });
        }
    }
    finding.examined("registers", compared);
    finding.examined("processes that keep them", holders.len());
}

fn held<'a>(rows: &KeyRows<'a>, source: &str) -> Option<&'a DumpRow> {
    let is_its = |row: &&&DumpRow| row.source == source && row.kind == FinalKind::Register;
    rows.held.iter().find(is_its).copied()
}

fn value(row: Option<&DumpRow>) -> &str {
    row.and_then(keys::held_value).unwrap_or(NOTHING)
}

/// A file that was cut off may lack what a process has.
fn is_cut_off(history: &History<'_>, one: Option<&DumpRow>, other: Option<&DumpRow>) -> bool {
    !history.timeline.finished && (one.is_none() || other.is_none())
}

fn logs(history: &History<'_>, finding: &mut Finding) {
    let holders = holders(history);
    let mut entries = 0;
    for (key, rows) in &keys::keys(history) {
        let mut held = log_entries::held(rows, history.target.keys_of());
        held.retain(|log| holders.contains(&log.source));
        let Some((first, others)) = held.split_first() else { return };
        entries += first.entries.len();
        for other in others {
            let lacking = [beyond(first, other), beyond(other, first)].concat();
            // What is behind the end of a file that was cut off is not missing.
            let is_asked = history.can(&ENTRIES) && history.timeline.finished;
            for lack in lacking.iter().filter(|_| is_asked) {
                finding.violation(|| {
                    let (entry, holder, lacks) = (lack.entry, lack.holder, lack.lacks);
                    let value = log_entries::entry(entry);
                    let what =
                        format!("{holder} holds entry {value} of {key}, and {lacks} does not");
                    Violation::new(history, what).held(entry)
                });
            }
            if history.can(&ORDER) && lacking.is_empty() {
                in_order(history, finding, key, first, other);
            }
        }
    }
    finding.examined("entries", entries);
    finding.examined("processes that keep them", holders.len());
}

/// An entry that one of two logs holds oftener than the other.
#[derive(Clone, Copy)]
struct Lack<'a> {
    entry: &'a DumpRow,
    holder: &'a str,
    lacks: &'a str,
}

/// What `log` holds beyond what the other does.
fn beyond<'a>(log: &HeldLog<'a>, other: &HeldLog<'a>) -> Vec<Lack<'a>> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &other.entries {
        *left.entry(log_entries::entry(row)).or_default() += 1;
    }
    let mut lacking = Vec::new();
    for &entry in &log.entries {
        match left.get_mut(log_entries::entry(entry)).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => lacking.push(Lack { entry, holder: log.source, lacks: other.source }),
        }
    }
    lacking
}

/// Two that hold the same entries hold them in the same order; the first place that differs is told.
fn in_order(
    history: &History<'_>,
    finding: &mut Finding,
    key: &str,
    one: &HeldLog<'_>,
    other: &HeldLog<'_>,
) {
    let mut places = (1..).zip(one.entries.iter().zip(&other.entries));
    let differs = |(_, (a, b)): &(usize, (&&DumpRow, &&DumpRow))| {
        log_entries::entry(a) != log_entries::entry(b)
    };
    let Some((place, (a, b))) = places.find(differs) else { return };
    finding.violation(|| {
        let what = format!(
            "{} and {} hold the entries of {key} in different orders: as number {place} the one has {}, and the \
             other {}",
            one.source,
            other.source,
            log_entries::entry(a),
            log_entries::entry(b)
        );
        Violation::new(history, what).held(a).held(b)
    });
}

#[cfg(test)]
mod tests {
    use super::{LOGS, REGISTERS};
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{
        assert_fails, assert_inconclusive, assert_not_applicable, assert_passes,
    };
    use crate::records::{EventKind, Fact, Promises, Replication};

    fn promising(trial: KeyTrial, replicated_keys: Replication) -> KeyTrial {
        trial.promising(Promises { replicated_keys, ..Promises::default() })
    }

    /// Two copies of registers of which one was written.
    fn registers(replicated: Replication) -> KeyTrial {
        let mut trial = promising(KeyTrial::register().kept_by(&["east", "west"]), replicated);
        trial.write(1, "k1", "7", (10, 20));
        trial.holds("east", "k1", "7");
        trial
    }

    #[test]
    fn copies_that_hold_the_same_pass_and_what_differs_is_told_with_both() {
        let mut same = registers(Replication::Identical);
        same.holds("west", "k1", "7");
        let result = same.check(&REGISTERS);
        assert_passes(&result);
        assert_eq!(result.examined.iter().map(|one| one.count).collect::<Vec<_>>(), [1, 2]);
        let mut behind = registers(Replication::SameSet);
        behind.holds("west", "k1", "5");
        let result = behind.check(&REGISTERS);
        assert_fails(&result, "east ended with 7 in k1, and west with 5");
        assert_eq!(result.evidence[0].held.len(), 2);
    }

    #[test]
    fn a_register_that_a_copy_does_not_tell_holds_nothing_there() {
        let missing = registers(Replication::Identical);
        assert_fails(&missing.check(&REGISTERS), "east ended with 7 in k1, and west with nothing");
        let mut cut = missing.clone();
        cut.events.retain(|event| event.event != EventKind::Finished);
        assert_inconclusive(&cut.check(&REGISTERS), "did not finish");
        let mut empty = registers(Replication::Identical);
        empty.holds("west", "k1", "7");
        empty.holds("west", "k2", "null");
        assert_passes(&empty.check(&REGISTERS));
    }

    #[test]
    fn a_copy_that_was_not_read_or_still_changed_leaves_it_open() {
        let mut unread = registers(Replication::Identical);
        unread.finals.retain(|row| row.source != "west");
        assert_inconclusive(&unread.check(&REGISTERS), "final.csv does not say what west held");
        let mut changing = registers(Replication::Identical);
        changing.holds("west", "k1", "7");
        changing.events.retain(|event| event.event != EventKind::Converged);
        changing.event(9_000_000, EventKind::NotConverged).detail = Some("still".to_owned());
        assert_inconclusive(&changing.check(&REGISTERS), "still");
    }

    #[test]
    fn one_copy_or_one_of_which_nothing_is_promised_is_not_judged() {
        let mut one = promising(KeyTrial::register(), Replication::Identical);
        one.write(1, "k1", "7", (10, 20));
        assert_not_applicable(&one.check(&REGISTERS), &[Fact::CopiesOfKeys]);
        for replicated in [Replication::None, Replication::Partitioned] {
            let result = registers(replicated).check(&REGISTERS);
            assert_not_applicable(&result, &[Fact::ReplicatedKeys]);
        }
    }

    /// Two copies of a log.
    fn log(replicated: Replication, east: &[&str], west: &[&str]) -> KeyTrial {
        let mut trial = promising(KeyTrial::log().kept_by(&["east", "west"]), replicated);
        trial.append(1, "log1", "1", Some(0), (10, 20));
        trial.append(1, "log1", "2", Some(1), (30, 40));
        trial.entries("east", "log1", east);
        trial.entries("west", "log1", west);
        trial
    }

    #[test]
    fn an_entry_that_one_copy_lacks_or_holds_once_less_is_told_with_who_holds_it() {
        assert_passes(&log(Replication::Identical, &["1", "2"], &["1", "2"]).check(&LOGS));
        let lacking = log(Replication::Identical, &["1", "2"], &["1"]).check(&LOGS);
        assert_fails(&lacking, "east holds entry 2 of log1, and west does not");
        assert_eq!(lacking.violations, 1, "its order is not asked besides");
        let more = log(Replication::SameSet, &["1", "2"], &["1", "2", "2"]).check(&LOGS);
        assert_fails(&more, "west holds entry 2 of log1, and east does not");
    }

    #[test]
    fn another_order_is_told_apart_and_only_where_an_order_is_promised() {
        let swapped = |replicated| log(replicated, &["1", "2"], &["2", "1"]).check(&LOGS);
        let what = "east and west hold the entries of log1 in different orders: as number 1 the one has 1, and the \
                    other 2";
        assert_fails(&swapped(Replication::Identical), what);
        let any_order = swapped(Replication::SameSet);
        assert_passes(&any_order);
        assert_eq!(any_order.left_out[0].lacks, [Fact::IdenticalLogs]);
    }
}
