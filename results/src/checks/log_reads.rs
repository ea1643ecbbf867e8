//! Reads of a log agree with it: they skip nothing, keep its order, and show everything that had been acknowledged before.
//!
//! What a read shows is held against what was held in the end: entries that it shows must stand there, one behind the other.
//! A read of a whole log must have every entry that was acknowledged before the read began. *Otherwise: a follower that lags, or
//! a reader that is handed what is rolled back later, passes.* Of a read from a place on only what it shows is judged, since
//! nobody knows how much it is to show.

use std::collections::{BTreeSet, HashMap};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows};
use super::log_entries::{self, HeldLog};
use super::part::Part;
use super::rows::Operation;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "log-reads-agree",
    claim: "reads of a log agree with it, and miss nothing",
    parts: &[IN_THE_END, MISSING],
    needs: &[Need::Keys],
    examine,
    count: None,
};

const IN_THE_END: Part = Part::new(
    "with what is held in the end",
    &[Fact::Reads, Fact::Values, Fact::StateOfKeys, Fact::DurableAcknowledgement],
);
const MISSING: Part = Part::new(
    "with what was acknowledged before",
    &[Fact::Reads, Fact::Values, Fact::Appends, Fact::DurableAcknowledgement],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    let mut reads = 0;
    for (key, rows) in &keys::keys(history) {
        reads += rows.reads.len();
        let held = log_entries::held(rows, history.target.keys_of());
        // Copies that differ are another matter; each read is held against the one that most entries have.
        let longest = held.iter().max_by_key(|log| log.entries.len());
        if history.can(&IN_THE_END)
            && let Some(log) = longest
        {
            against(history, key, rows, log, finding);
        }
        if history.can(&MISSING) {
            missing(history, key, rows, finding);
        }
    }
    finding.examined("reads of logs", reads);
}

fn against(
    history: &History<'_>,
    key: &str,
    rows: &KeyRows<'_>,
    log: &HeldLog<'_>,
    finding: &mut Finding,
) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, row) in log.entries.iter().enumerate() {
        places.entry(log_entries::entry(row)).or_insert(place);
    }
    let mut gone = BTreeSet::new();
    for &read in &rows.reads {
        let mut last: Option<(String, usize)> = None;
        for entry in log_entries::of_read(read) {
            let Some(&place) = places.get(entry.as_str()) else {
                if gone.insert(entry.clone()) {
                    finding.violation(|| {
                        let what = format!(
                            "client {} was shown entry {entry} of {key}, which {} did not hold in the end",
                            read.row.client, log.source
                        );
                        Violation::new(history, what).at(history, read.row.end_us).operation(read)
                    });
                }
                continue;
            };
            if let Some((before, last)) = last.as_ref().filter(|(_, last)| place != last + 1) {
                let how = if place > *last {
                    format!("and skipped {}", place - last - 1)
                } else {
                    "which stands before it".to_owned()
                };
                finding.violation(|| {
                    let what = format!(
                        "client {} was shown entry {entry} of {key} behind {before}, {how}",
                        read.row.client
                    );
                    let violation = Violation::new(history, what).at(history, read.row.end_us);
                    violation.operation(read).held(log.entries[*last]).held(log.entries[place])
                });
            }
            last = Some((entry, place));
        }
    }
}

fn missing(history: &History<'_>, key: &str, rows: &KeyRows<'_>, finding: &mut Finding) {
    let mut acknowledged: Vec<&Operation> = rows.acknowledged().collect();
    acknowledged.sort_by_key(|append| append.row.end_us);
    let whole =
        |read: &&&Operation| read.row.keyed.as_ref().is_some_and(|keyed| keyed.position.is_none());
    for &read in rows.reads.iter().filter(whole) {
        let before = acknowledged.partition_point(|append| append.row.end_us < read.row.start_us);
        let shown: BTreeSet<String> = log_entries::of_read(read).into_iter().collect();
        let is_missing =
            |append: &&&Operation| append.row.value().is_some_and(|value| !shown.contains(value));
        let Some(&append) = acknowledged[..before].iter().find(is_missing) else { continue };
        let stale_us = read.row.start_us - append.row.end_us;
        finding.maximum("stale_ms", super::milliseconds(stale_us));
        let name = format!("{}/{}", read.row.client, read.row.seq);
        finding.anomalies.add(history, Anomaly::Stale, name, Some(read.row.start_us));
        finding.violation(|| {
            let what = format!(
                "client {} was not shown entry {} of {key}, which had been acknowledged {:.3} ms before it asked",
                read.row.client,
                append.row.value().unwrap_or_default(),
                super::milliseconds(stale_us),
            );
            let violation = Violation::new(history, what).at(history, read.row.end_us);
            violation.operation(append).operation(read)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_passes};

    fn trial() -> KeyTrial {
        let mut trial = KeyTrial::log();
        for number in 0..4_i64 {
            let from_us = 10 + number.unsigned_abs() * 20;
            let entry = (number + 1).to_string();
            trial.append(1, "log", &entry, Some(number), (from_us, from_us + 10));
        }
        trial.entries("store", "log", &["1", "2", "3", "4"]);
        trial
    }

    #[test]
    fn a_read_of_all_that_was_there_and_one_from_a_place_on_pass() {
        let mut trial = trial();
        trial.read(2, "log", "[]", (5, 15));
        trial.read(2, "log", "[1,2]", (45, 55));
        trial.read_from(3, "log", 1, "[2,3]", (100, 110));
        trial.read(2, "log", "[1,2,3,4]", (120, 130));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_read_that_skips_turns_round_or_shows_what_is_gone_is_found() {
        for (shown, said) in [
            ("[2,4]", "was shown entry 4 of log behind 2, and skipped 1"),
            ("[3,2]", "was shown entry 2 of log behind 3, which stands before it"),
            ("[4,9]", "was shown entry 9 of log, which store did not hold in the end"),
        ] {
            let mut trial = trial();
            trial.read_from(2, "log", 1, shown, (100, 110));
            assert_fails(&trial.check(&CHECK), said);
        }
    }

    #[test]
    fn a_read_of_the_whole_log_without_what_was_acknowledged_before_is_stale() {
        let mut trial = trial();
        trial.read(2, "log", "[1,2,3]", (1_080, 1_090));
        let result = trial.check(&CHECK);
        assert_fails(
            &result,
            "was not shown entry 4 of log, which had been acknowledged 1.000 ms before",
        );
        assert_eq!(result.maxima["stale_ms"], 1.0);
    }
}
