//! Who leads, and what a new leader does first.

use super::*;

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
    let again = Configuration {
        leader_incarnation: incarnation("second"),
        ..configuration(2, 2, 3, &[1, 2, 3])
    };
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
