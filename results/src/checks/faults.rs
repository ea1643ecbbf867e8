//! From when to when what was broken.
//!
//! A fault begins when it was injected and ends when what undoes it was confirmed, or at the latest
//! when everything was healed.

use crate::records::{Event, EventKind};

use super::history::History;

/// A fault and how long it lasted.
#[derive(Clone, Copy)]
pub(super) struct Fault<'a> {
    /// The event of its injection.
    pub(super) injected: &'a Event,
    /// Since when.
    pub(super) from_us: u64,
    /// Until when; `None` if it was never undone.
    pub(super) to_us: Option<u64>,
}

/// A time in which something was broken, from a whole bazaar to a whole bazaar.
pub(super) struct Disturbance<'a> {
    /// What was broken in it, in the order of time; never empty.
    pub(super) faults: Vec<Fault<'a>>,
    /// Since when.
    pub(super) from_us: u64,
    /// Until when; `None` if it was never over.
    pub(super) to_us: Option<u64>,
}

/// Every fault, in the order of time: whatever was done and does not undo one.
pub(super) fn faults<'a>(history: &History<'a>) -> Vec<Fault<'a>> {
    history
        .events_of(EventKind::Injected)
        .filter(|event| !event.undoes_fault())
        .map(|injected| Fault {
            injected,
            from_us: injected.at_us,
            to_us: end_of(history, injected).map(|event| event.at_us),
        })
        .collect()
}

fn end_of<'a>(history: &History<'a>, injected: &Event) -> Option<&'a Event> {
    history.events.iter().copied().filter(|event| event.at_us >= injected.at_us).find(|event| {
        let undone = event.event == EventKind::Confirmed
            && event.undoes_fault()
            && event.process == injected.process;
        undone || event.event == EventKind::Healed
    })
}

/// The times in which something was broken. Those that are less than `apart_us` apart are one.
pub(super) fn disturbances<'a>(history: &History<'a>, apart_us: u64) -> Vec<Disturbance<'a>> {
    let mut disturbances: Vec<Disturbance<'a>> = Vec::new();
    for fault in faults(history) {
        match disturbances.last_mut() {
            Some(last) if last.to_us.is_none_or(|to_us| fault.from_us < to_us + apart_us) => {
                last.to_us = last.to_us.zip(fault.to_us).map(|(one, other)| one.max(other));
                last.faults.push(fault);
            }
            _ => disturbances.push(Disturbance {
                from_us: fault.from_us,
                to_us: fault.to_us,
                faults: vec![fault],
            }),
        }
    }
    disturbances
}

impl Fault<'_> {
    /// What was done to whom: `kill of order-3`.
    pub(super) fn describe(&self) -> String {
        let action = self.injected.action.as_deref().unwrap_or("fault");
        let process = self.injected.process.as_deref().unwrap_or("an unknown process");
        format!("{action} of {process}")
    }
}

impl Disturbance<'_> {
    /// Its faults, and since when.
    pub(super) fn describe(&self) -> String {
        /// How many faults are named; more make no sentence.
        const NAMED: usize = 3;
        let mut names: Vec<String> = self.faults.iter().take(NAMED).map(Fault::describe).collect();
        if self.faults.len() > NAMED {
            names.push(format!("{} more faults", self.faults.len() - NAMED));
        }
        format!("the {} at {:.3} ms", names.join(", "), super::milliseconds(self.from_us))
    }
}
