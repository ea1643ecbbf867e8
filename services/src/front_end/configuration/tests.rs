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
