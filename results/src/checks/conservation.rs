//! Nothing is created and nothing vanishes: initial - bought + sold = final, and the volume grew
//! by the sum of the quantities, stock by stock.
//!
//! Not only the ends are compared. Each stock's trades are replayed in the order of its versions,
//! so that two errors cannot cancel out, and so that 0 <= quantity <= cap holds at every step.
//!
//! Versions count trades, but for one case: a catalog that comes back with a file that was lost or
//! old goes on above every version that the front-end has seen (rule L8 of ARCHITECTURE.md). So they
//! may jump in a trial in which the catalog was restarted; a missing trade shows in the volume there.

//!
//! Of a catalog that does not tell its trades the ends alone are compared (`ends`).

use std::collections::BTreeMap;

use wire::bazaar::TradeType;

use crate::records::{Action, AtLine as _, Fact, InitialStock};

use super::check::{Check, Finding};
use super::dumps::{Applied, CatalogState};
use super::ends;
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;

pub(super) const CHECK: Check = Check {
    name: "conservation",
    claim: "stocks add up: initial - bought + sold = final",
    parts: &[STEPS, ENDS],
    needs: &[Need::Acknowledged, Need::Stocks],
    examine,
    count: None,
};

const STEPS: Part = Part::new(
    "trade by trade",
    &[Fact::StateOfStocks, Fact::AppliedTrades, Fact::InitialStocks, Fact::NoRestock],
);
const ENDS: Part = Part::standing_in(
    "beginning and end, by the trades that were acknowledged",
    &[
        Fact::Trades,
        Fact::StateOfStocks,
        Fact::InitialStocks,
        Fact::NoRestock,
        Fact::DurableAcknowledgement,
    ],
);

/// A stock's state as the replay has it. Signed, so that a replay below 0 can be said.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    version: u64,
    quantity: i64,
    volume: u64,
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    if !history.can(&STEPS) {
        return ends::compare(history, finding);
    }
    let Some(catalog) = &history.catalog else { return };
    let may_jump = catalog_was_restarted(history);
    let mut by_stock: BTreeMap<&str, Vec<&Applied<'_>>> = BTreeMap::new();
    for applied in &catalog.applied {
        by_stock.entry(applied.content().stock_name).or_default().push(applied);
    }
    for initial in history.stocks {
        let mut applied = by_stock.remove(initial.stock_name.as_str()).unwrap_or_default();
        applied.sort_by_key(|applied| (applied.version(), applied.row.line()));
        let end = replay(history, initial, &applied, may_jump, finding);
        compare_end(history, catalog, initial, end, may_jump, finding);
    }
    for (name, applied) in by_stock {
        finding.violation(|| {
            let keeper = history.processes.stock_keeper();
            let what =
                format!("the {keeper} applied trades in {name}, which the run did not begin with");
            applied.iter().take(1).fold(Violation::new(history, what), |violation, applied| {
                violation.held(applied.row).story(history, applied.request)
            })
        });
    }
    finding.examined("stocks", history.stocks.len());
    finding.examined("applied trades", catalog.applied.len());
}

fn catalog_was_restarted(history: &History<'_>) -> bool {
    let mut acts = history.timeline.acts().iter();
    acts.any(|act| {
        let process = act.subject.and_then(|subject| subject.process());
        let is_keeper = |name| history.processes.keeps_stocks(name);
        act.action == Action::Restart && process.is_some_and(is_keeper)
    })
}

fn replay(
    history: &History<'_>,
    initial: &InitialStock,
    applied: &[&Applied<'_>],
    may_jump: bool,
    finding: &mut Finding,
) -> State {
    let mut state =
        State { version: 0, quantity: i64::from(initial.quantity), volume: initial.trade_volume };
    for trade in applied {
        let next = after(state, trade);
        for what in wrongs(initial, state, next, trade, may_jump) {
            finding.violation(|| {
                Violation::new(history, what).held(trade.row).story(history, trade.request)
            });
        }
        // Go on from what the catalog says, so that one error is reported once.
        state = State {
            version: trade.version(),
            quantity: i64::from(trade.quantity_after()),
            volume: trade.volume_after(),
        };
    }
    state
}

fn after(state: State, trade: &Applied<'_>) -> State {
    let content = trade.content();
    let quantity = i64::from(content.quantity);
    State {
        version: state.version + 1,
        quantity: match content.trade_type {
            TradeType::Buy => state.quantity - quantity,
            TradeType::Sell => state.quantity + quantity,
        },
        volume: state.volume + u64::from(content.quantity),
    }
}

fn wrongs(
    initial: &InitialStock,
    state: State,
    next: State,
    trade: &Applied<'_>,
    may_jump: bool,
) -> Vec<String> {
    let stock = &initial.stock_name;
    let (version, content) = (trade.version(), trade.content());
    let (quantity_after, volume_after) = (trade.quantity_after(), trade.volume_after());
    let mut wrongs = Vec::new();
    if version == state.version {
        wrongs.push(format!("two trades made version {version} of {stock}"));
    } else if version != next.version && !may_jump {
        wrongs.push(format!(
            "{stock}'s versions jump from {} to {version}: a trade is missing",
            state.version
        ));
    }
    if i64::from(quantity_after) != next.quantity {
        wrongs.push(format!(
            "{content} at {} {stock} must leave {}, but version {version} has {quantity_after}",
            state.quantity, next.quantity
        ));
    }
    if volume_after != next.volume {
        wrongs.push(format!(
            "{content} must raise the volume of {stock} from {} to {}, but version {version} has \
             {volume_after}",
            state.volume, next.volume
        ));
    }
    if next.quantity < 0 || i64::from(quantity_after) > i64::from(initial.cap) {
        let (quantity, cap) = (next.quantity, initial.cap);
        wrongs.push(format!("version {version} of {stock} has {quantity}, outside 0 to {cap}"));
    }
    wrongs
}

fn compare_end(
    history: &History<'_>,
    catalog: &CatalogState<'_>,
    initial: &InitialStock,
    end: State,
    may_jump: bool,
    finding: &mut Finding,
) {
    // A dump that was cut off may lack trades that the final state includes.
    if !history.timeline.finished {
        return;
    }
    let name = initial.stock_name.as_str();
    let Some(held) = catalog.stocks.get(name) else {
        let what = format!("the {} no longer has {name}", history.processes.stock_keeper());
        return finding.violation(|| Violation::new(history, what));
    };
    let is = State {
        version: held.version(),
        quantity: i64::from(held.quantity),
        volume: held.volume(),
    };
    let jumped = may_jump && is.version > end.version;
    if is != end && !(jumped && State { version: end.version, ..is } == end) {
        finding.violation(|| {
            let what = format!(
                "{name} ended with quantity {}, volume {}, version {}; its trades add up to \
                 quantity {}, volume {}, version {}",
                is.quantity, is.volume, is.version, end.quantity, end.volume, end.version
            );
            Violation::new(history, what).held(held.row)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Action;
    use crate::records::FinalKind;
    use wire::bazaar::TradeType::{Buy, Sell};
    use wire::internal::Origin;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 30, "Stock1", (10, 20));
        trial.trade(2, "r2", Sell, 10, "Stock1", (25, 30));
        trial.apply("by-hand-1", Buy, 5, "Stock1", Origin::ByHand);
        trial.trade(2, "r3", Buy, 1, "Stock1", (35, 40));
        trial
    }

    #[test]
    fn trades_that_add_up_pass_by_hand_ones_included() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn a_final_state_that_its_trades_do_not_explain_is_a_violation() {
        let mut trial = trial();
        trial.stock_mut("Stock1").quantity_after = Some(75);
        assert_fails(&trial.check(&CHECK), "its trades add up to quantity 74, volume 46");

        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn errors_that_cancel_out_at_the_end_are_found_on_the_way() {
        let mut trial = trial();
        trial.entry_mut("catalog", "r2").quantity_after = Some(90);
        let result = trial.check(&CHECK);
        assert_fails(&result, "Sell 10 of Stock1 at 70 Stock1 must leave 80, but version 2 has 90");
        assert_eq!(result.violations, 2, "once wrong, and once back");
    }

    #[test]
    fn a_volume_that_does_not_grow_by_the_quantity_is_a_violation() {
        let mut trial = trial();
        trial.entry_mut("catalog", "r1").volume_after = Some(31);
        assert_fails(&trial.check(&CHECK), "from 0 to 30, but version 1 has 31");
    }

    #[test]
    fn a_missing_and_a_doubled_version_are_violations() {
        let mut missing = trial();
        missing.finals.retain(|row| {
            row.kind != FinalKind::Applied || row.request_id.as_deref() != Some("r2")
        });
        assert_fails(&missing.check(&CHECK), "versions jump from 1 to 3");

        let mut doubled = trial();
        doubled.entry_mut("catalog", "r2").version = Some(1);
        assert_fails(&doubled.check(&CHECK), "two trades made version 1 of Stock1");
    }

    #[test]
    fn versions_may_jump_where_the_catalog_was_restarted_and_trades_may_still_not_be_missing() {
        let mut jumped = trial();
        for (request_id, version) in [("r1", 101), ("r2", 102), ("by-hand-1", 103), ("r3", 204)] {
            jumped.entry_mut("catalog", request_id).version = Some(version);
        }
        jumped.stock_mut("Stock1").version = Some(300);
        assert_fails(&jumped.check(&CHECK), "versions jump from 0 to 101");
        jumped.fault(50, Action::Kill, "catalog");
        jumped.fault(60, Action::Restart, "catalog");
        assert_passes(&jumped.check(&CHECK));

        jumped.stock_mut("Stock1").version = Some(203);
        assert_fails(&jumped.check(&CHECK), "ended with quantity 74, volume 46, version 203");
        jumped.stock_mut("Stock1").version = Some(204);
        jumped.finals.retain(|row| {
            row.kind != FinalKind::Applied || row.request_id.as_deref() != Some("r2")
        });
        assert_fails(&jumped.check(&CHECK), "must raise the volume of Stock1 from 30 to 35");
    }

    #[test]
    fn a_stock_below_zero_or_over_its_cap_is_a_violation() {
        let mut over = Trial::new();
        over.trade(1, "r1", Sell, 1, "Stock1", (10, 20));
        assert_fails(&over.check(&CHECK), "version 1 of Stock1 has 101, outside 0 to 100");

        let mut below = trial();
        below.entry_mut("catalog", "r3").quantity = Some(76);
        assert_fails(&below.check(&CHECK), "version 4 of Stock1 has -1, outside 0 to 100");
    }

    #[test]
    fn a_stock_that_appears_or_vanishes_is_a_violation() {
        let mut vanished = trial();
        vanished.finals.retain(|row| {
            row.kind != FinalKind::Stock || row.stock_name.as_deref() != Some("Stock2")
        });
        assert_fails(&vanished.check(&CHECK), "no longer has Stock2");

        let mut appeared = trial();
        appeared.entry_mut("catalog", "r3").stock_name = Some("Stock99".into());
        assert_fails(&appeared.check(&CHECK), "in Stock99, which the run did not begin with");
    }
}
