//! From applied trades to numbers.

use super::*;

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
fn a_list_of_an_incarnation_that_was_not_asked_for_it_is_asked_for_again() {
    // L6: a gap is asked for; meanwhile it closes by itself, #1 and #2 are committed, and an old copy of
    // the catalog starts. It answers the request, which says that the log ends at #0.
    let (mut one, mut two, mut three) = serving();
    number(&mut three, 1, &trade(2), Some(8));
    three.tick();
    assert!(matches!(&three.tick()[..], [Effect::List(asked)]
        if asked.log_end == OrderNo(0) && asked.meant_for == Some(catalog())));
    number(&mut three, 1, &trade(1), Some(7));
    settle(&mut three, &mut [&mut one, &mut two]);
    let page = UnnumberedReply::Page {
        incarnation: incarnation("old-copy"),
        trades: Vec::new(),
        last_place: OrderNo(0),
        done: true,
    };
    assert!(matches!(&three.listed(Epoch(1), page)[..], [Effect::List(asked)]
        if asked.log_end == OrderNo(2) && asked.meant_for == Some(incarnation("old-copy"))));
    assert_eq!(three.listed_catalog(), None);
}

#[test]
fn once_another_incarnation_has_answered_a_list_the_earlier_ones_answers_are_numbered_no_more() {
    // L6: a gap is asked for; the catalog has lost its file, and cannot say what was in it.
    let (_one, _two, mut three) = serving();
    number(&mut three, 1, &trade(2), Some(8));
    three.tick();
    assert!(matches!(&three.tick()[..], [Effect::List(_)]));
    let behind = UnnumberedReply::Behind {
        incarnation: incarnation("emptied"),
        last_place: OrderNo(0),
        is_new: true,
        may_fill: false,
    };
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
    let effects = three.number(Epoch(1), &incarnation("another"), &trade(1), Some(7));
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
