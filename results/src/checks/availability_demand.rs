//! While it is possible to trade, trades are acknowledged: whenever nothing that a trade needs
//! has been broken for a moment, a trade that is tried is answered.
//!
//! A pause, a cut or the death of the last in-sync replica may make every client wait; nobody can
//! demand anything then, and no verdict may fail for it. What a trade needs stands in [`needs`].
//!
//! The demand is made from a [bound](needs::bound_us) after the last change of what is broken, and again
//! and again while nothing changes. A refusal is an answer, but no progress; it
//! excuses nothing and proves nothing. *Otherwise: a bazaar that elects forever, a leader that
//! waits forever for a follower which nobody removes, or one that waits for a catalog which only
//! it cannot reach, passes every other check once it is healed.*

use crate::records::{Fact, Op, Phase};

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::{self, InconclusiveReason};
use super::needs::{self, Possible};
use super::part::Part;
use super::rows::Operation;

pub(super) const CHECK: Check = Check {
    name: "progress-while-possible",
    claim: "trades go on whenever what they need is up",
    parts: &[Part::whole(&[Fact::Trades])],
    needs: &[],
    examine,
    count: None,
};

/// The same of registers.
pub(super) const WRITES: Check = Check {
    name: "writes-while-possible",
    claim: "writes go on whenever what they need is up",
    parts: &[Part::whole(&[Fact::Writes])],
    ..CHECK
};

/// The same of logs.
pub(super) const APPENDS: Check = Check {
    name: "appends-while-possible",
    claim: "appends go on whenever what they need is up",
    parts: &[Part::whole(&[Fact::Appends])],
    ..CHECK
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    if !history.trades_planned() || !inconclusive::every_fault_is_told(history) {
        return;
    }
    let begin_us = load(history).map(|operation| operation.row.start_us).min();
    let end_us = load(history).map(|operation| operation.row.end_us).max();
    let (Some(begin_us), Some(end_us)) = (begin_us, end_us) else { return };
    let mut acks: Vec<u64> =
        history.acknowledged_changes().map(|change| change.row.end_us).collect();
    acks.sort_unstable();

    let bound_us = needs::bound_us(history);
    let mut demands = 0;
    for Possible { from_us, to_us } in needs::of_trades(history, begin_us, end_us) {
        for (quiet_from_us, quiet_to_us) in gaps(&acks, from_us, to_us) {
            let quiet_us = quiet_to_us - quiet_from_us;
            if quiet_us < bound_us {
                finding.maximum("trades_paused_ms", super::milliseconds(quiet_us));
                continue;
            }
            if let Some(first) = unanswered(history, quiet_from_us, quiet_to_us, bound_us) {
                demands += 1;
                finding.maximum("trades_paused_ms", super::milliseconds(quiet_us));
                let excused_us = excused_us(history, quiet_from_us, quiet_to_us);
                if quiet_us.saturating_sub(excused_us) < bound_us {
                    finding.inconclusive(InconclusiveReason::Stalled { quiet_us });
                } else {
                    finding.violation(|| stalled(history, first, quiet_from_us, quiet_to_us));
                }
            }
        }
        demands += usize::try_from((to_us - from_us) / bound_us).unwrap_or(usize::MAX);
    }
    if demands > 0 {
        finding.examined("demands for progress", demands);
    }
}

/// The load proper: what is looked up at its end is none.
fn load<'a>(history: &History<'a>) -> impl Iterator<Item = &'a Operation> {
    let is_load = |operation: &&Operation| {
        operation.row.op != Op::Lookup && operation.row.phase == Phase::Load
    };
    history.operations.iter().filter(is_load)
}

/// How much of a time the machine may have taken.
fn excused_us(history: &History<'_>, from_us: u64, to_us: u64) -> u64 {
    let within =
        |(begin_us, end_us): (u64, u64)| end_us.min(to_us).saturating_sub(begin_us.max(from_us));
    needs::stalls(history).map(within).fold(0, u64::saturating_add)
}

fn stalled(history: &History<'_>, first: &Operation, from_us: u64, to_us: u64) -> Violation {
    let what = format!(
        "no trade was acknowledged for {:.0} ms, though everything that trades need was up",
        super::milliseconds(to_us - from_us)
    );
    let what = history.target.model().worded(&what);
    Violation::new(history, what).at(history, from_us).operation(first)
}

/// The longest times without an acknowledgement between two moments.
fn gaps(acks: &[u64], from_us: u64, to_us: u64) -> Vec<(u64, u64)> {
    let first = acks.partition_point(|ack| *ack < from_us);
    let within = acks[first..].iter().copied().take_while(|ack| *ack <= to_us);
    let mut gaps = Vec::new();
    let mut last_us = from_us;
    for ack in within.chain([to_us]) {
        gaps.push((last_us, ack));
        last_us = ack;
    }
    gaps
}

/// Something that a client tried in that time and that did not go well although it had the time:
/// a load that only read and was refused has not been kept from trading, and what failed just
/// after the beginning may have begun to fail before.
fn unanswered<'a>(
    history: &History<'a>,
    from_us: u64,
    to_us: u64,
    bound_us: u64,
) -> Option<&'a Operation> {
    load(history).find(|operation| {
        let row = &operation.row;
        let (begin_us, end_us) = (row.start_us.max(from_us), row.end_us.min(to_us));
        let waited = end_us >= begin_us.saturating_add(bound_us);
        let failed_late =
            row.start_us < to_us && row.end_us <= to_us && row.end_us >= from_us + bound_us;
        if row.outcome.is_answer() {
            // A trade whose answer came late, when it was possible no longer or the time was over.
            row.op.changes() && waited
        } else {
            waited || failed_late
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Action;
    use crate::records::{EventKind, Outcome};
    use wire::bazaar::TradeType::Buy;

    const S: u64 = 1_000_000;

    /// Everybody is in sync; a trade at 1 s.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.events.retain(|event| event.event == EventKind::Finished);
        trial.event(10, EventKind::LeaderChanged).in_sync = Some("1 2 3".parse().unwrap());
        trial.trade(1, "r1", Buy, 1, "Stock1", (S - 5, S));
        trial
    }

    /// A trade that a client waited for in vain.
    fn in_vain(trial: &mut Trial, from_s: u64, to_s: u64) {
        trial.attempt(2, "lost", Outcome::Unknown, (from_s * S, to_s * S));
    }

    fn link_fault(trial: &mut Trial, at_s: u64, fault: u32, action: Action, link: &str) {
        trial.numbered_fault(fault, at_s * S, action, link);
    }

    fn assert_nothing_demanded(trial: &Trial) {
        let result = trial.check(&CHECK);
        assert_eq!((result.verdict, result.violations), (None, 0), "{:?}", result.evidence);
    }

    #[test]
    fn trades_that_go_on_pass() {
        let mut trial = trial();
        trial.trade(1, "r2", Buy, 1, "Stock1", (2 * S, 2 * S + 5));
        trial.trade(1, "r3", Buy, 1, "Stock1", (3 * S, 3 * S + 5));
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.maxima["trades_paused_ms"], 1000.005);
    }

    #[test]
    fn trades_that_stop_for_no_reason_fail() {
        let mut trial = trial();
        in_vain(&mut trial, 2, 9);
        assert_fails(&trial.check(&CHECK), "no trade was acknowledged for 8000 ms");
    }

    #[test]
    fn a_trade_that_is_acknowledged_after_ages_has_waited_too_long() {
        let mut trial = trial();
        trial.trade(1, "r2", Buy, 1, "Stock1", (S, 20 * S));
        assert_fails(&trial.check(&CHECK), "for 19000 ms");
    }

    #[test]
    fn nobody_has_to_try() {
        let mut trial = trial();
        trial.read(1, "Stock1", (19 * S, 20 * S));
        trial.attempt(1, "refused", Outcome::Rejected, (10 * S, 10 * S + 5));
        assert_eq!(trial.check(&CHECK).violations, 0);
    }

    #[test]
    fn nothing_is_demanded_while_front_end_or_catalog_is_broken_or_between_them_a_link() {
        for (action, process) in [
            (Action::Kill, "front-end"),
            (Action::Pause, "catalog"),
            (Action::Pause, "front-end"),
            (Action::Kill, "catalog"),
        ] {
            let mut trial = trial();
            trial.fault(2 * S, action, process);
            in_vain(&mut trial, 3, 30);
            assert_nothing_demanded(&trial);
        }
        for link in ["catalog -> front-end", "front-end <-> catalog"] {
            let mut trial = trial();
            link_fault(&mut trial, 2, 1, Action::Cut, link);
            in_vain(&mut trial, 3, 30);
            assert_nothing_demanded(&trial);
        }
    }

    #[test]
    fn a_link_that_is_slow_excuses_and_one_that_was_healed_does_not() {
        let mut trial = trial();
        link_fault(&mut trial, 2, 1, Action::Throttle, "order-1 -> order-2");
        in_vain(&mut trial, 3, 20);
        assert_nothing_demanded(&trial);
        link_fault(&mut trial, 10, 1, Action::Heal, "order-1 -> order-2");
        assert_fails(&trial.check(&CHECK), "for 10000 ms");
    }

    #[test]
    fn one_in_sync_replica_is_enough() {
        let mut trial = trial();
        trial.fault(2 * S, Action::Kill, "order-3");
        trial.fault(2 * S, Action::Pause, "order-2");
        in_vain(&mut trial, 3, 20);
        assert_fails(&trial.check(&CHECK), "for 18000 ms");
    }

    #[test]
    fn a_leader_that_cannot_write_is_no_excuse_and_a_slow_disk_is_one() {
        for (action, is_excuse) in
            [(Action::StallDisk, false), (Action::FullDisk, false), (Action::SlowDisk, true)]
        {
            let mut trial = trial();
            trial.fault(2 * S, action, "order-3");
            in_vain(&mut trial, 3, 20);
            if is_excuse {
                assert_nothing_demanded(&trial);
            } else {
                assert_fails(&trial.check(&CHECK), "for 18000 ms");
            }
        }
    }

    #[test]
    fn a_slow_replica_is_no_excuse_while_another_could_lead_and_a_slow_front_end_or_catalog_is_one()
    {
        for slow in ["order-2", "order-3"] {
            let mut trial = trial();
            trial.fault(2 * S, Action::Slow, slow);
            in_vain(&mut trial, 3, 20);
            assert_fails(&trial.check(&CHECK), "for 18000 ms");
        }
        for slow in [&["order-1", "order-2", "order-3"][..], &["catalog"], &["front-end"]] {
            let mut trial = trial();
            for (fault, process) in (1..).zip(slow) {
                trial.numbered_fault(fault, 2 * S, Action::Slow, process);
            }
            in_vain(&mut trial, 3, 20);
            assert_nothing_demanded(&trial);
        }
    }

    #[test]
    fn a_flood_excuses_nobody_and_gives_nobody_time() {
        for flooded in ["front-end", "catalog", "order-3"] {
            let mut trial = trial();
            trial.fault(2 * S, Action::Flood, flooded);
            in_vain(&mut trial, 3, 20);
            let result = trial.check(&CHECK);
            assert_fails(&result, "for 19000 ms");
        }
    }

    #[test]
    fn all_links_of_a_process_are_bad_together() {
        let mut leader = trial();
        link_fault(&mut leader, 2, 1, Action::Cut, "any -> order-3");
        in_vain(&mut leader, 3, 20);
        assert_fails(&leader.check(&CHECK), "for 18000 ms");
        for whose in ["front-end <-> any", "any -> catalog"] {
            let mut trial = trial();
            link_fault(&mut trial, 2, 1, Action::Cut, whose);
            in_vain(&mut trial, 3, 20);
            assert_nothing_demanded(&trial);
        }
    }

    #[test]
    fn an_out_of_sync_replica_is_not_enough() {
        let mut trial = trial();
        trial.event(S + 10, EventKind::InSyncChanged).in_sync = Some("2 3".parse().unwrap());
        trial.fault(2 * S, Action::Kill, "order-3");
        trial.fault(2 * S, Action::Kill, "order-2");
        in_vain(&mut trial, 3, 20);
        assert_nothing_demanded(&trial);
        // Started again, but not ready.
        trial.fault(4 * S, Action::Restart, "order-2");
        trial.events.retain(|event| event.event != EventKind::Ready);
        assert_nothing_demanded(&trial);
        trial.event(9 * S, EventKind::Ready).process = Some("order-2".parse().unwrap());
        assert_fails(&trial.check(&CHECK), "for 11000 ms");
    }

    /// Only replica 3 is in sync; it is killed at 2 s, and up again with lost or old files at 4 s.
    fn with_changed_files(action: Action) -> Trial {
        let mut trial = trial();
        trial.event(S + 10, EventKind::InSyncChanged).in_sync = Some("2 3".parse().unwrap());
        trial.fault(2 * S, Action::Kill, "order-2");
        trial.numbered_fault(2, 3 * S, Action::Kill, "order-3");
        trial.numbered_fault(3, 3 * S, action, "order-3");
        trial.numbered_fault(2, 4 * S, Action::Restart, "order-3");
        in_vain(&mut trial, 5, 30);
        trial
    }

    #[test]
    fn a_replica_with_lost_or_old_files_is_not_enough_until_it_was_added_again() {
        for action in [Action::LoseFiles, Action::OldFiles] {
            let mut trial = with_changed_files(action);
            assert_nothing_demanded(&trial);
            trial.event(9 * S, EventKind::InSyncChanged).in_sync = Some("2".parse().unwrap());
            assert_nothing_demanded(&trial);
            trial.event(10 * S, EventKind::InSyncChanged).in_sync = Some("2 3".parse().unwrap());
            assert_fails(&trial.check(&CHECK), "for 20000 ms");
        }
    }

    #[test]
    fn a_member_with_an_old_copy_is_complete_once_a_later_trade_was_acknowledged() {
        for (action, is_enough) in [(Action::OldFiles, true), (Action::LoseFiles, false)] {
            let mut trial = with_changed_files(action);
            trial.trade(1, "r2", Buy, 1, "Stock1", (5 * S, 6 * S));
            // Something has to be told for the windows to be looked at again.
            trial.event(7 * S, EventKind::InSyncChanged).in_sync = Some("2 3".parse().unwrap());
            if is_enough {
                assert_fails(&trial.check(&CHECK), "for 23000 ms");
            } else {
                assert_nothing_demanded(&trial);
            }
        }
    }

    #[test]
    fn a_leader_that_serves_says_nothing_about_who_is_in_sync_by_then() {
        let mut trial = trial();
        trial.event(S + 10, EventKind::InSyncChanged).in_sync = Some("2".parse().unwrap());
        trial.event(S + 20, EventKind::LeaderServes).in_sync = Some("1 2 3".parse().unwrap());
        trial.fault(2 * S, Action::Kill, "order-2");
        in_vain(&mut trial, 3, 20);
        assert_nothing_demanded(&trial);
    }

    #[test]
    fn elections_without_end_are_no_excuse() {
        let mut trial = trial();
        for at_s in 2..20 {
            let event = trial.event(at_s * S, EventKind::LeaderChanged);
            event.in_sync = Some("1 3".parse().unwrap());
        }
        in_vain(&mut trial, 2, 20);
        assert_fails(&trial.check(&CHECK), "for 19000 ms");
    }

    #[test]
    fn a_leader_that_is_cut_off_from_catalog_or_front_end_is_no_excuse() {
        for link in [
            "order-3 <-> catalog",
            "order-3 -> catalog",
            "order-3 <-> front-end",
            "order-3 -> front-end",
            "front-end -> order-3",
        ] {
            let mut trial = trial();
            link_fault(&mut trial, 2, 1, Action::Cut, link);
            in_vain(&mut trial, 3, 20);
            assert_fails(&trial.check(&CHECK), "for 18000 ms");
        }
    }

    #[test]
    fn a_leader_that_is_cut_off_and_replaced_in_time_passes() {
        let mut trial = trial();
        link_fault(&mut trial, 2, 1, Action::Cut, "order-3 <-> catalog");
        trial.event(2 * S + S / 2, EventKind::LeaderChanged).in_sync = Some("1 2".parse().unwrap());
        trial.trade(1, "r2", Buy, 1, "Stock1", (S + 5, 3 * S + 299_999));
        trial.trade(1, "r3", Buy, 1, "Stock1", (3 * S + 299_999, 4 * S));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn one_replica_that_could_lead_is_enough_whatever_the_others_cannot_reach() {
        let mut trial = trial();
        link_fault(&mut trial, 2, 1, Action::Cut, "order-3 -> catalog");
        link_fault(&mut trial, 2, 2, Action::Cut, "front-end <-> order-2");
        link_fault(&mut trial, 2, 3, Action::Cut, "order-2 <-> order-1");
        in_vain(&mut trial, 3, 20);
        assert_fails(&trial.check(&CHECK), "for 18000 ms");
    }

    #[test]
    fn nothing_is_demanded_while_every_in_sync_replica_lacks_the_catalog_or_the_front_end() {
        let mut trial = trial();
        link_fault(&mut trial, 2, 1, Action::Cut, "order-1 <-> catalog");
        link_fault(&mut trial, 2, 2, Action::Cut, "order-2 -> front-end");
        link_fault(&mut trial, 2, 3, Action::Cut, "order-3 -> catalog");
        in_vain(&mut trial, 3, 20);
        assert_nothing_demanded(&trial);
        link_fault(&mut trial, 12, 2, Action::Heal, "order-2 -> front-end");
        assert_fails(&trial.check(&CHECK), "for 8000 ms");
    }

    #[test]
    fn nothing_is_demanded_while_the_only_in_sync_replica_is_cut_off() {
        let mut trial = trial();
        trial.event(S + 10, EventKind::InSyncChanged).in_sync = Some("3".parse().unwrap());
        link_fault(&mut trial, 2, 1, Action::Cut, "order-3 -> catalog");
        in_vain(&mut trial, 3, 20);
        assert_nothing_demanded(&trial);
    }

    #[test]
    fn where_the_machine_stalled_the_harness_too_nobody_is_accused() {
        let mut trial = trial();
        in_vain(&mut trial, 2, 5);
        assert_fails(&trial.check(&CHECK), "for 4000 ms");
        trial.event(3 * S, EventKind::HarnessStalled).planned_us = Some(S + S / 2);
        assert_inconclusive(&trial.check(&CHECK), "for 4000 ms, and the machine stalled");
        // A stall is no excuse for what comes long after it.
        in_vain(&mut trial, 5, 20);
        assert_fails(&trial.check(&CHECK), "for 19000 ms");
    }

    #[test]
    fn the_bound_is_the_ping_timeout_and_a_second() {
        for (end_us, violations) in [(3 * S + 299_999, 0), (3 * S + 300_000, 1)] {
            let mut trial = trial();
            trial.fault(2 * S, Action::Kill, "order-3");
            trial.trade(1, "r2", Buy, 1, "Stock1", (S, end_us));
            assert_eq!(trial.check(&CHECK).violations, violations, "{end_us}");
            trial.manifest.ping_timeout_ms = Some(400);
            assert_eq!(trial.check(&CHECK).violations, 0, "{end_us}");
        }
    }

    #[test]
    fn a_run_that_does_not_name_its_ping_timeout_is_held_to_what_was_promised_then() {
        let mut trial = trial();
        trial.manifest.ping_timeout_ms = None;
        trial.trade(1, "r2", Buy, 1, "Stock1", (S, 6 * S - 1));
        assert_eq!(trial.check(&CHECK).violations, 0);
        trial.trade(1, "r3", Buy, 1, "Stock1", (6 * S - 1, 11 * S));
        assert_fails(&trial.check(&CHECK), "for 5000 ms");
    }

    #[test]
    fn what_fails_at_once_counts_from_the_bound_on() {
        let mut trial = trial();
        trial.fault(2 * S, Action::Kill, "order-3");
        trial.attempt(1, "early", Outcome::Unknown, (S, 3 * S));
        trial.read(2, "Stock1", (3 * S, 9 * S));
        assert_eq!(trial.check(&CHECK).violations, 0);
        trial.attempt(1, "late", Outcome::Unknown, (4 * S, 4 * S + 5));
        assert_fails(&trial.check(&CHECK), "for 7000 ms");
    }

    #[test]
    fn a_paused_process_that_is_killed_comes_back_with_its_restart_only() {
        let mut trial = trial();
        trial.fault(2 * S, Action::Pause, "catalog");
        trial.fault(3 * S, Action::Kill, "catalog");
        trial.fault(4 * S, Action::Resume, "catalog");
        in_vain(&mut trial, 4, 20);
        assert_nothing_demanded(&trial);
    }
}
