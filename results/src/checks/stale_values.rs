//! No read shows a value that had been overwritten before the read began, and no client reads backwards.
//!
//! A value is over once a write was acknowledged that had begun after the value's own was acknowledged. *Otherwise: a cache
//! that is a second behind, or a follower that answers for itself, passes.* Of a write whose outcome is unknown nobody can say
//! when it took effect, so what it wrote is never over.

use std::collections::HashMap;

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::keys::{self, Origin};
use super::part::Part;
use super::rows::Operation;
use crate::records::Fact;

pub(super) const STALE: Check = Check {
    name: "no-stale-value",
    claim: "no read shows a value that had been overwritten",
    parts: &[Part::whole(&[Fact::Reads, Fact::Values, Fact::Writes, Fact::DurableAcknowledgement])],
    needs: &[],
    examine: stale,
    count: None,
};

pub(super) const BACKWARDS: Check = Check {
    name: "values-read-forward",
    claim: "each client's reads of a register go forward",
    parts: &[Part::whole(&[Fact::Reads, Fact::Values, Fact::Writes, Fact::DurableAcknowledgement])],
    needs: &[],
    examine: backwards,
    count: None,
};

fn stale(history: &History<'_>, finding: &mut Finding) {
    let initial = keys::initial(history);
    let mut after_writes = 0;
    for (key, rows) in &keys::keys(history) {
        let overwritten = rows.overwritten();
        let first_us = rows.acknowledged().map(|one| one.row.end_us).min().unwrap_or(u64::MAX);
        for &read in rows.reads.iter().filter(|read| read.row.start_us > first_us) {
            let Some(value) = keys::seen(read) else { continue };
            after_writes += 1;
            let put_by_us = rows.origin(value, initial).put_by_us();
            let by = put_by_us.and_then(|us| overwritten.after(us));
            let Some(by) = by.filter(|by| by.row.end_us < read.row.start_us) else { continue };
            let stale_us = read.row.start_us - by.row.end_us;
            finding.maximum("stale_ms", super::milliseconds(stale_us));
            let name = format!("{}/{}", read.row.client, read.row.seq);
            finding.anomalies.add(history, Anomaly::Stale, &name, Some(read.row.start_us));
            finding.violation(|| {
                let what = format!(
                    "client {} read {} in {key}, which {} had overwritten {:.3} ms before",
                    read.row.client,
                    keys::in_words(value),
                    keys::in_words(by.row.value().unwrap_or_default()),
                    super::milliseconds(stale_us),
                );
                with(Violation::new(history, what), rows.origin(value, initial))
                    .at(history, read.row.end_us)
                    .operation(read)
                    .operation(by)
            });
        }
    }
    finding.examined("reads after an acknowledged write", after_writes);
}

fn backwards(history: &History<'_>, finding: &mut Finding) {
    let initial = keys::initial(history);
    let mut pairs = 0;
    for (key, rows) in &keys::keys(history) {
        let mut last: HashMap<u32, &Operation> = HashMap::new();
        for &read in &rows.reads {
            let Some(value) = keys::seen(read) else { continue };
            let Some(before) = last.insert(read.row.client, read) else { continue };
            pairs += 1;
            let Some(shown) = keys::seen(before) else { continue };
            let newer = rows.origin(shown, initial).change();
            let older = rows.origin(value, initial);
            // What was put there before the other had begun.
            let is_back = newer
                .zip(older.put_by_us())
                .is_some_and(|(newer, put_by_us)| put_by_us < newer.row.start_us);
            if is_back && shown != value {
                finding.violation(|| {
                    let what = format!(
                        "client {} read {} in {key}, and after that {}, which is older",
                        read.row.client,
                        keys::in_words(shown),
                        keys::in_words(value)
                    );
                    let violation = with(Violation::new(history, what), older);
                    let violation =
                        newer.into_iter().fold(violation, |all, one| all.operation(one));
                    violation.at(history, read.row.end_us).operation(before).operation(read)
                });
            }
        }
    }
    finding.examined("reads after another one of the same client and register", pairs);
}

fn with(violation: Violation, origin: Origin<'_>) -> Violation {
    match origin.change() {
        Some(change) => violation.operation(change),
        None => violation,
    }
}

#[cfg(test)]
mod tests {
    use super::{BACKWARDS, STALE};
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_passes};
    use crate::records::Outcome;

    fn trial() -> KeyTrial {
        let mut trial = KeyTrial::register();
        trial.write(1, "k1", "1", (10, 20));
        trial.write(1, "k1", "2", (1_030, 1_040));
        trial
    }

    #[test]
    fn reads_of_what_is_there_or_may_be_pass() {
        let mut trial = trial();
        trial.read(2, "k1", "1", (1_035, 1_060));
        trial.read(2, "k1", "2", (1_070, 1_080));
        trial.read(3, "k2", "null", (1_090, 1_095));
        assert_passes(&trial.check(&STALE));
        assert_passes(&trial.check(&BACKWARDS));
    }

    #[test]
    fn a_read_of_what_was_overwritten_is_stale_by_so_much() {
        let mut trial = trial();
        trial.read(2, "k1", "1", (3_040, 3_050));
        let result = trial.check(&STALE);
        assert_fails(&result, "client 2 read 1 in k1, which 2 had overwritten 2.000 ms before");
        assert_eq!(result.maxima["stale_ms"], 2.0);
        trial.observations.pop();
        trial.read(2, "k1", "null", (3_040, 3_050));
        assert_fails(&trial.check(&STALE), "client 2 read nothing in k1, which 1 had overwritten");
    }

    #[test]
    fn what_an_unknown_write_wrote_may_have_come_late() {
        let mut trial = trial();
        trial.attempt(3, "k1", "3", Outcome::Unknown, (500, 600));
        trial.read(2, "k1", "3", (3_040, 3_050));
        assert_passes(&trial.check(&STALE));
    }

    #[test]
    fn a_client_that_reads_an_older_value_than_before_has_read_backwards() {
        let mut trial = trial();
        trial.read(2, "k1", "2", (1_035, 1_037));
        trial.read(3, "k1", "1", (1_036, 1_038));
        assert_passes(&{
            let mut two = trial.clone();
            two.read(2, "k1", "2", (1_050, 1_060));
            two.check(&BACKWARDS)
        });
        trial.read(2, "k1", "1", (1_038, 1_039));
        let said = "client 2 read 2 in k1, and after that 1, which is older";
        assert_fails(&trial.check(&BACKWARDS), said);
    }
}
