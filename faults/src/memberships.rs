//! Who was in sync, by the configurations that a trial's events have told so far.

use records::{Event, ReplicaSet};

/// The in-sync sets of a trial, from the oldest to the newest that was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memberships(Vec<(u64, ReplicaSet)>);

impl Memberships {
    /// Takes in an event, if it tells of a configuration.
    pub(crate) fn note(&mut self, event: &Event) {
        use records::EventKind::{InSyncChanged, LeaderChanged};
        if let (LeaderChanged | InSyncChanged, Some(members)) = (event.event, &event.in_sync) {
            // The probes tell of changes in their order, a little later.
            self.0.push((event.at_us, members.clone()));
        }
    }

    /// The newest.
    pub(crate) fn newest(&self) -> Option<&ReplicaSet> {
        self.0.last().map(|(_, members)| members)
    }

    /// Whether a replica was out of the set at `at_us` or later, and was added after that.
    pub(crate) fn was_readmitted(&self, id: u8, at_us: u64) -> bool {
        let since = self.0.iter().rposition(|(stored_us, _)| *stored_us <= at_us).unwrap_or(0);
        let mut sets = self.0[since..].iter().map(|(_, members)| members);
        sets.any(|members| !members.contains(id)) && sets.any(|members| members.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use records::EventKind;

    use super::*;

    fn told(sets: &[(u64, &str)]) -> Memberships {
        let mut memberships = Memberships::default();
        for (at_us, members) in sets {
            let mut event = Event::new("cell", 1, *at_us, EventKind::InSyncChanged);
            event.in_sync = Some(members.parse().unwrap());
            memberships.note(&event);
        }
        memberships
    }

    #[test]
    fn a_replica_is_readmitted_once_it_was_out_of_the_set_and_is_in_again() {
        let sets = [(10, "1 2 3"), (20, "1 2"), (30, "1 2 3"), (40, "1 3")];
        assert!(!told(&sets[..1]).was_readmitted(3, 15), "it was never out");
        assert!(!told(&sets[..2]).was_readmitted(3, 15));
        assert!(told(&sets[..3]).was_readmitted(3, 15));
        assert!(told(&sets[..3]).was_readmitted(3, 25), "it was out at that time");
        assert!(!told(&sets).was_readmitted(3, 35), "that was before");
        assert!(!told(&sets).was_readmitted(2, 5));
        assert!(told(&sets).newest().unwrap().contains(3));
    }
}
