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
