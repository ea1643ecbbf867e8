//! Who is waited for, who is removed, and who is added.

use super::*;

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
fn an_acknowledgement_of_another_database_does_not_count() {
    // L1: replica 1's file was lost; a new one answers under its id.
    let (_one, mut two, mut three) = serving();
    let found = Found::nothing(identity(9));
    let mut new = Replica::new(ReplicaId(1), incarnation("second"), ids(&[1, 2, 3]), found);
    number(&mut three, 1, &trade(1), Some(7));
    let effects = settle(&mut three, &mut [&mut new, &mut two]);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Answer(..))));
    assert_eq!(asks(&effects)[0], (Membership::Remove, 1, 1));
    let effects = three.membership_answered(Epoch(1), Some(configuration(2, 1, 3, &[2, 3])));
    assert!(effects.contains(&Effect::Answer(7, Ok(OrderNo(1)))));
}
