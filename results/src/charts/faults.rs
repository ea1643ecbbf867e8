//! The faults of a trial, of processes and of links alike, from the moment at which each was
//! injected until what it broke was put right.

use crate::availability::{AvailabilityRow, FaultKind, Role};
use crate::records::{Event, EventKind};
use crate::text::three_digits;

/// A fault, as charts show it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// Which of the plan's, from 1.
    pub(super) number: u32,
    /// What was done.
    pub(super) action: FaultKind,
    /// The process, or the link.
    pub(super) whom: String,
    /// When it was injected.
    pub(super) from_us: u64,
    /// By what and when it ended; nothing if it outlasted the load.
    pub(super) end: Option<(String, u64)>,
    /// What the replica was, if it hit one.
    pub(super) role: Option<Role>,
    /// Until the next leader was on the front-end's disk.
    pub(super) new_leader_ms: Option<f64>,
    /// Until the first acknowledged trade.
    pub(super) first_ack_ms: Option<f64>,
}

impl Fault {
    /// Every fault of a trial whose events are given by time, and what each of them cost.
    pub(super) fn all(events: &[&Event], costs: &[&AvailabilityRow]) -> Vec<Self> {
        let injected = || events.iter().filter(|event| event.event == EventKind::Injected);
        let begun = injected().filter_map(|event| Some((event, FaultKind::of(event)?)));
        begun
            .map(|(event, action)| {
                let cost = costs
                    .iter()
                    .find(|row| Some(row.fault) == event.fault && row.at_us == event.at_us);
                let end = injected()
                    .filter(|end| end.at_us > event.at_us && end.undoes_fault())
                    .find(|end| {
                        end.fault == event.fault
                            || (end.process.is_some() && end.process == event.process)
                    });
                Self {
                    number: event.fault.unwrap_or_default(),
                    action,
                    whom: event.process.clone().unwrap_or_default(),
                    from_us: event.at_us,
                    end: end.map(|end| (end.action.clone().unwrap_or_default(), end.at_us)),
                    role: cost
                        .map(|row| row.role)
                        .filter(|role| matches!(role, Role::Leader | Role::Follower)),
                    new_leader_ms: cost.and_then(|row| row.new_leader_ms),
                    first_ack_ms: cost.and_then(|row| row.first_ack_ms),
                }
            })
            .collect()
    }

    /// When it ended, or `last_us` if it outlasted that.
    pub(super) fn until_us(&self, last_us: u64) -> u64 {
        self.end.as_ref().map_or(last_us, |(_, at_us)| *at_us).max(self.from_us)
    }

    /// `3: kill order-2 (leader)`.
    pub(super) fn name(&self) -> String {
        let role = self.role.map_or_else(String::new, |role| format!(" ({role})"));
        format!("{}: {} {}{role}", self.number, self.action, self.whom)
    }

    /// `3: kill order-2 (leader) at 20.0 s, first ack after 41.2 ms; restart at 25.0 s`.
    pub(super) fn in_words(&self) -> String {
        let at = |us: u64| format!("{:.1} s", us as f64 / 1e6);
        let ack = self
            .first_ack_ms
            .map_or_else(String::new, |ms| format!(", first ack after {} ms", three_digits(ms)));
        let end = self
            .end
            .as_ref()
            .map_or_else(String::new, |(action, at_us)| format!("; {action} at {}", at(*at_us)));
        format!("{} at {}{ack}{end}", self.name(), at(self.from_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injected(fault: u32, action: &str, process: &str, at_us: u64) -> Event {
        Event {
            fault: Some(fault),
            action: Some(action.to_owned()),
            process: Some(process.to_owned()),
            ..Event::new("cell", 1, at_us, EventKind::Injected)
        }
    }

    #[test]
    fn a_fault_lasts_until_its_own_end_or_until_its_process_is_put_right_otherwise() {
        let events = [
            injected(1, "pause", "order-3", 1_000_000),
            injected(2, "cut", "order-1 -> catalog", 2_000_000),
            injected(3, "kill", "order-3", 3_000_000),
            injected(3, "restart", "order-3", 4_000_000),
            injected(2, "heal", "order-1 -> catalog", 5_000_000),
            injected(4, "kill", "order-2", 6_000_000),
        ];
        let faults = Fault::all(&events.iter().collect::<Vec<_>>(), &[]);
        let until: Vec<u64> = faults.iter().map(|fault| fault.until_us(9_000_000)).collect();
        assert_eq!(until, [4_000_000, 5_000_000, 4_000_000, 9_000_000]);
        assert_eq!(faults[1].in_words(), "2: cut order-1 -> catalog at 2.0 s; heal at 5.0 s");
        assert_eq!(faults[3].in_words(), "4: kill order-2 at 6.0 s");
    }
}
