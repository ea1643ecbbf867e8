//! Whose files may be changed. Pure.
//!
//! The bazaar promises that nothing is lost while one file is lost or old, until it is whole again (the L rules of
//! ARCHITECTURE.md). So the files of the last in-sync replica are never changed, whatever a plan says: that would
//! be an order to lose orders. A fault that may be left out is, if another file is not made whole yet; and of the catalog,
//! if no leader is up: what clients have read of trades that no log has yet is in the catalog's file alone.
//!
//! Most other targets never say which replicas are in sync. Their files are changed only by a plan that says `unguarded`: what
//! is lost then is held against what the target promises (`model.acknowledged`), and that is what the plan asks.

use records::{Processes, ReplicaSet};

use crate::memberships::Memberships;
use crate::process::ProcessName;

/// A replica with old files that stays a member catches up within milliseconds of being ready; after so long it counts as whole.
const CAUGHT_UP_AFTER_US: u64 = 2_000_000;

/// Files that were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) process: ProcessName,
    pub(super) at_us: u64,
    /// An old copy was put back; otherwise they were lost.
    pub(super) is_old: bool,
}

/// What is known when files are about to be changed.
pub(super) struct Standing<'a> {
    pub(super) processes: &'a Processes,
    /// The in-sync set, if the front-end says.
    pub(super) answered: Option<ReplicaSet>,
    /// Who leads, if it says.
    pub(super) leader: Option<ProcessName>,
    /// What it had told before.
    pub(super) memberships: &'a Memberships,
    pub(super) changed: &'a [Changed],
    /// Whether the plan has files changed even where nobody says which replicas are in sync.
    pub(super) unguarded: bool,
    /// For how long each process has been ready, if it is.
    pub(super) ready_for_us: &'a dyn Fn(ProcessName) -> Option<u64>,
}

impl Standing<'_> {
    /// Why the files of `name` are left alone whatever the plan says.
    pub(super) fn forbids_last_member(&self, name: ProcessName) -> Option<String> {
        let target = self.processes.number_of(name)?;
        // A front-end that is dead stores no configuration.
        let members = self.answered.as_ref().or_else(|| self.memberships.newest());
        let Some(members) = members else {
            let reason = "nobody says which replicas are in sync; with unguarded = true the plan has its files changed all the same";
            return (!self.unguarded).then(|| reason.to_owned());
        };
        let mut others = members.ids().filter(|id| *id != target);
        let is_last = members.contains(target) && !others.any(|id| self.holds_its_log(id));
        is_last.then(|| {
            format!(
                "{name} is the only in-sync replica that holds its log; without it orders are lost"
            )
        })
    }

    /// Why those of `name` are left alone if that is allowed. `copied_us`: the copy that would be put back is of
    /// that time.
    pub(super) fn forbids_second(
        &self,
        name: ProcessName,
        copied_us: Option<u64>,
    ) -> Option<String> {
        if self.processes.is_replica(name) && self.answered.is_none() && !self.never_told() {
            return Some("the front-end does not say which replicas are in sync".to_owned());
        }
        if let Some(earlier) = self.changed.iter().find(|earlier| !self.is_whole(earlier)) {
            let process = earlier.process;
            return Some(format!(
                "not everything is whole again since the files of {process} were changed"
            ));
        }
        let is_led = || self.leader.is_some_and(|leader| (self.ready_for_us)(leader).is_some());
        if self.processes.keeps_stocks(name) && !is_led() {
            return Some(
                "no leader is up, so what was read of trades that no log has is in this file alone"
                    .to_owned(),
            );
        }
        let since = |earlier: &&Changed| copied_us.is_some_and(|us| us <= earlier.at_us);
        let earlier = self.changed.iter().find(since)?;
        let process = earlier.process;
        Some(format!("the files of {process} were changed after the copy was made"))
    }

    /// Whether a replica has a complete log as far as its files go.
    fn holds_its_log(&self, id: u8) -> bool {
        let name = self.processes.replica(id);
        self.changed
            .iter()
            .filter(|one| Some(one.process) == name)
            .all(|one| self.is_member_again(one, id))
    }

    /// Whether nobody has ever said who is in sync, and the plan does without.
    fn never_told(&self) -> bool {
        self.unguarded && self.answered.is_none() && self.memberships.newest().is_none()
    }

    fn is_member_again(&self, changed: &Changed, id: u8) -> bool {
        let ready_us = (self.ready_for_us)(changed.process);
        let has_caught_up = changed.is_old && ready_us.is_some_and(|us| us >= CAUGHT_UP_AFTER_US);
        has_caught_up || self.memberships.was_readmitted(id, changed.at_us)
    }

    /// Whether its process serves and everybody is in sync again; as long as nobody says who is, whether it serves.
    fn is_whole(&self, changed: &Changed) -> bool {
        if self.never_told() {
            return (self.ready_for_us)(changed.process).is_some();
        }
        let number = self.processes.number_of(changed.process);
        let is_complete = number.is_none_or(|id| self.is_member_again(changed, id));
        let replicas = self.processes.replicas().len();
        let all = self.answered.as_ref().is_some_and(|members| members.len() == replicas);
        is_complete && all && (self.ready_for_us)(changed.process).is_some()
    }
}

#[cfg(test)]
mod tests {
    use records::{Event, EventKind, built_in};

    use super::*;

    const LONG_US: u64 = 10 * CAUGHT_UP_AFTER_US;

    fn set(members: &str) -> ReplicaSet {
        members.parse().unwrap()
    }

    fn told(sets: &[(u64, &str)]) -> Memberships {
        let mut memberships = Memberships::default();
        for (at_us, members) in sets {
            let mut event = Event::new("cell", 1, *at_us, EventKind::InSyncChanged);
            event.in_sync = Some(set(members));
            memberships.note(&event);
        }
        memberships
    }

    fn lost(id: u8, at_us: u64) -> Changed {
        Changed { process: built_in::order(id), at_us, is_old: false }
    }

    fn old(id: u8, at_us: u64) -> Changed {
        Changed { is_old: true, ..lost(id, at_us) }
    }

    #[derive(Default)]
    struct Case<'a> {
        answered: Option<&'a str>,
        told: &'a [(u64, &'a str)],
        changed: &'a [Changed],
        ready_for_us: Option<u64>,
        unguarded: bool,
    }

    impl Case<'_> {
        fn ask<T>(&self, question: impl FnOnce(Standing<'_>) -> T) -> T {
            question(Standing {
                processes: &built_in::processes(3),
                answered: self.answered.map(set),
                leader: self.answered.map(|_| built_in::order(3)),
                memberships: &told(self.told),
                changed: self.changed,
                unguarded: self.unguarded,
                ready_for_us: &|_| self.ready_for_us,
            })
        }

        fn is_last(&self, id: u8) -> bool {
            self.ask(|standing| standing.forbids_last_member(built_in::order(id)).is_some())
        }

        fn forbids_second(&self, name: ProcessName, copied_us: Option<u64>) -> bool {
            self.ask(|standing| standing.forbids_second(name, copied_us).is_some())
        }
    }

    #[test]
    fn the_last_in_sync_replica_keeps_its_files() {
        let case = |answered, told| Case { answered, told, ..Case::default() };
        assert!(!case(Some("1 3"), &[]).is_last(3));
        assert!(case(Some("3"), &[]).is_last(3));
        assert!(!case(Some("1 2"), &[]).is_last(3), "it is no member");
        assert!(case(None, &[(5, "1 2 3"), (9, "3")]).is_last(3), "by what was told last");
        assert!(case(None, &[]).is_last(3), "nobody knows");
        let catalog =
            case(Some("3"), &[]).ask(|standing| standing.forbids_last_member(built_in::catalog()));
        assert_eq!(catalog, None);
    }

    #[test]
    fn members_whose_files_were_changed_do_not_count_until_they_were_added_again() {
        let mut case = Case {
            answered: Some("2 3"),
            told: &[(5, "1 2 3"), (20, "2 3")],
            changed: &[lost(2, 10), lost(1, 8)],
            ready_for_us: Some(LONG_US),
            unguarded: false,
        };
        assert!(case.is_last(3), "2 has a new file, and the set still has the old one");
        case.told = &[(5, "1 2 3"), (15, "3"), (20, "2 3")];
        assert!(!case.is_last(3));
        case.told = &[(5, "1 2 3")];
        let changed = [old(2, 10)];
        case.changed = &changed;
        assert!(!case.is_last(3), "it has stayed a member and caught up");
        case.ready_for_us = None;
        assert!(case.is_last(3));
    }

    #[test]
    fn a_second_file_waits_until_the_first_is_whole_if_it_may() {
        let mut case = Case {
            answered: Some("1 2 3"),
            told: &[(5, "1 2 3"), (15, "1 3"), (20, "1 2 3")],
            changed: &[lost(2, 10)],
            ready_for_us: Some(1),
            unguarded: false,
        };
        assert!(!case.forbids_second(built_in::catalog(), None));
        assert!(
            case.forbids_second(built_in::catalog(), Some(9)),
            "the copy knows the file that is lost"
        );
        assert!(!case.forbids_second(built_in::catalog(), Some(11)));
        case.ready_for_us = None;
        assert!(case.forbids_second(built_in::catalog(), None));
        (case.ready_for_us, case.answered) = (Some(1), Some("1 3"));
        assert!(case.forbids_second(built_in::catalog(), None));
        (case.answered, case.changed) = (None, &[]);
        assert!(case.forbids_second(built_in::order(1), None));
        assert!(!case.forbids_second(built_in::front_end(), None));
    }

    #[test]
    fn where_nobody_says_who_is_in_sync_files_are_changed_only_if_the_plan_says_unguarded() {
        let changed = [lost(1, 10)];
        let mut case = Case { changed: &changed, ready_for_us: Some(1), ..Case::default() };
        assert!(case.is_last(3) && case.forbids_second(built_in::order(3), None));
        case.unguarded = true;
        assert!(!case.is_last(3) && !case.forbids_second(built_in::order(3), None));
        case.ready_for_us = None;
        assert!(case.forbids_second(built_in::order(3), None), "order-1 is not back yet");
        case.told = &[(5, "3")];
        assert!(case.is_last(3), "it is known to be the last, and no plan may have that");
    }

    #[test]
    fn the_catalog_keeps_its_file_while_no_leader_is_up_if_it_may() {
        let led = |answered, ready_for_us| Case { answered, ready_for_us, ..Case::default() };
        assert!(!led(Some("3"), Some(1)).forbids_second(built_in::catalog(), None));
        assert!(
            led(Some("3"), None).forbids_second(built_in::catalog(), None),
            "its leader is down"
        );
        assert!(
            led(None, Some(1)).forbids_second(built_in::catalog(), None),
            "nobody says who leads"
        );
        let front_end = built_in::front_end();
        assert!(!led(Some("3"), None).forbids_second(front_end, None));
    }
}
