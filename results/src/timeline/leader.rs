//! Who leads, as events come in one after the other.

use crate::records::{Event, EventKind};

/// Who leads now, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Leader {
    /// The replica's number.
    pub id: u8,
    /// Of a target that has such.
    pub epoch: Option<u64>,
    /// Of a target that says who is.
    pub in_sync: Option<Vec<u8>>,
    /// Whether it is known to serve; it was merely chosen otherwise.
    pub serves: bool,
}

impl Leader {
    /// What is known after an event of which `known` was known before; nothing if it does not say who leads.
    #[must_use]
    pub fn after(known: Option<&Self>, event: &Event) -> Option<Self> {
        let changes = matches!(
            event.event,
            EventKind::LeaderChanged | EventKind::LeaderServes | EventKind::InSyncChanged
        );
        let id = event.leader.filter(|_| changes)?;
        let epoch = event.epoch;
        // Of an event without an epoch it is not clear which leadership of the same process it is about: the last.
        let known = known.filter(|leader| (leader.id, leader.epoch) == (id, epoch));
        // That a leader serves is told with whom it began with, which may have changed since.
        let in_sync = match known {
            Some(leader) if event.event == EventKind::LeaderServes => leader.in_sync.clone(),
            _ => event.in_sync.as_ref().map(|members| members.ids().collect()),
        };
        let served = known.is_some_and(|leader| leader.serves);
        // Only a history, which has versions, tells when a leader serves; who was polled says that it leads, and does.
        let serves = event.version.is_none()
            || match event.event {
                EventKind::LeaderServes => true,
                EventKind::InSyncChanged => served,
                _ => false,
            };
        Some(Self { id, epoch, in_sync, serves })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, leader: u8, epoch: u64, in_sync: &str) -> Event {
        let mut event = Event::new("c", 1, 5, kind);
        (event.leader, event.epoch, event.version) = (Some(leader), Some(epoch), Some(epoch));
        event.in_sync = in_sync.parse().ok();
        event
    }

    /// The members, and whether it serves, after each of these events.
    fn known_after(events: &[Event]) -> Vec<(Vec<u8>, bool)> {
        let mut known: Option<Leader> = None;
        let after = events.iter().map(|event| {
            known = Leader::after(known.as_ref(), event);
            let leader = known.clone().unwrap();
            (leader.in_sync.unwrap(), leader.serves)
        });
        after.collect()
    }

    #[test]
    fn a_member_that_is_removed_before_a_leader_serves_stays_out_and_the_leader_does_not_serve_yet()
    {
        let (changed, serves, members) =
            (EventKind::LeaderChanged, EventKind::LeaderServes, EventKind::InSyncChanged);
        let known = known_after(&[
            event(changed, 2, 2, "1 2 3"),
            event(members, 2, 2, "1 2"),
            event(serves, 2, 2, "1 2 3"),
            event(members, 2, 2, "1 2 3"),
            event(changed, 1, 3, "1 2 3"),
        ]);
        let (all, two) = (vec![1, 2, 3], vec![1, 2]);
        let expected = [
            (all.clone(), false),
            (two.clone(), false),
            (two, true),
            (all.clone(), true),
            (all, false),
        ];
        assert_eq!(known, expected);
    }

    #[test]
    fn what_is_known_of_one_leadership_is_not_known_of_the_next() {
        let serving = event(EventKind::LeaderServes, 2, 2, "1 2");
        let again = event(EventKind::InSyncChanged, 2, 4, "2");
        assert_eq!(known_after(&[serving, again]), [(vec![1, 2], true), (vec![2], false)]);
    }

    #[test]
    fn other_events_say_nothing_of_who_leads() {
        let mut died = event(EventKind::Died, 2, 2, "1 2");
        assert_eq!(Leader::after(None, &died), None);
        (died.event, died.leader) = (EventKind::LeaderChanged, None);
        assert_eq!(Leader::after(None, &died), None);
    }
}
