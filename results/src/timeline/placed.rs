//! Processes and faults with the hosts that they are on.

use super::{Fault, Timeline};
use crate::records::{End, ProcessName, Subject};

impl Timeline {
    /// Whom something was done to, with the hosts of those that are on others than the harness's: `order-2 @ n2`.
    #[must_use]
    pub fn placed(&self, subject: Subject) -> String {
        let process = |name: ProcessName| {
            let mut hosts = self.hosts.iter();
            match hosts.find(|(_, host)| host.processes.contains(&name)) {
                Some((host, _)) => format!("{name} @ {host}"),
                None => name.to_string(),
            }
        };
        let end = |end: End| end.process().map_or_else(|| end.to_string(), process);
        match subject {
            Subject::Process(name) => process(name),
            Subject::Link(route) => route.in_words(end),
            Subject::Own(_) => subject.to_string(),
        }
    }

    /// What a fault was, and where: `kill of order-2 @ n2`.
    #[must_use]
    pub fn describe(&self, fault: &Fault) -> String {
        let placed = fault.injected.subject.map(|subject| self.placed(subject));
        placed.map_or_else(|| fault.describe(), |whom| format!("{} of {whom}", fault.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Event, EventKind, built_in};

    fn reached(name: &str, process: &str) -> Event {
        let mut event = Event::new("cell", 1, 0, EventKind::HostReached);
        event.target = Some(name.to_owned());
        event.process = Some(process.parse().unwrap());
        event
    }

    #[test]
    fn whom_something_was_done_to_is_said_with_the_host_where_there_is_one() {
        let events = [reached("n1", "catalog"), reached("n2", "order-2")];
        let timeline = Timeline::new(&events, &built_in::processes(3));
        for (subject, placed) in [
            ("order-2", "order-2 @ n2"),
            ("order-3", "order-3"),
            ("order-2 <-> catalog", "order-2 @ n2 <-> catalog @ n1"),
            ("order-2 -> replicas", "order-2 @ n2 -> replicas"),
            ("faults.partition-n1", "faults.partition-n1"),
        ] {
            assert_eq!(timeline.placed(subject.parse().unwrap()), placed);
        }
    }
}
