//! How an operation ended, judged from its reply alone. Pure.
//!
//! For a trade the line between *failed* and *unknown* carries every check: a trade that is
//! counted as failed and turns up in the log is a false alarm, and an unknown one that is counted
//! as failed hides a lost order. So a trade has failed only if it was never sent, if the status
//! says that the request itself was refused (400, 404, 405, 413, 422), or if the body says that
//! there was no effect. Everything else that is no clear answer is unknown.
//!
//! A read has no effect, so it is never unknown. Its answer must be about what was asked: one that shows
//! another stock or another order has failed, whatever its status.

use results::records::{CacheState, Outcome};
use serde::de::DeserializeOwned;
use wire::bazaar::{Data, ErrorBody, Order, OrderAccepted, OrderRejected, Stock};
use wire::ids::OrderNo;

use crate::http::Reply;

/// How an operation ended, and what it showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<T> {
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// What the front-end said about its cache.
    pub cache: Option<CacheState>,
    /// How often it was sent to a process that could answer it. A client sends once; the front-end may
    /// have to ask the order service several times.
    pub attempts: u32,
    /// What an ok answer holds.
    pub shown: Option<T>,
}

/// Judges the query of the stock `name`.
#[must_use]
pub fn of_query(reply: &Reply, name: &str) -> Judged<Stock> {
    of_read(reply, |shown: &Stock| match shown.stock_name.as_str() {
        shown if shown == name => None,
        other => Some(format!("the answer is about {other}, and {name} was asked for")),
    })
}

/// Judges the query of the order `number`.
#[must_use]
pub fn of_lookup(reply: &Reply, number: OrderNo) -> Judged<Order> {
    let judged = of_read(reply, |shown: &Data<Order>| match shown.data.order_no {
        shown if shown == number => None,
        other => Some(format!("the answer is about #{other}, and #{number} was asked for")),
    });
    let Judged { outcome, status, reason, cache, attempts, shown } = judged;
    Judged { outcome, status, reason, cache, attempts, shown: shown.map(|shown| shown.data) }
}

/// `mismatch` says what is wrong with an answer that can be read, if it is none to the question.
fn of_read<T: DeserializeOwned>(
    reply: &Reply,
    mismatch: impl Fn(&T) -> Option<String>,
) -> Judged<T> {
    let (status, body) = match reply {
        Reply::Answered { status, body, .. } => (*status, body),
        Reply::NotSent(reason) | Reply::Lost(reason) => {
            return Judged::unanswered(Outcome::Failed, reason);
        }
    };
    let judged = Judged::answered(reply, status);
    match status {
        200 => match serde_json::from_slice(body) {
            Ok(shown) => match mismatch(&shown) {
                None => judged.ok(shown),
                Some(why) => judged.not_ok(Outcome::Failed, why),
            },
            Err(error) => judged.not_ok(Outcome::Failed, unreadable(&error)),
        },
        404 => match serde_json::from_slice::<ErrorBody>(body) {
            Ok(no) => judged.not_ok(Outcome::Rejected, no.error.message),
            Err(error) => judged.not_ok(Outcome::Failed, unreadable(&error)),
        },
        _ => judged.not_ok(Outcome::Failed, message(body)),
    }
}

/// Judges a trade.
#[must_use]
pub fn of_trade(reply: &Reply) -> Judged<OrderNo> {
    let (status, body) = match reply {
        Reply::Answered { status, body, .. } => (*status, body),
        Reply::NotSent(reason) => return Judged::unanswered(Outcome::Failed, reason),
        Reply::Lost(reason) => return Judged::unanswered(Outcome::Unknown, reason),
    };
    let judged = Judged::answered(reply, status);
    match status {
        200 => match serde_json::from_slice::<OrderAccepted>(body) {
            Ok(accepted) => judged.ok(accepted.order_no),
            Err(error) => judged.not_ok(Outcome::Unknown, unreadable(&error)),
        },
        404 => match serde_json::from_slice::<OrderRejected>(body) {
            Ok(no) if no.order_no == -1 => judged.not_ok(Outcome::Rejected, no.message),
            _ => judged.not_ok(Outcome::Failed, message(body)),
        },
        400 | 405 | 413 | 422 => judged.not_ok(Outcome::Failed, message(body)),
        _ if says_no_effect(body) => judged.not_ok(Outcome::Failed, message(body)),
        _ => judged.not_ok(Outcome::Unknown, message(body)),
    }
}

impl<T> Judged<T> {
    fn unanswered(outcome: Outcome, reason: &str) -> Self {
        let reason = Some(reason.to_owned());
        Self { outcome, status: None, reason, cache: None, attempts: 1, shown: None }
    }

    fn answered(reply: &Reply, status: u16) -> Self {
        let (cache, attempts) = match reply {
            Reply::Answered { cache, attempts, .. } => (*cache, *attempts),
            Reply::NotSent(_) | Reply::Lost(_) => (None, None),
        };
        // 0: nobody could be asked. It was sent as far as the front-end all the same.
        let attempts = attempts.unwrap_or(1).max(1);
        let (outcome, status) = (Outcome::Ok, Some(status));
        Self { outcome, status, reason: None, cache, attempts, shown: None }
    }

    fn ok(self, shown: T) -> Self {
        Self { shown: Some(shown), ..self }
    }

    fn not_ok(self, outcome: Outcome, reason: String) -> Self {
        Self { outcome, reason: Some(reason), ..self }
    }
}

fn says_no_effect(body: &[u8]) -> bool {
    serde_json::from_slice::<ErrorBody>(body).is_ok_and(|body| body.certainly_had_no_effect())
}

/// The longest reason that is kept: a row stays a row.
const MAX_REASON_CHARS: usize = 200;

/// The message of an error body, or the beginning of whatever the body is.
fn message(body: &[u8]) -> String {
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => body.error.message,
        Err(_) => String::from_utf8_lossy(body).chars().take(MAX_REASON_CHARS).collect(),
    }
}

fn unreadable(error: &serde_json::Error) -> String {
    format!("the answer cannot be read: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Reply {
        let (cache, body) = (Some(CacheState::Miss), body.as_bytes().to_vec());
        Reply::Answered { status, cache, attempts: None, body }
    }

    #[test]
    fn trades_are_judged_by_what_is_certain() {
        let error = r#"{"error":{"code":0,"message":"m"}}"#;
        let no_effect = r#"{"error":{"code":503,"message":"m"},"effect":"none"}"#;
        let table = [
            (answered(200, r#"{"order_no":7}"#), Outcome::Ok),
            (answered(200, "{}"), Outcome::Unknown),
            (answered(404, r#"{"order_no":-1,"message":"Trade failed!"}"#), Outcome::Rejected),
            (answered(404, r#"{"order_no":-1,"message":"Stock not found!"}"#), Outcome::Rejected),
            (answered(404, error), Outcome::Failed),
            (answered(400, error), Outcome::Failed),
            (answered(405, error), Outcome::Failed),
            (answered(413, error), Outcome::Failed),
            (answered(422, error), Outcome::Failed),
            (answered(503, no_effect), Outcome::Failed),
            (answered(503, error), Outcome::Unknown),
            (answered(500, error), Outcome::Unknown),
            (answered(502, "<html>"), Outcome::Unknown),
            (answered(204, ""), Outcome::Unknown),
            (answered(302, ""), Outcome::Unknown),
            (answered(409, error), Outcome::Unknown),
            (Reply::NotSent("Connection refused".to_owned()), Outcome::Failed),
            (Reply::Lost("timed out".to_owned()), Outcome::Unknown),
            (Reply::Lost("connection reset".to_owned()), Outcome::Unknown),
        ];
        for (reply, outcome) in table {
            let judged = of_trade(&reply);
            assert_eq!(judged.outcome, outcome, "{reply:?}");
            assert_eq!(judged.shown.is_some(), outcome == Outcome::Ok);
            assert_eq!(judged.reason.is_some(), outcome != Outcome::Ok);
        }
    }

    #[test]
    fn reads_are_never_unknown() {
        let stock = r#"{"stock_name":"Stock1","price":9.99,"trade_volume":3,"quantity":97}"#;
        let not_found = r#"{"error":{"code":404,"message":"Stock not found"}}"#;
        let table = [
            (answered(200, stock), Outcome::Ok),
            (answered(200, "{}"), Outcome::Failed),
            (answered(404, not_found), Outcome::Rejected),
            (answered(404, "no such page"), Outcome::Failed),
            (answered(503, not_found), Outcome::Failed),
            (Reply::NotSent("Connection refused".to_owned()), Outcome::Failed),
            (Reply::Lost("timed out".to_owned()), Outcome::Failed),
        ];
        for (reply, outcome) in table {
            assert_eq!(of_query(&reply, "Stock1").outcome, outcome, "{reply:?}");
        }
        let judged = of_query(&answered(200, stock), "Stock1");
        assert_eq!(judged.cache, Some(CacheState::Miss));
        assert_eq!(judged.shown.map(|stock| stock.quantity), Some(97));
    }

    #[test]
    fn a_lookup_shows_the_order() {
        let order =
            r#"{"data":{"order_no":7,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#;
        let judged = of_lookup(&answered(200, order), OrderNo(7));
        assert_eq!(judged.shown.map(|order| order.order_no), Some(OrderNo(7)));
        let missing = answered(404, r#"{"error":{"code":404,"message":"order not found"}}"#);
        assert_eq!(of_lookup(&missing, OrderNo(7)).reason.as_deref(), Some("order not found"));
    }

    #[test]
    fn an_answer_about_something_else_is_none() {
        let stock = r#"{"stock_name":"Stock2","price":9.99,"trade_volume":3,"quantity":97}"#;
        let judged = of_query(&answered(200, stock), "Stock1");
        assert_eq!((judged.outcome, judged.shown), (Outcome::Failed, None));
        let why = "the answer is about Stock2, and Stock1 was asked for";
        assert_eq!(judged.reason.as_deref(), Some(why));

        let order =
            r#"{"data":{"order_no":8,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#;
        let judged = of_lookup(&answered(200, order), OrderNo(7));
        assert_eq!((judged.outcome, judged.shown), (Outcome::Failed, None));
        assert_eq!(judged.reason.as_deref(), Some("the answer is about #8, and #7 was asked for"));
    }

    #[test]
    fn what_the_front_end_had_to_ask_for_again_counts() {
        let asked = |attempts| Reply::Answered {
            status: 200,
            cache: None,
            attempts,
            body: br#"{"order_no":7}"#.to_vec(),
        };
        let counted = [None, Some(0), Some(1), Some(3)].map(|said| of_trade(&asked(said)).attempts);
        assert_eq!(counted, [1, 1, 1, 3]);
        assert_eq!(of_trade(&Reply::Lost("timed out".to_owned())).attempts, 1);
    }

    #[test]
    fn a_page_instead_of_an_answer_is_cut_short() {
        let judged = of_trade(&answered(502, &"x".repeat(10_000)));
        assert_eq!(judged.reason.map(|reason| reason.len()), Some(MAX_REASON_CHARS));
    }
}
