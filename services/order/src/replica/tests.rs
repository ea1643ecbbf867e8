//! The stories of the protocols' rules, told to the state machine, and a small cluster to tell
//! them with: messages are delivered by hand, in whatever order a story needs.

use std::collections::BTreeSet;

use wire::bazaar::TradeType;
use wire::configuration::{Member, Membership};
use wire::ids::{ConfigVersion, RequestId};
use wire::internal::{Append, AppliedTrade, UnnumberedReply};

use super::*;
use crate::log::Plan;

fn trade(name: u64) -> AppliedTrade {
    trade_at(name, name)
}

/// The trade `R<name>`, applied in this place.
fn trade_at(place: u64, name: u64) -> AppliedTrade {
    AppliedTrade {
        applied_seq: OrderNo(place).place(),
        request_id: RequestId::new(format!("R{name}")).unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

fn ids(ids: &[u8]) -> Vec<ReplicaId> {
    ids.iter().copied().map(ReplicaId).collect()
}

fn identity(id: u8) -> Identity {
    Identity::new(&format!("d{id}")).unwrap()
}

fn life(name: &str) -> Incarnation {
    Incarnation::new(name).unwrap()
}

/// The life of the catalog that answers in these stories.
fn catalog() -> Incarnation {
    life("catalog")
}

fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
    Configuration {
        version: ConfigVersion(version),
        epoch: Epoch(epoch),
        leader: ReplicaId(leader),
        leader_incarnation: life("first"),
        in_sync: in_sync
            .iter()
            .map(|id| Member { id: ReplicaId(*id), identity: identity(*id) })
            .collect(),
        bazaar: BazaarId::new("b").unwrap(),
        committed: OrderNo(0),
        by_everybody: false,
        new_catalog: None,
    }
}

/// Replica `id` of three, with a fresh disk.
fn replica(id: u8) -> Replica {
    let found = Found::nothing(identity(id));
    Replica::new(ReplicaId(id), life("first"), ids(&[1, 2, 3]), found)
}

/// The same replica after a crash: what was on disk is there, nothing else. (The mark lags.)
fn restarted(before: &Replica) -> Replica {
    let flushed = before
        .leadership
        .as_ref()
        .map_or(before.log.last().order_no, |leadership| leadership.flushed);
    let mut log = before.log.clone();
    log.apply(flushed, Vec::new());
    let found = Found {
        identity: before.identity.clone(),
        bazaar: before.bazaar.clone(),
        accepted: before.accepted,
        committed: OrderNo(0),
        log,
    };
    Replica::new(before.id, life("second"), ids(&[1, 2, 3]), found)
}

/// Announces `configuration` to its leader and lets it begin; without what it has to store.
fn elect(leader: &mut Replica, configuration: Configuration) -> Vec<Effect> {
    let mut effects = Vec::new();
    for effect in leader.hear(configuration) {
        match effect {
            Effect::Lead(epoch) => effects.extend(leader.lead(epoch)),
            Effect::Store { .. } => {}
            other => effects.push(other),
        }
    }
    effects
}

/// The whole list: what the catalog applied after the leader's log.
fn page(leader: &Replica, trades: &[AppliedTrade]) -> UnnumberedReply {
    let end = leader.log.last().order_no;
    UnnumberedReply::Page {
        incarnation: catalog(),
        trades: trades.to_vec(),
        last_place: trades.last().map_or(end, |last| last.applied_seq.order_no()),
        done: true,
    }
}

/// The leader of `configuration` begins, and the catalog lists these.
fn take_over(
    leader: &mut Replica,
    configuration: Configuration,
    listed: &[AppliedTrade],
) -> Vec<Effect> {
    let epoch = configuration.epoch;
    let effects = elect(leader, configuration);
    assert!(matches!(effects.last(), Some(Effect::List(asked)) if asked.epoch == epoch));
    assert!(leader.outgoing(true).is_empty(), "nobody is made equal before the list is in");
    let page = page(leader, listed);
    leader.listed(epoch, page)
}

/// Has a trade numbered that the listed catalog applied.
fn number(
    leader: &mut Replica,
    epoch: u64,
    trade: &AppliedTrade,
    ticket: Option<Ticket>,
) -> Vec<Effect> {
    leader.number(Epoch(epoch), &catalog(), trade, ticket)
}

/// Delivers a message to a follower and its answer to the leader.
fn deliver(leader: &mut Replica, follower: &mut Replica, message: &Append) -> Vec<Effect> {
    let (id, epoch) = (follower.id, message.epoch);
    let identity = follower.identity.clone();
    match follower.receive(message).unwrap() {
        Reception::Stale(accepted) => leader.saw_epoch(accepted),
        Reception::Refused(refusal) => leader.peer_refused(epoch, id, refusal.to_string()),
        Reception::Plan(plan) => {
            follower.accept(message, plan.clone());
            match plan {
                Plan::Change { matched, .. } => leader.peer_accepted(epoch, id, identity, matched),
                Plan::Mismatch { try_after } => {
                    leader.peer_mismatched(epoch, id, identity, try_after)
                }
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
    take_over(&mut three, configuration(1, 1, 3, &[1, 2, 3]), &[]);
    assert!(!three.is_serving());
    settle(&mut three, &mut [&mut one, &mut two]);
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

/// An old copy of its file was put back, and the leader has not noticed that it was away.
#[test]
fn a_member_that_lost_what_it_had_acknowledged_is_caught_up_at_once() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), None);
    settle(&mut three, &mut [&mut one, &mut two]);
    let mut old = restarted(&two);
    for name in 2..=4 {
        three.number(Epoch(1), &catalog(), &trade(name), None);
    }
    settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!((old.log().last().order_no, two.log().last().order_no), (OrderNo(1), OrderNo(4)));

    for (to, message) in three.outgoing(true) {
        let follower = if to == one.id { &mut one } else { &mut old };
        deliver(&mut three, follower, &message);
    }
    settle(&mut three, &mut [&mut one, &mut old]);
    assert_eq!(old.log().last(), three.log().last());
}

#[test]
fn a_number_is_answered_once_every_in_sync_replica_has_it() {
    let (mut one, mut two, mut three) = serving();
    assert_eq!(number(&mut three, 1, &trade(1), Some(7)), []);
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
    number(&mut three, 1, &trade(1), Some(7));
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
    number(&mut three, 1, &trade(1), Some(7));
    assert_eq!(number(&mut three, 1, &trade(1), Some(8)), []);
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(1))), Effect::Answer(8, Ok(OrderNo(1)))]);
    assert_eq!(number(&mut three, 1, &trade(1), Some(9)), [Effect::Answer(9, Ok(OrderNo(1)))]);
}

#[test]
fn a_failed_member_is_removed_before_anything_is_committed_without_it() {
    let (mut one, _two, mut three) = serving();
    number(&mut three, 1, &trade(1), Some(7));
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
    number(&mut three, 1, &trade(1), Some(7));
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    let mut three = restarted(&three);
    assert_eq!(three.log().last().order_no, OrderNo(0));
    assert_eq!(three.hear(configuration(1, 1, 3, &[1, 2, 3])), []);
    assert!(!three.is_leading());
    // Under a new epoch it may. What only replica 1 has of epoch 1 is what the catalog lists: it has the
    // same number in the new epoch.
    let again =
        Configuration { leader_incarnation: life("second"), ..configuration(2, 2, 3, &[1, 2, 3]) };
    take_over(&mut three, again, &[trade(1)]);
    settle(&mut three, &mut [&mut one]);
    assert_eq!(one.log().last(), LogPoint { order_no: OrderNo(1), epoch: Epoch(2) });
}

#[test]
fn a_new_leader_serves_only_once_the_catalog_was_asked_and_every_member_equals_it() {
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(1), Some(7));
    // The entry reaches 1 only; then 3 dies and 2, which lacks it, takes over.
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    // The catalog did apply R1: it gets its number first, and only then the others are made equal (L7).
    take_over(&mut two, configuration(2, 2, 2, &[1, 2, 3]), &[trade(1)]);
    let effects = settle(&mut two, &mut [&mut one]);
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    assert!(!two.is_serving());
    assert_eq!(one.log().last(), LogPoint { order_no: OrderNo(1), epoch: Epoch(2) });

    let effects = two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    assert_eq!(effects, []);
    assert!(two.is_serving());
    assert_eq!(two.committed(), OrderNo(1));
}

#[test]
fn a_takeover_does_not_wait_for_the_leader_that_did_not_answer() {
    let (mut one, mut two, _three) = serving();
    two.hear(configuration(1, 1, 3, &[1, 2, 3]));
    let effects = take_over(&mut two, configuration(2, 2, 2, &[1, 2, 3]), &[]);
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    let messages = two.outgoing(false);
    assert_eq!(messages.iter().map(|(to, _)| to.0).collect::<Vec<_>>(), [1]);
    deliver(&mut two, &mut one, &messages[0].1);
    assert!(!two.is_serving());
    two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    assert!(two.is_serving());
    // It is asked again with the next tick, like everybody.
    assert_eq!(two.outgoing(true).len(), 2);
}

#[test]
fn a_deposed_leader_cannot_commit() {
    let (mut one, mut two, mut three) = serving();
    // 3 sleeps; 2 takes over with 1.
    take_over(&mut two, configuration(2, 2, 2, &[1, 2, 3]), &[]);
    settle(&mut two, &mut [&mut one]);
    // 3 wakes with a trade in hand, knowing nothing.
    number(&mut three, 1, &trade(1), Some(7));
    three.flushed();
    let to_one = messages_to(three.outgoing(false), 1);
    assert_eq!(one.receive(&to_one), Ok(Reception::Stale(Epoch(2))));
    assert_eq!(
        deliver(&mut three, &mut one, &to_one),
        [Effect::Answer(7, Err(NoNumber::Replaced))]
    );
    assert!(!three.is_leading());
}

#[test]
fn a_returning_replica_catches_up_and_is_waited_for_before_it_is_added() {
    let (mut one, mut two, mut three) = serving();
    for name in 1..=3 {
        number(&mut three, 1, &trade(name), None);
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
    number(&mut three, 1, &trade(4), Some(7));
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
    number(&mut three, 1, &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    let messages = three.outgoing(true);
    let (to_one, to_two) = (messages_to(messages.clone(), 1), messages_to(messages, 2));
    deliver(&mut three, &mut one, &to_one);
    assert_eq!(asks(&deliver(&mut three, &mut two, &to_two)), [(Membership::Add, 2, 2)]);

    // The add's answer is lost and 2 fails. The old configuration does not prove anything.
    number(&mut three, 1, &trade(2), Some(7));
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
    number(&mut three, 1, &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    assert_eq!((three.committed(), one.committed()), (OrderNo(1), OrderNo(0)));

    take_over(&mut one, configuration(3, 2, 1, &[1, 3]), &[]);
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
        number(&mut three, 1, &trade(name), None);
    }
    three.flushed();
    // 2 takes over and numbers others. (The catalog's file is an older one by now.)
    take_over(&mut two, configuration(2, 2, 2, &[1, 2, 3]), &[]);
    settle(&mut two, &mut [&mut one]);
    two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    for place in 1..=7 {
        number(&mut two, 2, &trade_at(place, 10 + place), None);
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
    assert_eq!(three.peer_accepted(Epoch(1), ReplicaId(1), identity(1), OrderNo(9)), []);
    let late = page(&three, &[trade(1)]);
    assert_eq!(three.listed(Epoch(1), late), []);
    assert_eq!(
        number(&mut three, 1, &trade(1), Some(3)),
        [Effect::Answer(3, Err(NoNumber::Replaced))]
    );
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn the_last_replica_left_goes_on_alone() {
    let (_one, _two, mut three) = serving();
    number(&mut three, 1, &trade(1), Some(7));
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
    number(&mut three, 1, &trade(1), Some(7));
    // Before the flush, in the same batch: the front-end was restarted and begins another epoch.
    let effects = elect(&mut three, configuration(2, 2, 3, &[1, 2, 3]));
    assert_eq!(effects[0], Effect::Answer(7, Err(NoNumber::Replaced)));
    assert_eq!(three.log().last().order_no, OrderNo(0), "as on its disk");
    // The catalog knows the trade, so it gets its number all the same.
    assert!(matches!(&effects[1..], [Effect::List(_)]));
    let list = page(&three, &[trade(1)]);
    three.listed(Epoch(2), list);
    assert_eq!(three.unflushed().len(), 1);
    settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(three.committed(), OrderNo(1));
}

/// One tick of a leader whose followers answer at once; what it asks for.
fn tick(leader: &mut Replica, followers: &mut [&mut Replica]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for (to, message) in leader.outgoing(true) {
        let follower = followers.iter_mut().find(|follower| follower.id == to).unwrap();
        effects.extend(deliver(leader, follower, &message));
    }
    effects
}

fn asks_for_proof(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::AskForProof(..)))
}

/// The front-end makes the change that it was asked for.
fn granted(leader: &mut Replica, version: u64, in_sync: &[u8]) -> Vec<Effect> {
    leader.membership_answered(Epoch(1), Some(configuration(version, 1, 3, in_sync)))
}

#[test]
fn a_slow_follower_is_removed_once_and_comes_back_when_it_has_shown_that_it_can_write() {
    let (mut one, mut two, mut three) = serving();
    // Its flush takes three ticks, and the leader does not wait for longer.
    number(&mut three, 1, &trade(1), None);
    let mut messages = three.outgoing(false);
    three.flushed();
    let slow = messages_to(messages.clone(), 1);
    messages.retain(|(to, _)| *to == ReplicaId(2));
    deliver(&mut three, &mut two, &messages[0].1);
    (0..3).for_each(|_| drop(three.outgoing(true)));
    assert_eq!(asks(&three.peer_failed(Epoch(1), ReplicaId(1))), [(Membership::Remove, 1, 1)]);
    granted(&mut three, 2, &[2, 3]);
    deliver(&mut three, &mut one, &slow);

    // As long as there is nothing to write it is as quick as any. It has to keep up for ten ticks...
    let mut effects = Vec::new();
    let mut ticks = 0;
    while effects.is_empty() {
        effects = tick(&mut three, &mut [&mut one, &mut two]);
        ticks += 1;
    }
    assert_eq!((ticks, effects), (10, vec![Effect::AskForProof(Epoch(1), ReplicaId(1))]));
    // ...and then to write. It cannot, so nobody ever waits for it again.
    assert_eq!(three.peer_proved(Epoch(1), ReplicaId(1), false), []);
    for _ in 0..19 {
        assert_eq!(tick(&mut three, &mut [&mut one, &mut two]), []);
    }
    let effects = tick(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::AskForProof(Epoch(1), ReplicaId(1))]);
    let effects = three.peer_proved(Epoch(1), ReplicaId(1), true);
    assert_eq!(asks(&effects), [(Membership::Add, 1, 2)]);
}

#[test]
fn a_member_that_drags_is_removed_while_another_keeps_up_and_stays_out_as_long_as_it_drags() {
    let (mut one, mut two, mut three) = serving();
    assert!(asks(&three.drag(&BTreeSet::new())).is_empty());
    let two_drags = [ReplicaId(2)].into();
    assert_eq!(asks(&three.drag(&two_drags)), [(Membership::Remove, 2, 1)]);
    granted(&mut three, 2, &[1, 3]);
    // It has everything, and is let in for all that only once it does not drag, and has shown that it can write.
    for _ in 0..100 {
        let effects = [three.drag(&two_drags), tick(&mut three, &mut [&mut one, &mut two])];
        assert!(effects.iter().all(|effects| asks(effects).is_empty() && !asks_for_proof(effects)));
    }
    let mut proofs = 0;
    while proofs == 0 {
        assert!(asks(&three.drag(&BTreeSet::new())).is_empty());
        let effects = tick(&mut three, &mut [&mut one, &mut two]);
        assert!(asks(&effects).is_empty());
        proofs += usize::from(asks_for_proof(&effects));
    }
    let proved = three.peer_proved(Epoch(1), ReplicaId(2), true);
    assert_eq!(asks(&proved), [(Membership::Add, 2, 2)]);
}

#[test]
fn the_only_other_member_stays_however_late_it_is() {
    let (_, _, mut three) = serving();
    assert!(asks(&three.drag(&[ReplicaId(1), ReplicaId(2)].into())).is_empty());
    three.drag(&BTreeSet::new());
    granted(&mut three, 2, &[1, 3]);
    assert!(asks(&three.drag(&[ReplicaId(1)].into())).is_empty());
}

#[test]
fn what_is_known_of_a_flapping_follower_outlives_the_leadership() {
    let (mut one, mut two, mut three) = serving();
    for version in [2, 4] {
        three.outgoing(true);
        three.peer_failed(Epoch(1), ReplicaId(1));
        granted(&mut three, version, &[2, 3]);
        granted(&mut three, version + 1, &[1, 2, 3]);
    }
    three.outgoing(true);
    three.peer_failed(Epoch(1), ReplicaId(1));
    granted(&mut three, 6, &[2, 3]);
    take_over(&mut three, configuration(7, 2, 3, &[2, 3]), &[]);
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(asks(&effects), [], "the third removal in short order");
    let asked = (1..=20).find(|_| !tick(&mut three, &mut [&mut one, &mut two]).is_empty());
    assert_eq!(asked, Some(20));
}

// ---- lost, replaced and old files --------------------------------------------------------------

#[test]
fn an_answer_whose_place_leaves_a_gap_waits_until_the_gap_is_there() {
    // N1: R2's answer is faster than R1's.
    let (mut one, mut two, mut three) = serving();
    assert_eq!(number(&mut three, 1, &trade(2), Some(8)), []);
    assert_eq!(three.log().last().order_no, OrderNo(0));
    number(&mut three, 1, &trade(1), Some(7));
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(1))), Effect::Answer(8, Ok(OrderNo(2)))]);
}

#[test]
fn a_list_of_a_life_that_was_not_asked_for_it_is_asked_for_again() {
    // L6: a gap is asked for; meanwhile it closes by itself, #1 and #2 are committed, and an old copy of
    // the catalog starts. It answers the request, which says that the log ends at #0.
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(2), Some(8));
    three.tick();
    assert!(matches!(&three.tick()[..], [Effect::List(asked)]
        if asked.log_end == OrderNo(0) && asked.meant_for == Some(catalog())));
    number(&mut three, 1, &trade(1), Some(7));
    settle(&mut three, &mut [&mut one, &mut two]);
    let (incarnation, last_place) = (life("old-copy"), OrderNo(0));
    let page = UnnumberedReply::Page { incarnation, trades: Vec::new(), last_place, done: true };
    assert!(matches!(&three.listed(Epoch(1), page)[..], [Effect::List(asked)]
        if asked.log_end == OrderNo(2) && asked.meant_for == Some(life("old-copy"))));
    assert_eq!(three.listed_catalog(), None);
}

#[test]
fn once_another_life_has_answered_a_list_the_earlier_ones_answers_are_numbered_no_more() {
    // L6: a gap is asked for; the catalog has lost its file, and cannot say what was in it.
    let (_one, _two, mut three) = serving();
    number(&mut three, 1, &trade(2), Some(8));
    three.tick();
    assert!(matches!(&three.tick()[..], [Effect::List(_)]));
    let (incarnation, last_place) = (life("emptied"), OrderNo(0));
    let behind = UnnumberedReply::Behind { incarnation, last_place, is_new: true, may_fill: false };
    let effects = three.listed(Epoch(1), behind);
    assert_eq!(effects, [Effect::Answer(8, Err(NoNumber::AskAgain))]);
    assert!(matches!(three.obstacle(), Some(Obstacle::CatalogBehind { .. })));
    let effects = number(&mut three, 1, &trade(1), Some(7));
    assert!(effects.contains(&Effect::Answer(7, Err(NoNumber::AskAgain))), "{effects:?}");
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn a_gap_that_stays_is_listed() {
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(2), Some(8));
    assert_eq!(three.tick(), []);
    assert!(matches!(&three.tick()[..], [Effect::List(asked)] if asked.log_end == OrderNo(0)));
    let list = page(&three, &[trade(1), trade(2)]);
    three.listed(Epoch(1), list);
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(8, Ok(OrderNo(2)))]);
}

#[test]
fn an_answer_of_a_catalog_that_was_not_listed_is_asked_for_again() {
    // L6: the catalog was restarted, perhaps on another file.
    let (_one, _two, mut three) = serving();
    let effects = three.number(Epoch(1), &life("another"), &trade(1), Some(7));
    assert!(matches!(&effects[..], [Effect::List(_), Effect::Answer(7, Err(NoNumber::AskAgain))]));
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn another_trade_in_a_place_stops_numbering_and_says_which() {
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(1), None);
    settle(&mut three, &mut [&mut one, &mut two]);
    let effects = number(&mut three, 1, &trade_at(1, 9), Some(7));
    assert_eq!(effects, [Effect::Answer(7, Err(NoNumber::Stopped))]);
    let Some(Obstacle::Contradiction { place, log, catalog }) = three.obstacle() else {
        panic!("{:?}", three.obstacle())
    };
    assert_eq!(*place, OrderNo(1));
    assert!(log.contains("R1") && catalog.contains("R9"), "{log}, {catalog}");
}

#[test]
fn what_is_known_to_be_committed_is_not_dropped_for_whoever_lacks_it() {
    // L2: an old copy of a log is elected, and the others have heard what is committed.
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(1), None);
    settle(&mut three, &mut [&mut one, &mut two]);
    for (to, message) in three.outgoing(true) {
        let follower = if to == ReplicaId(1) { &mut one } else { &mut two };
        deliver(&mut three, follower, &message);
    }
    assert_eq!(one.committed(), OrderNo(1));
    let mut old = replica(3);
    take_over(&mut old, configuration(2, 2, 3, &[1, 2, 3]), &[]);
    let message = messages_to(old.outgoing(true), 1);
    assert!(matches!(one.receive(&message), Ok(Reception::Refused(_))));
    deliver(&mut old, &mut one, &message);
    assert_eq!(one.accepted(), Epoch(1), "it takes no part in that epoch");
    assert_eq!(one.log().last().order_no, OrderNo(1));
    assert!(matches!(old.obstacle(), Some(Obstacle::Refused { .. })));
    assert!(!old.is_serving());
}

#[test]
fn an_acknowledgement_of_another_database_does_not_count() {
    // L1: replica 1's file was lost; a new one answers under its id.
    let (_one, mut two, mut three) = serving();
    let found = Found::nothing(identity(9));
    let mut new = Replica::new(ReplicaId(1), life("second"), ids(&[1, 2, 3]), found);
    number(&mut three, 1, &trade(1), Some(7));
    let effects = settle(&mut three, &mut [&mut new, &mut two]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Answer(..))));
    assert_eq!(asks(&effects)[0], (Membership::Remove, 1, 1));
    let effects = three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[2, 3])));
    assert!(effects.contains(&Effect::Answer(7, Ok(OrderNo(1)))));
}
