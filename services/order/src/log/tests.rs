use wire::bazaar::TradeType;
use wire::ids::{BazaarId, ReplicaId};

use super::*;

/// Entry `order_no` of `epoch` for the request `R<name>`, applied as the `name`th trade.
fn entry(order_no: u64, epoch: u64, name: u64) -> Entry {
    Entry {
        order_no: OrderNo(order_no),
        epoch: Epoch(epoch),
        request_id: RequestId::new(format!("R{name}")).unwrap(),
        stock_name: "Stock1".into(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

/// A log from (number, epoch, name) triples.
fn log(entries: &[(u64, u64, u64)]) -> OrderLog {
    let entries = entries.iter().map(|(no, epoch, name)| entry(*no, *epoch, *name));
    OrderLog::from_entries(entries, OrderNo(0)).unwrap()
}

fn append(
    epoch: u64,
    takeover_end: u64,
    previous: (u64, u64),
    entries: &[(u64, u64, u64)],
) -> Append {
    Append {
        epoch: Epoch(epoch),
        leader: ReplicaId(3),
        bazaar: BazaarId::new("b").unwrap(),
        takeover_end: OrderNo(takeover_end),
        previous: LogPoint { order_no: OrderNo(previous.0), epoch: Epoch(previous.1) },
        entries: entries.iter().map(|(no, epoch, name)| entry(*no, *epoch, *name).into()).collect(),
        committed: OrderNo(0),
    }
}

/// What a message would change in a log of which nothing is known to be committed.
fn plan(log: &OrderLog, message: &Append) -> Result<Plan, Contradiction> {
    log.plan(message, OrderNo(0), Bugs::default())
}

/// Plans and applies; returns `matched`.
fn accept(log: &mut OrderLog, message: &Append) -> u64 {
    match plan(log, message).unwrap() {
        Plan::Change { restamped, keep, entries, matched } => {
            log.restamp(restamped);
            log.apply(keep, entries);
            matched.0
        }
        Plan::Mismatch { try_after } => panic!("mismatch, try after {try_after}"),
    }
}

fn names(log: &OrderLog) -> Vec<(u64, u64, String)> {
    let entries = log.after(OrderNo(0), usize::MAX >> 1);
    entries.iter().map(|e| (e.order_no.0, e.epoch.0, e.request_id.to_string())).collect()
}

#[test]
fn entries_follow_what_is_there() {
    let mut log = log(&[(1, 1, 1)]);
    assert_eq!(accept(&mut log, &append(1, 0, (1, 1), &[(2, 1, 2), (3, 1, 3)])), 3);
    assert_eq!(log.last().order_no, OrderNo(3));
    assert_eq!(log.number_of(&RequestId::new("R2").unwrap()), Some(OrderNo(2)));
}

#[test]
fn a_gap_is_refused_with_the_place_to_try() {
    let plan = plan(&log(&[(1, 1, 1)]), &append(1, 0, (5, 1), &[(6, 1, 6)])).unwrap();
    assert_eq!(plan, Plan::Mismatch { try_after: OrderNo(1) });
}

#[test]
fn a_doubled_message_changes_nothing() {
    let mut log = log(&[(1, 1, 1)]);
    let message = append(1, 0, (1, 1), &[(2, 1, 2)]);
    accept(&mut log, &message);
    accept(&mut log, &append(1, 0, (2, 1), &[(3, 1, 3)]));
    let before = names(&log);
    assert_eq!(accept(&mut log, &message), 2);
    assert_eq!(names(&log), before);
}

#[test]
fn a_delayed_takeover_message_does_not_truncate_its_own_epoch() {
    // R6: the takeover of epoch 2 ended at #10; #11 of epoch 2 came since.
    let held: Vec<_> = (1..=10).map(|no| (no, 1, no)).collect();
    let mut log = log(&held);
    let takeover = append(2, 10, (10, 1), &[]);
    accept(&mut log, &takeover);
    accept(&mut log, &append(2, 10, (10, 1), &[(11, 2, 11)]));
    assert_eq!(accept(&mut log, &takeover), 10);
    assert_eq!(log.last(), LogPoint { order_no: OrderNo(11), epoch: Epoch(2) });
}

#[test]
fn what_the_new_leader_lacks_goes() {
    // The old leader sent #3 here and nowhere else, then died: never committed.
    let mut log = log(&[(1, 1, 1), (2, 1, 2), (3, 1, 3)]);
    assert_eq!(accept(&mut log, &append(2, 2, (2, 1), &[])), 2);
    assert_eq!(log.last().order_no, OrderNo(2));
    assert_eq!(log.number_of(&RequestId::new("R3").unwrap()), None);
}

#[test]
fn a_conflicting_tail_is_replaced_and_its_trade_may_come_back_under_another_number() {
    let mut log = log(&[(1, 1, 1), (2, 1, 8), (3, 1, 9)]);
    accept(&mut log, &append(2, 1, (1, 1), &[(2, 2, 9), (3, 2, 8)]));
    assert_eq!(names(&log), [(1, 1, "R1".into()), (2, 2, "R9".into()), (3, 2, "R8".into())]);
}

#[test]
fn a_mismatch_skips_the_whole_run_of_the_epoch_that_the_leader_lacks() {
    let log = log(&[(1, 1, 1), (2, 3, 2), (3, 3, 3), (4, 3, 4)]);
    let plan = plan(&log, &append(5, 4, (4, 2), &[])).unwrap();
    assert_eq!(plan, Plan::Mismatch { try_after: OrderNo(1) });
}

#[test]
fn other_content_under_the_same_name_is_a_contradiction() {
    // R4's story, seen by the follower: (5,#2) is R2 here and R7 in the message.
    let log = log(&[(1, 5, 1), (2, 5, 2)]);
    assert_eq!(
        plan(&log, &append(5, 0, (1, 5), &[(2, 5, 7)])),
        Err(Contradiction::OtherContent(OrderNo(2), Epoch(5)))
    );
}

#[test]
fn an_entry_of_the_senders_epoch_is_never_dropped() {
    let log = log(&[(1, 1, 1), (2, 2, 2)]);
    assert_eq!(
        plan(&log, &append(2, 0, (0, 0), &[(1, 2, 7)])),
        Err(Contradiction::WouldDrop(OrderNo(2), Epoch(2)))
    );
}

#[test]
fn a_trade_is_numbered_once() {
    let log = log(&[(1, 1, 1)]);
    assert!(matches!(
        plan(&log, &append(1, 0, (1, 1), &[(2, 1, 1)])),
        Err(Contradiction::NumberedTwice(..))
    ));
}

#[test]
fn malformed_messages_are_refused() {
    let log = log(&[(1, 1, 1)]);
    for entries in [&[(3, 1, 3)][..], &[(2, 2, 2)], &[(2, 1, 2), (2, 1, 3)], &[(2, 0, 2)]] {
        let result = plan(&log, &append(1, 0, (1, 1), entries));
        assert!(matches!(result, Err(Contradiction::Malformed(_))), "{entries:?}");
    }
}

/// A message to a log of which #1 and #2 are known to be committed.
fn plan_over_mark(log: &OrderLog, message: &Append) -> Result<Plan, Contradiction> {
    log.plan(message, OrderNo(2), Bugs::default())
}

#[test]
fn what_is_committed_is_neither_dropped_nor_given_another_content() {
    let log = log(&[(1, 1, 1), (2, 1, 2), (3, 1, 3)]);
    let dropped = plan_over_mark(&log, &append(2, 1, (1, 1), &[]));
    assert_eq!(dropped, Err(Contradiction::CommittedDropped(OrderNo(2))));
    let changed = plan_over_mark(&log, &append(2, 2, (1, 1), &[(2, 2, 9)]));
    assert!(matches!(changed, Err(Contradiction::CommittedChanged(OrderNo(2), ..))), "{changed:?}");
    assert!(plan_over_mark(&log, &append(2, 2, (2, 1), &[])).is_ok(), "beyond the mark it may go");
}

#[test]
fn the_same_content_under_a_newer_epoch_is_stamped_in_its_place() {
    // The leader's log was made again from the catalog's list.
    let mut log = log(&[(1, 1, 1), (2, 1, 2)]);
    let message = append(5, 2, (0, 0), &[(1, 5, 1), (2, 5, 2)]);
    let Plan::Change { restamped, keep, entries, matched } =
        plan_over_mark(&log, &message).unwrap()
    else {
        panic!("a mismatch")
    };
    assert_eq!((restamped.len(), keep, entries.len(), matched), (2, OrderNo(2), 0, OrderNo(2)));
    log.restamp(restamped);
    assert_eq!(names(&log), [(1, 5, "R1".into()), (2, 5, "R2".into())]);
    assert_eq!(log.number_of(&RequestId::new("R2").unwrap()), Some(OrderNo(2)));
}

#[test]
fn a_request_that_comes_twice_in_one_message_is_refused() {
    let twice = append(1, 0, (0, 0), &[(1, 1, 7), (2, 1, 8), (3, 1, 7)]);
    let request_id = RequestId::new("R7").unwrap();
    let refused = Contradiction::NumberedTwice(request_id, OrderNo(1), OrderNo(3));
    assert_eq!(plan(&OrderLog::default(), &twice), Err(refused));
    let once = append(1, 0, (0, 0), &[(1, 1, 7), (2, 1, 8)]);
    assert!(plan(&OrderLog::default(), &once).is_ok());
}
