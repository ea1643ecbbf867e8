//! The built-in bazaar as a target that clients reach, wherever it runs.
//!
//! Its file is the one that the program carries. The file says where the bazaar's processes listen when the harness starts
//! them; of a bazaar that somebody else has started, the host may be another, and only the front-end's port is known, which is
//! all that clients need.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use targets::template::Setting;
use targets::{BAZAAR, read_text};

use crate::service::Service;

/// After how long a client of it gives up, unless somebody says otherwise: longer than the front-end itself waits for a trade.
pub const DEADLINE: Duration = Duration::from_millis(DEADLINE_MS);
/// The same in milliseconds, as plans have it.
pub const DEADLINE_MS: u64 = 10_000;
/// Where its file has its processes listen.
const HOST: &str = "http://127.0.0.1:";

/// Why a bazaar cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum BazaarError {
    /// The text is no host and port.
    #[error("address {0:?}: must be a host and a port, for example 127.0.0.1:30001")]
    Address(String),
    /// The file that the program carries has problems.
    #[error(transparent)]
    File(#[from] targets::Problems),
}

/// The bazaar whose front-end listens on `address` (`host:port`).
///
/// # Errors
/// If `address` is no host and port.
pub fn service(address: &str) -> Result<Service, BazaarError> {
    let (host, port) = split(address).ok_or_else(|| BazaarError::Address(address.to_owned()))?;
    let text = BAZAAR.replace(HOST, &format!("http://{host}:"));
    // The number of its replicas makes no difference to clients.
    let target = read_text(&text, Path::new("bazaar.toml"), 1)?;
    let ports = BTreeMap::from([("front-end".to_owned(), port)]);
    let setting = Setting::new(ports, "", 1, "", "");
    Ok(Service::over_http(Arc::new(target), setting))
}

fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let url = Url::parse(&format!("http://{address}/")).ok()?;
    let is_host = url.host_str() == Some(host) && url.path() == "/" && url.username().is_empty();
    is_host.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use reqwest::header::{HeaderMap, HeaderValue};
    use results::records::{CacheState, Outcome};
    use targets::Target;
    use targets::operation::{Answer, Kind, Places};
    use targets::order_no::OrderNo;
    use wire::bazaar::TradeType;
    use wire::headers;

    use super::*;
    use crate::outcome::{Judged, judge};
    use crate::trading::Trading;

    /// Read once: each of its expressions is parsed in a thread of its own.
    static BAZAAR_READ: LazyLock<Target> =
        LazyLock::new(|| read_text(BAZAAR, Path::new("bazaar.toml"), 3).unwrap());

    fn setting() -> Setting {
        Setting::new(BTreeMap::from([("front-end".to_owned(), 30001)]), "", 3, "", "")
    }

    fn places(kind: Kind) -> Places<'static> {
        static SEVEN: OrderNo = OrderNo::Number(7);
        let all = Places { key: "key-1", client: 1, ..Places::default() };
        match kind {
            Kind::Query => Places { stock: Some("Stock1"), ..all },
            Kind::Trade => {
                Places { stock: Some("Stock1"), side: Some("Buy"), quantity: Some(3), ..all }
            }
            _ => Places { order_no: Some(&SEVEN), ..all },
        }
    }

    fn judged(kind: Kind, answer: Answer) -> Judged {
        judge(kind, answer, &Trading::of(&BAZAAR_READ.model))
    }

    fn with(
        kind: Kind,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) -> Judged {
        let operation = BAZAAR_READ.operations.get(kind).unwrap();
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        let answer = operation.read_answer(status, &headers, body.as_bytes(), &places(kind));
        judged(kind, answer)
    }

    fn answered(kind: Kind, status: u16, body: &str) -> Judged {
        with(kind, status, &[(headers::CACHE, "miss")], body)
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for taken in ["127.0.0.1:30001", "localhost:30001", "[::1]:80"] {
            assert!(service(taken).is_ok(), "{taken}");
        }
        for refused in [
            "",
            "host",
            "host:",
            "http://host:1",
            "a b:1",
            "host:99999",
            "host:1/path",
            "host:1?x=1",
            "somebody@host:1",
        ] {
            let error = service(refused).unwrap_err().to_string();
            assert!(error.starts_with(&format!("address {refused:?}")), "{error}");
        }
    }

    #[test]
    fn requests_are_those_that_the_front_end_knows() {
        let request = |kind, places: Places<'_>| {
            let operation = BAZAAR_READ.operations.get(kind).unwrap();
            let request = operation.request(&setting(), &places).unwrap();
            crate::http::request(request, std::time::Duration::from_secs(1)).unwrap()
        };
        let stock = Places { stock: Some("a b&c=é"), ..places(Kind::Query) };
        let url = "http://127.0.0.1:30001/stocks?stock_name=a%20b%26c%3D%C3%A9";
        assert_eq!(request(Kind::Query, stock).url().as_str(), url);
        let url = "http://127.0.0.1:30001/orders?order_no=7";
        assert_eq!(request(Kind::Lookup, places(Kind::Lookup)).url().as_str(), url);
        let trade = request(Kind::Trade, places(Kind::Trade));
        assert_eq!(trade.url().as_str(), "http://127.0.0.1:30001/orders");
        assert_eq!(trade.headers()[headers::IDEMPOTENCY_KEY], "key-1");
        assert_eq!(trade.headers()["content-type"], "application/json");
        let body = trade.body().and_then(reqwest::Body::as_bytes).unwrap();
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        let expected =
            serde_json::json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 3});
        assert_eq!(body, expected);
    }

    #[test]
    fn trades_are_judged_by_what_is_certain() {
        let error = r#"{"error":{"code":0,"message":"m"}}"#;
        let no_effect = r#"{"error":{"code":503,"message":"m"},"effect":"none"}"#;
        for (status, body, outcome) in [
            (200, r#"{"order_no":7}"#, Outcome::Ok),
            (200, "{}", Outcome::Unknown),
            (200, "", Outcome::Unknown),
            (404, r#"{"order_no":-1,"message":"Trade failed!"}"#, Outcome::Rejected),
            (404, r#"{"order_no":-1,"message":"Stock not found!"}"#, Outcome::Rejected),
            (404, r#"{"order_no":5,"message":"Trade failed!"}"#, Outcome::Failed),
            (404, error, Outcome::Failed),
            (404, "<html>", Outcome::Failed),
            (400, error, Outcome::Failed),
            (405, error, Outcome::Failed),
            (413, error, Outcome::Failed),
            (422, error, Outcome::Failed),
            (503, no_effect, Outcome::Failed),
            (503, error, Outcome::Unknown),
            (500, error, Outcome::Unknown),
            (502, "<html>", Outcome::Unknown),
            (204, "", Outcome::Unknown),
            (302, "", Outcome::Unknown),
            (409, error, Outcome::Unknown),
        ] {
            let judged = answered(Kind::Trade, status, body);
            assert_eq!(judged.outcome, outcome, "{status} {body}");
            assert_eq!(judged.shown.is_some(), outcome == Outcome::Ok);
            assert_eq!(judged.reason.is_some(), outcome != Outcome::Ok);
        }
        let shown = answered(Kind::Trade, 200, r#"{"order_no":7}"#).shown.unwrap();
        assert_eq!(shown.order_no, Some(OrderNo::Number(7)));
    }

    #[test]
    fn reads_are_never_unknown() {
        let stock = r#"{"stock_name":"Stock1","price":9.99,"trade_volume":3,"quantity":97}"#;
        let not_found = r#"{"error":{"code":404,"message":"Stock not found"}}"#;
        for (status, body, outcome) in [
            (200, stock, Outcome::Ok),
            (200, "{}", Outcome::Failed),
            (200, r#"{"stock_name":"Stock1"}"#, Outcome::Failed),
            (204, stock, Outcome::Failed),
            (404, not_found, Outcome::Rejected),
            (404, "no such page", Outcome::Failed),
            (503, not_found, Outcome::Failed),
        ] {
            assert_eq!(answered(Kind::Query, status, body).outcome, outcome, "{status} {body}");
        }
        let judged = answered(Kind::Query, 200, stock);
        assert_eq!((judged.cache, judged.attempts), (Some(CacheState::Miss), 1));
        let shown = judged.shown.unwrap();
        assert_eq!((shown.quantity, shown.volume, shown.price), (Some(97), Some(3), Some(9.99)));
        for outcome in [Outcome::Failed, Outcome::Unknown] {
            let lost = Answer::not_ok(outcome, "timed out".to_owned());
            assert_eq!(self::judged(Kind::Query, lost).outcome, Outcome::Failed);
        }
    }

    #[test]
    fn a_lookup_shows_the_order() {
        let order =
            r#"{"data":{"order_no":7,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#;
        let shown = answered(Kind::Lookup, 200, order).shown.unwrap();
        assert_eq!(shown.stock.as_deref(), Some("Stock1"));
        assert_eq!((shown.side, shown.quantity), (Some(TradeType::Buy), Some(3)));
        let body = r#"{"error":{"code":404,"message":"order not found"}}"#;
        let missing = answered(Kind::Lookup, 404, body);
        assert_eq!(missing.outcome, Outcome::Rejected);
        assert_eq!(missing.reason.as_deref(), Some("order not found"));
    }

    #[test]
    fn an_answer_about_something_else_is_none() {
        let stock = r#"{"stock_name":"Stock2","price":9.99,"trade_volume":3,"quantity":97}"#;
        let judged = answered(Kind::Query, 200, stock);
        assert_eq!((judged.outcome, judged.shown), (Outcome::Failed, None));
        let why = judged.reason.unwrap_or_default();
        assert!(why.starts_with(r#"status 200: {"stock_name":"Stock2""#), "{why}");

        let order =
            r#"{"data":{"order_no":8,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#;
        let judged = answered(Kind::Lookup, 200, order);
        assert_eq!((judged.outcome, judged.shown), (Outcome::Failed, None));
        let why = judged.reason.unwrap_or_default();
        assert!(why.starts_with(r#"status 200: {"data":{"order_no":8"#), "{why}");
    }

    #[test]
    fn a_no_is_told_in_the_bazaars_words() {
        for said in ["Trade failed!", "Stock not found!"] {
            let body = format!(r#"{{"order_no":-1,"message":"{said}"}}"#);
            assert_eq!(answered(Kind::Trade, 404, &body).reason.as_deref(), Some(said));
        }
        let body = r#"{"error":{"code":503,"message":"nobody leads"}}"#;
        for kind in [Kind::Query, Kind::Trade, Kind::Lookup] {
            assert_eq!(answered(kind, 503, body).reason.as_deref(), Some("nobody leads"));
        }
    }

    #[test]
    fn what_the_front_end_had_to_ask_for_again_counts() {
        let order =
            r#"{"data":{"order_no":7,"stock_name":"Stock1","trade_type":"Buy","quantity":3}}"#;
        for (said, counted) in [("0", 1), ("1", 1), ("3", 3), ("many", 1), ("-1", 1)] {
            let headers = [(headers::ATTEMPTS, said)];
            let trade = with(Kind::Trade, 200, &headers, r#"{"order_no":7}"#);
            assert_eq!((trade.attempts, trade.cache), (counted, None), "{said}");
            assert_eq!(with(Kind::Trade, 503, &headers, "").attempts, counted, "{said}");
            assert_eq!(with(Kind::Lookup, 200, &headers, order).attempts, counted, "{said}");
        }
        assert_eq!(with(Kind::Trade, 200, &[], r#"{"order_no":7}"#).attempts, 1);
    }

    #[test]
    fn what_the_front_end_says_of_its_cache_is_kept_whatever_the_answer() {
        for (said, cache) in [("hit", CacheState::Hit), ("miss", CacheState::Miss)] {
            let judged = with(Kind::Query, 404, &[(headers::CACHE, said)], "");
            assert_eq!(judged.cache, Some(cache));
        }
        assert_eq!(with(Kind::Query, 200, &[], "").cache, None);
    }

    #[test]
    fn a_page_instead_of_an_answer_is_cut_short() {
        for kind in [Kind::Query, Kind::Trade] {
            let reason = answered(kind, 502, &"x".repeat(10_000)).reason.unwrap();
            assert!(reason.len() < 300, "{reason}");
        }
    }
}
