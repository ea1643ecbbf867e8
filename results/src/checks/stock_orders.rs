//! The orders that are held at the end explain the stocks: initial - bought + sold = final.
//!
//! This looks at the end alone and at no answer. A trade that was applied at one place and logged at another may be
//! lost between the two; whoever sent it got no answer, so what clients know allows the stock with it and without
//! (`ends` must pass that). But then a stock is missing, and no order says where it went.
//!
//! Where processes disagree about an order, or keep different ones under a number, other checks say so. Here such an
//! order may have been applied or not, so that the disagreement is not held against the stocks as well.

use std::collections::{BTreeMap, BTreeSet};

use wire::bazaar::TradeType;

use super::check::{Check, Finding};
use super::dumps::{FinalStock, LogEntry};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;
use super::rows::Content;
use crate::records::{Fact, InitialStock, Numbering};

pub(super) const CHECK: Check = Check {
    name: "orders-explain-stocks",
    claim: "the orders that are held at the end explain the stocks",
    parts: &[Part::whole(&[
        Fact::OrdersOfReplicas,
        Fact::StateOfStocks,
        Fact::InitialStocks,
        Fact::NoRestock,
        Fact::DurableAcknowledgement,
    ])],
    needs: &[Need::Replicas, Need::Stocks],
    examine,
    count: None,
};

/// What orders changed of a stock: between which bounds.
#[derive(Clone, Copy, Default)]
struct Change {
    low: i64,
    high: i64,
}

impl Change {
    fn add(&mut self, content: Content<'_>, is_certain: bool) {
        let quantity = i64::from(content.quantity);
        let by = match content.trade_type {
            TradeType::Buy => -quantity,
            TradeType::Sell => quantity,
        };
        self.low += if is_certain { by } else { by.min(0) };
        self.high += if is_certain { by } else { by.max(0) };
    }
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    // A dump that was cut off may lack orders.
    if !history.timeline.finished {
        return;
    }
    let held = held(history);
    finding.examined("orders that are held", held.len());
    let changes = changes(history, &held);
    let mut compared = 0;
    let mut hold = |source: &str, stocks: &BTreeMap<&str, FinalStock<'_>>| {
        for initial in history.stocks {
            // That a stock is gone is told by the checks of the stocks.
            let Some(stock) = stocks.get(initial.stock_name.as_str()) else { continue };
            compared += 1;
            let change = changes.get(initial.stock_name.as_str()).copied().unwrap_or_default();
            if let Some(what) = wrong(source, initial, stock.quantity, change) {
                finding.violation(|| Violation::new(history, what).held(stock.row));
            }
        }
    };
    if history.has(Fact::ReplicatedStocks) {
        history.holders.iter().for_each(|holder| hold(holder.source, &holder.stocks));
    } else if let Some(catalog) = &history.catalog {
        hold(&history.target.stocks_of().join(" and "), &catalog.stocks);
    }
    finding.examined("stocks at the end", compared);
}

/// What is held under each number, by whomever, but for what was there before the trial.
fn held<'l, 'a>(history: &'l History<'a>) -> BTreeMap<u64, Vec<&'l LogEntry<'a>>> {
    let promises = history.target.promises();
    let is_of_trial =
        |number: u64| promises.order_no != Numbering::Sequence || number >= promises.first_order_no;
    let mut held: BTreeMap<u64, Vec<&LogEntry<'_>>> = BTreeMap::new();
    for entry in history.logs.iter().flat_map(|log| &log.entries) {
        if is_of_trial(entry.order_no()) {
            held.entry(entry.order_no()).or_default().push(entry);
        }
    }
    held
}

/// By stock.
fn changes<'a>(
    history: &History<'a>,
    held: &BTreeMap<u64, Vec<&LogEntry<'a>>>,
) -> BTreeMap<&'a str, Change> {
    let mut changes: BTreeMap<&str, Change> = BTreeMap::new();
    for entries in held.values() {
        let mut told = BTreeSet::new();
        let different = entries.iter().map(|entry| entry.content());
        let different: Vec<Content<'_>> =
            different.filter(|content| told.insert(content.to_string())).collect();
        let is_certain = different.len() == 1;
        for content in different {
            changes.entry(content.stock_name).or_default().add(content, is_certain);
        }
    }
    // Where the catalog tells its trades, some need no order: those that were made by hand.
    let applied = history.catalog.iter().flat_map(|catalog| &catalog.applied);
    for by_hand in applied.filter(|applied| !applied.is_for_order()) {
        let content = by_hand.content();
        changes.entry(content.stock_name).or_default().add(content, true);
    }
    changes
}

fn wrong(source: &str, initial: &InitialStock, quantity: u32, change: Change) -> Option<String> {
    let (name, first, is) = (&initial.stock_name, i64::from(initial.quantity), i64::from(quantity));
    let (low, high) = (first + change.low, first + change.high);
    if (low..=high).contains(&is) {
        return None;
    }
    let expected = if low == high { low.to_string() } else { format!("{low} to {high}") };
    let (off, verb) = if is < low { (low - is, "missing") } else { (is - high, "too many") };
    Some(format!(
        "{source} ended with {quantity} of {name}; from {first} the orders that are held at the end lead to \
         {expected}: {off} are {verb}, and no order says why"
    ))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::conservation;
    use crate::checks::testing::{
        Trial, assert_fails, assert_inconclusive, assert_not_applicable, assert_passes,
    };
    use crate::records::{Fact, FinalKind, Outcome, Promises, Replication};
    use wire::bazaar::TradeType::{Buy, Sell};
    use wire::internal::Origin;

    const UNTOLD: [Fact; 2] = [Fact::AppliedTrades, Fact::RequestKeys];

    fn filled(mut trial: Trial) -> Trial {
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(1, "r2", Sell, 1, "Stock1", (30, 40));
        trial
    }

    /// Stock1 goes from 100 to 98, as the two orders say.
    fn trial() -> Trial {
        filled(Trial::without(&UNTOLD))
    }

    /// A trade of one is applied, and its replica dies before it logs it: the client never hears of it.
    fn lose_one_between_catalog_and_log(trial: &mut Trial) {
        trial.attempt(2, "r3", Outcome::Unknown, (50, 60));
        trial.stock_mut("Stock1").quantity_after = Some(97);
    }

    #[test]
    fn orders_that_add_up_to_the_stocks_pass() {
        let result = trial().check(&CHECK);
        assert_passes(&result);
        let examined: Vec<usize> = result.examined.iter().map(|one| one.count as usize).collect();
        assert_eq!(examined, [2, 2]);
    }

    #[test]
    fn a_trade_that_was_applied_and_not_logged_is_found_though_its_outcome_is_unknown() {
        let mut trial = trial();
        lose_one_between_catalog_and_log(&mut trial);
        assert_passes(&trial.check(&conservation::CHECK));
        let what = "catalog ended with 97 of Stock1; from 100 the orders that are held at the end lead to 98: \
                    1 are missing, and no order says why";
        assert_fails(&trial.check(&CHECK), what);
    }

    #[test]
    fn an_order_that_was_logged_and_not_applied_is_found() {
        let mut trial = trial();
        trial.stock_mut("Stock1").quantity_after = Some(101);
        assert_fails(&trial.check(&CHECK), "lead to 98: 3 are too many");
    }

    #[test]
    fn an_order_of_which_the_client_knows_nothing_explains_its_stock() {
        let mut trial = trial();
        trial.observations[0].outcome = Outcome::Unknown;
        trial.observations[0].order_no = None;
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn an_order_that_one_process_holds_is_held() {
        let mut trial = trial();
        trial.finals.retain(|row| row.source == "order-2" || row.kind != FinalKind::Order);
        assert_passes(&trial.check(&CHECK));
        trial.finals.retain(|row| row.order_no != Some(2) || row.kind != FinalKind::Order);
        assert_fails(&trial.check(&CHECK), "ended with 98 of Stock1; from 100");
    }

    #[test]
    fn an_order_that_processes_disagree_about_may_be_either() {
        let mut trial = trial();
        trial.entry_mut("order-2", "r1").quantity = Some(9);
        for (quantity, passes) in [(101, true), (89, true), (102, false), (88, false)] {
            trial.stock_mut("Stock1").quantity_after = Some(quantity);
            let result = trial.check(&CHECK);
            if passes {
                assert_passes(&result);
            } else {
                assert_fails(&result, "lead to 89 to 101");
            }
        }
    }

    #[test]
    fn what_was_traded_by_hand_needs_no_order() {
        let mut trial = filled(Trial::without(&[]));
        trial.apply("by-hand-1", Buy, 5, "Stock1", Origin::ByHand);
        assert_passes(&trial.check(&CHECK));
        trial.apply("r9", Buy, 5, "Stock1", Origin::Order);
        assert_fails(&trial.check(&CHECK), "catalog ended with 88 of Stock1");
    }

    #[test]
    fn orders_of_before_the_trial_changed_the_stocks_before_it() {
        let mut trial =
            filled(Trial::of(&UNTOLD, Promises { first_order_no: 2, ..Promises::default() }));
        trial.stock_mut("Stock1").quantity_after = Some(101);
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn each_of_several_that_keep_the_stocks_is_asked() {
        let promises =
            Promises { replicated_stocks: Replication::Identical, ..Promises::default() };
        let trial = filled(Trial::of(&UNTOLD, promises));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn where_a_log_or_the_end_is_missing_nothing_is_said() {
        let mut partial = trial();
        lose_one_between_catalog_and_log(&mut partial);
        partial.unfinish();
        assert_inconclusive(&partial.check(&CHECK), "did not finish");
        let mut silent = trial();
        silent.finals.retain(|row| row.source != "order-1");
        assert_inconclusive(&silent.check(&CHECK), "does not say what order-1 held");
    }

    #[test]
    fn it_is_not_asked_where_stocks_change_by_themselves_or_orders_may_be_lost() {
        let lacking = |fact: Fact| {
            let trial = filled(Trial::without(&[fact, Fact::AppliedTrades, Fact::RequestKeys]));
            trial.check(&CHECK)
        };
        for fact in [Fact::OrdersOfReplicas, Fact::StateOfStocks, Fact::InitialStocks] {
            assert_not_applicable(&lacking(fact), &[fact]);
        }
        let may_be_lost = Promises {
            acknowledged: crate::records::Acknowledged::MayBeLost,
            ..Promises::default()
        };
        let trial = filled(Trial::of(&UNTOLD, may_be_lost));
        assert_not_applicable(&trial.check(&CHECK), &[Fact::DurableAcknowledgement]);
    }
}
