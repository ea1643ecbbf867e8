//! Rules S2 and S3: numbers are bounded where they are parsed, and names have a length.

use crate::services_under_test::Services;
use crate::talk::{TOKEN, WITH_TOKEN, ask, status};

const MOST: &str = "18446744073709551615";
const TOO_MUCH: &str = "9223372036854775808";

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_no_counter_reaches_is_refused_even_of_the_bazaars_own() {
    let services = Services::start().await;
    for number in [MOST, TOO_MUCH] {
        let lists = format!(r#"{{"epoch":{number},"after":0}}"#);
        let pushes = format!(r#"{{"stocks":[{{"stock_name":"Stock1","version":{number}}}]}}"#);
        let members =
            format!(r#"{{"epoch":{number},"version":{number},"change":"remove","member":1}}"#);
        for (address, line, body) in [
            (services.catalog, "POST /unnumbered", lists.as_str()),
            (services.front_end, "POST /invalidate", pushes.as_str()),
            (services.front_end, "POST /configuration/members", members.as_str()),
        ] {
            let answer = ask(address, line, WITH_TOKEN, body).await;
            assert_eq!(status(&answer), 400, "{line}: {answer}");
        }
        let epoch = format!("x-epoch: {number}\r\n{WITH_TOKEN}");
        assert_eq!(status(&ask(services.order, "POST /sync", &epoch, "{}").await), 400);
        assert_eq!(status(&ask(services.order, "GET /query?order_no=7", &epoch, "").await), 400);
        let configuration = format!(
            "x-configuration: {{\"version\":1,\"epoch\":{number},\"leader\":1,\"in_sync\":[1]}}\r\n\
             {WITH_TOKEN}"
        );
        assert_eq!(status(&ask(services.order, "GET /ping", &configuration, "").await), 400);
        let query = format!("GET /query?order_no={number}");
        assert_eq!(status(&ask(services.order, &query, "", "").await), 400);
    }
    // Nobody has died of it, and trading goes on.
    let trade = r#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1}"#;
    assert_eq!(status(&ask(services.front_end, "POST /orders", "", trade).await), 200);
    assert_eq!(services.quantity().await, 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_longer_than_any_stocks_is_refused() {
    let services = Services::start().await;
    for (length, wanted) in [(64, 404), (65, 400)] {
        let name = "x".repeat(length);
        let trade = format!(r#"{{"stock_name":"{name}","trade_type":"Buy","quantity":1}}"#);
        let by_hand = format!(r#"{{"stock_name":"{name}","type":"Buy","quantity":1}}"#);
        let query = format!("GET /query?stock_name={name}");
        let stock = format!("GET /stocks/{name}");
        let get = format!("GET /trade?stock_name={name}&trade_type=Buy&quantity=1");
        for (address, line, body) in [
            (services.front_end, "POST /orders", trade.as_str()),
            (services.front_end, stock.as_str(), ""),
            (services.catalog, "POST /trade", by_hand.as_str()),
            (services.catalog, query.as_str(), ""),
            (services.order, get.as_str(), ""),
        ] {
            let answer = ask(address, line, "", body).await;
            assert_eq!(status(&answer), wanted, "{line}: {answer}");
        }
    }
    let pushes = format!(r#"{{"stocks":[{{"stock_name":"{}","version":1}}]}}"#, "x".repeat(65));
    assert_eq!(
        status(&ask(services.front_end, "POST /invalidate", WITH_TOKEN, &pushes).await),
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_trades_of_stocks_that_do_not_exist() {
    let services = Services::start().await;
    let before = ask(services.catalog, "GET /dump", WITH_TOKEN, "").await;
    for number in 0..20 {
        let name = format!("Nothing{number}{}", "x".repeat(40));
        let trade = format!(r#"{{"stock_name":"{name}","trade_type":"Sell","quantity":1}}"#);
        let key = format!("Idempotency-Key: {number}\r\n");
        for _ in 0..2 {
            let answer = ask(services.front_end, "POST /orders", &key, &trade).await;
            assert_eq!(status(&answer), 404, "{answer}");
            assert!(answer.contains("Stock not found!"), "{answer}");
        }
        let by_hand = format!(r#"{{"stock_name":"{name}","type":"Sell","quantity":1}}"#);
        assert_eq!(status(&ask(services.catalog, "POST /trade", "", &by_hand).await), 404);
    }
    let after = ask(services.catalog, "GET /dump", WITH_TOKEN, "").await;
    assert!(crate::talk::body(&before) == crate::talk::body(&after), "{after:.2000}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_for_is_counted_under_few_names() {
    let services = Services::start().await;
    for number in 0..50 {
        let line = format!("GET /nothing{number}");
        assert_eq!(status(&ask(services.front_end, &line, "", "").await), 404);
        let line = format!("BREW{number} /orders");
        assert_eq!(status(&ask(services.front_end, &line, "", "").await), 405);
        let origin = format!("Origin: http://evil{number}.example\r\n");
        assert_eq!(status(&ask(services.front_end, "GET /orders", &origin, "").await), 403);
    }
    let metrics = ask(services.front_end, "GET /metrics", "", "").await;
    let counted = metrics.lines().filter(|line| line.starts_with("http_requests_total"));
    assert!(counted.count() < 20, "{metrics}");
    assert!(!metrics.contains("nothing") && !metrics.contains(TOKEN), "{metrics}");
}
