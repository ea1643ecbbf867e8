//! Internal endpoints want the bazaar's token, on loopback too; the interface goes on without it.

use crate::services_under_test::Services;
use crate::talk::{WITH_TOKEN, ask, body, status};

#[tokio::test(flavor = "multi_thread")]
async fn internal_endpoints_want_the_token_on_loopback_too() {
    let services = Services::start().await;
    for (address, line) in [
        (services.front_end, "POST /invalidate"),
        (services.front_end, "GET /configuration"),
        (services.front_end, "POST /configuration/members"),
        (services.front_end, "GET /history"),
        (services.catalog, "POST /unnumbered"),
        (services.catalog, "POST /configuration"),
        (services.catalog, "POST /fill"),
        (services.catalog, "GET /ping"),
        (services.catalog, "GET /dump"),
        (services.order, "GET /dump"),
        (services.order, "POST /prove"),
        (services.order, "POST /fence"),
    ] {
        for without in ["", "x-double-trouble-secret: open-sesamE\r\n"] {
            assert_eq!(status(&ask(address, line, without, "{}").await), 403, "{line}");
        }
        assert_ne!(status(&ask(address, line, WITH_TOKEN, "{}").await), 403, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicated_orders_want_the_token_and_what_old_clients_send_changes_nothing() {
    let services = Services::start().await;
    let sync = |headers: &'static str| ask(services.order, "POST /sync", headers, "{}");
    assert_eq!(status(&sync("").await), 200);
    assert_eq!(status(&sync("x-epoch: 1\r\n").await), 403);
    let known = "x-epoch: 1\r\nx-double-trouble-secret: open-sesame\r\n";
    assert_eq!(status(&sync(known).await), 400, "an empty message");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interface_answers_without_it() {
    let services = Services::start().await;
    for (address, line) in [
        (services.front_end, "GET /stocks?stock_name=Stock1"),
        (services.front_end, "GET /leader"),
        (services.front_end, "GET /rm?stock_name=Stock1"),
        (services.front_end, "GET /metrics"),
        (services.catalog, "GET /query?stock_name=Stock1"),
        (services.catalog, "GET /healthz"),
        (services.catalog, "GET /metrics"),
        (services.order, "GET /trade?stock_name=Stock1&trade_type=Buy&quantity=1"),
        (services.order, "GET /query?order_no=1"),
        (services.order, "GET /ping"),
        (services.order, "GET /leader?leader=1"),
        (services.order, "GET /test"),
        (services.order, "GET /test1"),
        (services.order, "GET /metrics"),
    ] {
        let answer = ask(address, line, "", "").await;
        assert_eq!(status(&answer), 200, "{line}: {answer}");
    }
    let trade = r#"{"stock_name":"Stock1","type":"Buy","quantity":1}"#;
    assert_eq!(status(&ask(services.catalog, "POST /trade", "", trade).await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_protocols_count_as_not_sent_without_it() {
    let services = Services::start().await;
    // Each of these is refused if it is read at all.
    for (address, line, header) in [
        (services.catalog, "GET /query?stock_name=Stock1", "x-min-version: v\r\n"),
        (services.order, "GET /ping", "x-configuration: {}\r\n"),
        (services.order, "GET /query?order_no=1", "x-epoch: one\r\n"),
        (
            services.order,
            "GET /trade?stock_name=Stock1&trade_type=Buy&quantity=1",
            "x-request-id: two words\r\n",
        ),
    ] {
        let with = format!("{header}{WITH_TOKEN}");
        assert_eq!(status(&ask(address, line, &with, "").await), 400, "{line}");
        assert_ne!(status(&ask(address, line, header, "").await), 400, "{line}");
    }
    // A trade by hand that claims to be the order service's is one by hand.
    let claims = "x-request-id: mine\r\nx-epoch: 9000\r\n";
    let trade = r#"{"stock_name":"Stock1","type":"Buy","quantity":1}"#;
    assert_eq!(status(&ask(services.catalog, "POST /trade", claims, trade).await), 200);
    let dump = ask(services.catalog, "GET /dump", WITH_TOKEN, "").await;
    assert!(!body(&dump).contains("9000") && !body(&dump).contains("mine"), "{dump}");
    // The client's own name for a trade is none of the protocols'.
    let trade = r#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1}"#;
    let keyed = || ask(services.front_end, "POST /orders", "Idempotency-Key: k\r\n", trade);
    assert_eq!(body(&keyed().await), body(&keyed().await));
}
