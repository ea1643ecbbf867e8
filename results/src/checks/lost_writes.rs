//! Acknowledged writes survive: in the end each register holds what was written last, or what may have been.
//!
//! What a register holds in the end is read of whoever the target says to hold it, or through the front door, once nobody
//! writes any more. That value must not be one that an acknowledged write had overwritten: one that began after the value's
//! own write was acknowledged. *Otherwise: a service that keeps in memory what it says to have written passes until it is
//! killed.* A write whose outcome is unknown may take effect at any time, so what it wrote is never one that is over.
//!
//! Clients go on, and what they write covers what was lost. So the same is asked after each death of a process: the last write
//! that was acknowledged before it is lost if reads after it show something that it had overwritten, and none shows it any more.

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::keys::{self, KeyRows, Origin, Overwritten};
use super::part::Part;
use super::rows::Operation;
use crate::records::{DumpRow, Fact, NOTHING};

pub(super) const CHECK: Check = Check {
    name: "acknowledged-writes-survive",
    claim: "acknowledged writes survive",
    parts: &[IN_THE_END, AFTER_DEATHS],
    needs: &[Need::Acknowledged, Need::Keys],
    examine,
    count: Some(count),
};

const IN_THE_END: Part =
    Part::new("in the end", &[Fact::Writes, Fact::StateOfKeys, Fact::DurableAcknowledgement]);
const AFTER_DEATHS: Part = Part::new(
    "after each death of a process",
    &[Fact::Writes, Fact::Reads, Fact::Values, Fact::DurableAcknowledgement],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    if history.can(&IN_THE_END) {
        look(history, finding, true);
    }
    if history.can(&AFTER_DEATHS) {
        after_deaths(history, finding);
    }
}

fn after_deaths(history: &History<'_>, finding: &mut Finding) {
    let mut seen = 0;
    for (key, rows) in &keys::keys(history) {
        for fault in history.timeline.faults().iter().filter(|fault| fault.kind.is_deadly()) {
            let died_us = fault.injected.at_us;
            let before = rows.acknowledged().filter(|one| one.row.end_us < died_us);
            let Some(last) = before.max_by_key(|one| one.row.start_us) else { continue };
            let next = rows.acknowledged().find(|one| one.row.start_us > died_us);
            let next_us = next.map_or(u64::MAX, |next| next.row.start_us);
            let after = rows.reads.iter().copied().filter(|read| read.row.start_us > died_us);
            let mut until_next = after.clone().filter(|read| read.row.end_us <= next_us);
            seen += usize::from(until_next.clone().next().is_some());
            let shows_it = |read: &Operation| keys::seen(read) == last.row.value();
            let shows_older = |read: &&Operation| {
                let origin = keys::seen(read).map(|seen| rows.origin(seen, keys::initial(history)));
                let put_by_us = origin.and_then(Origin::put_by_us);
                put_by_us.is_some_and(|put_by_us| put_by_us < last.row.start_us)
            };
            let Some(read) = until_next.find(shows_older) else { continue };
            if after.clone().any(shows_it) {
                continue;
            }
            let name = last.row.request_id.as_deref().unwrap_or_default();
            finding.anomalies.add(history, Anomaly::Lost, name, Some(last.row.end_us));
            finding.violation(|| {
                let value = |one: &Operation| keys::in_words(one.row.value().unwrap_or_default());
                let what = format!(
                    "value {} of {key}, acknowledged at {}, is gone after the {}: the first read of something older, at {}, \
                     gave {}, and none gave it any more",
                    value(last),
                    seconds(last.row.end_us),
                    fault.describe(),
                    seconds(read.row.start_us),
                    keys::in_words(keys::seen(read).unwrap_or_default()),
                );
                let violation = Violation::new(history, what).at(history, read.row.end_us);
                violation.operation(last).operation(read)
            });
        }
    }
    finding.examined("registers that were read after a death before they were written again", seen);
}

fn seconds(us: u64) -> String {
    format!("{:.3} s", super::milliseconds(us) / 1_000.0)
}

/// What a target loses that may lose it.
fn count(history: &History<'_>, finding: &mut Finding) {
    if history.target.lacks(&[Fact::Writes, Fact::StateOfKeys]).is_empty() {
        look(history, finding, false);
    }
}

fn look(history: &History<'_>, finding: &mut Finding, is_promised: bool) {
    let (mut registers, mut lost) = (0, 0);
    for (key, rows) in &keys::keys(history) {
        let Some(last) = rows.acknowledged().last() else { continue };
        // Of what was never read in the end nobody can tell.
        if !history.final_rows.iter().any(is_read) {
            continue;
        }
        registers += 1;
        let overwritten = rows.overwritten();
        // A register that nobody holds is one that holds nothing.
        let gone = |row: &&DumpRow| over(history, rows, &overwritten, value_of(row)).is_some();
        let is_lost = if rows.held.is_empty() {
            over(history, rows, &overwritten, NOTHING).is_some()
        } else {
            rows.held.iter().all(gone)
        };
        if !is_lost {
            continue;
        }
        lost += 1;
        finding.anomalies.add(
            history,
            Anomaly::Lost,
            last.row.request_id.as_deref().unwrap_or_default(),
            Some(last.row.end_us),
        );
        if is_promised {
            finding.violation(|| violation(history, key, rows, &overwritten));
        }
    }
    finding.examined("registers that were written", registers);
    if !is_promised {
        finding.examined("of them with a lost write, which the target may lose", lost);
    }
}

/// Whether it says that something was read in the end.
fn is_read(row: &DumpRow) -> bool {
    row.keyed.is_some()
}

fn value_of(row: &DumpRow) -> &str {
    keys::held_value(row).unwrap_or(NOTHING)
}

/// The acknowledged write that had overwritten this value first, if one had for sure.
fn over<'a>(
    history: &History<'_>,
    rows: &KeyRows<'a>,
    overwritten: &Overwritten<'a>,
    value: &str,
) -> Option<&'a Operation> {
    overwritten.after(rows.origin(value, keys::initial(history)).put_by_us()?)
}

fn violation(
    history: &History<'_>,
    key: &str,
    rows: &KeyRows<'_>,
    overwritten: &Overwritten<'_>,
) -> Violation {
    let held = rows.held.first().map_or(NOTHING, |row| value_of(row));
    let put_by_us = rows.origin(held, keys::initial(history)).put_by_us().unwrap_or_default();
    // Whatever was acknowledged after that and is not there: the last of it.
    let lost = rows.acknowledged().filter(|one| one.row.start_us > put_by_us);
    let lost = lost.max_by_key(|one| one.row.end_us);
    let by = overwritten.after(put_by_us);
    let value = |one: &Operation| keys::in_words(one.row.value().unwrap_or_default());
    let (gone, at) =
        lost.map_or_else(Default::default, |one| (value(one), seconds(one.row.end_us)));
    let source = rows.held.first().map_or("nobody", |row| row.source.as_str());
    let since = by.map_or_else(String::new, |by| {
        format!(", which {} had overwritten at {}", value(by), seconds(by.row.end_us))
    });
    let what = format!(
        "value {gone} of {key}, acknowledged at {at}, is gone: in the end {source} held {}{since}",
        keys::in_words(held)
    );
    let mut violation = Violation::new(history, what);
    if let Some(lost) = lost {
        violation = violation.at(history, lost.row.end_us).operation(lost);
    }
    for change in by.into_iter().chain(rows.origin(held, keys::initial(history)).change()) {
        violation = violation.operation(change);
    }
    rows.held.iter().fold(violation, |all, row| all.held(row))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::key_trial::KeyTrial;
    use crate::checks::testing::{assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{Acknowledged, Action, EventKind, Outcome, Promises};

    fn trial() -> KeyTrial {
        let mut trial = KeyTrial::register();
        trial.write(1, "k3", "12", (1_000_000, 1_100_000));
        trial.write(2, "k3", "15", (2_000_000, 2_900_000));
        trial.write(1, "k3", "17", (3_000_000, 3_200_000));
        trial
    }

    #[test]
    fn the_last_write_is_there_or_one_at_the_same_time() {
        let mut last = trial();
        last.holds("store", "k3", "17");
        assert_passes(&last.check(&CHECK));
        let mut beside = trial();
        beside.write(3, "k3", "18", (3_100_000, 3_300_000));
        beside.holds("store", "k3", "17");
        assert_passes(&beside.check(&CHECK));
    }

    #[test]
    fn a_lost_write_is_told_with_what_is_there_instead_and_since_when_that_was_over() {
        let mut trial = trial();
        trial.holds("store", "k3", "12");
        trial.fault(3_300_000, Action::Kill);
        let result = trial.check(&CHECK);
        let what = "value 17 of k3, acknowledged at 3.200 s, is gone: in the end store held 12, which 15 had \
                    overwritten at 2.900 s";
        assert_fails(&result, what);
        let lines: Vec<_> = result.evidence[0].operations.iter().map(|row| row.line).collect();
        assert_eq!(lines, [4, 3, 2]);
        assert_eq!(result.evidence[0].held.len(), 1);
    }

    #[test]
    fn a_register_that_is_empty_or_not_there_has_lost_all() {
        let mut empty = trial();
        empty.holds("store", "k3", "null");
        assert_fails(&empty.check(&CHECK), "is gone: in the end store held nothing");
        let mut gone = trial();
        gone.holds("store", "k1", "1");
        gone.write(4, "k1", "1", (1, 2));
        assert_fails(&gone.check(&CHECK), "value 17 of k3");
    }

    #[test]
    fn an_unknown_write_may_have_taken_effect_at_any_time() {
        let mut trial = trial();
        trial.attempt(3, "k3", "13", Outcome::Unknown, (500_000, 600_000));
        trial.holds("store", "k3", "13");
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn one_of_several_holders_is_enough() {
        let mut trial = trial();
        trial.holds("store", "k3", "12");
        trial.holds("other", "k3", "17");
        assert_passes(&trial.check(&CHECK));
    }

    /// A write before a death, a read after it, and a write that covers what became of it.
    fn with_death(shown: &str) -> KeyTrial {
        let mut trial = trial();
        trial.fault(3_300_000, Action::Kill);
        trial.read(2, "k3", shown, (3_400_000, 3_450_000));
        trial.write(4, "k3", "19", (3_500_000, 3_600_000));
        trial.holds("store", "k3", "19");
        trial
    }

    #[test]
    fn what_is_gone_after_a_death_is_lost_although_it_is_covered_by_the_end() {
        assert_passes(&with_death("17").check(&CHECK));
        for (shown, gave) in [("null", "gave nothing"), ("15", "gave 15")] {
            let result = with_death(shown).check(&CHECK);
            assert_fails(
                &result,
                "value 17 of k3, acknowledged at 3.200 s, is gone after the kill",
            );
            assert_fails(&result, gave);
        }
    }

    #[test]
    fn a_read_that_is_behind_is_no_loss_if_a_later_one_shows_the_write() {
        let mut trial = with_death("15");
        trial.read(3, "k3", "17", (3_460_000, 3_470_000));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn what_was_not_read_or_still_changed_leaves_it_open() {
        let mut unread = trial();
        unread.finals.clear();
        assert_inconclusive(&unread.check(&CHECK), "final.csv does not say what store held");
        let mut changing = trial();
        changing.holds("store", "k3", "17");
        changing.events.retain(|event| event.event != EventKind::Converged);
        changing.event(9_000_000, EventKind::NotConverged).detail = Some("still".to_owned());
        assert_inconclusive(&changing.check(&CHECK), "still");
    }

    #[test]
    fn what_may_be_lost_is_counted_and_no_violation() {
        let may = Promises { acknowledged: Acknowledged::MayBeLost, ..Promises::default() };
        let mut trial = trial().promising(may);
        trial.holds("store", "k3", "12");
        let result = trial.check(&CHECK);
        assert_eq!((result.verdict, result.violations), (None, 0));
        assert_eq!(result.examined.last().map(|count| count.count), Some(1));
    }
}
