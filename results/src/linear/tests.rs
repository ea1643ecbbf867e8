//! The search against hand-written histories, and against the definition on random ones.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use wire::bazaar::TradeType::{Buy, Sell};

use super::testing::{History, initial, random};
use super::{
    Action, Budget, Decision, Explanation, Model as _, Stock, StockHistory, explain, reference,
    search,
};

#[track_caller]
fn assert_legal(history: &History) {
    let history = history.get();
    let Decision::Linearizable(order) = search(&history, Budget::default()) else {
        panic!("no order was found of {history:#?}");
    };
    assert_explains(&history, &order);
}

/// The order is one: it keeps to real time, and every answer fits.
#[track_caller]
fn assert_explains(history: &StockHistory, order: &[usize]) {
    let mut stock = history.initial;
    for (position, &place) in order.iter().enumerate() {
        let operation = history.operations[place];
        stock = stock.after(operation.action).expect("every answer fits");
        for &earlier in &order[..position] {
            let called_us = history.operations[earlier].call_us;
            assert!(operation.return_us.is_none_or(|at_us| at_us >= called_us));
        }
    }
    let mut placed = order.to_vec();
    placed.sort_unstable();
    placed.dedup();
    assert_eq!(placed.len(), order.len(), "nothing is placed twice");
    let all = history.operations.iter().enumerate();
    for (place, operation) in all.filter(|(_, operation)| !operation.is_optional()) {
        assert!(placed.binary_search(&place).is_ok(), "{place} is missing: {operation:?}");
    }
}

#[track_caller]
fn assert_illegal(history: &History) {
    assert_eq!(search(&history.get(), Budget::default()), Decision::NotLinearizable);
}

#[test]
fn an_empty_history_has_an_order() {
    assert_legal(&History::new());
}

#[test]
fn a_stale_read_has_no_place() {
    let mut history = History::new();
    history.trade(1, Buy, 3, (10, 20));
    history.read(2, 97, 3, (21, 30));
    assert_legal(&history);
    history.read(2, 100, 0, (31, 40));
    assert_illegal(&history);
}

#[test]
fn a_lost_update_has_no_place() {
    let mut history = History::new();
    history.trade(1, Buy, 3, (10, 20));
    history.trade(2, Buy, 5, (10, 20));
    history.read(3, 92, 8, (30, 40));
    assert_legal(&history);

    let mut lost = History::new();
    lost.trade(1, Buy, 3, (10, 20));
    lost.trade(2, Buy, 5, (10, 20));
    lost.read(3, 95, 5, (30, 40));
    assert_illegal(&lost);
}

#[test]
fn a_trade_that_was_applied_twice_has_no_place() {
    let mut history = History::new();
    history.trade(1, Buy, 3, (10, 20));
    history.read(2, 94, 6, (30, 40));
    assert_illegal(&history);
}

#[test]
fn a_refusal_needs_a_moment_at_which_it_was_right() {
    let mut history = History::new();
    history.refused(1, Sell, 1, (10, 20));
    history.trade(2, Buy, 3, (30, 40));
    assert_legal(&history);
    history.refused(1, Sell, 3, (50, 60));
    assert_illegal(&history);

    let mut between = History::new();
    between.trade(1, Buy, 98, (10, 50));
    between.trade(2, Sell, 98, (10, 50));
    between.refused(3, Buy, 3, (20, 30));
    assert_legal(&between);
    between.read(4, 100, 0, (40, 60));
    assert_illegal(&between);
}

#[test]
fn an_acknowledged_trade_must_have_been_possible() {
    let mut history = History::new();
    history.trade(1, Sell, 1, (10, 20));
    assert_illegal(&history);
    history.trade(2, Buy, 1, (15, 30));
    assert_legal(&history);
}

#[test]
fn an_unknown_trade_may_take_effect_late_or_never() {
    let mut history = History::new();
    history.unknown(1, Buy, 3, 10);
    history.read(2, 100, 0, (20, 30));
    assert_legal(&history);
    history.read(2, 97, 3, (1_000, 1_010));
    assert_legal(&history);
    history.read(2, 100, 0, (1_020, 1_030));
    assert_illegal(&history);
}

#[test]
fn an_unknown_trade_does_not_take_effect_before_its_call_nor_twice() {
    let mut early = History::new();
    early.read(2, 97, 3, (0, 9));
    early.unknown(1, Buy, 3, 10);
    assert_illegal(&early);

    let mut twice = History::new();
    twice.unknown(1, Buy, 3, 10);
    twice.read(2, 94, 6, (20, 30));
    assert_illegal(&twice);
    twice.unknown(3, Buy, 3, 11);
    assert_legal(&twice);
}

#[test]
fn intervals_are_closed() {
    let mut history = History::new();
    history.trade(1, Buy, 3, (10, 20));
    history.read(2, 100, 0, (20, 30));
    assert_legal(&history);

    let mut instant = History::new();
    instant.read(2, 100, 0, (10, 10));
    instant.trade(1, Buy, 3, (10, 10));
    instant.read(3, 97, 3, (10, 10));
    assert_legal(&instant);
    instant.read(3, 100, 0, (11, 11));
    assert_illegal(&instant);
}

#[test]
fn reads_during_a_trade_may_show_either_state_but_only_once_go_over() {
    let mut history = History::new();
    history.trade(1, Buy, 3, (10, 100));
    history.read(2, 97, 3, (20, 50));
    history.read(3, 100, 0, (20, 50));
    assert_legal(&history);
    history.read(3, 100, 0, (51, 60));
    assert_illegal(&history);
}

#[test]
fn reads_may_force_the_order_of_concurrent_trades() {
    let mut history = History::new();
    history.trade(1, Buy, 1, (10, 50));
    history.trade(2, Buy, 2, (10, 50));
    history.trade(3, Buy, 4, (10, 50));
    history.read(4, 96, 4, (20, 30));
    history.read(4, 94, 6, (31, 40));
    assert_legal(&history);
    history.read(5, 99, 1, (10, 60));
    assert_illegal(&history);
}

#[test]
fn a_known_stock_is_always_found() {
    let mut history = History::new();
    history.push(1, Action::NotFound, 10, Some(20));
    assert_illegal(&history);
}

#[test]
fn a_history_that_costs_too_much_is_undecided() {
    // Volumes that no read shows: only the sum is wrong, and every subset is tried.
    let mut history = History::new();
    for index in 0..18 {
        history.trade(index, Buy, index + 1, (10, 50));
    }
    history.read(99, 100, 0, (60, 70));
    assert!(matches!(search(&history.get(), Budget::default()), Decision::NotLinearizable));

    let mut open = History::new();
    for index in 0..12 {
        open.unknown(index, Buy, index + 1, 10);
    }
    open.read(99, 100, 1_000, (60, 70));
    let few_states = Budget { states: 100, ..Budget::default() };
    assert_eq!(
        search(&open.get(), few_states),
        Decision::Undecided("more states than may be remembered")
    );
    let little_work = Budget { work: 1_000, ..Budget::default() };
    assert_eq!(search(&open.get(), little_work), Decision::Undecided("more work than it may cost"));
    assert_eq!(explain(&open.get(), little_work), None);
}

/// The parts of an explanation are what they say.
fn assert_explained(history: &StockHistory, explanation: &Explanation<Stock>) {
    let Explanation { culprit, prefix, part } = explanation;
    let part_of =
        |without: Option<usize>| StockHistory {
            initial: part.initial,
            operations: part
                .required
                .iter()
                .filter(|&&place| Some(place) != without)
                .map(|&place| history.operations[place])
                .chain(part.optional.iter().map(|&place| super::Operation {
                    return_us: None,
                    ..history.operations[place]
                }))
                .collect(),
        };
    assert!(part.required.contains(culprit));
    assert!(!reference::is_linearizable(&part_of(None)), "the part has no order");
    assert!(reference::is_linearizable(&part_of(Some(*culprit))), "without the culprit it has");
    let mut stock = history.initial;
    for &place in prefix {
        stock = stock.after(history.operations[place].action).expect("the prefix fits");
    }
    let culprit_us = history.operations[*culprit].return_us.expect("a culprit was answered");
    for (place, operation) in history.operations.iter().enumerate() {
        if operation.return_us.is_some_and(|at_us| at_us < culprit_us) {
            assert!(prefix.contains(&place), "the prefix holds what was answered before");
        }
    }
}

#[test]
fn on_random_histories_the_search_agrees_with_the_definition() {
    const HISTORIES: u32 = 6_000;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut legal = 0;
    for round in 0..HISTORIES {
        let length = rng.random_range(5..=8);
        let history = random(&mut rng, length);
        let expected = reference::is_linearizable(&history);
        match search(&history, Budget::default()) {
            Decision::Linearizable(order) => {
                assert!(expected, "round {round}: {history:#?}");
                assert_explains(&history, &order);
                legal += 1;
            }
            Decision::NotLinearizable => {
                assert!(!expected, "round {round}: {history:#?}");
                let explanation = explain(&history, Budget::default()).expect("it has no order");
                assert_explained(&history, &explanation);
            }
            Decision::Undecided(why) => panic!("round {round}: {why}"),
        }
    }
    let share = f64::from(legal) / f64::from(HISTORIES);
    assert!((0.2..0.8).contains(&share), "{share} of the histories have an order");
}

/// The cost must grow with the operations, not with their combinations.
#[test]
fn a_long_history_costs_little_more_than_to_read_it() {
    const OPERATIONS: u64 = 20_000;
    let mut history = History::new();
    let mut stock = initial();
    for step in 0..OPERATIONS {
        // Ten are under way at any time.
        let (call_us, return_us) = (step * 10, step * 10 + 95);
        let quantity = u32::try_from(step * 7 % 9 + 1).unwrap();
        let trade_type = if step % 3 == 0 { Sell } else { Buy };
        let trade = Action::Trade { trade_type, quantity };
        if step % 2 == 0 {
            history.read(1, stock.quantity, stock.volume, (call_us, return_us));
        } else if step % 1_001 == 0 {
            history.unknown(1, trade_type, quantity, call_us);
            stock = stock.after(trade).filter(|_| step % 4 == 1).unwrap_or(stock);
        } else if let Some(after) = stock.after(trade) {
            history.trade(1, trade_type, quantity, (call_us, return_us));
            stock = after;
        } else {
            history.refused(1, trade_type, quantity, (call_us, return_us));
        }
    }
    let small = Budget { work: OPERATIONS * 100, states: 50_000 };
    let Decision::Linearizable(order) = search(&history.get(), small) else {
        panic!("no order was found within {small:?}");
    };
    assert!(order.len() as u64 > OPERATIONS * 9 / 10);
}

#[test]
fn the_beginning_is_the_stock_of_the_manifest() {
    let mut history = History::new();
    history.read(1, initial().quantity, initial().volume, (1, 2));
    assert_legal(&history);
}
