//! A log keeps to real time: what was acknowledged before something else was sent stands before it, and has the smaller place.
//!
//! *Otherwise: a queue of several partitions that is sold as one, or a leader that gives a place away again, passes as long as
//! nothing is lost.* Appends that were under way at the same time may stand in any order.

use std::collections::HashMap;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows};
use super::log_entries::{self, HeldLog};
use super::part::Part;
use super::rows::Operation;
use crate::records::{Fact, Outcome};

pub(super) const CHECK: Check = Check {
    name: "log-in-order",
    claim: "a log keeps to real time, and so do its places",
    parts: &[ENTRIES, PLACES],
    needs: &[Need::Acknowledged, Need::Keys],
    examine,
    count: None,
};

const ENTRIES: Part = Part::new("the order of the entries", &[Fact::Appends, Fact::StateOfKeys]);
const PLACES: Part =
    Part::new("the places that appends are told", &[Fact::Appends, Fact::Positions]);

fn examine(history: &History<'_>, finding: &mut Finding) {
    let (mut entries, mut places) = (0, 0);
    for (key, rows) in &keys::keys(history) {
        if history.can(&ENTRIES) {
            for log in log_entries::held(rows, history.target.keys_of()) {
                entries += log.entries.len();
                in_order(history, key, rows, &log, finding);
            }
        }
        if history.can(&PLACES) {
            places += rows.acknowledged().count();
            ascending(history, key, rows, finding);
        }
    }
    finding.examined("entries held in the end", entries);
    finding.examined("places that were told", places);
}

/// Looks for entries before which something stands that was sent after they had been acknowledged.
fn in_order(
    history: &History<'_>,
    key: &str,
    rows: &KeyRows<'_>,
    log: &HeldLog<'_>,
    finding: &mut Finding,
) {
    let sent = rows.changes.iter().filter_map(|append| Some((append.row.value()?, *append)));
    let sent: HashMap<&str, &Operation> = sent.collect();
    // Of those that stand behind, the one that was acknowledged first.
    let mut first: Option<&Operation> = None;
    for &row in log.entries.iter().rev() {
        let Some(&append) = sent.get(log_entries::entry(row)) else { continue };
        if let Some(behind) = first.filter(|behind| behind.row.end_us < append.row.start_us) {
            finding.violation(|| {
                let what = format!(
                    "in what {} held of {key} entry {} stands before {}, which had been acknowledged {:.3} ms before it was sent",
                    log.source,
                    log_entries::entry(row),
                    behind.row.value().unwrap_or_default(),
                    super::milliseconds(append.row.start_us - behind.row.end_us),
                );
                let violation = Violation::new(history, what).at(history, append.row.start_us);
                violation.operation(behind).operation(append).held(row)
            });
        }
        let is_first = first.is_none_or(|first| append.row.end_us < first.row.end_us);
        if append.row.outcome == Outcome::Ok && is_first {
            first = Some(append);
        }
    }
}

/// Looks for places that are given twice, or that are not larger than that of an append that had been acknowledged before.
fn ascending(history: &History<'_>, key: &str, rows: &KeyRows<'_>, finding: &mut Finding) {
    let position = |append: &Operation| append.row.keyed.as_ref()?.position;
    let told = |append: &'_ Operation| position(append).is_some();
    let by_start: Vec<&Operation> = rows.acknowledged().filter(|append| told(append)).collect();
    let mut by_end = by_start.clone();
    by_end.sort_by_key(|append| append.row.end_us);
    let mut ended = by_end.into_iter().peekable();
    let mut given: HashMap<i64, &Operation> = HashMap::new();
    let mut last: Option<&Operation> = None;
    for append in by_start {
        while let Some(before) = ended.next_if(|one| one.row.end_us < append.row.start_us) {
            if last.is_none_or(|last| position(last) < position(before)) {
                last = Some(before);
            }
        }
        let place = position(append).unwrap_or_default();
        let twice = given.insert(place, append);
        let not_larger = last.filter(|last| position(last) >= Some(place));
        let (other, how) = match (twice, not_larger) {
            (Some(other), _) => (other, "which another append was told as well"),
            (None, Some(other)) => {
                (other, "which is not beyond that of one that was acknowledged before")
            }
            (None, None) => continue,
        };
        finding.violation(|| {
            let entry = append.row.value().unwrap_or_default();
            let what = format!(
                "the append of {entry} to {key} was told place {place}, {how}: {} at {}",
                other.row.value().unwrap_or_default(),
                position(other).unwrap_or_default(),
            );
            let violation = Violation::new(history, what).at(history, append.row.end_us);
            violation.operation(other).operation(append)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_passes};

    fn trial(places: [i64; 3]) -> KeyTrial {
        let mut trial = KeyTrial::log();
        trial.append(1, "log", "1", Some(places[0]), (10, 20));
        trial.append(2, "log", "2", Some(places[1]), (30, 40));
        trial.append(1, "log", "3", Some(places[2]), (35, 50));
        trial
    }

    #[test]
    fn what_overlaps_may_stand_in_any_order() {
        for (places, entries) in [([0, 1, 2], ["1", "2", "3"]), ([0, 7, 4], ["1", "3", "2"])] {
            let mut trial = trial(places);
            trial.entries("store", "log", &entries);
            assert_passes(&trial.check(&CHECK));
        }
    }

    #[test]
    fn an_entry_before_one_that_was_acknowledged_before_it_was_sent_is_out_of_order() {
        let mut trial = trial([0, 1, 2]);
        trial.entries("store", "log", &["2", "1", "3"]);
        let what = "in what store held of log entry 2 stands before 1, which had been acknowledged 0.010 ms before";
        assert_fails(&trial.check(&CHECK), what);
    }

    #[test]
    fn a_place_that_is_given_twice_or_goes_back_is_found() {
        let mut twice = trial([0, 1, 1]);
        twice.entries("store", "log", &["1", "2", "3"]);
        assert_fails(
            &twice.check(&CHECK),
            "place 1, which another append was told as well: 2 at 1",
        );
        let mut back = trial([5, 4, 6]);
        back.entries("store", "log", &["1", "2", "3"]);
        assert_fails(&back.check(&CHECK), "place 4, which is not beyond that of one");
    }
}
