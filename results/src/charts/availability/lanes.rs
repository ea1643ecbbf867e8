//! Who was in which state when, from a trial's events.

use std::collections::{BTreeMap, BTreeSet};

use super::super::faults::Fault;
use crate::records::{Event, EventKind};

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

/// Every process of a trial within `span_us`, front-end first. The events are given by time.
pub(super) fn processes(events: &[&Event], span_us: (u64, u64)) -> Vec<Lane<State>> {
    let started = events.iter().filter(|event| event.event == EventKind::Started);
    let mut names: Vec<&str> = started.filter_map(|event| event.process.as_deref()).collect();
    names.sort_by_key(|name| (rank(name), *name));
    names.dedup();
    names.into_iter().map(|name| lane(name, events, span_us)).collect()
}

fn rank(name: &str) -> u8 {
    match name {
        "front-end" => 0,
        "catalog" => 1,
        _ => 2,
    }
}

fn lane(name: &str, events: &[&Event], (from_us, until_us): (u64, u64)) -> Lane<State> {
    let mut process = Process::new(name);
    let mut changes = vec![(0, process.state())];
    for event in events {
        process.see(event);
        changes.push((event.at_us, process.state()));
    }
    let ends = changes.iter().skip(1).map(|change| change.0).chain([u64::MAX]);
    let clipped = changes
        .iter()
        .zip(ends)
        .map(|(&(begin_us, state), end_us)| (begin_us.max(from_us), end_us.min(until_us), state));
    let mut spans: Vec<(u64, u64, State)> = Vec::new();
    for (begin_us, end_us, state) in clipped.filter(|span| span.0 < span.1) {
        match spans.last_mut() {
            Some(last) if last.2 == state => last.1 = end_us,
            _ => spans.push((begin_us, end_us, state)),
        }
    }
    Lane { name: name.to_owned(), spans }
}

/// A process as far as the events have told.
struct Process<'a> {
    name: &'a str,
    replica: Option<u8>,
    is_alive: bool,
    is_paused: bool,
    is_ready: bool,
    leader: Option<u8>,
    in_sync: BTreeSet<u8>,
}

impl<'a> Process<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            replica: name.strip_prefix("order-").and_then(|id| id.parse().ok()),
            is_alive: false,
            is_paused: false,
            is_ready: false,
            leader: None,
            in_sync: BTreeSet::new(),
        }
    }

    fn see(&mut self, event: &Event) {
        if matches!(event.event, EventKind::LeaderChanged | EventKind::InSyncChanged) {
            self.leader = event.leader.or(self.leader);
            if let Some(members) = &event.in_sync {
                self.in_sync = members.split_whitespace().flat_map(str::parse).collect();
            }
        } else if event.process.as_deref() == Some(self.name) {
            match (event.event, event.action.as_deref()) {
                (EventKind::Started, _) | (EventKind::Injected, Some("restart")) => {
                    (self.is_alive, self.is_paused, self.is_ready) = (true, false, false);
                }
                (EventKind::Ready, _) => self.is_ready = true,
                (EventKind::Died, _) | (EventKind::Injected, Some("kill")) => self.is_alive = false,
                (EventKind::Injected, Some("pause")) => self.is_paused = true,
                (EventKind::Injected, Some("resume")) => self.is_paused = false,
                _ => {}
            }
        }
    }

    fn state(&self) -> State {
        let is_member = self.replica.is_none_or(|replica| self.in_sync.contains(&replica));
        if !self.is_alive {
            State::Down
        } else if self.is_paused {
            State::Paused
        } else if !self.is_ready || !is_member {
            State::CatchingUp
        } else if self.replica.is_some() && self.leader == self.replica {
            State::Leading
        } else {
            State::Up
        }
    }
}

/// Every link that was broken, with what was done to it. Where faults of one link overlap, the
/// later one is shown.
pub(super) fn links(faults: &[Fault], until_us: u64) -> Vec<Lane<String>> {
    let mut links: BTreeMap<&str, Vec<(u64, u64, String)>> = BTreeMap::new();
    for fault in faults.iter().filter(|fault| fault.action.is_of_links()) {
        let spans = links.entry(fault.whom.as_str()).or_default();
        if let Some(last) = spans.last_mut() {
            last.1 = last.1.min(fault.from_us);
        }
        spans.push((fault.from_us, fault.until_us(until_us), fault.action.to_string()));
    }
    let lane = |(name, spans): (&str, _)| Lane { name: name.to_owned(), spans };
    links.into_iter().map(lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_us: u64, kind: EventKind, process: &str) -> Event {
        Event { process: Some(process.to_owned()), ..Event::new("cell", 1, at_us, kind) }
    }

    fn injected(at_us: u64, action: &str, process: &str) -> Event {
        Event { action: Some(action.to_owned()), ..event(at_us, EventKind::Injected, process) }
    }

    fn configuration(at_us: u64, leader: u8, in_sync: &str) -> Event {
        Event {
            leader: Some(leader),
            in_sync: Some(in_sync.to_owned()),
            ..event(at_us, EventKind::LeaderChanged, "order-3")
        }
    }

    #[test]
    fn a_killed_leader_is_down_then_catches_up_then_is_in_sync() {
        let events = [
            event(1, EventKind::Started, "order-3"),
            event(2, EventKind::Ready, "order-3"),
            configuration(3, 3, "1 2 3"),
            injected(100, "kill", "order-3"),
            configuration(110, 2, "1 2"),
            injected(200, "restart", "order-3"),
            event(210, EventKind::Ready, "order-3"),
            configuration(250, 2, "1 2 3"),
        ];
        let lanes = processes(&events.iter().collect::<Vec<_>>(), (50, 300));
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
            injected(100, "pause", "catalog"),
            injected(150, "resume", "catalog"),
        ];
        let lanes = processes(&events.iter().collect::<Vec<_>>(), (50, 300));
        assert_eq!(lanes[0].name, "front-end");
        let spans = [(50, 100, State::Up), (100, 150, State::Paused), (150, 300, State::Up)];
        assert_eq!(lanes[1].spans, spans);
    }
}
