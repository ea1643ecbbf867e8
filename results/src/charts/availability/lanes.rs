//! Who was in which state when.

use std::collections::BTreeMap;

use super::super::faults::Fault;
use crate::records::ProcessName;
use crate::timeline::{FaultKind, ProcessState, Timeline};

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Dead.
    Down,
    /// Stopped by a signal: alive, and deaf.
    Paused,
    /// Started but not ready; for a replica: not in the in-sync set.
    CatchingUp,
    /// Ready; for a replica: in the in-sync set.
    Up,
    /// In the in-sync set, and the front-end's choice.
    Leading,
}

/// One process, or one link, over time.
#[derive(Debug, PartialEq)]
pub(super) struct Lane<S> {
    pub(super) name: String,
    /// From when to when it was what, without overlaps and in order, in microseconds.
    pub(super) spans: Vec<(u64, u64, S)>,
}

/// Every process of a trial within `span_us`, in the order of the run's list.
pub(super) fn processes(timeline: &Timeline, span_us: (u64, u64)) -> Vec<Lane<State>> {
    timeline.started().map(|name| lane(name, timeline, span_us)).collect()
}

fn lane(name: ProcessName, timeline: &Timeline, (from_us, until_us): (u64, u64)) -> Lane<State> {
    let within = timeline.moments().into_iter().filter(|at_us| (from_us..until_us).contains(at_us));
    let begins: Vec<u64> = std::iter::once(from_us).chain(within).collect();
    let ends = begins.iter().skip(1).copied().chain([until_us]);
    let mut spans: Vec<(u64, u64, State)> = Vec::new();
    for (&begin_us, end_us) in
        begins.iter().zip(ends).filter(|(begin_us, end_us)| *begin_us < end_us)
    {
        let state = state(name, timeline, begin_us);
        match spans.last_mut() {
            Some(last) if last.2 == state => last.1 = end_us,
            _ => spans.push((begin_us, end_us, state)),
        }
    }
    Lane { name: timeline.placed(name.into()), spans }
}

fn state(name: ProcessName, timeline: &Timeline, at_us: u64) -> State {
    let replica = timeline.processes().number_of(name);
    let members = timeline.membership_at(at_us).and_then(|one| one.members.as_ref());
    let is_member = replica.is_none_or(|id| members.is_some_and(|members| members.contains(id)));
    match timeline.state_at(name, at_us) {
        ProcessState::Down => State::Down,
        ProcessState::Paused => State::Paused,
        ProcessState::Starting => State::CatchingUp,
        ProcessState::Ready if !is_member => State::CatchingUp,
        ProcessState::Ready if replica.is_some() && timeline.leader_at(at_us) == replica => {
            State::Leading
        }
        ProcessState::Ready => State::Up,
    }
}

/// Every link that was broken, with what was done to it, and every fault of the target's own. Where faults of one link overlap,
/// the later one is shown.
pub(super) fn links(faults: &[Fault], until_us: u64) -> Vec<Lane<String>> {
    let mut links: BTreeMap<&str, Vec<(u64, u64, String)>> = BTreeMap::new();
    let has_a_lane = |kind: FaultKind| kind.is_of_links() || kind.is_of_the_targets_own();
    for fault in faults.iter().filter(|fault| has_a_lane(fault.kind)) {
        let spans = links.entry(fault.placed.as_str()).or_default();
        if let Some(last) = spans.last_mut() {
            last.1 = last.1.min(fault.from_us);
        }
        spans.push((fault.from_us, fault.until_us(until_us), fault.kind.to_string()));
    }
    let lane = |(name, spans): (&str, _)| Lane { name: name.to_owned(), spans };
    links.into_iter().map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Action, Event, EventKind, built_in};

    fn event(at_us: u64, kind: EventKind, process: &str) -> Event {
        Event { process: Some(process.parse().unwrap()), ..Event::new("cell", 1, at_us, kind) }
    }

    fn injected(at_us: u64, action: Action, process: &str) -> Event {
        Event { action: Some(action), ..event(at_us, EventKind::Injected, process) }
    }

    fn configuration(at_us: u64, leader: u8, in_sync: &str) -> Event {
        Event {
            leader: Some(leader),
            in_sync: Some(in_sync.parse().unwrap()),
            ..event(at_us, EventKind::LeaderChanged, "order-3")
        }
    }

    #[test]
    fn a_killed_leader_is_down_then_catches_up_then_is_in_sync() {
        let events = [
            event(1, EventKind::Started, "order-3"),
            event(2, EventKind::Ready, "order-3"),
            configuration(3, 3, "1 2 3"),
            injected(100, Action::Kill, "order-3"),
            configuration(110, 2, "1 2"),
            injected(200, Action::Restart, "order-3"),
            event(210, EventKind::Ready, "order-3"),
            configuration(250, 2, "1 2 3"),
        ];
        let lanes = processes(&Timeline::new(&events, &built_in::processes(3)), (50, 300));
        let spans = [
            (50, 100, State::Leading),
            (100, 200, State::Down),
            (200, 250, State::CatchingUp),
            (250, 300, State::Up),
        ];
        assert_eq!(lanes, [Lane { name: "order-3".to_owned(), spans: spans.to_vec() }]);
    }

    #[test]
    fn a_paused_catalog_is_neither_up_nor_down() {
        let events = [
            event(1, EventKind::Started, "catalog"),
            event(1, EventKind::Started, "front-end"),
            event(2, EventKind::Ready, "catalog"),
            injected(100, Action::Pause, "catalog"),
            injected(150, Action::Resume, "catalog"),
            Event { event: EventKind::Confirmed, ..injected(151, Action::Resume, "catalog") },
        ];
        let lanes = processes(&Timeline::new(&events, &built_in::processes(3)), (50, 300));
        assert_eq!(lanes[0].name, "front-end");
        let spans = [(50, 100, State::Up), (100, 150, State::Paused), (150, 300, State::Up)];
        assert_eq!(lanes[1].spans, spans);
    }
}
