//! What was asked while everything that it needs was up was answered: reads, trades and lookups, each
//! kind by itself and each stock by itself.
//!
//! One acknowledged trade in a second is progress, and a bazaar that answers one trade in twenty keeps
//! every promise about those. *Otherwise: 19 of 20 trades time out, every query of one stock is an error,
//! or the front-end refuses for good what only one replica could not do, and every check passes.*
//!
//! Of the operations that were [due](super::due) [`ANSWERED_PERCENT`](super::share::ANSWERED_PERCENT) must be answered, a well-formed no
//! included. Less is a failure where the services are to blame, and inconclusive where nobody can tell.
//!
//! Two things are asked of every single operation. After the load every acknowledged order is looked up,
//! with everything healed: each of these lookups must be answered. And an answer must be one to what was
//! asked: a 200 that shows another stock, another order or nothing that can be read is a violation,
//! whenever it comes, and so is the word that a stock is not there which the bazaar began with.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::check::{Check, Finding};
use super::due::{Asked, Fate};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::{self, InconclusiveReason};
use super::index::Request;
use super::part::Part;
use super::rows::Operation;
use super::share::{Share, Totals};
use crate::records::{Fact, Op, Outcome, Phase};
use crate::summary::OPS;

pub(super) const CHECK: Check = Check {
    name: "answered-while-possible",
    claim: "operations are answered whenever they can be",
    parts: &[DUE, EVERY_ORDER, KNOWN_STOCKS, TO_THE_POINT],
    needs: &[],
    examine,
    count: None,
};

/// The same of registers and logs, of which there are no orders to be looked up.
pub(super) const OF_KEYS: Check = Check { parts: &[DUE, TO_THE_POINT], ..CHECK };

const DUE: Part = Part::new("operations that are due are answered", &[]);
const EVERY_ORDER: Part = Part::new(
    "acknowledged orders can be looked up after the load",
    &[Fact::Trades, Fact::OrderNumbers, Fact::Lookups],
);
const KNOWN_STOCKS: Part =
    Part::new("no stock of the beginning is unknown", &[Fact::Queries, Fact::InitialStocks]);
const TO_THE_POINT: Part = Part::new("a 200 answers what was asked", &[Fact::StatusCodes]);

/// So many operations of one stock must have been due for the stock to be asked about by itself.
const MIN_OF_STOCK: u64 = 20;
/// The HTTP status of an answer.
const OK: u16 = 200;

fn examine(history: &History<'_>, finding: &mut Finding) {
    something_else(history, finding);
    if inconclusive::every_fault_is_told(history) {
        what_was_due(history, finding);
    }
}

fn what_was_due(history: &History<'_>, finding: &mut Finding) {
    let asked = Asked::new(history);
    let mut totals = Totals::default();
    for op in OPS {
        let of_kind = history.operations.iter().filter(|one| one.row.op == op);
        let mut kind = Share::default();
        let mut stocks: BTreeMap<&str, Share<'_>> = BTreeMap::new();
        for operation in of_kind {
            let fate = asked.fate(operation);
            totals.count(fate);
            kind.add(operation, fate);
            if let Some(stock) = stock_of(history, operation) {
                stocks.entry(stock).or_default().add(operation, fate);
            }
        }
        let what = in_plural(op);
        if kind.is_enough() {
            let many = stocks.into_iter().filter(|(_, share)| share.due >= MIN_OF_STOCK);
            for (stock, share) in many {
                share.judge(&format!("{what} of {stock}"), history, finding);
            }
        } else {
            kind.judge(what, history, finding);
        }
    }
    if history.can(&EVERY_ORDER) {
        at_the_end(history, &asked, finding);
    }
    totals.tell(finding);
}

fn in_plural(op: Op) -> &'static str {
    if op == Op::Query { "reads" } else { op.plural() }
}

/// The stock that it is about; of a lookup that of the trade whose order it asks for.
fn stock_of<'a>(history: &History<'a>, operation: &'a Operation) -> Option<&'a str> {
    let row = &operation.row;
    if row.op != Op::Lookup {
        return row.stock_name.as_deref().or_else(|| row.key());
    }
    history.sent_as(operation).next()?.row.stock_name.as_deref()
}

/// Every acknowledged order is looked up once the load is over and everything healed.
fn at_the_end(history: &History<'_>, asked: &Asked<'_>, finding: &mut Finding) {
    let last = || history.lookups.iter().filter(|lookup| lookup.row.phase == Phase::Lookup);
    let asked_for = |lookup: &&Operation| {
        let request = history.requests.find(lookup.row.request_id.as_deref()?)?;
        Some((request, lookup.row.order_no?))
    };
    // Lookups that are too few are told of where the run is read.
    if last().count() >= history.acknowledged.len() {
        let mut looked_up: HashSet<(Request, u64)> = HashSet::with_capacity(history.lookups.len());
        looked_up.extend(last().filter_map(asked_for));
        let acknowledged = history.acknowledged.iter();
        let others = acknowledged
            .filter(|trade| !looked_up.contains(&(trade.request, trade.order_no())))
            .count();
        if others > 0 {
            finding.inconclusive(InconclusiveReason::LookupsOfOthers(others));
        }
    }
    for lookup in last().filter(|lookup| !lookup.row.outcome.is_answer()) {
        let number = lookup.row.order_no.unwrap_or_default();
        match asked.fate(lookup) {
            Fate::Refused => finding.violation(|| {
                let what = format!(
                    "#{number} was looked up after the load, with everything up, and the lookup was not \
                     answered"
                );
                Violation::new(history, what).at(history, lookup.row.start_us).operation(lookup)
            }),
            Fate::Answered | Fate::NotDue | Fate::Excused | Fate::Silent => {
                finding.inconclusive(InconclusiveReason::LookupUnanswered);
            }
        }
    }
}

/// Answers to something that nobody had asked, and that a stock is not there which was from the beginning.
fn something_else(history: &History<'_>, finding: &mut Finding) {
    let known: BTreeSet<_> = history.stocks.iter().map(|stock| stock.stock_name.as_str()).collect();
    for operation in history.operations {
        let row = &operation.row;
        let stock = row.stock_name.as_deref().filter(|stock| known.contains(stock));
        let what = match (row.op, row.outcome, stock) {
            (_, Outcome::Failed | Outcome::Unknown, _)
                if row.status == Some(OK) && history.can(&TO_THE_POINT) =>
            {
                let why = row.reason.as_deref().unwrap_or("observations.csv does not say why");
                format!("an answer is none to what was asked: {why}")
            }
            (Op::Query, Outcome::Rejected, Some(stock)) if history.can(&KNOWN_STOCKS) => {
                format!("{stock} was not found, though the trial began with it")
            }
            _ => continue,
        };
        finding.violation(|| {
            Violation::new(history, what).at(history, row.end_us).operation(operation)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{Action, EventKind};
    use wire::bazaar::TradeType::{Buy, Sell};

    const MS: u64 = 1_000;
    const S: u64 = 1_000_000;

    /// Everybody is in sync.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.events.retain(|event| event.event == EventKind::Finished);
        trial.event(10, EventKind::LeaderChanged).in_sync = Some("1 2 3".parse().unwrap());
        trial
    }

    /// Each of so many operations takes 1 ms, one after another, from a moment on.
    fn each(from_us: u64, count: u64) -> impl Iterator<Item = (u64, (u64, u64))> {
        (0..count).map(move |index| {
            let at_us = from_us + index * 2 * MS;
            (index, (at_us, at_us + MS))
        })
    }

    fn trade(trial: &mut Trial, index: u64, interval: (u64, u64)) {
        let trade_type = if index.is_multiple_of(2) { Buy } else { Sell };
        let request_id = format!("r{index}/{}", interval.0);
        trial.trade(1, &request_id, trade_type, 1, "Stock1", interval);
    }

    fn trades(trial: &mut Trial, from_us: u64, count: u64) {
        each(from_us, count).for_each(|(index, interval)| trade(trial, index, interval));
    }

    fn reads(trial: &mut Trial, stock: &str, from_us: u64, count: u64) {
        each(from_us, count).for_each(|(_, interval)| trial.read(2, stock, interval));
    }

    fn errors(trial: &mut Trial, op: Op, stock: &str, from_us: u64, count: u64) {
        for (_, interval) in each(from_us, count) {
            trial.unanswered(3, op, stock, Some(500), interval);
        }
    }

    #[test]
    fn one_trade_in_a_hundred_may_go_wrong_and_not_two() {
        let mut trial = trial();
        trades(&mut trial, S, 198);
        errors(&mut trial, Op::Trade, "Stock1", 2 * S, 2);
        assert_passes(&trial.check(&CHECK));
        errors(&mut trial, Op::Trade, "Stock1", 3 * S, 1);
        assert_fails(&trial.check(&CHECK), "198 of 201 trades were answered");
    }

    #[test]
    fn nineteen_of_twenty_trades_that_nobody_answers_fail() {
        let mut trial = trial();
        for (index, interval) in each(S, 400) {
            if index % 20 == 0 {
                trade(&mut trial, index / 20, interval);
            } else {
                trial.unanswered(3, Op::Trade, "Stock1", None, interval);
            }
        }
        // Others are served while they wait.
        for (_, (from_us, _)) in each(S, 400) {
            trial.read(2, "Stock1", (from_us + 100, from_us + 200));
        }
        assert_fails(&trial.check(&CHECK), "20 of 400 trades were answered");
    }

    #[test]
    fn after_the_healing_one_trade_of_984_is_too_few() {
        let mut trial = trial();
        trades(&mut trial, S, 300);
        trial.fault(3 * S, Action::Kill, "order-3");
        trial.fault(4 * S, Action::Restart, "order-3");
        trial.settle(5 * S, 60 * S);
        trades(&mut trial, 6 * S, 1);
        for (_, interval) in each(7 * S, 983) {
            trial.unanswered(3, Op::Trade, "Stock1", None, interval);
            trial.read(2, "Stock2", (interval.0 + 10, interval.0 + 20));
        }
        assert_fails(&trial.check(&CHECK), "301 of 1284 trades were answered");
    }

    #[test]
    fn nothing_is_demanded_of_services_that_the_harness_stops() {
        let cut_short_at = |at_us: u64| {
            let mut trial = trial();
            trades(&mut trial, S, 50);
            reads(&mut trial, "Stock1", S, 50);
            // The services are killed under these; one of the same time was still served.
            trial.unanswered(3, Op::Trade, "Stock1", None, (2 * S, 3 * S));
            trial.unanswered(4, Op::Query, "Stock1", None, (2 * S, 3 * S));
            trade(&mut trial, 50, (2 * S + MS, 2 * S + 2 * MS));
            trial.unfinish();
            trial.event(at_us, EventKind::Interrupted);
            trial.check(&CHECK)
        };
        assert_inconclusive(&cut_short_at(2 * S + 500 * MS), "cut short");
        let after_both = cut_short_at(4 * S);
        assert_fails(&after_both, "51 of 52 trades were answered");
        assert_fails(&after_both, "50 of 51 reads were answered");
    }

    #[test]
    fn one_replica_of_three_that_is_killed_refuses_nobody_for_two_seconds() {
        let mut trial = trial();
        trades(&mut trial, S, 1_000);
        trial.fault(4 * S, Action::Kill, "order-3");
        for index in 0..6_607 {
            let at_us = 4 * S + index * 300;
            trial.unanswered(3, Op::Trade, "Stock1", Some(503), (at_us, at_us + 250));
        }
        trial.fault(6 * S, Action::Restart, "order-3");
        let result = trial.check(&CHECK);
        // Refusals are fine for as long as the bazaar may take to notice that a leader is dead.
        assert_fails(&result, "1000 of 3273 trades were answered");
        assert_eq!(result.examined[2].count, 4_334);
    }

    #[test]
    fn refusals_of_a_takeover_are_fine_and_are_counted() {
        let mut trial = trial();
        trades(&mut trial, S, 100);
        trial.fault(4 * S, Action::Kill, "order-3");
        errors(&mut trial, Op::Trade, "Stock1", 4 * S, 600);
        trades(&mut trial, 6 * S, 100);
        trial.fault(7 * S, Action::Restart, "order-3");
        errors(&mut trial, Op::Lookup, "Stock1", 7 * S, 100);
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[2].count, 700, "{:?}", result.examined);
    }

    #[test]
    fn nothing_is_demanded_where_the_only_replica_is_dead() {
        let mut trial = Trial::new();
        trial.manifest.replicas = 1;
        trial.event(10, EventKind::LeaderChanged).in_sync = Some("1".parse().unwrap());
        trades(&mut trial, S, 100);
        trial.fault(4 * S, Action::Kill, "order-1");
        errors(&mut trial, Op::Trade, "Stock1", 4 * S, 6_607);
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[2].count, 6_607);
    }

    #[test]
    fn reads_go_on_while_a_leader_is_replaced_and_not_while_the_catalog_is_down() {
        let mut leader = trial();
        reads(&mut leader, "Stock1", S, 100);
        leader.fault(4 * S, Action::Kill, "order-3");
        errors(&mut leader, Op::Query, "Stock1", 4 * S, 100);
        assert_fails(&leader.check(&CHECK), "100 of 200 reads were answered");

        let mut catalog = trial();
        reads(&mut catalog, "Stock1", S, 100);
        catalog.fault(4 * S, Action::Pause, "catalog");
        errors(&mut catalog, Op::Query, "Stock1", 4 * S, 100);
        catalog.fault(5 * S, Action::Resume, "catalog");
        errors(&mut catalog, Op::Query, "Stock1", 5 * S, 100);
        assert_passes(&catalog.check(&CHECK));
        errors(&mut catalog, Op::Query, "Stock1", 7 * S, 100);
        assert_fails(&catalog.check(&CHECK), "100 of 200 reads were answered");
    }

    #[test]
    fn what_is_asked_during_a_flood_is_to_be_answered_at_once() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 100);
        trial.fault(4 * S, Action::Flood, "front-end");
        errors(&mut trial, Op::Query, "Stock1", 4 * S + 10, 100);
        assert_fails(&trial.check(&CHECK), "100 of 200 reads were answered");
        trial.events.iter_mut().for_each(|event| {
            event.action = event.action.map(|_| Action::Slow);
        });
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_catalog_that_was_started_anew_shows_nothing_before_a_replica_could_list_it() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 100);
        for id in 1..=3 {
            trial.fault(3 * S, Action::Kill, &format!("order-{id}"));
        }
        trial.fault(4 * S, Action::Kill, "catalog");
        trial.fault(5 * S, Action::Restart, "catalog");
        errors(&mut trial, Op::Query, "Stock1", 7 * S, 100);
        assert_passes(&trial.check(&CHECK));
        trial.numbered_fault(1, 8 * S, Action::Restart, "order-1");
        errors(&mut trial, Op::Query, "Stock1", 10 * S, 100);
        assert_fails(&trial.check(&CHECK), "100 of 200 reads were answered");
    }

    #[test]
    fn a_stock_that_nobody_is_shown_fails_beside_a_hundred_that_work() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 3_000);
        errors(&mut trial, Op::Query, "Stock2", 2 * S, 19);
        assert_passes(&trial.check(&CHECK));
        errors(&mut trial, Op::Query, "Stock2", 3 * S, 1);
        assert_fails(&trial.check(&CHECK), "0 of 20 reads of Stock2 were answered");
    }

    #[test]
    fn errors_for_nine_of_ten_stocks_fail() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 100);
        for stock in 2..=10 {
            errors(&mut trial, Op::Query, &format!("Stock{stock}"), S * stock, 100);
        }
        assert_fails(&trial.check(&CHECK), "100 of 1000 reads were answered");
    }

    #[test]
    fn every_lookup_after_the_load_is_answered() {
        let mut trial = trial();
        trades(&mut trial, S, 400);
        let lookups: Vec<_> = each(5 * S, 400).collect();
        for &(index, interval) in &lookups {
            trial.lookup(1, &format!("r{index}/{}", S + index * 2 * MS), interval);
        }
        assert_passes(&trial.check(&CHECK));
        let last = trial.observations.last_mut().unwrap();
        (last.outcome, last.status) = (Outcome::Failed, Some(500));
        let result = trial.check(&CHECK);
        assert_fails(&result, "#400 was looked up after the load, with everything up");
        assert_eq!(result.violations, 1);
        for row in trial.observations.iter_mut().filter(|row| row.op == Op::Lookup) {
            (row.outcome, row.status) = (Outcome::Failed, Some(500));
        }
        assert_fails(&trial.check(&CHECK), "0 of 400 lookups were answered");
    }

    #[test]
    fn a_lookup_of_another_order_is_none() {
        let mut trial = trial();
        trades(&mut trial, S, 2);
        trial.lookup(1, &format!("r0/{S}"), (3 * S, 3 * S + 5));
        trial.lookup(1, &format!("r0/{S}"), (4 * S, 4 * S + 5));
        let why = "1 order was acknowledged and not looked up";
        assert_inconclusive(&trial.check(&CHECK), why);
    }

    #[test]
    fn where_nobody_was_served_nobody_can_tell() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 100);
        for client in 1..=5 {
            trial.unanswered(client, Op::Query, "Stock1", None, (2 * S, 5 * S));
        }
        let why = "100 of 105 reads were answered that were due while everything they need was up";
        assert_inconclusive(&trial.check(&CHECK), why);
        // Somebody was: the machine was at work.
        trial.read(6, "Stock1", (3 * S, 3 * S + 10));
        assert_fails(&trial.check(&CHECK), "101 of 106 reads were answered");
    }

    #[test]
    fn what_was_refused_while_the_machine_stalled_leaves_it_open() {
        let mut trial = trial();
        trades(&mut trial, S, 100);
        errors(&mut trial, Op::Trade, "Stock1", 3 * S, 100);
        assert_fails(&trial.check(&CHECK), "100 of 200 trades were answered");
        trial.event(3 * S, EventKind::HarnessStalled).planned_us = Some(2 * S);
        assert_inconclusive(&trial.check(&CHECK), "100 of 200 trades were answered");
    }

    #[test]
    fn a_leader_that_is_replaced_for_no_reason_leaves_it_open() {
        let mut trial = trial();
        trades(&mut trial, S, 100);
        let event = trial.event(3 * S, EventKind::LeaderChanged);
        event.in_sync = Some("1 2".parse().unwrap());
        errors(&mut trial, Op::Trade, "Stock1", 3 * S, 100);
        assert_inconclusive(&trial.check(&CHECK), "100 of 200 trades were answered");
        errors(&mut trial, Op::Trade, "Stock1", 5 * S, 100);
        assert_fails(&trial.check(&CHECK), "100 of 300 trades were answered");
    }

    #[test]
    fn what_a_fault_interrupts_need_not_be_answered_unless_it_had_waited_for_long() {
        let mut trial = trial();
        trades(&mut trial, S, 50);
        trial.fault(4 * S, Action::Pause, "catalog");
        trial.unanswered(3, Op::Trade, "Stock1", Some(504), (3 * S, 9 * S));
        assert_passes(&trial.check(&CHECK));
        trial.unanswered(3, Op::Trade, "Stock1", Some(504), (2 * S, 9 * S));
        assert_fails(&trial.check(&CHECK), "50 of 51 trades were answered");
    }

    #[test]
    fn an_answer_to_another_question_is_a_violation_by_itself() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 1_000);
        let row = &mut trial.observations[500];
        row.outcome = Outcome::Failed;
        row.reason = Some("the answer is about Stock2, and Stock1 was asked for".into());
        assert_fails(&trial.check(&CHECK), "none to what was asked: the answer is about Stock2");
    }

    #[test]
    fn where_a_fault_is_missing_nobody_is_accused() {
        let mut trial = trial();
        trades(&mut trial, S, 300);
        trial.fault(3 * S, Action::Pause, "front-end");
        errors(&mut trial, Op::Trade, "Stock1", 3 * S + 10, 300);
        assert_passes(&trial.check(&CHECK));
        trial.events.retain(|event| event.action.is_none());
        assert_inconclusive(&trial.check(&CHECK), "was injected: 0 of 1 were");
        trial.manifest.cells[0].planned_faults = 0;
        assert_fails(&trial.check(&CHECK), "300 of 600 trades were answered");
    }

    #[test]
    fn a_stock_that_the_bazaar_began_with_is_found() {
        let mut trial = trial();
        reads(&mut trial, "Stock1", S, 1_000);
        let row = &mut trial.observations[500];
        (row.outcome, row.status) = (Outcome::Rejected, Some(404));
        row.stock_name = Some("Stock99".into());
        assert_passes(&trial.check(&CHECK));
        trial.observations[500].stock_name = Some("Stock1".into());
        assert_fails(&trial.check(&CHECK), "Stock1 was not found, though the trial began with it");
    }
}
