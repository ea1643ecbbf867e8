//! Who led, and who was in sync.

use super::Span;
use crate::records::{Event, EventKind, ReplicaSet};

/// A configuration that the front-end stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// When.
    pub at_us: u64,
    /// Who leads by it.
    pub leader: Option<u8>,
    /// The in-sync replicas, if that is known.
    pub members: Option<ReplicaSet>,
}

/// The time in which one replica was to lead, in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// When it was on the front-end's disk.
    pub from_us: u64,
    /// When the next one was; `None` for the last.
    pub to_us: Option<u64>,
    /// Who was to lead.
    pub leader: Option<u8>,
    /// In which epoch.
    pub epoch: Option<u64>,
    /// Since when the front-end had doubted the leader before.
    pub suspected_us: Option<u64>,
    /// When the leader said that it serves.
    pub serves_us: Option<u64>,
}

/// Every configuration. `leader-serves` is none: it tells of the one that began the leadership, which
/// may be old by then.
pub(super) fn configurations(events: &[&Event]) -> Vec<Configuration> {
    let stored = events
        .iter()
        .filter(|event| matches!(event.event, EventKind::LeaderChanged | EventKind::InSyncChanged));
    stored
        .map(|event| Configuration {
            at_us: event.at_us,
            leader: event.leader,
            members: event.in_sync.clone(),
        })
        .collect()
}

/// Who led just before `at_us`.
pub(super) fn leader_before(configurations: &[Configuration], at_us: u64) -> Option<u8> {
    let before = configurations.iter().rev().filter(|one| one.at_us < at_us);
    before.into_iter().find_map(|one| one.leader)
}

/// When all of so many replicas were in sync.
pub(super) fn in_sync(configurations: &[Configuration], replicas: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut since_us = Some(0);
    for (at_us, members) in
        configurations.iter().filter_map(|one| Some((one.at_us, one.members.as_ref()?)))
    {
        let all = members.len() >= replicas;
        match since_us {
            Some(from_us) if !all => {
                spans.push(Span { from_us, to_us: Some(at_us) });
                since_us = None;
            }
            None if all => since_us = Some(at_us),
            _ => {}
        }
    }
    spans.extend(since_us.map(|from_us| Span { from_us, to_us: None }));
    spans
}

/// Every leadership.
pub(super) fn terms(events: &[&Event]) -> Vec<Term> {
    let changed: Vec<(usize, &&Event)> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.event == EventKind::LeaderChanged)
        .collect();
    let next = changed.iter().skip(1).map(|(_, event)| Some(event.at_us)).chain([None]);
    let terms = changed.iter().zip(next).map(|(&(index, change), to_us)| {
        let serves = events[index..]
            .iter()
            .find(|event| event.event == EventKind::LeaderServes && event.epoch == change.epoch);
        Term {
            from_us: change.at_us,
            to_us,
            leader: change.leader,
            epoch: change.epoch,
            suspected_us: change.suspected_us,
            serves_us: serves.map(|event| event.at_us),
        }
    });
    terms.collect()
}
