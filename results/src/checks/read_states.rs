//! Every read shows a state that the catalog really had.
//!
//! A quantity from one trade beside the volume of another, or a trade that was shown and then
//! undone, would pass every check of order; it cannot pass this one.

use std::collections::HashMap;

use super::check::{Check, Finding};
use super::doubt::Need;
use super::evidence::Violation;
use super::history::{CatalogState, History, Read};

pub(super) const CHECK: Check = Check {
    name: "reads-show-real-states",
    claim: "every read shows a state that the catalog had",
    needs: &[Need::Catalog],
    examine,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    // Of a dump that was cut off the missing part may hold the state.
    let Some(catalog) = history.catalog.as_ref().filter(|_| history.timeline.finished) else {
        return;
    };
    let states = states(history, catalog);
    for read in &history.reads {
        let real = states.get(read.stock_name).and_then(|volumes| volumes.get(&read.volume));
        if !real.is_some_and(|quantities| quantities.contains(&read.quantity)) {
            finding.violation(|| phantom(history, read, real.map(Vec::as_slice)));
        }
    }
    finding.examined("reads", history.reads.len());
}

/// Per stock and volume, the quantities that went with it: one, unless something is wrong with
/// the catalog itself.
fn states<'a>(
    history: &History<'a>,
    catalog: &CatalogState<'a>,
) -> HashMap<&'a str, HashMap<u64, Vec<u32>>> {
    let mut states: HashMap<&str, HashMap<u64, Vec<u32>>> = HashMap::new();
    let mut add = |stock: &'a str, volume, quantity| {
        states.entry(stock).or_default().entry(volume).or_default().push(quantity);
    };
    for stock in history.stocks {
        add(&stock.stock_name, stock.trade_volume, stock.quantity);
    }
    for applied in &catalog.applied {
        add(applied.content.stock_name, applied.volume_after, applied.quantity_after);
    }
    states
}

fn phantom(history: &History<'_>, read: &Read<'_>, real: Option<&[u32]>) -> Violation {
    let Read { stock_name, quantity, volume, operation } = read;
    let what = match real {
        None => format!("a read shows volume {volume} of {stock_name}, which it never had"),
        Some(quantities) => {
            let quantities: Vec<_> = quantities.iter().map(u32::to_string).collect();
            let quantities = quantities.join(" or ");
            format!(
                "a read shows quantity {quantity} of {stock_name} at volume {volume}, where it \
                 was {quantities}"
            )
        }
    };
    let violation =
        Violation::new(history, what).at(history, operation.row.start_us).operation(operation);
    neighbours(history, read)
        .fold(violation, |violation, volume| violation.state(history, stock_name, volume))
}

/// The volumes around the one that was shown which the stock really had.
fn neighbours(history: &History<'_>, read: &Read<'_>) -> impl Iterator<Item = u64> {
    let volumes = || {
        let applied = history.catalog.iter().flat_map(|catalog| &catalog.applied);
        applied
            .filter(|applied| applied.content.stock_name == read.stock_name)
            .map(|applied| applied.volume_after)
    };
    let below = volumes().filter(|&volume| volume <= read.volume).max();
    let above = volumes().filter(|&volume| volume > read.volume).min();
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
