//! After healing there is progress: all replicas are in sync within the stated time, and trades
//! are acknowledged again.
//!
//! Safety alone is kept by a bazaar that never answers; this is the check that it cannot pass.

use crate::records::{Fact, Outcome};
use crate::timeline::Settlement;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::InconclusiveReason;
use super::needs;
use super::part::Part;

pub(super) const CHECK: Check = Check {
    name: "progress-after-healing",
    claim: "all replicas are in sync in time, and trades go on",
    parts: &[CONVERGENCE, MEMBERSHIP, TRADES],
    needs: &[],
    examine,
    count: None,
};

const CONVERGENCE: Part =
    Part::new("the replicas converge", &[Fact::OrdersOfReplicas, Fact::ReplicatedOrders]);
const MEMBERSHIP: Part = Part::new("all replicas are in sync again", &[Fact::InSyncSets]);
const TRADES: Part = Part::new("trades go on", &[Fact::Trades]);

/// The same of registers.
pub(super) const WRITES: Check = Check {
    name: "writes-after-healing",
    claim: "writes go on once everything is healed",
    parts: &[Part::whole(&[Fact::Writes])],
    needs: &[],
    examine: changes_go_on,
    count: None,
};

/// The same of logs.
pub(super) const APPENDS: Check = Check {
    name: "appends-after-healing",
    claim: "appends go on once everything is healed",
    parts: &[Part::whole(&[Fact::Appends])],
    ..WRITES
};

fn changes_go_on(history: &History<'_>, finding: &mut Finding) {
    if is_faulty(history, finding) && history.trades_planned() {
        acknowledged_again(history, finding);
    }
}

/// Whether anything was broken; that it was healed must be told then.
fn is_faulty(history: &History<'_>, finding: &mut Finding) -> bool {
    let faulty = history.cell.planned_faults > 0 || !history.timeline.acts().is_empty();
    if faulty && history.timeline.healed_us.is_none() {
        finding.inconclusive(InconclusiveReason::NotHealed);
    }
    faulty
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    let faulty = is_faulty(history, finding);
    if history.can(&CONVERGENCE) {
        convergence(history, finding);
    }
    if history.can(&MEMBERSHIP) {
        membership(history, finding);
    }
    if faulty && history.can(&TRADES) && history.trades_planned() {
        acknowledged_again(history, finding);
    }
}

/// Equal dumps can only be had once nobody trades any more, so the time runs from the healing or
/// from the end of the load, whichever is later.
fn convergence(history: &History<'_>, finding: &mut Finding) {
    let timeline = &history.timeline;
    let quiet_us = timeline.healed_us.max(timeline.load_ended_us);
    match (&timeline.settlement, quiet_us) {
        (Some(Settlement::NotConverged(at_us, detail)), _) => {
            finding.examined("settled", 1);
            finding.violation(|| {
                let detail = detail.as_deref().unwrap_or("events.csv does not say why");
                let what = format!("the replicas did not converge: {detail}");
                Violation::new(history, what).at(history, *at_us)
            });
        }
        (Some(Settlement::Converged(at_us)), Some(quiet_us)) => {
            finding.examined("settled", 1);
            let took_us = at_us.saturating_sub(quiet_us);
            finding.maximum("converge_ms", super::milliseconds(took_us));
            in_time(history, "equal", took_us, *at_us, finding);
        }
        _ => finding.inconclusive(InconclusiveReason::NotSettled),
    }
}

/// Trades do not keep a replica from catching up, so this time runs from the healing itself. The
/// probes may not have seen the change; then convergence is all that is known.
fn membership(history: &History<'_>, finding: &mut Finding) {
    let timeline = &history.timeline;
    let Some(healed_us) = timeline.healed_us else { return };
    if let Some(full_us) = timeline.in_sync_from(healed_us) {
        let took_us = full_us - healed_us;
        finding.maximum("in_sync_ms", super::milliseconds(took_us));
        in_time(history, "in sync", took_us, full_us, finding);
    }
}

fn in_time(history: &History<'_>, state: &str, took_us: u64, at_us: u64, finding: &mut Finding) {
    if took_us > history.converge_within_ms.saturating_mul(1_000) {
        finding.violation(|| {
            let (took_ms, bound_ms) = (super::milliseconds(took_us), history.converge_within_ms);
            let what =
                format!("the replicas were {state} only after {took_ms:.3} of {bound_ms} ms");
            Violation::new(history, what).at(history, at_us)
        });
    }
}

fn acknowledged_again(history: &History<'_>, finding: &mut Finding) {
    let Some(whole_us) = whole_again_us(history) else { return };
    let after = |start_us: u64| start_us > whole_us;
    let acknowledged =
        history.acknowledged_changes().filter(|change| after(change.row.end_us)).count();
    finding.examined("trades acknowledged after healing", acknowledged);
    if acknowledged > 0 {
        return;
    }
    // A refusal is an answer, but no trade; it shows neither progress nor the lack of it.
    // Nor does a trade under which the services were stopped, since the trial was cut short.
    let until_us = needs::serves_until_us(history.timeline);
    let tried: Vec<_> = history
        .trades
        .iter()
        .chain(&history.changes)
        .filter(|trade| after(trade.row.start_us) && trade.row.outcome != Outcome::Rejected)
        .filter(|trade| trade.row.end_us <= until_us)
        .collect();
    if tried.is_empty() {
        return finding.inconclusive(InconclusiveReason::NoTradeAfterHealing);
    }
    finding.violation(|| {
        let what = format!(
            "none of {} trades that were tried after everything was healed was acknowledged",
            tried.len()
        );
        let what = history.target.model().worded(&what);
        let first = tried.iter().take(1);
        first.fold(Violation::new(history, what).at(history, whole_us), |violation, trade| {
            violation.operation(trade)
        })
    });
}

/// Since when nothing has been broken any more. That may be well before the healing, if the plan's
/// own restarts and resumes had repaired everything while the load still ran. If nothing was broken
/// although the plan meant it, the healing counts.
fn whole_again_us(history: &History<'_>) -> Option<u64> {
    let timeline = &history.timeline;
    if timeline.faults().is_empty() && timeline.deaths().next().is_none() {
        return timeline.healed_us;
    }
    timeline.fault_free_at_last()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Action;
    use crate::records::{EventKind, Outcome};
    use wire::bazaar::TradeType::Buy;

    /// A kill at 100, healed at 200, converged at 1200, bound 5 ms.
    fn faulty() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        trial.fault(100, Action::Kill, "order-3");
        trial.settle(200, 1_200);
        trial
    }

    #[test]
    fn convergence_in_time_and_a_trade_after_healing_pass() {
        let mut trial = faulty();
        trial.trade(1, "r2", Buy, 1, "Stock1", (300, 400));
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.maxima["converge_ms"], 1.0);
    }

    #[test]
    fn without_faults_convergence_alone_is_asked_for() {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn late_or_no_convergence_is_a_violation() {
        let mut late = faulty();
        late.trade(1, "r2", Buy, 1, "Stock1", (300, 400));
        late.settle(200, 5_201);
        assert_fails(&late.check(&CHECK), "were equal only after 5.001 of 5 ms");

        let mut never = faulty();
        never.trade(1, "r2", Buy, 1, "Stock1", (300, 400));
        never.events.retain(|event| event.event != EventKind::Converged);
        never.event(5_200, EventKind::NotConverged).detail = Some("order-2 is behind".to_owned());
        assert_fails(&never.check(&CHECK), "did not converge: order-2 is behind");
    }

    #[test]
    fn a_load_that_goes_on_after_healing_delays_the_dumps_but_not_the_membership() {
        let mut trial = faulty();
        trial.trade(1, "r2", Buy, 1, "Stock1", (300, 40_000));
        trial.settle(200, 42_000);
        trial.event(41_000, EventKind::LoadEnded);
        trial.event(110, EventKind::LeaderChanged).in_sync = Some("1 2".parse().unwrap());
        trial.event(900, EventKind::InSyncChanged).in_sync = Some("1 2 3".parse().unwrap());
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!((result.maxima["converge_ms"], result.maxima["in_sync_ms"]), (1.0, 0.7));

        trial.events.retain(|event| event.event != EventKind::InSyncChanged);
        trial.event(6_000, EventKind::InSyncChanged).in_sync = Some("1 2 3".parse().unwrap());
        assert_fails(&trial.check(&CHECK), "were in sync only after 5.800 of 5 ms");
    }

    #[test]
    fn trades_that_are_tried_after_healing_and_never_acknowledged_are_a_violation() {
        let mut trial = faulty();
        trial.attempt(1, "r2", Outcome::Unknown, (300, 400));
        assert_fails(&trial.check(&CHECK), "none of 1 trades");
    }

    #[test]
    fn a_trade_under_which_the_services_were_stopped_shows_nothing() {
        let mut trial = faulty();
        trial.attempt(1, "r2", Outcome::Unknown, (300, 400));
        trial.unfinish();
        trial.event(399, EventKind::Interrupted);
        assert_inconclusive(&trial.check(&CHECK), "no trade was tried after");
    }

    #[test]
    fn no_trade_after_healing_shows_nothing() {
        let mut trial = faulty();
        assert_inconclusive(&trial.check(&CHECK), "no trade was tried after");
        trial.attempt(1, "r2", Outcome::Rejected, (300, 400));
        assert_inconclusive(&trial.check(&CHECK), "no trade was tried after");
    }

    #[test]
    fn a_plan_that_repairs_everything_itself_has_healed_when_its_last_repair_worked() {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        trial.fault(100, Action::Kill, "order-3");
        trial.fault(150, Action::Restart, "order-3");
        trial.trade(1, "r2", Buy, 1, "Stock1", (160, 180));
        trial.settle(5_000, 5_100);
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn of_two_faults_of_one_link_each_lasts_until_its_own_heal() {
        let link = "order-1 -> catalog";
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        for (at_us, fault, action) in [
            (100, 1, Action::Cut),
            (120, 2, Action::Delay),
            (150, 1, Action::Heal),
            (400, 2, Action::Heal),
        ] {
            trial.numbered_fault(fault, at_us, action, link);
        }
        trial.manifest.cells[0].planned_faults = 2;
        // While the link was slow this one went well; what came after did not.
        trial.trade(1, "r2", Buy, 1, "Stock1", (160, 180));
        trial.attempt(2, "r3", Outcome::Unknown, (450, 900));
        trial.settle(1_000, 1_100);
        assert_fails(&trial.check(&CHECK), "none of 1 trades that were tried after");
    }

    #[test]
    fn faults_that_were_not_healed_leave_it_open() {
        let mut trial = faulty();
        trial.trade(1, "r2", Buy, 1, "Stock1", (300, 400));
        trial.events.retain(|event| event.event != EventKind::Healed);
        assert_inconclusive(&trial.check(&CHECK), "does not say that the faults were healed");
    }

    #[test]
    fn neither_converged_nor_not_leaves_it_open() {
        let mut trial = faulty();
        trial.trade(1, "r2", Buy, 1, "Stock1", (300, 400));
        trial.events.retain(|event| event.event != EventKind::Converged);
        assert_inconclusive(&trial.check(&CHECK), "whether the replicas converged");
    }
}
