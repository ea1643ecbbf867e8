use std::collections::BTreeMap;

use wire::ids::{Identity, Incarnation};
use wire::internal::LogPoint;

use super::*;

fn reply(id: u8) -> PingReply {
    let (incarnation, disk) =
        (Incarnation::new(&format!("i{id}")), Identity::new(&format!("d{id}")));
    PingReply::of_new(ReplicaId(id), incarnation.unwrap(), disk.unwrap())
}

fn ids(ids: &[u8]) -> BTreeMap<ReplicaId, PingReply> {
    ids.iter().map(|id| (ReplicaId(*id), reply(*id))).collect()
}

fn bazaar() -> BazaarId {
    BazaarId::new("b").unwrap()
}

fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
    Configuration {
        version: ConfigVersion(version),
        epoch: Epoch(epoch),
        leader: ReplicaId(leader),
        leader_incarnation: reply(leader).incarnation,
        in_sync: in_sync.iter().map(|id| member(&reply(*id))).collect(),
        bazaar: bazaar(),
        committed: OrderNo(0),
        by_everybody: false,
        new_catalog: None,
    }
}

fn first(manager: &ConfigurationManager, replicas: &[u8]) -> Result<Configuration, Refused> {
    manager.first(&ids(replicas), None, &bazaar())
}

fn ballot(version: u64, answered: BTreeMap<ReplicaId, PingReply>, cause: Cause) -> Ballot {
    Ballot {
        based_on: ConfigVersion(version),
        answered,
        everybody: false,
        fenced: false,
        catalog: None,
        cause,
        suspected_us: None,
    }
}

fn elect(
    manager: &ConfigurationManager,
    version: u64,
    answered: &[u8],
    cause: Cause,
) -> Result<Configuration, Refused> {
    manager.elect(&ballot(version, ids(answered), cause))
}

fn manager(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> ConfigurationManager {
    ConfigurationManager::restored(Some(configuration(version, epoch, leader, in_sync)))
}

fn request(epoch: u64, version: u64, change: Membership, member: u8) -> MembershipRequest {
    let (epoch, version) = (Epoch(epoch), ConfigVersion(version));
    let (member, identity) = (ReplicaId(member), Some(reply(member).identity));
    MembershipRequest { epoch, version, change, member, identity }
}

fn apply(manager: &mut ConfigurationManager, configuration: Configuration) -> Configuration {
    manager.record(configuration.clone(), Cause::Election, None, 0);
    configuration
}

#[test]
fn the_first_configuration_has_everybody_in_sync_under_the_highest_id() {
    let manager = ConfigurationManager::restored(None);
    let expected = Configuration { by_everybody: true, ..configuration(1, 1, 3, &[1, 2, 3]) };
    assert_eq!(first(&manager, &[2, 1, 3]), Ok(expected));
    assert_eq!(first(&manager, &[]), Err(Refused::NoReplicas));
}

#[test]
fn a_stored_configuration_is_never_replaced_by_a_first_one() {
    assert_eq!(first(&manager(7, 2, 1, &[1]), &[1, 2, 3]), Err(Refused::NotTheFirst));
}

#[test]
fn the_highest_in_sync_replica_that_answers_is_elected() {
    let manager = manager(4, 2, 3, &[1, 2, 3]);
    assert_eq!(
        elect(&manager, 4, &[1, 2], Cause::Election),
        Ok(configuration(5, 3, 2, &[1, 2, 3]))
    );
}

#[test]
fn an_out_of_sync_replica_is_never_elected() {
    let manager = manager(4, 2, 1, &[1, 2]);
    let elect = |answered: &[u8]| elect(&manager, 4, answered, Cause::Election);
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
    assert_eq!(elect(&manager, based_on.0, &[1, 2], Cause::Election), Err(Refused::Stale(removed)));
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
        let refused = manager.change_membership(&request(epoch, version, Membership::Remove, 1));
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
    let elect = |answered: &[u8]| elect(&manager, 4, answered, Cause::FrontEndRestart);
    assert_eq!(elect(&[1, 2, 3]), Ok(configuration(5, 3, 1, &[1, 2, 3])));
    assert_eq!(elect(&[2, 3]), Ok(configuration(5, 3, 3, &[1, 2, 3])));
}

#[test]
fn a_restarted_leader_may_lead_again_under_a_new_epoch_only() {
    let manager = manager(4, 2, 3, &[1, 2, 3]);
    let elected = elect(&manager, 4, &[1, 2, 3], Cause::LeaderRestart);
    assert_eq!(elected, Ok(configuration(5, 3, 3, &[1, 2, 3])));
}

#[test]
fn without_a_configuration_nothing_can_be_changed() {
    let manager = ConfigurationManager::restored(None);
    let elected = elect(&manager, 0, &[1], Cause::Election);
    assert_eq!(elected, Err(Refused::NoConfiguration));
    let changed = manager.change_membership(&request(0, 0, Membership::Add, 1));
    assert_eq!(changed, Err(Refused::NoConfiguration));
}

#[test]
fn the_history_is_bounded_and_notes_once_when_a_leader_served() {
    let mut manager = ConfigurationManager::restored(None);
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
    let mut manager = ConfigurationManager::restored(None);
    manager.record(configuration(1, 1, 3, &[1, 2, 3]), Cause::First, None, 1);
    manager.record(configuration(2, 1, 3, &[1, 3]), Cause::Remove, None, 2);
    manager.note_serving(Epoch(1), 9);
    let serving: Vec<_> =
        manager.history().changes.iter().map(|change| change.serving_us).collect();
    assert_eq!(serving, [Some(9), None]);
}

fn with_log(id: u8, epoch: u64, order_no: u64) -> PingReply {
    let last = LogPoint { order_no: OrderNo(order_no), epoch: Epoch(epoch) };
    PingReply { last, last_order_no: last.order_no, bazaar: Some(bazaar()), ..reply(id) }
}

fn all(replies: impl IntoIterator<Item = PingReply>) -> BTreeMap<ReplicaId, PingReply> {
    replies.into_iter().map(|reply| (reply.id, reply)).collect()
}

#[test]
fn the_longest_log_leads_and_ties_go_to_the_highest_id() {
    let manager = manager(4, 3, 3, &[1, 2, 3]);
    let leader = |replies: [PingReply; 3]| {
        manager.elect(&ballot(4, all(replies), Cause::Election)).unwrap().leader.0
    };
    assert_eq!(leader([with_log(1, 3, 9), with_log(2, 3, 9), with_log(3, 3, 8)]), 2);
    assert_eq!(leader([with_log(1, 3, 7), with_log(2, 2, 9), with_log(3, 2, 9)]), 1);
}

#[test]
fn a_restarted_front_end_does_not_keep_a_leader_whose_log_is_shorter() {
    let manager = manager(4, 3, 1, &[1, 2, 3]);
    let leader = |replies: [PingReply; 2]| {
        manager.elect(&ballot(4, all(replies), Cause::FrontEndRestart)).unwrap().leader.0
    };
    assert_eq!(leader([with_log(1, 3, 9), with_log(2, 3, 9)]), 1);
    assert_eq!(leader([with_log(1, 3, 8), with_log(2, 3, 9)]), 2);
}

#[test]
fn the_epoch_is_above_all_that_anybody_has_heard_of() {
    let manager = manager(4, 2, 3, &[1, 2, 3]);
    let heard = PingReply { heard: Epoch(9), ..with_log(1, 2, 5) };
    let elected = manager.elect(&ballot(4, all([heard]), Cause::FrontEndRestart)).unwrap();
    assert_eq!(elected.epoch, Epoch(10));
}

#[test]
fn another_database_of_a_member_is_no_candidate() {
    let manager = manager(4, 2, 3, &[2, 3]);
    let new = PingReply { identity: Identity::new("new").unwrap(), ..with_log(3, 2, 9) };
    let elected = manager.elect(&ballot(4, all([new.clone()]), Cause::Election));
    assert_eq!(elected, Err(Refused::NoCandidate));
    let elected = manager.elect(&ballot(4, all([new, with_log(2, 2, 1)]), Cause::Election));
    assert_eq!(elected.unwrap().leader, ReplicaId(2));
}

#[test]
fn what_any_replica_said_to_be_committed_is_kept_with_the_next_change() {
    let mut manager = manager(4, 2, 3, &[1, 2, 3]);
    let said = PingReply { committed: OrderNo(600), ..with_log(1, 2, 600) };
    assert!(manager.note_committed(&said));
    assert!(!manager.note_committed(&said), "no news");
    let foreign = BazaarId::new("x").unwrap();
    let foreign = PingReply { committed: OrderNo(900), bazaar: Some(foreign), ..reply(1) };
    assert!(!manager.note_committed(&foreign));
    assert_eq!(manager.with_floor().unwrap().committed, OrderNo(600));
    let removed = manager.change_membership(&request(2, 4, Membership::Remove, 2)).unwrap();
    assert_eq!(removed.committed, OrderNo(600));
}

#[test]
fn a_new_catalog_is_filled_from_the_longest_log_of_all_once_all_are_fenced() {
    let manager = manager(4, 2, 3, &[2, 3]);
    let status = CatalogStatus {
        identity: Identity::new("c").unwrap(),
        incarnation: Incarnation::new("life").unwrap(),
        bazaar: None,
        epoch: Epoch(0),
        last_place: OrderNo(0),
        is_new: true,
        is_open: false,
    };
    let elect = |fenced: bool| {
        let answered = all([with_log(1, 2, 11), with_log(2, 2, 10), with_log(3, 2, 10)]);
        let catalog = Some(status.clone());
        let ballot = ballot(4, answered, Cause::ByEverybody);
        manager.elect(&Ballot { everybody: true, fenced, catalog, ..ballot }).unwrap()
    };
    let elected = elect(true);
    assert_eq!(elected.leader, ReplicaId(1));
    assert_eq!(elected.new_catalog, Some(status.identity.clone()));
    assert_eq!(elected.member_ids().count(), 3);
    // Leader 3 may have numbered and committed more than its disk showed when it was asked.
    let elected = elect(false);
    assert_eq!((elected.leader, elected.new_catalog), (ReplicaId(3), None));
}
