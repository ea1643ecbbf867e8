//! The configuration manager's decisions: who leads, since when, with which in-sync set.
//!
//! The invariant: every change is a compare-and-set on the version that the decision was based
//! on, read before any replica was probed (rule R1, invariant I5). Without it an election that has
//! probed 1, 2 and 3 and picks 2 overwrites the removal of 2, stored meanwhile, after which the old
//! leader has acknowledged an order that 2 lacks.
//!
//! A decision changes nothing by itself: the shell writes it to disk first and then
//! [records](Manager::record) it, so nobody learns of a configuration that a crash could undo.
//! The module knows neither sockets, disks nor clocks.

use std::collections::{BTreeSet, VecDeque};

use wire::configuration::{
    Cause, Configuration, ConfigurationChange, History, Membership, MembershipRequest,
};
use wire::ids::{ConfigVersion, Epoch, ReplicaId};

use crate::planted::{Bug, Bugs};

/// How many changes are remembered: hours of failures, in a few hundred kilobytes.
const MAX_HISTORY: usize = 1024;

/// The current configuration, and how it came about.
#[derive(Debug)]
pub struct Manager {
    current: Option<Configuration>,
    changes: VecDeque<ConfigurationChange>,
    bugs: Bugs,
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no configuration yet.
    #[error("there is no configuration yet")]
    NoConfiguration,
    /// There is a configuration already, so there can be no first one.
    #[error("there is a configuration already")]
    NotTheFirst,
    /// There are no replicas to configure.
    #[error("there are no replicas")]
    NoReplicas,
    /// The decision was based on a configuration that is no longer current.
    #[error("it was based on an older configuration than version {}", .0.version)]
    Stale(Configuration),
    /// No replica of the in-sync set has answered, and no other may lead.
    #[error("no in-sync replica answered")]
    NoCandidate,
    /// The leader neither removes nor adds itself: it leads, so it is a member.
    #[error("replica {0} leads: it can be neither removed nor added")]
    Leader(ReplicaId),
    /// The front-end is about to end.
    #[error("the front-end is stopping")]
    Stopping,
}

impl Manager {
    /// Starts from what is on disk. What happened before is not remembered.
    #[must_use]
    pub fn restored(current: Option<Configuration>) -> Self {
        Self { current, changes: VecDeque::new(), bugs: Bugs::default() }
    }

    /// The same manager with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// The current configuration.
    #[must_use]
    pub fn current(&self) -> Option<&Configuration> {
        self.current.as_ref()
    }

    /// The first configuration of an empty bazaar: everybody is in sync, the highest id leads.
    pub fn first(&self, replicas: &BTreeSet<ReplicaId>) -> Result<Configuration, Refused> {
        if self.current.is_some() {
            return Err(Refused::NotTheFirst);
        }
        let leader = *replicas.last().ok_or(Refused::NoReplicas)?;
        Ok(Configuration {
            version: ConfigVersion(1),
            epoch: Epoch(1),
            leader,
            in_sync: replicas.iter().copied().collect(),
        })
    }

    /// Begins a new epoch under the highest in-sync replica among those that `answered`.
    ///
    /// After a restart of the front-end the recorded leader is kept if it answered; its epoch is
    /// new all the same, since it may have been restarted meanwhile (rule R4). The in-sync set
    /// stays as it is: only a leader removes and adds members (rule R2).
    pub fn elect(
        &self,
        based_on: ConfigVersion,
        answered: &BTreeSet<ReplicaId>,
        cause: Cause,
    ) -> Result<Configuration, Refused> {
        let current = self.current.as_ref().ok_or(Refused::NoConfiguration)?;
        if current.version != based_on && !self.bugs.has(Bug::NoCompareAndSet) {
            return Err(Refused::Stale(current.clone()));
        }
        let keep = cause == Cause::FrontEndRestart && answered.contains(&current.leader);
        // Without the comparison the choice is among those who were members when they were asked.
        let is_careless = self.bugs.has(Bug::ElectOutOfSync) || self.bugs.has(Bug::NoCompareAndSet);
        let may_lead = |id| is_careless || current.is_in_sync(id);
        let highest = || answered.iter().rev().copied().find(|id| may_lead(*id));
        let leader = if keep { Some(current.leader) } else { highest() };
        let leader = leader.ok_or(Refused::NoCandidate)?;
        let mut in_sync = current.in_sync.clone();
        if !in_sync.contains(&leader) {
            in_sync.push(leader);
            in_sync.sort_unstable();
        }
        let (version, epoch) = (current.version.next(), current.epoch.next());
        Ok(Configuration { version, epoch, leader, in_sync })
    }

    /// Removes or adds a member, as the leader asks.
    ///
    /// Every accepted request raises the version, even where the set stays the same: a removal
    /// must outdate a request to add the same member that is still on its way (rule R2).
    pub fn change_membership(&self, request: &MembershipRequest) -> Result<Configuration, Refused> {
        let current = self.current.as_ref().ok_or(Refused::NoConfiguration)?;
        if current.version != request.version || current.epoch != request.epoch {
            return Err(Refused::Stale(current.clone()));
        }
        if request.member == current.leader {
            return Err(Refused::Leader(request.member));
        }
        // The leader is a member and stays one, so the set is never emptied (rule R3).
        let mut in_sync: BTreeSet<ReplicaId> = current.in_sync.iter().copied().collect();
        match request.change {
            Membership::Remove => in_sync.remove(&request.member),
            Membership::Add => in_sync.insert(request.member),
        };
        let is_quiet = self.bugs.has(Bug::QuietRemoval) && !current.is_in_sync(request.member);
        let version = if is_quiet && request.change == Membership::Remove {
            current.version
        } else {
            current.version.next()
        };
        let in_sync = in_sync.into_iter().collect();
        Ok(Configuration { version, in_sync, ..current.clone() })
    }

    /// Makes `configuration`, which is on disk by now, the current one.
    pub fn record(
        &mut self,
        configuration: Configuration,
        cause: Cause,
        suspected_us: Option<u64>,
        stored_us: u64,
    ) {
        self.current = Some(configuration.clone());
        if self.changes.len() == MAX_HISTORY {
            self.changes.pop_front();
        }
        let serving_us = None;
        let change =
            ConfigurationChange { configuration, cause, suspected_us, stored_us, serving_us };
        self.changes.push_back(change);
    }

    /// Notes when the leader of `epoch` was first known to serve.
    pub fn note_serving(&mut self, epoch: Epoch, serving_us: u64) {
        let began = self.changes.iter_mut().find(|change| change.configuration.epoch == epoch);
        if let Some(change) = began {
            change.serving_us.get_or_insert(serving_us);
        }
    }

    /// What is remembered, oldest first.
    #[must_use]
    pub fn history(&self) -> History {
        History { changes: self.changes.iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[u8]) -> BTreeSet<ReplicaId> {
        ids.iter().copied().map(ReplicaId).collect()
    }

    fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
        Configuration {
            version: ConfigVersion(version),
            epoch: Epoch(epoch),
            leader: ReplicaId(leader),
            in_sync: in_sync.iter().copied().map(ReplicaId).collect(),
        }
    }

    fn manager(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Manager {
        Manager::restored(Some(configuration(version, epoch, leader, in_sync)))
    }

    fn request(epoch: u64, version: u64, change: Membership, member: u8) -> MembershipRequest {
        let (epoch, version) = (Epoch(epoch), ConfigVersion(version));
        MembershipRequest { epoch, version, change, member: ReplicaId(member) }
    }

    fn apply(manager: &mut Manager, configuration: Configuration) -> Configuration {
        manager.record(configuration.clone(), Cause::Election, None, 0);
        configuration
    }

    #[test]
    fn the_first_configuration_has_everybody_in_sync_under_the_highest_id() {
        let manager = Manager::restored(None);
        assert_eq!(manager.first(&ids(&[2, 1, 3])), Ok(configuration(1, 1, 3, &[1, 2, 3])));
        assert_eq!(manager.first(&ids(&[])), Err(Refused::NoReplicas));
    }

    #[test]
    fn a_stored_configuration_is_never_replaced_by_a_first_one() {
        assert_eq!(manager(7, 2, 1, &[1]).first(&ids(&[1, 2, 3])), Err(Refused::NotTheFirst));
    }

    #[test]
    fn the_highest_in_sync_replica_that_answers_is_elected() {
        let manager = manager(4, 2, 3, &[1, 2, 3]);
        assert_eq!(
            manager.elect(ConfigVersion(4), &ids(&[1, 2]), Cause::Election),
            Ok(configuration(5, 3, 2, &[1, 2, 3]))
        );
    }

    #[test]
    fn an_out_of_sync_replica_is_never_elected() {
        let manager = manager(4, 2, 1, &[1, 2]);
        let elect =
            |answered: &[u8]| manager.elect(ConfigVersion(4), &ids(answered), Cause::Election);
        assert_eq!(elect(&[2, 3]).map(|elected| elected.leader), Ok(ReplicaId(2)));
        assert_eq!(elect(&[3]), Err(Refused::NoCandidate));
        assert_eq!(elect(&[]), Err(Refused::NoCandidate));
    }

    #[test]
    fn an_election_that_was_overtaken_by_a_removal_fails() {
        // Replicas 1, 2 and 3 have been probed and 2 is about to be picked...
        let mut manager = manager(4, 2, 3, &[1, 2, 3]);
        let based_on = manager.current().unwrap().version;
        // ...when the leader removes 2 and acknowledges an order without it.
        let removed = manager.change_membership(&request(2, 4, Membership::Remove, 2)).unwrap();
        let removed = apply(&mut manager, removed);
        assert_eq!(
            manager.elect(based_on, &ids(&[1, 2]), Cause::Election),
            Err(Refused::Stale(removed))
        );
    }

    #[test]
    fn a_removal_outdates_a_delayed_request_to_add_the_same_member() {
        let mut manager = manager(4, 2, 3, &[1, 3]);
        let delayed = request(2, 4, Membership::Add, 2);
        let removed = manager.change_membership(&request(2, 4, Membership::Remove, 2)).unwrap();
        assert_eq!(removed, configuration(5, 2, 3, &[1, 3]), "not a member, and yet a new version");
        let removed = apply(&mut manager, removed);
        assert_eq!(manager.change_membership(&delayed), Err(Refused::Stale(removed)));
    }

    #[test]
    fn members_are_kept_in_order() {
        let manager = manager(4, 2, 3, &[1, 3]);
        let added = manager.change_membership(&request(2, 4, Membership::Add, 2));
        assert_eq!(added, Ok(configuration(5, 2, 3, &[1, 2, 3])));
        let again = manager.change_membership(&request(2, 4, Membership::Add, 1));
        assert_eq!(again, Ok(configuration(5, 2, 3, &[1, 3])));
    }

    #[test]
    fn a_replaced_leader_changes_nothing() {
        let manager = manager(5, 3, 2, &[1, 2, 3]);
        for (epoch, version) in [(2, 5), (3, 4), (2, 4), (4, 5)] {
            let refused =
                manager.change_membership(&request(epoch, version, Membership::Remove, 1));
            assert_eq!(refused, Err(Refused::Stale(configuration(5, 3, 2, &[1, 2, 3]))));
        }
    }

    #[test]
    fn the_last_member_stays() {
        let manager = manager(6, 3, 2, &[2]);
        let refused = manager.change_membership(&request(3, 6, Membership::Remove, 2));
        assert_eq!(refused, Err(Refused::Leader(ReplicaId(2))));
    }

    #[test]
    fn a_restarted_front_end_keeps_the_recorded_leader_under_a_new_epoch() {
        let manager = manager(4, 2, 1, &[1, 2, 3]);
        let elect = |answered: &[u8]| {
            manager.elect(ConfigVersion(4), &ids(answered), Cause::FrontEndRestart)
        };
        assert_eq!(elect(&[1, 2, 3]), Ok(configuration(5, 3, 1, &[1, 2, 3])));
        assert_eq!(elect(&[2, 3]), Ok(configuration(5, 3, 3, &[1, 2, 3])));
    }

    #[test]
    fn a_restarted_leader_may_lead_again_under_a_new_epoch_only() {
        let manager = manager(4, 2, 3, &[1, 2, 3]);
        let elected = manager.elect(ConfigVersion(4), &ids(&[1, 2, 3]), Cause::LeaderRestart);
        assert_eq!(elected, Ok(configuration(5, 3, 3, &[1, 2, 3])));
    }

    #[test]
    fn without_a_configuration_nothing_can_be_changed() {
        let manager = Manager::restored(None);
        let elected = manager.elect(ConfigVersion(0), &ids(&[1]), Cause::Election);
        assert_eq!(elected, Err(Refused::NoConfiguration));
        let changed = manager.change_membership(&request(0, 0, Membership::Add, 1));
        assert_eq!(changed, Err(Refused::NoConfiguration));
    }

    #[test]
    fn the_history_is_bounded_and_notes_once_when_a_leader_served() {
        let mut manager = Manager::restored(None);
        for epoch in 1..=MAX_HISTORY as u64 + 5 {
            manager.record(configuration(epoch, epoch, 1, &[1]), Cause::Election, Some(1), 2);
        }
        manager.note_serving(Epoch(10), 300);
        manager.note_serving(Epoch(10), 400);
        let changes = manager.history().changes;
        assert_eq!(changes.len(), MAX_HISTORY);
        assert_eq!(changes[0].configuration.epoch, Epoch(6));
        assert_eq!(changes[4].serving_us, Some(300));
        assert_eq!((changes[5].suspected_us, changes[5].serving_us), (Some(1), None));
    }

    #[test]
    fn serving_is_noted_with_the_change_that_began_the_epoch() {
        let mut manager = Manager::restored(None);
        manager.record(configuration(1, 1, 3, &[1, 2, 3]), Cause::First, None, 1);
        manager.record(configuration(2, 1, 3, &[1, 3]), Cause::Remove, None, 2);
        manager.note_serving(Epoch(1), 9);
        let serving: Vec<_> =
            manager.history().changes.iter().map(|change| change.serving_us).collect();
        assert_eq!(serving, [Some(9), None]);
    }
}
