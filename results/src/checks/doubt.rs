//! Why a trial could not have shown a problem: the reasons behind every `inconclusive`.
//!
//! The rule is never to pass what could not have been found. So what a pass rests on is listed
//! here and looked for first; a violation that is found all the same is still a failure.

use std::collections::BTreeSet;
use std::fmt;

use crate::records::{EventKind, Outcome};

use super::history::History;

/// What a check needs besides a trial that ran as planned and was recorded to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// At least one acknowledged trade, unless the plan meant none (p = 0).
    Acknowledged,
    /// The log of every replica.
    Replicas,
    /// The catalog's stocks and trades.
    Catalog,
}

/// Why a pass would mean nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    NeverBegun,
    NotFinished,
    Interrupted(Option<String>),
    FaultsNotInjected,
    FaultNotConfirmed,
    NoLoadBeforeFault,
    Unmatched,
    NotDumped(String),
    NothingAcknowledged,
    NothingExamined(&'static str),
    NotHealed,
    NotSettled,
    NoTradeAfterHealing,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverBegun => "the trial was never begun",
            Self::NotFinished => {
                "the recorder did not finish (events.csv has no `finished` row), so rows may be missing"
            }
            Self::Interrupted(None) => "the trial was cut short",
            Self::Interrupted(Some(detail)) => {
                return write!(f, "the trial was cut short: {detail}");
            }
            Self::FaultsNotInjected => "not every planned fault was injected",
            Self::FaultNotConfirmed => "a fault was injected but not confirmed to have worked",
            Self::NoLoadBeforeFault => "no operation had succeeded before the first fault",
            Self::Unmatched => {
                "an acknowledged trade was recorded without its request id, number or content"
            }
            Self::NotDumped(source) => {
                return write!(f, "final.csv does not say what {source} held at the end");
            }
            Self::NothingAcknowledged => "no trade was acknowledged",
            Self::NothingExamined(what) => return write!(f, "there were no {what} to examine"),
            Self::NotHealed => "events.csv does not say that the faults were healed",
            Self::NotSettled => "events.csv does not say whether the replicas converged",
            Self::NoTradeAfterHealing => "no trade was tried after everything was healed",
        })
    }
}

/// The doubts that concern every check of the trial.
pub(crate) fn about(history: &History<'_>) -> Vec<Doubt> {
    if history.operations.is_empty() && history.events.is_empty() {
        return vec![Doubt::NeverBegun];
    }
    let mut doubts = Vec::new();
    if let Some(event) = history.event(EventKind::Interrupted) {
        doubts.push(Doubt::Interrupted(event.detail.clone()));
    }
    if !history.finished {
        doubts.push(Doubt::NotFinished);
    }
    if history.unmatched.is_some() {
        doubts.push(Doubt::Unmatched);
    }
    doubts.extend(about_faults(history));
    doubts
}

/// The doubts that concern a check with these needs.
pub(crate) fn about_needs(history: &History<'_>, needs: &[Need]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for need in needs {
        match need {
            Need::Acknowledged => {
                if history.acknowledged.is_empty() && history.trades_planned() {
                    doubts.push(Doubt::NothingAcknowledged);
                }
            }
            Need::Catalog => {
                if history.catalog.is_none() {
                    doubts.push(Doubt::NotDumped(super::history::CATALOG.to_owned()));
                }
            }
            Need::Replicas => doubts.extend(
                (1..=history.replicas)
                    .map(|id| format!("order-{id}"))
                    .filter(|name| history.logs.iter().all(|log| log.source != name.as_str()))
                    .map(Doubt::NotDumped),
            ),
        }
    }
    doubts
}

fn about_faults(history: &History<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let injected: Vec<_> = history.events_of(EventKind::Injected).collect();
    let planned: BTreeSet<_> = injected.iter().filter_map(|event| event.fault).collect();
    if planned.len() < history.cell.planned_faults as usize {
        doubts.push(Doubt::FaultsNotInjected);
    }
    let confirmed = |fault: &crate::records::Event| {
        history.events_of(EventKind::Confirmed).any(|event| {
            event.fault == fault.fault
                && event.action == fault.action
                && event.process == fault.process
                && event.at_us >= fault.at_us
        })
    };
    if history.event(EventKind::NotConfirmed).is_some()
        || !injected.iter().all(|fault| confirmed(fault))
    {
        doubts.push(Doubt::FaultNotConfirmed);
    }
    if let Some(first) = injected.first() {
        let loaded = history.operations.iter().any(|operation| {
            operation.row.outcome == Outcome::Ok && operation.row.end_us < first.at_us
        });
        if !loaded {
            doubts.push(Doubt::NoLoadBeforeFault);
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use super::super::{client_reads, survival};
    use crate::checks::CheckResult;
    use crate::records::EventKind;
    use crate::verdict::Verdict;
    use wire::bazaar::TradeType::Buy;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.read(1, "Stock1", (30, 40));
        trial.read(1, "Stock1", (50, 60));
        trial.fault(45, "kill", "order-3");
        trial.fault(55, "restart", "order-3");
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
        assert_inconclusive(&survival(&fewer), "not every planned fault was injected");

        let mut unconfirmed = trial();
        unconfirmed.events.retain(|event| event.event != EventKind::Confirmed);
        assert_inconclusive(&survival(&unconfirmed), "not confirmed to have worked");

        let mut not_found = trial();
        not_found.event(47, EventKind::NotConfirmed).detail = Some("no leader".to_owned());
        assert_inconclusive(&survival(&not_found), "not confirmed to have worked");
        assert_inconclusive(&not_found.check(&client_reads::CHECK), "not confirmed");
    }

    #[test]
    fn a_fault_before_any_load_leaves_everything_open() {
        let mut trial = trial();
        trial.fault(15, "kill", "order-1");
        assert_inconclusive(&survival(&trial), "no operation had succeeded");
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
    fn an_acknowledgement_without_a_number_cannot_be_checked() {
        let mut trial = trial();
        trial.observations[0].order_no = None;
        assert_inconclusive(&survival(&trial), "without its request id, number or content");
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
