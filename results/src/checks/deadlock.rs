//! The system goes on answering: it does not fall silent for good while everything of it is up.
//!
//! *Otherwise: a pool whose threads all wait for one another answers nothing any more, every process lives, and a
//! load that ends soon after has lost little.* What is found is the last answer there was. It counts if nothing was
//! broken since, nothing that was tried since was answered, and that lasted for as long as the system may take to
//! notice what was broken before, or for several operations as long as the target itself says that one may last.
//!
//! An operation that lasts longer than the target's deadline hangs. Those are counted, and are a figure: what
//! becomes of them the other checks say.

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::InconclusiveReason;
use super::needs;
use super::part::Part;
use super::rows::Operation;

pub(super) const CHECK: Check = Check {
    name: "no-deadlock",
    claim: "something is answered as long as everything is up",
    parts: &[Part::whole(&[])],
    needs: &[],
    examine,
    count: None,
};

/// So many operations must have been tried in vain: one or two may have met something else.
const MIN_TRIED: usize = 3;

fn examine(history: &History<'_>, finding: &mut Finding) {
    let until_us = needs::serves_until_us(history.timeline);
    let load = || history.operations.iter().filter(|one| one.row.end_us <= until_us);
    finding.examined("operations", load().count());
    let deadline_us = history.target.deadline_ms().map(|ms| ms.saturating_mul(1_000));
    let hangs = |one: &&Operation| {
        !one.row.outcome.is_answer() && deadline_us.is_some_and(|us| one.row.latency_us >= us)
    };
    if deadline_us.is_some() {
        finding.examined("of them hung past the deadline", load().filter(hangs).count());
    }
    let Some(whole_us) = history.timeline.fault_free_at_last() else { return };
    let bound_us = needs::bound_us(history);
    // What was broken may take that long to be noticed.
    let settled_us = if whole_us == 0 { 0 } else { whole_us.saturating_add(bound_us) };
    let answered = load().filter(|one| one.row.outcome.is_answer()).map(|one| one.row.end_us);
    let begun_us = load().map(|one| one.row.start_us).min().unwrap_or_default();
    let silent_us = answered.max().unwrap_or(begun_us).max(settled_us);
    let vain: Vec<&Operation> = load().filter(|one| one.row.end_us > silent_us).collect();
    let Some(last_us) = vain.iter().map(|one| one.row.end_us).max() else { return };
    let quiet_us = last_us - silent_us;
    // What began before could have met what was broken then.
    let hung = vain.iter().filter(|one| one.row.start_us >= settled_us && hangs(one)).count();
    if vain.len() < MIN_TRIED || (quiet_us < bound_us && hung < MIN_TRIED) {
        return;
    }
    let is_stalled =
        needs::stalls(history).any(|(from_us, to_us)| from_us <= last_us && to_us >= silent_us);
    if is_stalled {
        return finding.inconclusive(InconclusiveReason::Stalled { quiet_us });
    }
    finding.violation(|| {
        let what = format!(
            "nothing was answered from {:.3} s on, though everything was up: {} operations were tried in \
             {:.3} s",
            seconds(silent_us),
            vain.len(),
            seconds(quiet_us),
        );
        let violation = Violation::new(history, what).at(history, silent_us);
        vain.iter().take(MIN_TRIED).fold(violation, |all, operation| all.operation(operation))
    });
}

fn seconds(us: u64) -> f64 {
    super::milliseconds(us) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{Action, EventKind, Fact, Op};
    use wire::bazaar::TradeType::Buy;

    const SECOND: u64 = 1_000_000;

    /// Five clients wait for ever from 3 s on, each for its deadline of 6 s.
    fn silent() -> Trial {
        let mut trial = Trial::without(&[Fact::InSyncSets]);
        trial.manifest.ping_timeout_ms = None;
        trial.trade(1, "r1", Buy, 1, "Stock1", (2 * SECOND, 3 * SECOND));
        for client in 1..=5 {
            trial.unanswered(client, Op::Trade, "Stock1", None, (3 * SECOND, 9 * SECOND));
        }
        trial
    }

    #[test]
    fn a_system_that_answers_to_the_end_passes() {
        let mut trial = silent();
        trial.read(9, "Stock1", (8 * SECOND, 9 * SECOND));
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined.len(), 1, "no deadline, no hangs");
    }

    #[test]
    fn silence_to_the_end_is_a_violation_with_its_beginning() {
        let mut trial = silent();
        let target = trial.manifest.target.take().unwrap();
        trial.manifest.target = Some(target.with_deadline_ms(6_000));
        let result = trial.check(&CHECK);
        assert_fails(
            &result,
            "nothing was answered from 3.000 s on, though everything was up: 5 operations",
        );
        assert_eq!(result.evidence[0].at_us, Some(3 * SECOND));
        assert_eq!(
            (result.examined[1].what.as_str(), result.examined[1].count),
            ("of them hung past the deadline", 5)
        );
    }

    /// Five clients wait for their deadline of 2 s, which is less than the system may take to notice a fault.
    fn hangs_from_the_first_moment_on() -> Trial {
        let mut trial = Trial::without(&[Fact::InSyncSets]);
        trial.manifest.ping_timeout_ms = None;
        let target = trial.manifest.target.take().unwrap();
        trial.manifest.target = Some(target.with_deadline_ms(2_000));
        for client in 1..=5 {
            trial.unanswered(client, Op::Query, "Stock1", None, (SECOND, 3 * SECOND));
        }
        trial
    }

    #[test]
    fn a_system_that_never_answers_within_its_own_deadline_is_silent_from_the_beginning() {
        let result = hangs_from_the_first_moment_on().check(&CHECK);
        assert_fails(
            &result,
            "nothing was answered from 1.000 s on, though everything was up: 5 operations",
        );
    }

    #[test]
    fn a_short_silence_without_hangs_or_soon_after_a_fault_is_none() {
        let mut unknown = hangs_from_the_first_moment_on();
        let target = unknown.manifest.target.take().unwrap();
        unknown.manifest.target = Some(target.with_deadline_ms(2_001));
        assert_passes(&unknown.check(&CHECK));
        let mut mended = hangs_from_the_first_moment_on();
        mended.fault(0, Action::Pause, "order-1");
        mended.fault(SECOND / 2, Action::Resume, "order-1");
        assert_passes(&mended.check(&CHECK));
    }

    #[test]
    fn silence_while_something_is_broken_or_just_after_is_none() {
        let mut trial = silent();
        trial.fault(2 * SECOND, Action::Pause, "order-1");
        trial.settle(20 * SECOND, 20 * SECOND);
        assert_passes(&trial.check(&CHECK));
        let mut mended = silent();
        mended.fault(2 * SECOND, Action::Pause, "order-1");
        mended.fault(4 * SECOND, Action::Resume, "order-1");
        assert_passes(&mended.check(&CHECK));
    }

    #[test]
    fn two_operations_show_no_deadlock() {
        let mut trial = silent();
        trial.observations.truncate(3);
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_machine_that_stalled_explains_silence() {
        let mut trial = silent();
        trial.event(5 * SECOND, EventKind::HarnessStalled).planned_us = Some(4 * SECOND);
        assert_inconclusive(&trial.check(&CHECK), "the machine stalled the harness");
    }
}
