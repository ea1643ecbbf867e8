//! What was broken for a time and is not whole again, and what that means for the leader. Pure.

use std::collections::BTreeMap;

use faults::process::ProcessName;
use faults::schedule::Action;
use results::records::{End, Event, Processes, Subject};

/// What lasts, by the number of the fault: what was done to links, and to processes in ways that their states do not
/// tell.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    processes: Processes,
    faults: BTreeMap<u32, Fault>,
}

/// What was done to which process or link.
#[derive(Clone, Copy, Debug)]
struct Fault {
    action: Action,
    subject: Subject,
}

/// What an act means for the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForLeader {
    /// It is to be replaced.
    Broken,
    /// What was to have it replaced is over.
    Mended,
    /// It leads, or does not, as before.
    Nothing,
}

impl Lasting {
    /// Of a system with these processes, in which nothing is broken.
    pub(super) fn new(processes: Processes) -> Self {
        Self { processes, faults: BTreeMap::new() }
    }

    /// Takes in what the injector has begun or ended.
    pub(super) fn injected(&mut self, event: &Event, leader: Option<ProcessName>) -> ForLeader {
        let (Some(action), Some(subject)) = (event.action, event.process) else {
            return ForLeader::Nothing;
        };
        let over = self.faults.extract_if(.., |number, _| event.ends.contains(*number));
        let over: Vec<_> = over.map(|(_, fault)| fault).collect();
        if let (Some(name), Action::Kill | Action::PowerCut | Action::Restart) =
            (subject.process(), action)
        {
            self.process_ended(name);
        }
        let fault = Fault { action, subject };
        let for_leader = leader.map_or(ForLeader::Nothing, |leader| {
            let is_over =
                over.iter().any(|fault| fault.keeps_from_answering(leader, &self.processes))
                    || (action == Action::Resume && subject.process() == Some(leader));
            let lasts = || {
                self.faults
                    .values()
                    .any(|fault| fault.keeps_from_answering(leader, &self.processes))
            };
            if fault.keeps_from_answering(leader, &self.processes) {
                ForLeader::Broken
            } else if is_over && !lasts() {
                ForLeader::Mended
            } else {
                ForLeader::Nothing
            }
        });
        // Whether it is dead or paused the process's state says.
        let is_told = matches!(action, Action::Kill | Action::Pause | Action::PowerCut);
        if let (Some(number), false) = (event.fault, action.is_end() || is_told) {
            self.faults.insert(number, fault);
        }
        for_leader
    }

    /// A process has ended, or is another: whatever a restart ends is over.
    pub(super) fn process_ended(&mut self, name: ProcessName) {
        self.faults.retain(|_, fault| {
            fault.subject.process() != Some(name) || !Action::Restart.ends(fault.action)
        });
    }

    /// At a process, as `stall-disk`.
    pub(super) fn at(&self, name: ProcessName) -> Vec<String> {
        let faults = self.faults.values().filter(|fault| fault.subject.process() == Some(name));
        faults.map(|fault| fault.action.to_string()).collect()
    }

    /// One of all of them, as `stall-disk order-3`; nothing if nothing lasts.
    pub(super) fn any(&self) -> Option<String> {
        self.faults.values().next().map(|fault| format!("{} {}", fault.action, fault.subject))
    }

    /// Of links, as `cut order-3 -> catalog`.
    pub(super) fn of_links(&self) -> Vec<String> {
        let faults =
            self.faults.values().filter_map(|fault| Some((fault.action, fault.subject.link()?)));
        faults.map(|(action, link)| format!("{action} {link}")).collect()
    }
}

impl Fault {
    /// Whether a leader is to be replaced because of this. One that is slow or flooded answers all the same, and a link
    /// that is late or narrow may be good enough for it. Cut off from the other replicas it leads without them; from the
    /// front-end nobody finds it, and from the catalog it cannot trade (rule G1).
    fn keeps_from_answering(self, leader: ProcessName, processes: &Processes) -> bool {
        match self.subject {
            Subject::Process(name) => {
                let keeps = matches!(
                    self.action,
                    Action::Kill
                        | Action::Pause
                        | Action::PowerCut
                        | Action::StallDisk
                        | Action::FullDisk
                );
                name == leader && keeps
            }
            Subject::Link(link) => {
                let is_leaders = |end: End, other: End| {
                    end.process() == Some(leader)
                        && !matches!(other, End::Replicas | End::Clients)
                        && !other.process().is_some_and(|other| processes.is_replica(other))
                };
                self.action == Action::Cut
                    && (is_leaders(link.from, link.to) || is_leaders(link.to, link.from))
            }
            // Nobody knows what it breaks.
            Subject::Own(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use results::records::{EventKind, built_in};

    use super::ForLeader::{Broken, Mended, Nothing};
    use super::*;

    fn leader() -> Option<ProcessName> {
        Some(built_in::order(3))
    }

    fn act(number: u32, action: Action, subject: &str, ends: &str) -> Event {
        let mut event = Event::new("serve", 1, 100, EventKind::Injected);
        (event.fault, event.action) = (Some(number), Some(action));
        event.process = Some(subject.parse().unwrap());
        event.ends = ends.parse().unwrap();
        event
    }

    /// What beginning it means while order-3 leads, and what its end.
    fn meant(begin: Action, end: Action, subject: &str) -> (ForLeader, ForLeader) {
        let mut lasting = Lasting::new(built_in::processes(3));
        let begun = lasting.injected(&act(1, begin, subject, ""), leader());
        (begun, lasting.injected(&act(1, end, subject, "1"), leader()))
    }

    #[test]
    fn only_what_keeps_a_leader_from_answering_has_it_replaced() {
        for action in [Action::StallDisk, Action::FullDisk] {
            assert_eq!(meant(action, Action::Recover, "order-3"), (Broken, Mended), "{action}");
            assert_eq!(meant(action, Action::Recover, "order-2"), (Nothing, Nothing), "{action}");
        }
        assert_eq!(meant(Action::Pause, Action::Resume, "order-3"), (Broken, Mended));
        // Who is started anew must be chosen again.
        assert_eq!(meant(Action::Kill, Action::Restart, "order-3"), (Broken, Nothing));
        for action in [Action::Slow, Action::Flood, Action::SlowDisk] {
            assert_eq!(meant(action, Action::Recover, "order-3"), (Nothing, Nothing), "{action}");
        }
    }

    #[test]
    fn a_leader_that_is_cut_off_from_front_end_or_catalog_is_replaced() {
        let cut = |link| meant(Action::Cut, Action::Heal, link);
        for link in
            ["order-3 <-> any", "any -> order-3", "front-end <-> order-3", "order-3 -> catalog"]
        {
            assert_eq!(cut(link), (Broken, Mended), "{link}");
        }
        for link in
            ["order-3 <-> order-1", "order-1 <-> any", "front-end <-> any", "catalog <-> any"]
        {
            assert_eq!(cut(link), (Nothing, Nothing), "{link}");
        }
        assert_eq!(meant(Action::Delay, Action::Heal, "order-3 <-> any"), (Nothing, Nothing));
    }

    #[test]
    fn files_are_lost_until_their_process_is_restarted() {
        let mut lasting = Lasting::new(built_in::processes(3));
        lasting.injected(&act(1, Action::Kill, "order-1", ""), None);
        lasting.injected(&act(2, Action::LoseFiles, "order-1", ""), None);
        assert_eq!(lasting.at(built_in::order(1)), ["lose-files"]);
        lasting.injected(&act(1, Action::Restart, "order-1", "1 2"), None);
        assert_eq!(lasting.any(), None);
    }

    #[test]
    fn a_leader_answers_again_once_nothing_keeps_it_from_that() {
        let mut lasting = Lasting::new(built_in::processes(3));
        let mut heard = |event| lasting.injected(&event, leader());
        assert_eq!(heard(act(1, Action::StallDisk, "order-3", "")), Broken);
        assert_eq!(heard(act(2, Action::Slow, "order-3", "")), Nothing);
        assert_eq!(heard(act(3, Action::Cut, "order-3 <-> any", "")), Broken);
        assert_eq!(heard(act(2, Action::Recover, "order-3", "2")), Nothing);
        assert_eq!(heard(act(1, Action::Recover, "order-3", "1")), Nothing);
        assert_eq!(heard(act(3, Action::Heal, "order-3 <-> any", "3")), Mended);
    }

    #[test]
    fn who_has_ended_is_slow_no_more_and_is_flooded_and_cut_off_all_the_same() {
        let mut lasting = Lasting::new(built_in::processes(3));
        lasting.injected(&act(1, Action::Slow, "catalog", ""), None);
        lasting.injected(&act(2, Action::Slow, "order-1", ""), None);
        lasting.injected(&act(3, Action::Flood, "catalog", ""), None);
        lasting.injected(&act(4, Action::Cut, "catalog <-> any", ""), None);
        assert_eq!(lasting.at(built_in::catalog()), ["slow", "flood"]);
        lasting.process_ended(built_in::catalog());
        assert_eq!(lasting.at(built_in::catalog()), ["flood"]);
        assert_eq!(lasting.at(built_in::order(1)), ["slow"]);
        assert_eq!(lasting.of_links(), ["cut catalog <-> any"]);
        assert_eq!(lasting.any().as_deref(), Some("slow order-1"));
        // Another press killed it: what ended with it names no fault of this one.
        lasting.injected(&act(5, Action::Kill, "order-1", ""), None);
        assert!(lasting.at(built_in::order(1)).is_empty());
    }
}
