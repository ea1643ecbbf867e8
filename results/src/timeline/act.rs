//! What was done to processes and links, and whether it was seen to have worked.

use crate::records::{Action, Event, EventKind, FaultSet, Subject};

/// Something that was done: a fault, or what ends one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Which of the plan's faults it belongs to, if to one.
    pub fault: Option<u32>,
    /// What was done.
    pub action: Action,
    /// To whom.
    pub subject: Option<Subject>,
    /// What the plan said, for example `leader`.
    pub target: Option<String>,
    /// The process's id.
    pub pid: Option<u32>,
    /// For when it was planned.
    pub planned_us: Option<u64>,
    /// When.
    pub at_us: u64,
    /// When it was seen to have worked.
    pub confirmed_us: Option<u64>,
    /// How far these times may be off, if they are of another host's clock.
    pub bound_us: u64,
    /// Which faults it ended, if the run says so.
    pub ends: FaultSet,
    /// Anything else that is known of it.
    pub detail: Option<String>,
}

/// Something that was not seen to have worked, or could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotConfirmed {
    /// Which of the plan's faults it belongs to, if to one.
    pub fault: Option<u32>,
    /// What was to be done, if it was one act.
    pub action: Option<Action>,
    /// To whom.
    pub subject: Option<Subject>,
    /// What the plan said.
    pub target: Option<String>,
    /// When that was clear.
    pub at_us: u64,
    /// Why.
    pub detail: Option<String>,
}

impl NotConfirmed {
    pub(super) fn new(event: &Event) -> Self {
        Self {
            fault: event.fault,
            action: event.action,
            subject: event.process,
            target: event.target.clone(),
            at_us: event.at_us,
            detail: event.detail.clone(),
        }
    }
}

/// Every act, from events in the order of time.
pub(super) fn acts(events: &[&Event]) -> Vec<Act> {
    let injected =
        events.iter().enumerate().filter(|(_, event)| event.event == EventKind::Injected);
    injected
        .filter_map(|(index, event)| {
            let confirmed = events[index..].iter().find(|later| {
                later.event == EventKind::Confirmed
                    && later.fault == event.fault
                    && later.action == event.action
                    && later.process == event.process
            });
            Some(Act {
                fault: event.fault,
                action: event.action?,
                subject: event.process,
                target: event.target.clone(),
                pid: event.pid,
                planned_us: event.planned_us,
                at_us: event.at_us,
                confirmed_us: confirmed.map(|event| event.at_us),
                bound_us: confirmed
                    .and_then(|event| event.bound_us)
                    .max(event.bound_us)
                    .unwrap_or(0),
                ends: event.ends.clone(),
                detail: event.detail.clone(),
            })
        })
        .collect()
}
