//! Processes that keep the same stocks hold the same quantity of each in the end.
//!
//! *A front-end that keeps a copy, or a second catalog, and is not told of a trade* is what this finds. The order of
//! their rows says nothing of stocks.

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "stocks-agree",
    claim: "processes that keep stocks hold the same of each",
    // One alone agrees with itself, which says nothing.
    parts: &[Part::whole(&[Fact::StateOfStocks, Fact::ReplicatedStocks, Fact::CopiesOfStocks])],
    needs: &[Need::Stocks],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    let Some((first, others)) = history.holders.split_first() else { return };
    for other in others {
        for (name, held) in &first.stocks {
            let what = match other.stocks.get(name) {
                Some(there) if there.quantity == held.quantity => continue,
                Some(there) => format!(
                    "{} ended with {} of {name}, and {} with {}",
                    first.source, held.quantity, other.source, there.quantity
                ),
                // A dump that was cut off may lack what the process has.
                None if !history.timeline.finished => continue,
                None => format!("{} holds {name}, and {} does not", first.source, other.source),
            };
            finding.violation(|| {
                let there = other.stocks.get(name).map(|there| there.row);
                let violation = Violation::new(history, what).held(held.row);
                there.into_iter().fold(violation, Violation::held)
            });
        }
    }
    finding.examined("stocks compared", first.stocks.len());
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{
        Trial, assert_fails, assert_inconclusive, assert_not_applicable, assert_passes,
    };
    use crate::records::{Fact, FinalKind, Promises, Replication, Target};
    use wire::bazaar::TradeType::Buy;

    /// The front-end keeps a copy of the catalog's stocks.
    fn trial(replicated_stocks: Replication) -> Trial {
        let promises = Promises { replicated_stocks, ..Promises::default() };
        let mut trial = Trial::without(&[Fact::AppliedTrades]);
        let given = Fact::ALL.into_iter().filter(|&fact| fact != Fact::AppliedTrades);
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let target = Target::new("toy", given, promises)
            .holding(names(&["order-1"]), names(&["catalog", "front-end"]));
        trial.manifest.target = Some(target);
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        let of_catalog = trial.finals.iter().filter(|row| {
            row.source == "catalog" && matches!(row.kind, FinalKind::Source | FinalKind::Stock)
        });
        let copies: Vec<_> = of_catalog.cloned().collect();
        for mut copy in copies {
            copy.source = "front-end".into();
            trial.finals.push(copy);
        }
        trial
    }

    #[test]
    fn one_process_with_stocks_has_nothing_to_agree_with() {
        let of_one = &[Fact::CopiesOfStocks];
        assert_not_applicable(&Trial::new().check(&CHECK), of_one);
    }

    #[test]
    fn equal_copies_pass() {
        assert_passes(&trial(Replication::Identical).check(&CHECK));
    }

    #[test]
    fn an_old_copy_is_a_violation_where_copies_are_promised() {
        let mut trial = trial(Replication::SameSet);
        let copy = trial.finals.iter_mut().rfind(|row| row.stock_name.as_deref() == Some("Stock1"));
        copy.unwrap().quantity_after = Some(100);
        assert_fails(
            &trial.check(&CHECK),
            "catalog ended with 97 of Stock1, and front-end with 100",
        );
        let parts = self::trial(Replication::Partitioned);
        assert_not_applicable(&parts.check(&CHECK), &[Fact::ReplicatedStocks]);
    }

    #[test]
    fn a_stock_that_one_of_them_lacks_is_a_violation() {
        let mut trial = trial(Replication::Identical);
        trial
            .finals
            .retain(|row| row.source != "front-end" || row.stock_name.as_deref() != Some("Stock2"));
        assert_fails(&trial.check(&CHECK), "catalog holds Stock2, and front-end does not");
        trial.finals.retain(|row| row.source != "front-end");
        assert_inconclusive(&trial.check(&CHECK), "does not say what front-end held");
    }
}
