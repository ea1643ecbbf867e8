//! Acknowledged appends survive, and each is in the log once.
//!
//! In the end whoever holds a log must hold every entry whose append was acknowledged. *A queue that keeps its last entries in
//! memory loses them when it is killed, and a client that is told so by nobody has lost them, too.* An append whose outcome is
//! unknown may be there or not, but no append may be there twice: *a queue that takes what is sent again for something new
//! hands one job to two workers.*

use std::collections::{BTreeMap, BTreeSet};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows};
use super::log_entries::{self, HeldLog};
use super::part::Part;
use super::rows::Operation;
use crate::records::{DumpRow, Fact};

pub(super) const SURVIVE: Check = Check {
    name: "acknowledged-appends-survive",
    claim: "acknowledged appends survive",
    parts: &[Part::whole(&[Fact::Appends, Fact::StateOfKeys, Fact::DurableAcknowledgement])],
    needs: &[Need::Acknowledged, Need::Keys],
    examine: survive,
    count: Some(count),
};

pub(super) const ONCE: Check = Check {
    name: "appended-once",
    claim: "no append is there twice",
    parts: &[HELD, READ],
    needs: &[Need::Acknowledged, Need::Keys],
    examine: once,
    count: None,
};

const HELD: Part = Part::new("in what is held in the end", &[Fact::Appends, Fact::StateOfKeys]);
const READ: Part = Part::new("in what reads show", &[Fact::Appends, Fact::Reads, Fact::Values]);

/// The acknowledged appends that no place holds, of places that were read.
fn lost<'a>(rows: &KeyRows<'a>, held: &[HeldLog<'_>]) -> Vec<&'a Operation> {
    let there: BTreeSet<&str> =
        held.iter().flat_map(|log| log.entries.iter().map(|row| log_entries::entry(row))).collect();
    let is_gone = |append: &&Operation| append.row.value().is_some_and(|it| !there.contains(it));
    rows.acknowledged().filter(is_gone).collect()
}

/// Whether what logs held in the end was read at all.
fn was_read(history: &History<'_>) -> bool {
    history.final_rows.iter().any(|row| row.keyed.is_some())
}

fn survive(history: &History<'_>, finding: &mut Finding) {
    let mut acknowledged = 0;
    for (key, rows) in &keys::keys(history) {
        acknowledged += rows.acknowledged().count();
        if !was_read(history) {
            continue;
        }
        let held = log_entries::held(rows, history.target.keys_of());
        for append in lost(rows, &held) {
            let end_us = append.row.end_us;
            let name = append.row.request_id.as_deref().unwrap_or_default();
            finding.anomalies.add(history, Anomaly::Lost, name, Some(end_us));
            finding.violation(|| {
                let holders: Vec<&str> = held.iter().map(|log| log.source).collect();
                let what = format!(
                    "entry {} of {key}, acknowledged at {:.3} s, is gone: in the end {} did not hold it",
                    append.row.value().unwrap_or_default(),
                    super::milliseconds(end_us) / 1_000.0,
                    holders.join(" and "),
                );
                Violation::new(history, what).at(history, end_us).operation(append)
            });
        }
    }
    finding.examined("acknowledged appends", acknowledged);
}

/// What a target loses that may lose it.
fn count(history: &History<'_>, finding: &mut Finding) {
    let is_told = history.target.lacks(&[Fact::Appends, Fact::StateOfKeys]).is_empty();
    if !is_told || !was_read(history) {
        return;
    }
    let (mut acknowledged, mut gone) = (0, 0);
    for rows in keys::keys(history).values() {
        acknowledged += rows.acknowledged().count();
        for append in lost(rows, &log_entries::held(rows, history.target.keys_of())) {
            gone += 1;
            let name = append.row.request_id.as_deref().unwrap_or_default();
            finding.anomalies.add(history, Anomaly::Lost, name, Some(append.row.end_us));
        }
    }
    finding.examined("acknowledged appends", acknowledged);
    finding.examined("of them lost, which the target may", gone);
}

fn once(history: &History<'_>, finding: &mut Finding) {
    let (mut entries, mut shown) = (0, 0);
    for (key, rows) in &keys::keys(history) {
        let mut told = BTreeSet::new();
        if history.can(&HELD) {
            for log in log_entries::held(rows, history.target.keys_of()) {
                entries += log.entries.len();
                for (entry, twice) in doubled(&log) {
                    told.insert(entry.to_owned());
                    doubled_violation(history, finding, rows, entry, |violation| {
                        let times = twice.len();
                        let what = format!(
                            "entry {entry} of {key} was held {times} times by {}",
                            log.source
                        );
                        twice.iter().fold(Violation { what, ..violation }, |all, row| all.held(row))
                    });
                }
            }
        }
        for &read in rows.reads.iter().filter(|_| history.can(&READ)) {
            let mut seen = BTreeSet::new();
            for entry in log_entries::of_read(read) {
                shown += 1;
                if !seen.insert(entry.clone()) && told.insert(entry.clone()) {
                    doubled_violation(history, finding, rows, &entry, |violation| {
                        let what =
                            format!("entry {entry} of {key} was shown more than once by one read");
                        Violation { what, ..violation }.operation(read)
                    });
                }
            }
        }
    }
    finding.examined("entries held in the end", entries);
    finding.examined("entries that reads showed", shown);
}

/// The entries that are there more than once, with their rows.
fn doubled<'a>(log: &HeldLog<'a>) -> Vec<(&'a str, Vec<&'a DumpRow>)> {
    let mut rows: BTreeMap<&str, Vec<&DumpRow>> = BTreeMap::new();
    for row in log.entries.iter().copied() {
        rows.entry(log_entries::entry(row)).or_default().push(row);
    }
    rows.into_iter().filter(|(_, rows)| rows.len() > 1).collect()
}

fn doubled_violation(
    history: &History<'_>,
    finding: &mut Finding,
    rows: &KeyRows<'_>,
    entry: &str,
    describe: impl FnOnce(Violation) -> Violation,
) {
    let append = rows.changes.iter().find(|append| append.row.value() == Some(entry));
    let name = append.and_then(|append| append.row.request_id.as_deref()).unwrap_or(entry);
    let at_us = append.map(|append| append.row.end_us);
    finding.anomalies.add(history, Anomaly::Doubled, name, at_us);
    finding.violation(|| {
        let violation = describe(Violation::new(history, String::new()));
        let violation = append.into_iter().fold(violation, |all, one| all.operation(one));
        at_us.into_iter().fold(violation, |all, at_us| all.at(history, at_us))
    });
}

#[cfg(test)]
mod tests {
    use super::{ONCE, SURVIVE};
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{Acknowledged, Outcome, Promises};

    fn trial() -> KeyTrial {
        let mut trial = KeyTrial::log();
        trial.append(1, "log", "1", Some(0), (10, 20));
        trial.append(2, "log", "2", Some(1), (30, 40));
        trial
    }

    #[test]
    fn a_log_that_holds_all_once_passes_whatever_became_of_what_is_unknown() {
        for entries in [&["1", "2"][..], &["1", "2", "3"]] {
            let mut trial = trial();
            trial.attempt(3, "log", "3", Outcome::Unknown, (50, 60));
            trial.entries("store", "log", entries);
            assert_passes(&trial.check(&SURVIVE));
            assert_passes(&trial.check(&ONCE));
        }
    }

    #[test]
    fn an_acknowledged_append_that_is_not_there_is_lost() {
        let mut trial = trial();
        trial.entries("store", "log", &["1"]);
        let what =
            "entry 2 of log, acknowledged at 0.000 s, is gone: in the end store did not hold it";
        assert_fails(&trial.check(&SURVIVE), what);
    }

    #[test]
    fn a_place_that_was_not_read_leaves_it_open() {
        let mut trial = trial();
        trial.finals.clear();
        assert_inconclusive(&trial.check(&SURVIVE), "final.csv does not say what store held");
    }

    #[test]
    fn an_append_that_is_there_twice_is_doubled_also_if_it_was_unknown() {
        let mut acknowledged = trial();
        acknowledged.entries("store", "log", &["1", "2", "1"]);
        assert_fails(&acknowledged.check(&ONCE), "entry 1 of log was held 2 times by store");
        let mut unknown = trial();
        unknown.attempt(3, "log", "3", Outcome::Unknown, (50, 60));
        unknown.entries("store", "log", &["1", "2", "3", "3"]);
        assert_fails(&unknown.check(&ONCE), "entry 3 of log was held 2 times by store");
    }

    #[test]
    fn a_read_that_shows_an_entry_twice_is_enough() {
        let mut trial = trial();
        trial.read(3, "log", "[1,2,1]", (50, 60));
        trial.entries("store", "log", &["1", "2"]);
        assert_fails(&trial.check(&ONCE), "entry 1 of log was shown more than once");
    }

    #[test]
    fn what_may_be_lost_is_counted_and_no_violation() {
        let may = Promises { acknowledged: Acknowledged::MayBeLost, ..Promises::default() };
        let mut trial = trial().promising(may);
        trial.entries("store", "log", &["1"]);
        let result = trial.check(&SURVIVE);
        assert_eq!((result.verdict, result.violations), (None, 0));
        assert_eq!(result.examined.last().map(|count| count.count), Some(1));
    }
}
