//! The catalog's table of DESIGN.md §2, to the letter, and what the protocols add to it.

use serde_json::json;
use services::http::Call;
use wire::headers;

use crate::running::{Running, body, by_hand};

#[tokio::test]
async fn a_stock_can_be_queried() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let reply = catalog.get("/query?stock_name=Stock1").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header::<u64>(headers::STOCK_VERSION), Some(0));
    let stock =
        json!({ "stock_name": "Stock1", "price": 9.99, "trade_volume": 0, "quantity": 100 });
    assert_eq!(body(&reply), json!({ "data": stock }));

    let reply = catalog.get("/query?stock_name=Nothing").await;
    assert_eq!(reply.status, 404);
    assert_eq!(body(&reply), json!({ "error": { "code": 404, "message": "Stock not found" } }));
}

#[tokio::test]
async fn a_trade_by_hand_is_applied_and_recorded_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let reply = catalog.call(by_hand("Stock2", "Buy", 30)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(body(&reply), json!({ "message": "order had been trade successfully!" }));
    let reply = catalog.call(by_hand("Stock2", "Sell", 10)).await;
    assert_eq!(reply.status, 200);

    let stock = catalog.stock("Stock2").await;
    assert_eq!((stock.quantity, stock.trade_volume), (80, 40));
    let reply = catalog.get("/query?stock_name=Stock2").await;
    assert_eq!(reply.header::<u64>(headers::STOCK_VERSION), Some(2));
    let trades = serde_json::to_value(catalog.dump().await.trades).unwrap();
    assert_eq!(trades[0]["origin"], "by_hand");
    assert_eq!(trades[0]["applied_seq"], json!(null));
    assert_ne!(trades[0]["request_id"], trades[1]["request_id"]);
}

#[tokio::test]
async fn a_trade_that_cannot_be_is_refused_and_recorded_if_there_is_such_a_stock() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for (call, message) in [
        (by_hand("Stock3", "Buy", 101), "Trade failed!"),
        (by_hand("Stock3", "Sell", 1), "Trade failed!"),
        (by_hand("Nothing", "Buy", 1), "Stock not found!"),
    ] {
        let reply = catalog.call(call).await;
        assert_eq!(reply.status, 404);
        assert_eq!(body(&reply), json!({ "message": message }));
    }
    let stock = catalog.stock("Stock3").await;
    assert_eq!((stock.quantity, stock.trade_volume), (100, 0));
    let trades = serde_json::to_value(catalog.dump().await.trades).unwrap();
    let decisions: Vec<_> = trades.as_array().unwrap().iter().map(|it| &it["decision"]).collect();
    assert_eq!(decisions, ["failed", "failed"]);
}

#[tokio::test]
async fn existing_clients_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for (content_type, sent) in [
        ("", r#"{"stock_name":"Stock1","type":"Buy","quantity":"7"}"#),
        ("content-type: text/plain\r\n", r#"{"stock_name":"Stock1","type":"bUY","quantity":7}"#),
        (
            "content-type: application/x-www-form-urlencoded\r\n",
            r#"{"stock_name":"Stock1","type":"BUY","quantity":7,"more":[1]}"#,
        ),
    ] {
        let (status, answer) = catalog.send("POST /trade", content_type, sent.as_bytes()).await;
        assert_eq!(status, 200, "{sent}: {answer}");
    }
    assert_eq!(catalog.stock("Stock1").await.quantity, 79);
}

#[tokio::test]
async fn metrics_say_what_was_done() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let counted = ["catalog_batch_size_count", "catalog_flushes_total"];
    let before = [catalog.metric(counted[0]).await, catalog.metric(counted[1]).await];
    catalog.call(by_hand("Stock1", "Buy", 1)).await;
    catalog.call(by_hand("Stock1", "Buy", 100)).await;
    for (name, before) in counted.into_iter().zip(before) {
        assert_eq!(catalog.metric(name).await, before + 2, "{name}");
    }
    let text = catalog.metrics().await;
    for line in [
        "catalog_trades_applied_total 1",
        "catalog_trades_refused_total 1",
        "catalog_trades_repeated_total 0",
        "catalog_epoch 1",
        r#"http_requests_total{path="/trade",status="404"} 1"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn two_hundred_trades_at_once_conserve_the_stock() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = std::sync::Arc::new(Running::alone(dir.path()).await);
    let trades: Vec<_> = (0..200_u32)
        .map(|n| {
            let catalog = std::sync::Arc::clone(&catalog);
            let (trade_type, quantity) = (if n % 2 == 0 { "Buy" } else { "Sell" }, n % 10 + 1);
            tokio::spawn(async move {
                let call = by_hand("Stock4", trade_type, quantity);
                let applied = catalog.call(call).await.status == 200;
                let signed = if n % 2 == 0 { -i64::from(quantity) } else { i64::from(quantity) };
                if applied { (signed, u64::from(quantity), 1) } else { (0, 0, 0) }
            })
        })
        .collect();
    let (mut change, mut volume, mut versions) = (0, 0, 0);
    for trade in trades {
        let applied = trade.await.unwrap();
        (change, volume, versions) = (change + applied.0, volume + applied.1, versions + applied.2);
    }
    assert!(versions > 0);
    let dump = catalog.dump().await;
    let stock = dump.stocks.iter().find(|stock| stock.stock_name == "Stock4").unwrap();
    assert_eq!(i64::from(stock.quantity), 100 + change);
    assert_eq!((stock.trade_volume, stock.version.0), (volume, versions));
    assert_eq!(dump.trades.len(), 200);
}

#[tokio::test]
async fn a_name_with_odd_characters_is_only_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for name in ["%27%3B+DROP+TABLE+stocks%3B--", "%E2%82%AC", "%00", ""] {
        let reply = catalog.call(Call::get(format!("/query?stock_name={name}"))).await;
        assert_eq!(reply.status, 404, "{name}");
    }
    let reply = catalog.call(by_hand("'; DROP TABLE stocks; --\0", "Buy", 1)).await;
    assert_eq!(reply.status, 404);
    assert_eq!(catalog.dump().await.stocks.len(), 10);
}
