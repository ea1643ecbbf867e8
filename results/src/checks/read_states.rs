//! Every read shows a state that the catalog really had.
//!
//! A quantity from one trade beside the volume of another, or a trade that was shown and then
//! undone, would pass every check of order; it cannot pass this one.

use super::check::{Check, Finding};
use super::dumps::{Applied, CatalogState};
use super::evidence::Violation;
use super::history::{History, Read};
use super::inconclusive::Need;
use super::part::Part;
use crate::records::{Fact, InitialStock};

pub(super) const CHECK: Check = Check {
    name: "reads-show-real-states",
    claim: "every read shows a state that the catalog had",
    parts: &[Part::whole(&[
        Fact::Queries,
        Fact::Quantity,
        Fact::Volume,
        Fact::InitialStocks,
        Fact::AppliedTrades,
    ])],
    needs: &[Need::AppliedTrades],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    // Of a dump that was cut off the missing part may hold the state.
    let Some(catalog) = history.catalog.as_ref().filter(|_| history.timeline.finished) else {
        return;
    };
    for read in &history.reads {
        if !quantities(history, catalog, read).any(|quantity| quantity == read.quantity()) {
            finding.violation(|| phantom(history, catalog, read));
        }
    }
    finding.examined("reads", history.reads.len());
}

/// The quantities that went with the volume that was shown: one, unless something is wrong with the
/// catalog itself.
fn quantities(
    history: &History<'_>,
    catalog: &CatalogState<'_>,
    read: &Read<'_>,
) -> impl Iterator<Item = u32> {
    let (stock_name, volume) = (read.stock_name(), read.volume());
    let began_so =
        move |stock: &&InitialStock| stock.stock_name == stock_name && stock.trade_volume == volume;
    let initial = history.stocks.iter().filter(began_so).map(|stock| stock.quantity);
    initial.chain(catalog.of_volume(stock_name, volume).map(Applied::quantity_after))
}

fn phantom(history: &History<'_>, catalog: &CatalogState<'_>, read: &Read<'_>) -> Violation {
    let (stock_name, quantity, volume) = (read.stock_name(), read.quantity(), read.volume());
    let real: Vec<_> = quantities(history, catalog, read).map(|real| real.to_string()).collect();
    let what = if real.is_empty() {
        format!("a read shows volume {volume} of {stock_name}, which it never had")
    } else {
        let real = real.join(" or ");
        format!(
            "a read shows quantity {quantity} of {stock_name} at volume {volume}, where it was {real}"
        )
    };
    let operation = read.operation;
    let violation =
        Violation::new(history, what).at(history, operation.row.start_us).operation(operation);
    neighbours(catalog, read)
        .fold(violation, |violation, volume| violation.state(history, stock_name, volume))
}

/// The volumes around the one that was shown which the stock really had.
fn neighbours(catalog: &CatalogState<'_>, read: &Read<'_>) -> impl Iterator<Item = u64> {
    let volumes = || {
        let applied = catalog.applied.iter();
        applied
            .filter(|applied| applied.content().stock_name == read.stock_name())
            .map(Applied::volume_after)
    };
    let below = volumes().filter(|&volume| volume <= read.volume()).max();
    let above = volumes().filter(|&volume| volume > read.volume()).min();
    below.into_iter().chain(above)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use wire::bazaar::TradeType::Buy;
    use wire::internal::Origin;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 100, 0, (1, 2));
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.apply("by-hand-1", Buy, 2, "Stock1", Origin::ByHand);
        trial.show(1, "Stock1", 97, 3, (21, 22));
        trial.show(1, "Stock1", 95, 5, (31, 32));
        trial
    }

    #[test]
    fn the_initial_state_and_every_later_one_may_be_shown() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn a_quantity_beside_the_wrong_volume_is_a_violation() {
        let mut trial = trial();
        trial.show(2, "Stock1", 100, 3, (41, 42));
        assert_fails(&trial.check(&CHECK), "quantity 100 of Stock1 at volume 3, where it was 97");
    }

    #[test]
    fn a_state_that_never_was_is_a_violation() {
        let mut trial = trial();
        trial.show(2, "Stock1", 96, 4, (41, 42));
        assert_fails(&trial.check(&CHECK), "volume 4 of Stock1, which it never had");
        trial.show(2, "Stock99", 1, 1, (51, 52));
        assert_fails(&trial.check(&CHECK), "which it never had");
    }

    #[test]
    fn an_unfinished_dump_may_lack_the_state() {
        let mut trial = trial();
        trial.show(2, "Stock1", 96, 4, (41, 42));
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }
}
