//! What the harness makes of an answer, beyond what the target's file says that it means. Pure.
//!
//! Reads are never unknown, whatever the target: a query, a lookup or a read has no effect, so one that was not answered, or not
//! answered well, has failed and that is all there is to it. *Unknown* is kept for what may have had an effect, a trade or a write: one
//! that is counted as failed and turns up in the log is a false alarm, and an unknown one that is counted as failed
//! hides a lost order.
//!
//! An ok answer with a value that rows have no place for (a negative quantity, a side that the target does not have) is no
//! answer that can be checked: a read of that kind has failed, a trade is unknown.

use results::records::{CacheState, Outcome};
use serde_json::Value as Json;
use targets::operation::{Answer, Captures, Kind};
use targets::order_no::OrderNo;
use wire::bazaar::TradeType;

use crate::trading::Trading;

/// How an operation ended, and what it showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// What the target said about its cache.
    pub cache: Option<CacheState>,
    /// How often it was sent to a process that could answer it. A client sends once; the target may have to ask its own
    /// processes several times, and say so.
    pub attempts: u32,
    /// What an ok answer shows; `None` if it is not ok.
    pub shown: Option<Shown>,
}

/// What an ok answer shows, of what its target's file captures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Of a trade: the order.
    pub order_no: Option<OrderNo>,
    /// Of a lookup: the stock.
    pub stock: Option<String>,
    /// Of a lookup: Buy or Sell.
    pub side: Option<TradeType>,
    /// Of a query or a lookup: how many.
    pub quantity: Option<u32>,
    /// Of a query: how many were ever traded.
    pub volume: Option<u64>,
    /// Of a query: the price.
    pub price: Option<f64>,
    /// Of a list: the stocks.
    pub names: Vec<String>,
    /// Of a read: what is there.
    pub value: Option<Json>,
    /// Of an append: where it was put.
    pub position: Option<i64>,
}

/// Judges what the answer to an operation means.
#[must_use]
pub fn judge(kind: Kind, answer: Answer, trading: &Trading) -> Judged {
    let Answer { outcome, captures, reason, cache, attempts } = answer;
    let (outcome, reason, shown) = match outcome {
        Outcome::Ok => match shown(captures, trading) {
            Ok(shown) => (outcome, None, Some(shown)),
            Err(why) => (Outcome::Unknown, Some(why), None),
        },
        Outcome::Rejected | Outcome::Failed | Outcome::Unknown => (outcome, reason, None),
    };
    let outcome = match outcome {
        Outcome::Unknown if has_no_effect(kind) => Outcome::Failed,
        other => other,
    };
    // 0: nobody could be asked. It was sent as far as the target all the same.
    Judged { outcome, reason, cache, attempts: attempts.unwrap_or(1).max(1), shown }
}

fn has_no_effect(kind: Kind) -> bool {
    matches!(kind, Kind::Query | Kind::Lookup | Kind::List | Kind::Read)
}

fn shown(captures: Captures, trading: &Trading) -> Result<Shown, String> {
    let Captures { order_no, stock, side, quantity, volume, price, names, value, position } =
        captures;
    let side = match side {
        None => None,
        Some(name) => Some(trading.side(&name).ok_or_else(|| {
            format!("the answer's side is `{name}`, which is not {}", trading.names())
        })?),
    };
    let impossible = |what: &str, value: i64| format!("the answer's {what} is {value}");
    let quantity = quantity
        .map(|value| u32::try_from(value).map_err(|_| impossible("quantity", value)))
        .transpose()?;
    let volume = volume
        .map(|value| u64::try_from(value).map_err(|_| impossible("volume", value)))
        .transpose()?;
    let names = names.unwrap_or_default();
    Ok(Shown { order_no, stock, side, quantity, volume, price, names, value, position })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn trading() -> Trading {
        let text = "name = 'x'\n[processes.a]\ncommand = 'a'\n[model]\nsides = ['take', 'put']\n";
        Trading::of(&targets::read_text(text, Path::new("x.toml"), 1).unwrap().model)
    }

    fn judged(kind: Kind, answer: Answer) -> Judged {
        judge(kind, answer, &trading())
    }

    fn ok(captures: Captures) -> Answer {
        Answer::ok(captures)
    }

    #[test]
    fn reads_are_never_unknown_and_trades_stay_so() {
        let lost = |kind| judged(kind, Answer::not_ok(Outcome::Unknown, "timed out".to_owned()));
        assert_eq!(lost(Kind::Query).outcome, Outcome::Failed);
        assert_eq!(lost(Kind::Lookup).outcome, Outcome::Failed);
        assert_eq!(lost(Kind::Trade).outcome, Outcome::Unknown);
        assert_eq!(lost(Kind::Trade).reason.as_deref(), Some("timed out"));
        for outcome in [Outcome::Rejected, Outcome::Failed] {
            let said = judged(Kind::Query, Answer::not_ok(outcome, "no".to_owned()));
            assert_eq!((said.outcome, said.shown), (outcome, None));
        }
    }

    #[test]
    fn sides_are_those_of_the_target() {
        for (name, side) in [("take", TradeType::Buy), ("put", TradeType::Sell)] {
            let captures = Captures { side: Some(name.to_owned()), ..Captures::default() };
            let shown = judged(Kind::Lookup, ok(captures)).shown;
            assert_eq!(shown.and_then(|shown| shown.side), Some(side));
        }
        let captures = Captures { side: Some("Buy".to_owned()), ..Captures::default() };
        let other = judged(Kind::Lookup, ok(captures));
        let why = "the answer's side is `Buy`, which is not take or put";
        assert_eq!((other.outcome, other.reason.as_deref()), (Outcome::Failed, Some(why)));
    }

    #[test]
    fn what_rows_have_no_place_for_is_no_answer() {
        let captures = Captures { quantity: Some(-3), ..Captures::default() };
        let query = judged(Kind::Query, ok(captures.clone()));
        assert_eq!((query.outcome, query.shown), (Outcome::Failed, None));
        assert_eq!(query.reason.as_deref(), Some("the answer's quantity is -3"));
        assert_eq!(judged(Kind::Trade, ok(captures)).outcome, Outcome::Unknown);
        let captures = Captures { volume: Some(-1), ..Captures::default() };
        assert_eq!(judged(Kind::Query, ok(captures)).outcome, Outcome::Failed);
    }

    #[test]
    fn what_the_target_had_to_ask_for_again_counts() {
        let asked = |attempts| Answer { attempts, ..ok(Captures::default()) };
        let counted =
            [None, Some(0), Some(1), Some(3)].map(|said| judged(Kind::Trade, asked(said)).attempts);
        assert_eq!(counted, [1, 1, 1, 3]);
    }
}
