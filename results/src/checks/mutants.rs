//! Right histories, drawn from a seed, and what is found once one thing is damaged in them.
//!
//! The checks of what a target holds and whether it goes on are held to finding exactly what is theirs, and
//! to naming the process and the order; and to finding nothing where all is right. Which of them a damage
//! belongs to depends on what was promised: an order that one replica lacks is none of anybody's business
//! where each keeps a part.

use std::collections::BTreeSet;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use wire::bazaar::TradeType::{self, Buy, Sell};

use super::testing::Trial;
use super::{
    CheckResult, availability_demand, deadlock, replica_sets, replicas, state_agreement,
    stock_agreement, stock_orders,
};
use crate::records::{
    Acknowledged, Action, Fact, FinalKind, FinalRow, Op, Outcome, Promises, Replication, Target,
};
use crate::verdict::Verdict;

/// How many histories are drawn for each kind of damage.
const DRAWN: u64 = 25;
const TOLD: &str = state_agreement::CHECK.name;
const SAME: &str = replica_sets::CHECK.name;
/// It compares what the processes say to have in order, number by number, where that is promised.
const IDENTICAL: &str = replicas::CHECK.name;
const STOCKS: &str = stock_agreement::CHECK.name;
const EXPLAINED: &str = stock_orders::CHECK.name;
const DEADLOCK: &str = deadlock::CHECK.name;

/// What a service tells that keeps orders at three processes and stocks at two, and knows no leaders.
const TELLS: [Fact; 6] = [
    Fact::Queries,
    Fact::Trades,
    Fact::Quantity,
    Fact::OrderNumbers,
    Fact::StatusCodes,
    Fact::NoRestock,
];
const REPLICAS: [&str; 3] = ["order-1", "order-2", "order-3"];
/// No trade of a history is of so many: what is changed to it is no other trade's.
const NOBODY_S: u32 = 77;

/// What is promised of the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promised {
    /// All hold all, in one order.
    Everything,
    /// All hold the same; which that is is not promised.
    SameSet,
    /// Each holds a part.
    Parts,
}

const PROMISED: [Promised; 3] = [Promised::Everything, Promised::SameSet, Promised::Parts];

impl Promised {
    fn promises(self) -> Promises {
        let (replicated_orders, acknowledged) = match self {
            Self::Everything => (Replication::Identical, Acknowledged::Durable),
            Self::SameSet => (Replication::SameSet, Acknowledged::MayBeLost),
            Self::Parts => (Replication::Partitioned, Acknowledged::Durable),
        };
        Promises { replicated_orders, acknowledged, gapless: false, ..Promises::default() }
    }
}

/// What becomes of a history.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A replica lacks an order that was acknowledged.
    LostAt,
    /// All of them do.
    Lost,
    /// A replica has two orders the other way round.
    Swapped,
    /// A replica has another quantity.
    ChangedAt,
    /// All of them have.
    Changed,
    /// A replica has an order that nobody asked for.
    InventedAt,
    /// All of them have.
    Invented,
    /// One of two that keep the stocks has another quantity of one.
    StockChanged,
    /// It lacks one.
    StockLost,
}

const DAMAGES: [Damage; 9] = [
    Damage::LostAt,
    Damage::Lost,
    Damage::Swapped,
    Damage::ChangedAt,
    Damage::Changed,
    Damage::InventedAt,
    Damage::Invented,
    Damage::StockChanged,
    Damage::StockLost,
];

impl Damage {
    /// The checks that it is for, by what was promised.
    fn found_by(self, promised: Promised) -> BTreeSet<&'static str> {
        let found: &[&str] = match (self, promised) {
            (Self::LostAt | Self::ChangedAt | Self::InventedAt, Promised::Everything) => {
                &[TOLD, SAME, IDENTICAL]
            }
            (Self::LostAt | Self::Swapped, Promised::Parts) => &[],
            (Self::Lost | Self::Swapped, Promised::SameSet) => &[],
            (Self::LostAt, Promised::SameSet) | (Self::Swapped, Promised::Everything) => &[SAME],
            (Self::ChangedAt | Self::InventedAt, Promised::Parts) => &[TOLD],
            (Self::ChangedAt | Self::InventedAt, Promised::SameSet) => &[TOLD, SAME],
            (Self::Lost | Self::Changed | Self::Invented, _) => &[TOLD],
            (Self::StockChanged | Self::StockLost, _) => &[STOCKS],
        };
        found.iter().copied().collect()
    }

    /// Does it, and returns what the evidence must name: a process, if it is done at one, and what of its.
    fn apply(self, trial: &mut Trial, dice: &mut Xoshiro256PlusPlus) -> (Option<String>, String) {
        let replica = REPLICAS[dice.random_range(0..REPLICAS.len())];
        let numbers: Vec<u64> = trial.observations.iter().filter_map(|row| row.order_no).collect();
        let number = numbers[dice.random_range(0..numbers.len())];
        let is_it = |row: &FinalRow| row.order_no == Some(number) && row.kind == FinalKind::Order;
        let at_one = |row: &FinalRow| is_it(row) && row.source == replica;
        let order = format!("order {number}");
        match self {
            Self::LostAt => trial.finals.retain(|row| !at_one(row)),
            Self::Lost => trial.finals.retain(|row| !is_it(row)),
            Self::Swapped => return (Some(replica.to_owned()), swap(trial, replica, dice)),
            Self::ChangedAt => change(trial, at_one),
            Self::Changed => change(trial, is_it),
            Self::InventedAt => {
                return (Some(replica.to_owned()), invent(trial, number, at_one));
            }
            Self::Invented => return (None, invent(trial, number, is_it)),
            Self::StockChanged | Self::StockLost => {
                let stock = ["Stock1", "Stock2"][dice.random_range(0..2)];
                let place = trial.finals.iter().rposition(|row| {
                    row.source == "front-end" && row.stock_name.as_deref() == Some(stock)
                });
                if matches!(self, Self::StockLost) {
                    trial.finals.remove(place.unwrap());
                } else {
                    let held = &mut trial.finals[place.unwrap()].quantity_after;
                    *held = held.map(|quantity| quantity + dice.random_range(1..9));
                }
                return (Some("front-end".to_owned()), stock.to_owned());
            }
        }
        let is_at_one = matches!(self, Self::LostAt | Self::ChangedAt);
        (is_at_one.then(|| replica.to_owned()), order)
    }
}

/// Two rows of a replica change places. Returns the number of the one that is read first then.
fn swap(trial: &mut Trial, replica: &str, dice: &mut Xoshiro256PlusPlus) -> String {
    let of_it = |row: &FinalRow| row.source == replica && row.kind == FinalKind::Order;
    let rows = trial.finals.iter().enumerate().filter(|(_, row)| of_it(row));
    let places: Vec<usize> = rows.map(|(place, _)| place).collect();
    let first = dice.random_range(0..places.len() - 1);
    let second = dice.random_range(first + 1..places.len());
    trial.finals.swap(places[first], places[second]);
    format!("order {}", trial.finals[places[first]].order_no.unwrap())
}

fn change(trial: &mut Trial, is_it: impl Fn(&FinalRow) -> bool) {
    for row in trial.finals.iter_mut().filter(|row| is_it(row)) {
        row.quantity = Some(NOBODY_S);
    }
}

/// Adds orders like these, of a content and a number that are nobody's.
fn invent(trial: &mut Trial, number: u64, is_it: impl Fn(&FinalRow) -> bool) -> String {
    let new = number + 1_000;
    let alike: Vec<FinalRow> = trial.finals.iter().filter(|row| is_it(row)).cloned().collect();
    let invented = alike.into_iter().map(|row| FinalRow {
        order_no: Some(new),
        quantity: Some(NOBODY_S),
        ..row
    });
    trial.finals.extend(invented);
    format!("order {new}")
}

/// A history in which everything is right: trades that were acknowledged, that were refused, of which nobody knows
/// the outcome, done or not, and reads. Time goes on in steps of a millisecond.
fn history(promised: Promised, dice: &mut Xoshiro256PlusPlus) -> Trial {
    let mut trial = Trial::new();
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let target = Target::new("toy", TELLS, promised.promises())
        .holding(names(&REPLICAS), names(&["catalog", "front-end"]));
    trial.manifest.target = Some(target);
    trial.manifest.ping_timeout_ms = None;
    for nth in 0..dice.random_range(12..40_u64) {
        let interval = (10_000 + nth * 1_000, 10_000 + nth * 1_000 + dice.random_range(1..900));
        let (client, id) = (dice.random_range(1..6), format!("r{nth}"));
        match dice.random_range(0..10) {
            0 => trial.read(client, "Stock1", interval),
            1 => trial.attempt(client, &id, Outcome::Rejected, interval),
            2 => trial.attempt(client, &id, Outcome::Unknown, interval),
            3 => {
                trade(&mut trial, client, &id, interval, dice);
                let row = trial.observations.last_mut().unwrap();
                (row.outcome, row.order_no, row.status) = (Outcome::Unknown, None, None);
            }
            _ => trade(&mut trial, client, &id, interval, dice),
        }
    }
    // Three, so that there are some whatever was drawn.
    for nth in 100..103 {
        let interval = (nth * 1_000, nth * 1_000 + 500);
        trade(&mut trial, 1, &format!("r{nth}"), interval, dice);
    }
    trial.finals.retain(|row| row.kind != FinalKind::Applied);
    for row in &mut trial.finals {
        row.request_id = None;
    }
    let of_stocks = |row: &&FinalRow| row.source == "catalog";
    let copies: Vec<FinalRow> = trial.finals.iter().filter(of_stocks).cloned().collect();
    trial
        .finals
        .extend(copies.into_iter().map(|row| FinalRow { source: "front-end".into(), ..row }));
    trial
}

/// A trade that leaves neither too little nor too much of its stock.
fn trade(
    trial: &mut Trial,
    client: u32,
    id: &str,
    interval: (u64, u64),
    dice: &mut Xoshiro256PlusPlus,
) {
    let stock = ["Stock1", "Stock2"][dice.random_range(0..2)];
    let quantity = dice.random_range(1..9);
    let held = trial.stock_mut(stock).quantity_after.unwrap();
    let side: TradeType = if held >= 50 { Buy } else { Sell };
    trial.trade(client, id, side, quantity, stock, interval);
}

fn failed(checks: &[CheckResult]) -> BTreeSet<&str> {
    let failed = checks.iter().filter(|check| check.violations > 0);
    failed.map(|check| check.name.as_str()).collect()
}

/// Whether some evidence names the process, if there is one, and the order or stock.
fn is_named(checks: &[CheckResult], process: Option<&str>, what: &str) -> bool {
    // `order 12` in the words of one check is `#12` in those of another.
    let number = what.strip_prefix("order ").map(|number| format!("#{number}"));
    let has = |said: &str, word: &str| {
        said.match_indices(word)
            .any(|(at, _)| !said[at + word.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    checks.iter().flat_map(|check| &check.evidence).any(|found| {
        let names_it = has(&found.what, what) || number.iter().any(|word| has(&found.what, word));
        names_it && process.is_none_or(|process| has(&found.what, process))
    })
}

fn dice(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

#[test]
fn a_right_history_stays_clean() {
    for (seed, promised) in (0..DRAWN).flat_map(|seed| PROMISED.map(|promised| (seed, promised))) {
        let report = history(promised, &mut dice(seed)).report();
        assert_eq!(failed(&report.checks), BTreeSet::new(), "{seed} {promised:?}");
        let passed = |name: &str| {
            let check = report.checks.iter().find(|check| check.name == name).unwrap();
            check.verdict == Some(Verdict::Pass)
        };
        assert!(passed(TOLD) && passed(STOCKS) && passed(DEADLOCK), "{seed} {promised:?}");
        assert_eq!(passed(SAME), promised != Promised::Parts, "{seed} {promised:?}");
    }
}

#[test]
fn each_damage_is_found_by_the_checks_that_it_is_for_and_by_no_other() {
    for damage in DAMAGES {
        for (seed, promised) in
            (0..DRAWN).flat_map(|seed| PROMISED.map(|promised| (seed, promised)))
        {
            let mut dice = dice(seed);
            let mut trial = history(promised, &mut dice);
            let (process, what) = damage.apply(&mut trial, &mut dice);
            let checks = trial.report().checks;
            let expected = damage.found_by(promised);
            let story = format!("{damage:?} of {what} at {process:?}, {promised:?}, seed {seed}");
            assert_eq!(failed(&checks), expected, "{story}");
            if !expected.is_empty() {
                let evidence: Vec<_> = checks.iter().flat_map(|check| &check.evidence).collect();
                assert!(is_named(&checks, process.as_deref(), &what), "{story}: {evidence:#?}");
            }
        }
    }
}

/// A history of a service that says besides which stocks it begins with.
fn history_from_the_beginning(promised: Promised, dice: &mut Xoshiro256PlusPlus) -> Trial {
    let mut trial = history(promised, dice);
    let target = trial.manifest.target.take().unwrap();
    let holding = (target.orders_of().to_vec(), target.stocks_of().to_vec());
    let tells = TELLS.into_iter().chain([Fact::InitialStocks]);
    let target = Target::new("toy", tells, promised.promises()).holding(holding.0, holding.1);
    trial.manifest.target = Some(target);
    trial
}

#[test]
fn a_trade_that_was_applied_and_not_logged_is_found_by_what_orders_explain_and_by_nothing_else() {
    for (seed, promised) in (0..DRAWN)
        .flat_map(|seed| [Promised::Everything, Promised::Parts].map(|promised| (seed, promised)))
    {
        let mut trial = history_from_the_beginning(promised, &mut dice(seed));
        let right = trial.report();
        assert_eq!(failed(&right.checks), BTreeSet::new(), "{seed} {promised:?}");
        let explained = right.checks.iter().find(|check| check.name == EXPLAINED).unwrap();
        assert_eq!(explained.verdict, Some(Verdict::Pass), "{seed} {promised:?}");

        trial.attempt(7, "half-done", Outcome::Unknown, (200_000, 200_900));
        for row in &mut trial.finals {
            if row.kind == FinalKind::Stock && row.stock_name.as_deref() == Some("Stock1") {
                row.quantity_after = row.quantity_after.map(|quantity| quantity - 1);
            }
        }
        let checks = trial.report().checks;
        assert_eq!(failed(&checks), [EXPLAINED].into(), "{seed} {promised:?}");
        assert!(is_named(&checks, Some("catalog"), "Stock1"), "{seed} {promised:?}");
    }
}

/// Nothing is answered any more: so many clients ask and wait for 6 s. Returns when the last answer came.
fn silence(trial: &mut Trial, op: Op, clients: u32) -> u64 {
    let last_us = trial.observations.iter().map(|row| row.end_us).max().unwrap();
    for client in 1..=clients {
        let from_us = last_us + u64::from(client);
        trial.unanswered(client, op, "Stock1", None, (from_us, from_us + 6_000_000));
    }
    last_us
}

#[test]
fn silence_with_everything_up_is_a_deadlock_from_the_last_answer_on() {
    for seed in 0..DRAWN {
        let mut dice = dice(seed);
        let mut trial = history(Promised::Everything, &mut dice);
        let op = [Op::Query, Op::Trade][dice.random_range(0..2)];
        let last_us = silence(&mut trial, op, dice.random_range(3..9));
        let checks = trial.report().checks;
        // In a history with trades it follows that these do not go on.
        let expected = [DEADLOCK, availability_demand::CHECK.name].into();
        assert_eq!(failed(&checks), expected, "{seed}");
        let found = checks.iter().find(|check| check.name == DEADLOCK).unwrap();
        assert_eq!(found.evidence[0].at_us, Some(last_us), "{seed}");
    }
}

#[test]
fn silence_that_ends_or_has_a_reason_or_that_nobody_met_is_no_deadlock() {
    for seed in 0..DRAWN {
        let mut ends = history(Promised::Everything, &mut dice(seed));
        let last_us = silence(&mut ends, Op::Query, 5);
        ends.read(9, "Stock1", (last_us + 6_000_000, last_us + 6_500_000));
        let mut broken = history(Promised::Everything, &mut dice(seed));
        let last_us = silence(&mut broken, Op::Query, 5);
        broken.settle(last_us + 8_000_000, last_us + 9_000_000);
        broken.fault(last_us, Action::Pause, "order-1");
        let mut alone = history(Promised::Everything, &mut dice(seed));
        silence(&mut alone, Op::Query, 2);
        for trial in [ends, broken, alone] {
            assert!(!failed(&trial.report().checks).contains(DEADLOCK), "{seed}");
        }
    }
}
