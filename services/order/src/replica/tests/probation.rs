//! Slow followers, and when one may come back.

use std::collections::BTreeSet;

use super::*;

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
