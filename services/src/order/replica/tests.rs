//! The stories of the protocols' rules, told to the state machine, and a small cluster to tell
//! them with: messages are delivered by hand, in whatever order a story needs.

use wire::bazaar::TradeType;
use wire::configuration::{Member, Membership};
use wire::ids::{AppliedSeq, ConfigVersion, RequestId};
use wire::internal::{AppliedTrade, Tail, UnnumberedReply};

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

fn disk(id: ReplicaId) -> Identity {
    Identity::new(&format!("disk-{id}")).unwrap()
}

fn life(id: ReplicaId) -> Incarnation {
    Incarnation::new(&format!("life-of-{id}")).unwrap()
}

/// The one life of the catalog.
fn catalog() -> Incarnation {
    Incarnation::new("life-of-the-catalog").unwrap()
}

fn bazaar() -> BazaarId {
    BazaarId::new("bazaar").unwrap()
}

fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
    let member = |id| Member { id, identity: disk(id) };
    Configuration {
        version: ConfigVersion(version),
        epoch: Epoch(epoch),
        leader: ReplicaId(leader),
        leader_incarnation: life(ReplicaId(leader)),
        in_sync: ids(in_sync).into_iter().map(member).collect(),
        bazaar: bazaar(),
        committed: OrderNo(0),
        by_everybody: true,
        new_catalog: None,
    }
}

/// Replica `id` of three, with a fresh disk.
fn replica(id: u8) -> Replica {
    let id = ReplicaId(id);
    Replica::new(id, life(id), ids(&[1, 2, 3]), Found::nothing(disk(id)))
}

/// The same replica after a crash: what was on disk is there, nothing else. The commit mark may lag, as
/// far as to nothing.
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
    let again = Incarnation::new(&format!("{}-again", before.incarnation)).unwrap();
    Replica::new(before.id, again, ids(&[1, 2, 3]), found)
}

/// Announces `configuration` to its leader and lets it begin: it asks the catalog first.
fn elect(leader: &mut Replica, configuration: Configuration) -> Vec<Effect> {
    let mut effects = leader.hear(configuration);
    effects.retain(|effect| !matches!(effect, Effect::Store { .. }));
    if let Some(Effect::Lead(epoch)) = effects.pop() {
        effects.extend(leader.lead(epoch));
    }
    effects
}

/// The same, and the catalog lists these trades, which are all that it has applied.
fn take_over(leader: &mut Replica, configuration: Configuration, applied: &[AppliedTrade]) {
    let epoch = configuration.epoch;
    assert!(asks_for_list(&elect(leader, configuration)));
    leader.listed(epoch, page(applied));
}

fn asks_for_list(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::List(_)))
}

/// The whole list of the catalog.
fn page(applied: &[AppliedTrade]) -> UnnumberedReply {
    UnnumberedReply::Page {
        incarnation: catalog(),
        trades: applied.to_vec(),
        last_place: OrderNo(applied.last().map_or(0, |trade| trade.applied_seq.0)),
        done: true,
    }
}

/// Delivers a message to a follower and its answer to the leader.
fn deliver(leader: &mut Replica, follower: &mut Replica, message: &Append) -> Vec<Effect> {
    let (id, epoch, disk) = (follower.id, message.epoch, follower.identity.clone());
    match follower.receive(message).unwrap() {
        Reception::Stale(accepted) => leader.saw_epoch(accepted),
        Reception::Refused(why) => leader.peer_refused(epoch, id, why.to_string()),
        Reception::Plan(plan) => {
            follower.accept(message, plan.clone());
            match plan {
                Plan::Change { matched, .. } => leader.peer_accepted(epoch, id, disk, matched),
                Plan::Mismatch { try_after } => leader.peer_mismatched(epoch, id, disk, try_after),
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
    let effects = elect(&mut three, configuration(1, 1, 3, &[1, 2, 3]));
    let [Effect::List(request)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((request.epoch, &request.after), (Epoch(1), &Tail::default()));
    three.listed(Epoch(1), page(&[]));
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
    assert_eq!(three.number(Epoch(1), &catalog(), &trade(1), Some(7)), []);
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
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
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
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
    assert_eq!(three.number(Epoch(1), &catalog(), &trade(1), Some(8)), []);
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(7, Ok(OrderNo(1))), Effect::Answer(8, Ok(OrderNo(1)))]);
    assert_eq!(
        three.number(Epoch(1), &catalog(), &trade(1), Some(9)),
        [Effect::Answer(9, Ok(OrderNo(1)))]
    );
}

#[test]
fn a_failed_member_is_removed_before_anything_is_committed_without_it() {
    let (mut one, _two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
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
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    let mut three = restarted(&three);
    assert_eq!(three.log().last().order_no, OrderNo(0));
    assert_eq!(three.hear(configuration(1, 1, 3, &[1, 2, 3])), []);
    assert!(!three.is_leading());
    // Under a new epoch it may; what only replica 1 has of epoch 1 goes.
    let again = three.incarnation.clone();
    let chosen = Configuration { leader_incarnation: again, ..configuration(2, 2, 3, &[1, 2, 3]) };
    take_over(&mut three, chosen, &[]);
    let takeover = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &takeover);
    assert_eq!(one.log().last().order_no, OrderNo(0));
}

#[test]
fn a_new_leader_serves_only_once_every_member_equals_it_and_the_catalog_was_asked() {
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
    // The entry reaches 1 only; then 3 dies and 2, which lacks it, takes over.
    let to_one = messages_to(three.outgoing(false), 1);
    deliver(&mut three, &mut one, &to_one);
    // L7: it asks the catalog first, and nobody is made equal before that is answered.
    assert!(asks_for_list(&elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]))));
    assert_eq!(two.outgoing(true), []);
    assert_eq!(one.log().last().order_no, OrderNo(1));
    // The catalog did apply R1: it gets its number now, which is its place.
    two.listed(Epoch(2), page(&[trade(1)]));
    let effects = settle(&mut two, &mut [&mut one]);
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    assert!(!two.is_serving());
    two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    assert!(two.is_serving());
    settle(&mut two, &mut [&mut one]);
    assert_eq!((two.committed(), one.log().last().order_no), (OrderNo(1), OrderNo(1)));
    assert_eq!(one.log().last().epoch, Epoch(2));
}

#[test]
fn a_takeover_does_not_wait_for_the_leader_that_did_not_answer() {
    let (mut one, mut two, _three) = serving();
    two.hear(configuration(1, 1, 3, &[1, 2, 3]));
    elect(&mut two, configuration(2, 2, 2, &[1, 2, 3]));
    let effects = two.listed(Epoch(2), page(&[]));
    assert_eq!(asks(&effects), [(Membership::Remove, 3, 2)]);
    let messages = two.outgoing(false);
    assert_eq!(messages.iter().map(|(to, _)| to.0).collect::<Vec<_>>(), [1]);
    deliver(&mut two, &mut one, &messages[0].1);
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
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
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
        three.number(Epoch(1), &catalog(), &trade(name), None);
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
    three.number(Epoch(1), &catalog(), &trade(4), Some(7));
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
    three.number(Epoch(1), &catalog(), &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    let messages = three.outgoing(true);
    let (to_one, to_two) = (messages_to(messages.clone(), 1), messages_to(messages, 2));
    deliver(&mut three, &mut one, &to_one);
    assert_eq!(asks(&deliver(&mut three, &mut two, &to_two)), [(Membership::Add, 2, 2)]);

    // The add's answer is lost and 2 fails. The old configuration does not prove anything.
    three.number(Epoch(1), &catalog(), &trade(2), Some(7));
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
    three.number(Epoch(1), &catalog(), &trade(1), None);
    settle(&mut three, &mut [&mut one]);
    three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[1, 3])));
    assert_eq!((three.committed(), one.committed()), (OrderNo(1), OrderNo(0)));

    take_over(&mut one, configuration(3, 2, 1, &[1, 3]), &[trade(1)]);
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
        three.number(Epoch(1), &catalog(), &trade(name), None);
    }
    three.flushed();
    // 2 takes over and numbers others.
    take_over(&mut two, configuration(2, 2, 2, &[1, 2, 3]), &[]);
    settle(&mut two, &mut [&mut one]);
    two.membership_answered(Epoch(2), Some(configuration(3, 2, 2, &[1, 2])));
    for place in 1..=7 {
        let other = AppliedTrade { applied_seq: AppliedSeq(place), ..trade(10 + place) };
        two.number(Epoch(2), &catalog(), &other, None);
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
    assert_eq!(three.peer_accepted(Epoch(1), ReplicaId(1), disk(ReplicaId(1)), OrderNo(9)), []);
    assert_eq!(three.listed(Epoch(1), page(&[trade(1)])), []);
    assert_eq!(
        three.number(Epoch(1), &catalog(), &trade(1), Some(3)),
        [Effect::Answer(3, Err(NoNumber::Replaced))]
    );
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn the_last_replica_left_goes_on_alone() {
    let (_one, _two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
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
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
    // Before the flush, in the same batch: the front-end was restarted and begins another epoch.
    let effects = elect(&mut three, configuration(2, 2, 3, &[1, 2, 3]));
    assert_eq!(effects[0], Effect::Answer(7, Err(NoNumber::Replaced)));
    assert_eq!(three.log().last().order_no, OrderNo(0), "as on its disk");
    // The catalog knows the trade, so it gets its number all the same.
    assert!(asks_for_list(&effects));
    three.listed(Epoch(2), page(&[trade(1)]));
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

/// The front-end makes the change that it was asked for.
fn granted(leader: &mut Replica, version: u64, in_sync: &[u8]) -> Vec<Effect> {
    leader.membership_answered(Epoch(1), Some(configuration(version, 1, 3, in_sync)))
}

#[test]
fn a_slow_follower_is_removed_once_and_comes_back_when_it_has_shown_that_it_can_write() {
    let (mut one, mut two, mut three) = serving();
    // Its flush takes three ticks, and the leader does not wait for longer.
    three.number(Epoch(1), &catalog(), &trade(1), None);
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

#[test]
fn a_trade_gets_its_place_as_its_number_and_a_gap_is_waited_for_and_then_listed() {
    // N1: the answer for #2 comes first.
    let (mut one, mut two, mut three) = serving();
    assert_eq!(three.number(Epoch(1), &catalog(), &trade(2), Some(2)), []);
    assert_eq!(three.log().last().order_no, OrderNo(0));
    assert_eq!(three.tick(), []);
    assert!(asks_for_list(&three.tick()), "the gap has outlived a tick");
    three.listed(Epoch(1), page(&[trade(1), trade(2)]));
    let effects = settle(&mut three, &mut [&mut one, &mut two]);
    assert_eq!(effects, [Effect::Answer(2, Ok(OrderNo(2)))]);
}

#[test]
fn answers_of_a_catalog_that_was_not_listed_are_not_numbered() {
    // L6: its file was lost, and it gives #1 away again.
    let (_one, _two, mut three) = serving();
    let other = Incarnation::new("another-life").unwrap();
    let effects = three.number(Epoch(1), &other, &trade(1), Some(7));
    assert!(effects.contains(&Effect::Answer(7, Err(NoNumber::AskAgain))));
    assert!(asks_for_list(&effects));
    assert_eq!(three.log().last().order_no, OrderNo(0));
}

#[test]
fn a_place_with_another_trade_stops_numbering_with_a_line_that_names_both() {
    let (_one, _two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), None);
    let other = AppliedTrade { applied_seq: AppliedSeq(1), ..trade(8) };
    let effects = three.number(Epoch(1), &catalog(), &other, Some(7));
    assert_eq!(effects, [Effect::Answer(7, Err(NoNumber::Stopped))]);
    let said = three.obstacle().unwrap().to_string();
    assert!(said.contains("R1") && said.contains("R8") && said.contains("#1"), "{said}");
}

#[test]
fn another_database_of_a_member_acknowledges_nothing() {
    // L1: 1 came back with a new file.
    let (mut one, mut two, mut three) = serving();
    three.number(Epoch(1), &catalog(), &trade(1), Some(7));
    three.flushed();
    for (to, message) in three.outgoing(false) {
        let follower = if to == ReplicaId(1) { &mut one } else { &mut two };
        if to == ReplicaId(1) {
            follower.identity = Identity::new("a-new-file").unwrap();
        }
        assert_eq!(answers(&deliver(&mut three, follower, &message)), 0);
    }
    assert_eq!(three.committed(), OrderNo(0));
}

fn answers(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Answer(..))).count()
}
