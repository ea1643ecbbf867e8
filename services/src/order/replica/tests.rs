//! The stories of the protocols' rules, told to the state machine, and a small cluster to tell
//! them with: messages are delivered by hand, in whatever order a story needs.

use wire::bazaar::TradeType;
use wire::configuration::Membership;
use wire::ids::{ConfigVersion, RequestId};

use super::*;

fn trade(name: u64) -> AppliedTrade {
    AppliedTrade {
        applied_seq: AppliedSeq(name),
        request_id: RequestId::new(format!("R{name}")).unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

fn ids(ids: &[u8]) -> Vec<ReplicaId> {
    ids.iter().copied().map(ReplicaId).collect()
}

fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
    Configuration {
        version: ConfigVersion(version),
        epoch: Epoch(epoch),
        leader: ReplicaId(leader),
        in_sync: ids(in_sync),
    }
}

/// Replica `id` of three, with a fresh disk.
fn replica(id: u8) -> Replica {
    Replica::new(ReplicaId(id), ids(&[1, 2, 3]), Epoch(0), OrderLog::default())
}

/// The same replica after a crash: what was on disk is there, nothing else.
fn restarted(before: &Replica) -> Replica {
    let flushed = before
        .leadership
        .as_ref()
        .map_or(before.log.last().order_no, |leadership| leadership.flushed);
    let mut log = before.log.clone();
    log.apply(flushed, Vec::new());
    Replica::new(before.id, ids(&[1, 2, 3]), before.accepted, log)
}

/// Announces `configuration` to its leader and lets it begin.
fn elect(leader: &mut Replica, configuration: Configuration) -> Vec<Effect> {
    let mut effects = leader.hear(configuration);
    if let Some(Effect::Lead(epoch)) = effects.pop() {
        effects.extend(leader.lead(epoch));
    }
    effects
}

/// Delivers a message to a follower and its answer to the leader.
fn deliver(leader: &mut Replica, follower: &mut Replica, message: &Append) -> Vec<Effect> {
    let (id, epoch) = (follower.id, message.epoch);
    match follower.receive(message).unwrap() {
        Reception::Stale(accepted) => leader.saw_epoch(accepted),
        Reception::Plan(plan) => {
            follower.accept(message, plan.clone());
            match plan {
                Plan::Change { matched, .. } => leader.peer_accepted(epoch, id, matched),
                Plan::Mismatch { try_after } => leader.peer_mismatched(epoch, id, try_after),
            }
        }
    }
}

/// Lets leader and followers talk until there is nothing to send; a replica that is not among
/// `followers` does not answer.
fn settle(leader: &mut Replica, followers: &mut [&mut Replica]) -> Vec<Effect> {
    let mut effects = leader.flushed();
    loop {
        let messages = leader.outgoing(false);
        if messages.is_empty() {
            return effects;
        }
        for (to, message) in messages {
            match followers.iter_mut().find(|follower| follower.id == to) {
                Some(follower) => effects.extend(deliver(leader, follower, &message)),
                None => effects.extend(leader.peer_failed(message.epoch, to)),
            }
        }
    }
}

/// A leader of {1,2,3} in epoch 1 that serves, and its two followers.
fn serving() -> (Replica, Replica, Replica) {
    let (mut one, mut two, mut three) = (replica(1), replica(2), replica(3));
    elect(&mut three, configuration(1, 1, 3, &[1, 2, 3]));
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert!(effects.contains(&Effect::ListUnnumbered(Epoch(1), AppliedSeq(0))));
    three.listed(Epoch(1), &[]);
    assert!(three.is_serving());
    (one, two, three)
}

fn messages_to(messages: Vec<(ReplicaId, Append)>, id: u8) -> Append {
    messages.into_iter().find(|(to, _)| *to == ReplicaId(id)).unwrap().1
}

fn asks(effects: &[Effect]) -> Vec<(Membership, u8, u64)> {
    let requests = effects.iter().filter_map(|effect| match effect {
        Effect::ChangeMembership(request) => Some(request),
        _ => None,
    });
    requests.map(|request| (request.change, request.member.0, request.version.0)).collect()
}

#[test]
fn a_number_is_answered_once_every_in_sync_replica_has_it() {
    let (mut one, mut two, mut three) = serving();
    assert_eq!(three.number(Epoch(1), &trade(1), Some(7)), []);
    let messages = three.outgoing(false);
    assert_eq!(three.flushed(), []);
    let to_one = messages_to(messages.clone(), 1);
    let to_two = messages_to(messages, 2);
    assert_eq!(deliver(&mut three, &mut one, &to_one), []);
    assert_eq!(deliver(&mut three, &mut two, &to_two), [Effect::Answer(7, Ok(OrderNo(1)))]);
}

#[test]
fn followers_may_be_faster_than_the_leaders_own_disk() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    for (to, message) in three.outgoing(false) {
        let follower = if to == ReplicaId(1) { &mut one } else { &mut two };
        assert_eq!(deliver(&mut three, follower, &message), []);
    }
    assert_eq!(three.flushed(), [Effect::Answer(7, Ok(OrderNo(1)))]);
}

#[test]
fn a_duplicate_joins_the_pending_entry_and_later_gets_the_same_number() {
    // R7 and R8: a repeat is not answered before the entry is committed, and is not numbered again.
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    assert_eq!(three.number(Epoch(1), &trade(1), Some(8)), []);
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(1))), Effect::Answer(8, Ok(OrderNo(1)))]);
    assert_eq!(three.number(Epoch(1), &trade(1), Some(9)), [Effect::Answer(9, Ok(OrderNo(1)))]);
}

#[test]
fn a_failed_member_is_removed_before_anything_is_committed_without_it() {
    let (mut one, _two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    let effects = settle(&mut three, &mut [&mut one]);
    assert_eq!(asks(&effects), [(Membership::Remove, 2, 1)]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Answer(..))));
    // The answer got lost: ask again. Then the front-end confirms.
    let again = three.membership_answered(Epoch(1), None);
    assert_eq!(asks(&again), [(Membership::Remove, 2, 1)]);
    let confirmed = three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    assert_eq!(confirmed, [Effect::Answer(7, Ok(OrderNo(1)))]);
}

#[test]
fn a_restarted_leader_does_not_lead_the_epoch_on_its_disk() {
    // R4: it sent (1,#1)=R1, died before its own flush, and is back between two pings.
    let (mut one, _two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    let mut three = restarted(&three);
    assert_eq!(three.log().last().order_no, OrderNo(0));
    assert_eq!(three.hear(configuration(1, 1, 3, &[1, 2, 3])), []);
    assert!(!three.is_leading());
    // Under a new epoch it may; what only replica 1 has of epoch 1 goes.
    elect(&mut three, configuration(2, 2, 3, &[1, 2, 3]));
    let takeover = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &takeover);
    assert_eq!(one.log().last().order_no, OrderNo(0));
}

#[test]
fn a_new_leader_serves_only_once_every_member_equals_it_and_the_catalog_was_asked() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    // The entry reaches 1 only; then 3 dies and 2, which lacks it, takes over.
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]));
    let effects = settle(&mut two, &mut [&mut one]);
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    assert!(!two.is_serving());
    assert_eq!(one.log().last().order_no, OrderNo(0), "1 dropped what was never committed");

    let effects = two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    assert_eq!(effects, [Effect::ListUnnumbered(Epoch(2), AppliedSeq(0))]);
    // The catalog did apply R1: it gets its number now.
    two.listed(Epoch(2), &[trade(1)]);
    assert!(two.is_serving());
    settle(&mut two, &mut [&mut one]);
    assert_eq!((two.committed(), one.log().last().order_no), (OrderNo(1), OrderNo(1)));
    assert_eq!(one.log().last().epoch, Epoch(2));
}

#[test]
fn a_takeover_does_not_wait_for_the_leader_that_did_not_answer() {
    let (mut one, mut two, _three) = serving();
    two.hear(configuration(1, 1, 3, &[1, 2, 3]));
    let effects = elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]));
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    let messages = two.outgoing(false);
    assert_eq!(messages.iter().map(|(to, _)| to.0).collect::<Vec<_>>(), [1]);
    deliver(&mut two, &mut one, &messages[0].1);
    let effects = two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    assert_eq!(effects, [Effect::ListUnnumbered(Epoch(2), AppliedSeq(0))]);
    // It is asked again with the next tick, like everybody.
    assert_eq!(two.outgoing(true).len(), 2);
}

#[test]
fn a_deposed_leader_cannot_commit() {
    let (mut one, mut two, mut three) = serving();
    // 3 sleeps; 2 takes over with 1.
    elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]));
    settle(&mut two, &mut [&mut one]);
    // 3 wakes with a trade in hand, knowing nothing.
    three.number(Epoch(1), &trade(1), Some(7));
    three.flushed();
    let to_one = messages_to(three.outgoing(false), 1);
    assert_eq!(one.receive(&to_one), Ok(Reception::Stale(Epoch(2))));
    assert_eq!(deliver(&mut three, &mut one, &to_one), [Effect::Answer(7, Err(Replaced))]);
    assert!(!three.is_leading());
}

#[test]
fn a_returning_replica_catches_up_and_is_waited_for_before_it_is_added() {
    let (mut one, mut two, mut three) = serving();
    for name in 1..=3 {
        three.number(Epoch(1), &trade(name), None);
    }
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    assert_eq!(three.committed(), OrderNo(3));

    // 2 is back: the next tick finds it.
    let messages = three.outgoing(true);
    let (to_one, to_two) = (messages_to(messages.clone(), 1), messages_to(messages, 2));
    deliver(&mut three, &mut one, &to_one);
    let effects = deliver(&mut three, &mut two, &to_two);
    assert_eq!(asks(&effects), [(Membership::Add, 2, 2)]);
    assert_eq!(two.log().last().order_no, OrderNo(3));

    // R2: the answer is lost, yet nothing more is committed without 2.
    three.number(Epoch(1), &trade(4), Some(7));
    let to_one = messages_to(three.outgoing(false), 1);
    three.flushed();
    assert_eq!(deliver(&mut three, &mut one, &to_one), []);
    assert_eq!(three.committed(), OrderNo(3));
    let effects = three.membership_answered(Epoch(1), Some(configuration(3, 1, 3, &[1, 2, 3])));
    assert_eq!(effects, []);
    assert_eq!(three.committed(), OrderNo(3));
}

#[test]
fn a_joining_member_that_fails_is_waited_for_until_a_later_removal_is_confirmed() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    let messages = three.outgoing(true);
    let (to_one, to_two) = (messages_to(messages.clone(), 1), messages_to(messages, 2));
    deliver(&mut three, &mut one, &to_one);
    assert_eq!(asks(&deliver(&mut three, &mut two, &to_two)), [(Membership::Add, 2, 2)]);

    // The add's answer is lost and 2 fails. The old configuration does not prove anything.
    three.number(Epoch(1), &trade(2), Some(7));
    let effects = settle(&mut three, &mut [&mut one]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Answer(..))));
    assert_eq!(
        asks(&three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])))),
        [(Membership::Remove, 2, 2)]
    );
    // The removal raised the version, so the add can no longer happen.
    let effects = three.membership_answered(Epoch(1), Some(configuration(3, 1, 3, &[1, 3])));
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(2)))]);
}

#[test]
fn nobody_is_added_while_what_is_committed_is_not_yet_known() {
    // #1 was committed with {1,3} in epoch 1, but 1 has not heard so. As the leader of epoch 2 it
    // must not take 2, which lacks #1, for complete.
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    assert_eq!((three.committed(), one.committed()), (OrderNo(1), OrderNo(0)));

    elect(&mut one, configuration(3, 2, 1, &[1, 3]));
    let message = messages_to(one.outgoing(false), 2);
    let effects = deliver(&mut one, &mut two, &message);
    assert_eq!(asks(&effects), []);
    assert_eq!(one.peers_matched(2), None);
}

impl Replica {
    fn peers_matched(&self, id: u8) -> Option<OrderNo> {
        self.leadership.as_ref().unwrap().peers[&ReplicaId(id)].matched
    }
}

#[test]
fn a_replica_whose_tail_was_never_committed_is_walked_back_to_the_common_point() {
    let (mut one, mut two, mut three) = serving();
    // 3 numbers #1 to #5 for itself alone and dies.
    for name in 1..=5 {
        three.number(Epoch(1), &trade(name), None);
    }
    three.flushed();
    // 2 takes over and numbers others.
    elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]));
    settle(&mut two, &mut [&mut one]);
    two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    two.listed(Epoch(2), &[]);
    for name in 11..=17 {
        two.number(Epoch(2), &trade(name), None);
    }
    settle(&mut two, &mut [&mut one]);
    // 3 returns.
    let mut three = restarted(&three);
    assert_eq!(three.log().last().order_no, OrderNo(5));
    let mut asked = Vec::new();
    for _ in 0..10 {
        for (to, message) in two.outgoing(true) {
            let follower = if to == ReplicaId(1) { &mut one } else { &mut three };
            asked.extend(asks(&deliver(&mut two, follower, &message)));
        }
    }
    assert_eq!(asked, [(Membership::Add, 3, 3)]);
    assert_eq!(three.log().last(), two.log().last());
    assert_eq!(three.committed(), OrderNo(7));
}

#[test]
fn messages_of_an_earlier_leadership_change_nothing() {
    let (_one, _two, mut three) = serving();
    elect(&mut three, configuration(2, 2, 3, &[1, 2, 3]));
    assert_eq!(three.peer_accepted(Epoch(1), ReplicaId(1), OrderNo(9)), []);
    assert_eq!(three.listed(Epoch(1), &[trade(1)]), []);
    assert_eq!(three.number(Epoch(1), &trade(1), Some(3)), [Effect::Answer(3, Err(Replaced))]);
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn the_last_replica_left_goes_on_alone() {
    let (_one, _two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    let effects = settle(&mut three, &mut []);
    assert_eq!(asks(&effects), [(Membership::Remove, 1, 1)]);
    let effects = three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[2, 3])));
    assert_eq!(asks(&effects), [(Membership::Remove, 2, 2)]);
    let effects = three.membership_answered(Epoch(1), Some(configuration(3, 1, 3, &[3])));
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(1)))]);
}

#[test]
fn a_new_epoch_does_not_count_on_what_was_numbered_and_not_written_down() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &trade(1), Some(7));
    // Before the flush, in the same batch: the front-end was restarted and begins another epoch.
    let effects = elect(&mut three, configuration(2, 2, 3, &[1, 2, 3]));
    assert_eq!(effects, [Effect::Answer(7, Err(Replaced))]);
    assert_eq!(three.log().last().order_no, OrderNo(0), "as on its disk");
    // The catalog knows the trade, so it gets its number all the same.
    assert!(
        settle(&mut three, &mut [&mut one, &mut two])
            .contains(&Effect::ListUnnumbered(Epoch(2), AppliedSeq(0)))
    );
    three.listed(Epoch(2), &[trade(1)]);
    assert_eq!(three.unflushed().len(), 1);
    settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(three.committed(), OrderNo(1));
}
