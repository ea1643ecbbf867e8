//! Why a trial could not have shown a problem: the reasons behind every `inconclusive`.
//!
//! The rule is never to pass what could not have been found. So what a pass rests on is listed
//! here and looked for first; a violation that is found all the same is still a failure.

use std::collections::BTreeSet;
use std::fmt;

use super::history::History;
use crate::records::{Action, DumpRow, Fact, FinalKind, Subject};
use crate::text::counted;
use crate::timeline::{Act, Fault, NotConfirmed, Settlement};

/// What a check needs besides a trial that ran as planned and was recorded to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// At least one acknowledged trade, unless the plan meant none (p = 0).
    Acknowledged,
    /// The orders of every process that the target says to show its own.
    Replicas,
    /// The stocks of every such process.
    Stocks,
    /// The same with the trades that made them so, if the target tells them.
    AppliedTrades,
    /// What the registers or the log hold, of all whom the target says to hold it, and that it changed no more.
    Keys,
}

/// Why a pass would mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InconclusiveReason {
    NeverBegun,
    NotFinished,
    Missing(String),
    Interrupted(Option<String>),
    FaultsNotInjected { injected: usize, planned: usize },
    EveryFaultSkipped(usize),
    FaultUntold(u32),
    FaultNotConfirmed(String),
    LeaderNotReplaced(String),
    NotDumped(String),
    StillChanging(String),
    NothingAcknowledged,
    NothingExamined(&'static str),
    NotHealed,
    NotSettled,
    NoTradeAfterHealing,
    Undecided { stock: String, why: &'static str },
    Unanswered { what: String, answered: u64, due: u64 },
    Stalled { quiet_us: u64 },
    LookupUnanswered,
    LookupsOfOthers(usize),
    HostLost(String),
    AfterTheLoss(u64),
}

impl fmt::Display for InconclusiveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverBegun => "the trial was never begun",
            Self::NotFinished => {
                "the recorder did not finish (events.csv has no `finished` row), so rows may be missing"
            }
            Self::Missing(what) => return f.write_str(what),
            Self::Interrupted(None) => "the trial was cut short",
            Self::Interrupted(Some(detail)) => {
                return write!(f, "the trial was cut short: {detail}");
            }
            Self::FaultsNotInjected { injected, planned } => {
                return write!(
                    f,
                    "not every planned fault was injected: {injected} of {planned} were"
                );
            }
            Self::EveryFaultSkipped(skipped) => {
                let left_out = counted(*skipped as u64, "was left out", "were left out");
                return write!(f, "no fault was injected: {left_out}, since nobody was there to be hit");
            }
            Self::FaultUntold(number) => {
                return write!(f, "events.csv does not say what became of fault {number}");
            }
            Self::FaultNotConfirmed(which) => {
                return write!(f, "a fault was not confirmed to have worked: {which}");
            }
            Self::LeaderNotReplaced(which) => {
                return write!(f, "nobody was seen to take over after {which}");
            }
            Self::NotDumped(source) => {
                return write!(f, "final.csv does not say what {source} held at the end");
            }
            Self::StillChanging(detail) => {
                return write!(f, "what was held in the end was not read to be the same twice: {detail}");
            }
            Self::NothingAcknowledged => "no trade was acknowledged",
            Self::NothingExamined(what) => return write!(f, "there were no {what} to examine"),
            Self::NotHealed => "events.csv does not say that the faults were healed",
            Self::NotSettled => "events.csv does not say whether the replicas converged",
            Self::NoTradeAfterHealing => "no trade was tried after everything was healed",
            Self::Unanswered { what, answered, due } => {
                return write!(
                    f,
                    "{answered} of {due} {what} were answered that were due while everything they need \
                     was up, and nothing shows whether the services or the machine did not work"
                );
            }
            Self::Stalled { quiet_us } => {
                let quiet_ms = super::milliseconds(*quiet_us);
                return write!(
                    f,
                    "no trade was acknowledged for {quiet_ms:.0} ms, and the machine stalled the harness, or a client program or a host of clients was lost, too"
                );
            }
            Self::LookupUnanswered => {
                "a lookup after the load was not answered, and nothing shows whose fault that is"
            }
            Self::HostLost(which) => {
                return write!(f, "a host was lost, with all that ran there and what that held: {which}");
            }
            Self::AfterTheLoss(number) => {
                let found = counted(*number, "violation was", "violations were");
                return write!(
                    f,
                    "{found} found that may be no more than what follows from the loss of a host"
                );
            }
            Self::LookupsOfOthers(number) => {
                let orders = counted(*number as u64, "order was", "orders were");
                return write!(
                    f,
                    "{orders} acknowledged and not looked up, though there are as many lookups as orders"
                );
            }
            Self::Undecided { stock, why } => {
                return write!(
                    f,
                    "whether the history of {stock} is linearizable was not decided: the search \
                     would take {why}"
                );
            }
        })
    }
}

/// The doubts that concern every check of the trial.
pub(crate) fn about(history: &History<'_>) -> Vec<InconclusiveReason> {
    if history.operations.is_empty() && history.timeline.is_empty {
        return vec![InconclusiveReason::NeverBegun];
    }
    let mut doubts = Vec::new();
    if let Some(interruption) = &history.timeline.interrupted {
        doubts.push(InconclusiveReason::Interrupted(interruption.why.clone()));
    }
    doubts.extend(history.missing.iter().cloned().map(InconclusiveReason::Missing));
    if !history.timeline.finished && history.missing.is_empty() {
        doubts.push(InconclusiveReason::NotFinished);
    }
    doubts.extend(history.timeline.first_loss().map(|(host, at_us, why)| {
        let at_ms = super::milliseconds(at_us);
        InconclusiveReason::HostLost(format!("{host} at {at_ms:.3} ms ({why})"))
    }));
    doubts.extend(about_faults(history));
    doubts
}

/// The doubts that concern a check with these needs.
pub(crate) fn about_needs(history: &History<'_>, needs: &[Need]) -> Vec<InconclusiveReason> {
    let mut doubts = Vec::new();
    for need in needs {
        match need {
            Need::Acknowledged => {
                let nothing = history.acknowledged_changes().next().is_none();
                if nothing && history.trades_planned() {
                    doubts.push(InconclusiveReason::NothingAcknowledged);
                }
            }
            Need::Keys => {
                let is_there = |name: &str| {
                    let of_it =
                        |row: &&DumpRow| row.kind == FinalKind::Source && row.source == name;
                    history.final_rows.iter().any(|row| of_it(&row))
                };
                doubts.extend(not_dumped(history.target.keys_of(), is_there));
                if let Some(Settlement::NotConverged(_, detail)) = &history.timeline.settlement {
                    let detail = detail.as_deref().unwrap_or("events.csv does not say why");
                    doubts.push(InconclusiveReason::StillChanging(detail.to_owned()));
                }
            }
            Need::AppliedTrades if !history.has(Fact::AppliedTrades) => {}
            Need::Stocks | Need::AppliedTrades => {
                let is_there = |name: &str| history.holders.iter().any(|one| one.source == name);
                doubts.extend(not_dumped(history.target.stocks_of(), is_there));
            }
            Need::Replicas => {
                let is_there = |name: &str| history.logs.iter().any(|log| log.source == name);
                doubts.extend(not_dumped(history.target.orders_of(), is_there));
            }
        }
    }
    doubts
}

/// Those of whom the end says nothing.
fn not_dumped(
    names: &[String],
    is_there: impl Fn(&str) -> bool,
) -> impl Iterator<Item = InconclusiveReason> {
    let missing = names.iter().filter(move |name| !is_there(name));
    missing.cloned().map(InconclusiveReason::NotDumped)
}

fn about_faults(history: &History<'_>) -> Vec<InconclusiveReason> {
    let mut doubts = Vec::new();
    let timeline = &history.timeline;
    let injected = timeline.faults().iter().filter_map(Fault::number);
    let settled: BTreeSet<u32> = injected.chain(timeline.skipped.iter().copied()).collect();
    let planned = history.cell.planned_faults as usize;
    if settled.len() < planned {
        doubts.push(InconclusiveReason::FaultsNotInjected { injected: settled.len(), planned });
    }
    doubts.extend(timeline.untold().into_iter().next().map(InconclusiveReason::FaultUntold));
    // Each may be left out if nobody is there to be hit, but a plan without any shows nothing about faults.
    if timeline.faults().is_empty() && !timeline.skipped.is_empty() {
        doubts.push(InconclusiveReason::EveryFaultSkipped(timeline.skipped.len()));
    }
    let refuted = timeline.not_confirmed.first().map(describe_refuted);
    let unconfirmed = || timeline.acts().iter().find(|act| act.confirmed_us.is_none());
    if let Some(which) = refuted.or_else(|| unconfirmed().map(describe)) {
        doubts.push(InconclusiveReason::FaultNotConfirmed(which));
    }
    if history.has(Fact::Leader) {
        doubts.extend(not_replaced(history).map(InconclusiveReason::LeaderNotReplaced));
    }
    doubts
}

/// Whether it is known of every fault when it was injected. Where it is not, nobody can say that nothing was
/// broken.
pub(crate) fn every_fault_is_told(history: &History<'_>) -> bool {
    let untold = |doubt: &InconclusiveReason| {
        matches!(
            doubt,
            InconclusiveReason::FaultsNotInjected { .. } | InconclusiveReason::FaultUntold(_)
        )
    };
    !about_faults(history).iter().any(untold)
}

/// A leader that was killed in a bazaar that was whole must have been replaced: a process that is
/// gone but was not missed had not led, and the fault tested something else than it says. Where
/// more was broken, or the front-end was, the change may be late, or nobody may have been there to
/// tell of it.
fn not_replaced(history: &History<'_>) -> Option<String> {
    let all = history.timeline.disturbances(0);
    let alone = all.iter().filter(|disturbance| disturbance.faults.len() == 1);
    let mut killed = alone.flat_map(|disturbance| &disturbance.faults).filter(|fault| {
        fault.kind.is_deadly() && fault.injected.target.as_deref() == Some("leader")
    });
    let replaced = |fault: &Fault| {
        let at_us = fault.injected.at_us;
        let next = all.iter().map(|other| other.from_us).find(|&from_us| from_us > at_us);
        let mut terms = history.timeline.terms().iter();
        terms.any(|term| term.from_us >= at_us && next.is_none_or(|next_us| term.from_us < next_us))
    };
    killed.find(|fault| !replaced(fault)).map(|fault| describe(&fault.injected))
}

fn describe(act: &Act) -> String {
    in_words(Some(act.action), act.subject, act.target.as_deref(), act.at_us, &act.detail)
}

fn describe_refuted(act: &NotConfirmed) -> String {
    in_words(act.action, act.subject, act.target.as_deref(), act.at_us, &act.detail)
}

fn in_words(
    action: Option<Action>,
    subject: Option<Subject>,
    target: Option<&str>,
    at_us: u64,
    detail: &Option<String>,
) -> String {
    let action = action.map_or("fault", Action::as_str);
    let named = subject.map(|subject| subject.to_string());
    let whom = named.as_deref().or(target).unwrap_or("somebody");
    let at_ms = super::milliseconds(at_us);
    let detail = detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("the {action} of {whom} at {at_ms:.3} ms{detail}")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use super::super::{client_reads, survival};
    use crate::checks::CheckResult;
    use crate::records::{Action, EventKind};
    use crate::verdict::Verdict;
    use wire::bazaar::TradeType::Buy;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.read(1, "Stock1", (30, 40));
        trial.read(1, "Stock1", (50, 60));
        trial.fault(45, Action::Kill, "order-3");
        trial.fault(55, Action::Restart, "order-3");
        trial
    }

    fn survival(trial: &Trial) -> CheckResult {
        trial.check(&survival::CHECK)
    }

    #[test]
    fn a_trial_that_ran_as_planned_raises_none() {
        assert_passes(&survival(&trial()));
    }

    #[test]
    fn faults_that_were_not_injected_or_not_confirmed_leave_everything_open() {
        let mut fewer = trial();
        fewer.manifest.cells[0].planned_faults = 3;
        assert_inconclusive(&survival(&fewer), "was injected: 1 of 3 were");

        let mut unconfirmed = trial();
        unconfirmed.events.retain(|event| event.event != EventKind::Confirmed);
        assert_inconclusive(&survival(&unconfirmed), "not confirmed to have worked");

        let mut not_found = trial();
        not_found.event(47, EventKind::NotConfirmed).detail = Some("no leader".to_owned());
        assert_inconclusive(&survival(&not_found), "not confirmed to have worked");
        assert_inconclusive(&not_found.check(&client_reads::CHECK), "not confirmed");
    }

    #[test]
    fn a_fault_that_could_not_be_is_named() {
        let mut trial = trial();
        trial.events.retain(|event| {
            event.event != EventKind::Confirmed || event.action != Some(Action::Kill)
        });
        assert_inconclusive(&survival(&trial), "the kill of order-3 at 0.045 ms");
    }

    #[test]
    fn a_fault_that_the_plan_lets_be_left_out_is_not_missed() {
        let mut trial = trial();
        trial.manifest.cells[0].planned_faults = 2;
        trial.event(47, EventKind::Skipped).fault = Some(2);
        assert_passes(&survival(&trial));
    }

    #[test]
    fn a_plan_of_which_every_fault_was_left_out_shows_nothing() {
        let mut trial = trial();
        trial.events.retain(|event| event.action.is_none());
        for fault in 1..=2 {
            trial.event(47, EventKind::Skipped).fault = Some(fault);
        }
        for planned in [0, 2] {
            trial.manifest.cells[0].planned_faults = planned;
            assert_inconclusive(&survival(&trial), "no fault was injected: 2 were left out");
        }
    }

    #[test]
    fn a_fault_of_which_nobody_says_what_became_of_it_leaves_everything_open() {
        let mut planned = trial();
        planned.event(5, EventKind::Planned).fault = Some(2);
        assert_inconclusive(&survival(&planned), "does not say what became of fault 2");
        planned.event(60, EventKind::Skipped).fault = Some(2);
        assert_passes(&survival(&planned));

        // The plan lets it be left out, so that it is not counted among those that must be.
        let mut undone = trial();
        undone.events.retain(|event| event.action != Some(Action::Kill));
        undone.manifest.cells[0].planned_faults = 0;
        assert_inconclusive(&survival(&undone), "does not say what became of fault 1");
    }

    #[test]
    fn the_restart_of_a_kill_that_is_not_there_is_no_injection() {
        let mut trial = trial();
        trial.events.retain(|event| event.action != Some(Action::Kill));
        assert_inconclusive(&survival(&trial), "was injected: 0 of 1 were");
    }

    #[test]
    fn a_killed_leader_whom_nobody_replaced_had_not_led() {
        let mut trial = trial();
        for event in &mut trial.events {
            event.target = event.action.is_some().then(|| "leader".to_owned());
        }
        assert_inconclusive(&survival(&trial), "take over after the kill of order-3");
        trial.event(46, EventKind::LeaderChanged).leader = Some(2);
        assert_passes(&survival(&trial));
    }

    #[test]
    fn a_trial_that_was_cut_short_is_inconclusive_and_says_why() {
        let mut trial = trial();
        trial.event(70, EventKind::Interrupted).detail = Some("Ctrl-C".to_owned());
        assert_inconclusive(&survival(&trial), "cut short: Ctrl-C");
    }

    #[test]
    fn a_trial_that_was_never_begun_is_inconclusive_for_every_check() {
        let mut trial = trial();
        trial.manifest.cells[0].trials = 2;
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Inconclusive);
        for check in &report.checks {
            assert_inconclusive(check, "never begun");
            let never = check.doubts.iter().find(|doubt| doubt.reason.contains("never begun"));
            assert_eq!(never.unwrap().trials[0].trial, 2);
        }
    }

    #[test]
    fn a_violation_outweighs_every_doubt() {
        let mut trial = trial();
        trial.event(70, EventKind::Interrupted);
        trial.entry_mut("order-2", "r1").quantity = Some(9);
        let result = survival(&trial);
        assert_fails(&result, "order-2 holds it as #1 (Buy 9 of Stock1)");
        assert_eq!(result.doubts.len(), 1, "the doubt is still told");
    }

    #[test]
    fn cells_that_mean_no_trades_pass_what_they_can_show() {
        let mut trial = Trial::new();
        trial.manifest.cells[0].p = 0.0;
        trial.read(1, "Stock1", (30, 40));
        trial.read(1, "Stock1", (50, 60));
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Pass);
        let verdict = |name| report.checks.iter().find(|check| check.name == name).unwrap().verdict;
        assert_eq!(verdict("acknowledged-orders-survive"), None);
        assert_eq!(verdict("no-stale-read"), None);
        assert_eq!(verdict("client-reads-forward"), Some(Verdict::Pass));
        assert_eq!(verdict("conservation"), Some(Verdict::Pass));
    }
}
