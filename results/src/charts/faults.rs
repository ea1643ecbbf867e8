//! The faults of a trial, of processes and of links alike, from the moment at which each was
//! injected until what it broke was put right.

use crate::availability::AvailabilityRow;
use crate::records::Action;
use crate::text::three_digits;
use crate::timeline::{self, FaultKind, Role, Timeline};

/// A fault, as charts show it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// Which of the plan's, from 1.
    pub(super) number: u32,
    /// What was done.
    pub(super) kind: FaultKind,
    /// The process, or the link.
    pub(super) whom: String,
    /// The same with hosts, where there are several.
    pub(super) placed: String,
    /// When it was injected.
    pub(super) from_us: u64,
    /// By what and when it ended; nothing if it outlasted the load.
    pub(super) end: Option<(Action, u64)>,
    /// What the replica was, if it hit one.
    pub(super) role: Option<Role>,
    /// Until the next leader was on the front-end's disk.
    pub(super) new_leader_ms: Option<f64>,
    /// Until the first acknowledged trade.
    pub(super) first_ack_ms: Option<f64>,
}

impl Fault {
    /// Every fault of a trial, and what each of them cost.
    pub(super) fn all(timeline: &Timeline, costs: &[&AvailabilityRow]) -> Vec<Self> {
        let with_cost = |fault: &timeline::Fault| {
            let injected = &fault.injected;
            let cost = costs
                .iter()
                .find(|row| Some(row.fault) == fault.number() && row.at_us == injected.at_us);
            let is_replica = matches!(fault.role, Role::Leader | Role::Follower);
            Self {
                number: fault.number().unwrap_or_default(),
                kind: fault.kind,
                whom: injected.subject.map_or_else(String::new, |subject| subject.to_string()),
                placed: injected
                    .subject
                    .map_or_else(String::new, |subject| timeline.placed(subject)),
                from_us: injected.at_us,
                end: fault.undone.as_ref().map(|act| (act.action, act.at_us)),
                role: is_replica.then_some(fault.role),
                new_leader_ms: cost.and_then(|row| row.new_leader_ms),
                first_ack_ms: cost.and_then(|row| row.first_ack_ms),
            }
        };
        timeline.faults().iter().map(with_cost).collect()
    }

    /// When it ended, or `last_us` if it outlasted that.
    pub(super) fn until_us(&self, last_us: u64) -> u64 {
        self.end.as_ref().map_or(last_us, |(_, at_us)| *at_us).max(self.from_us)
    }

    /// `3: kill order-2 @ n2 (leader)`.
    pub(super) fn name(&self) -> String {
        self.called(&self.placed)
    }

    /// The same without hosts, where there is no room for them.
    pub(super) fn short_name(&self) -> String {
        self.called(&self.whom)
    }

    fn called(&self, whom: &str) -> String {
        let role = self.role.map_or_else(String::new, |role| format!(" ({role})"));
        format!("{}: {} {whom}{role}", self.number, self.kind)
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
    use crate::records::{Event, EventKind, built_in};

    fn injected(fault: u32, action: Action, process: &str, at_us: u64) -> Event {
        Event {
            fault: Some(fault),
            action: Some(action),
            process: Some(process.parse().unwrap()),
            ..Event::new("cell", 1, at_us, EventKind::Injected)
        }
    }

    #[test]
    fn a_fault_on_a_host_is_called_with_it_and_where_there_is_no_room_without() {
        let mut reached = Event::new("cell", 1, 1, EventKind::HostReached);
        reached.target = Some("n3".to_owned());
        reached.process = Some("order-3".parse().unwrap());
        let events = [reached, injected(1, Action::Kill, "order-3", 2)];
        let faults = Fault::all(&Timeline::new(&events, &built_in::processes(3)), &[]);
        assert_eq!(faults[0].name(), "1: kill order-3 @ n3 (follower)");
        assert_eq!(faults[0].short_name(), "1: kill order-3 (follower)");
    }

    #[test]
    fn a_fault_lasts_until_its_own_end_or_until_its_process_is_put_right_otherwise() {
        let events = [
            injected(1, Action::Pause, "order-3", 1_000_000),
            injected(2, Action::Cut, "order-1 -> catalog", 2_000_000),
            injected(3, Action::Kill, "order-3", 3_000_000),
            injected(3, Action::Restart, "order-3", 4_000_000),
            injected(2, Action::Heal, "order-1 -> catalog", 5_000_000),
            injected(4, Action::Kill, "order-2", 6_000_000),
        ];
        let faults = Fault::all(&Timeline::new(&events, &built_in::processes(3)), &[]);
        let until: Vec<u64> = faults.iter().map(|fault| fault.until_us(9_000_000)).collect();
        assert_eq!(until, [4_000_000, 5_000_000, 4_000_000, 9_000_000]);
        assert_eq!(faults[1].in_words(), "2: cut order-1 -> catalog at 2.0 s; heal at 5.0 s");
        assert_eq!(faults[3].in_words(), "4: kill order-2 (follower) at 6.0 s");
    }
}
