//! What a stock may have come to, if nobody says which trades were applied: what was acknowledged was done,
//! what is unknown may have been, and nothing else was.

use std::collections::{BTreeMap, HashMap};

use wire::bazaar::TradeType;

use super::check::Finding;
use super::dumps::FinalStock;
use super::evidence::Violation;
use super::history::History;
use super::index::Request;
use super::rows::Content;
use crate::records::{Fact, InitialStock, Outcome};

/// What the trades on a stock come to.
#[derive(Default)]
struct Traded {
    taken: i64,
    added: i64,
    /// What trades with an unknown outcome may have taken and added besides.
    maybe_taken: i64,
    maybe_added: i64,
}

impl Traded {
    fn add(&mut self, content: Content<'_>, is_certain: bool) {
        let sum = match (content.trade_type, is_certain) {
            (TradeType::Buy, true) => &mut self.taken,
            (TradeType::Sell, true) => &mut self.added,
            (TradeType::Buy, false) => &mut self.maybe_taken,
            (TradeType::Sell, false) => &mut self.maybe_added,
        };
        *sum += i64::from(content.quantity);
    }
}

/// Holds every stock that was dumped against its trades.
pub(super) fn compare(history: &History<'_>, finding: &mut Finding) {
    let Some(catalog) = &history.catalog else { return };
    let traded = traded(history);
    let nothing = Traded::default();
    let mut compared = 0;
    let mut hold = |source: &str, stocks: &BTreeMap<&str, FinalStock<'_>>| {
        for initial in history.stocks {
            let name = initial.stock_name.as_str();
            let traded = traded.get(name).unwrap_or(&nothing);
            match stocks.get(name) {
                Some(held) => {
                    compared += 1;
                    if let Some(what) = wrong(source, initial, held.quantity, traded) {
                        finding.violation(|| Violation::new(history, what).held(held.row));
                    }
                }
                // A dump that was cut off may lack what the process has.
                None if history.timeline.finished => finding.violation(|| {
                    Violation::new(history, format!("{source} no longer has {name}"))
                }),
                None => {}
            }
        }
    };
    if history.has(Fact::ReplicatedStocks) {
        history.holders.iter().for_each(|holder| hold(holder.source, &holder.stocks));
    } else {
        hold(&history.target.stocks_of().join(" and "), &catalog.stocks);
    }
    finding.examined("stocks at the end", compared);
    finding.examined("acknowledged trades", history.acknowledged.len());
}

/// By stock. A request that was sent again is one trade.
fn traded<'a>(history: &History<'a>) -> HashMap<&'a str, Traded> {
    let mut requests: HashMap<Request, (Content<'a>, bool)> = HashMap::new();
    for &trade in &history.trades {
        let is_certain = match trade.row.outcome {
            Outcome::Ok => true,
            Outcome::Unknown => false,
            Outcome::Rejected | Outcome::Failed => continue,
        };
        let id = trade.row.request_id.as_deref();
        let request = id.and_then(|id| history.requests.find(id)).zip(Content::of(trade));
        if let Some((request, content)) = request {
            requests.entry(request).or_insert((content, false)).1 |= is_certain;
        }
    }
    let mut traded: HashMap<&str, Traded> = HashMap::new();
    for (content, is_certain) in requests.into_values() {
        traded.entry(content.stock_name).or_default().add(content, is_certain);
    }
    traded
}

fn wrong(source: &str, initial: &InitialStock, quantity: u32, traded: &Traded) -> Option<String> {
    let Traded { taken, added, maybe_taken, maybe_added } = *traded;
    let (name, first, is) = (&initial.stock_name, initial.quantity, i64::from(quantity));
    if quantity > initial.cap {
        return Some(format!("{source} ended with {quantity} of {name}, above {}", initial.cap));
    }
    let exact = i64::from(first) - taken + added;
    let (low, high) = (exact - maybe_taken, exact + maybe_added);
    if (low..=high).contains(&is) {
        return None;
    }
    let unknown = if low == high {
        String::new()
    } else {
        format!(", or {low} to {high} with those whose outcome is unknown")
    };
    Some(format!(
        "{source} ended with {quantity} of {name}; from {first} the acknowledged trades, which took {taken} \
         and added {added}, lead to {exact}{unknown}"
    ))
}

#[cfg(test)]
mod tests {
    use crate::checks::conservation::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{Fact, FinalKind, Outcome};
    use wire::bazaar::TradeType::{Buy, Sell};

    /// Stock1 goes from 100 to 98, and nobody tells how.
    fn trial() -> Trial {
        let mut trial = Trial::without(&[Fact::AppliedTrades]);
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(1, "r2", Sell, 1, "Stock1", (30, 40));
        trial
    }

    #[test]
    fn what_was_acknowledged_adds_up_to_the_end() {
        let result = trial().check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[0].count, 2);
    }

    #[test]
    fn an_acknowledged_trade_that_the_stock_does_not_show_is_a_violation() {
        let mut trial = trial();
        trial.stock_mut("Stock1").quantity_after = Some(100);
        let what = "catalog ended with 100 of Stock1; from 100 the acknowledged trades, which took 3 and \
                    added 1, lead to 98";
        assert_fails(&trial.check(&CHECK), what);
    }

    #[test]
    fn an_unknown_trade_may_have_been_done_and_a_failed_one_may_not() {
        let mut trial = trial();
        trial.stock_mut("Stock1").quantity_after = Some(97);
        trial.attempt(2, "r3", Outcome::Failed, (50, 60));
        assert_fails(&trial.check(&CHECK), "ended with 97");
        trial.observations.last_mut().unwrap().outcome = Outcome::Unknown;
        assert_passes(&trial.check(&CHECK));
        trial.stock_mut("Stock1").quantity_after = Some(99);
        assert_fails(&trial.check(&CHECK), "or 97 to 98 with those whose outcome is unknown");
    }

    #[test]
    fn a_stock_above_its_cap_or_gone_is_a_violation() {
        let mut above = trial();
        above.stock_mut("Stock2").quantity_after = Some(1_000);
        assert_fails(&above.check(&CHECK), "catalog ended with 1000 of Stock2, above 100");
        let mut gone = trial();
        gone.finals.retain(|row| row.stock_name.as_deref() != Some("Stock2"));
        assert_fails(&gone.check(&CHECK), "catalog no longer has Stock2");
    }

    #[test]
    fn nothing_is_said_where_nobody_showed_the_stocks() {
        let mut trial = trial();
        trial.finals.retain(|row| row.source != "catalog");
        assert_inconclusive(&trial.check(&CHECK), "does not say what catalog held");
        assert!(trial.finals.iter().any(|row| row.kind == FinalKind::Order));
    }
}
