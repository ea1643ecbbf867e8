//! The interface to the letter, as existing clients read it.

use hyper::StatusCode;
use serde_json::json;

use crate::running::{Bazaar, Wish, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_is_found_by_parameter_and_by_path() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let stock = json!({"stock_name": "Stock1", "price": 9.99, "trade_volume": 0, "quantity": 100});
    let miss = bazaar.get("/stocks?stock_name=Stock1").await;
    assert_eq!((miss.status, miss.json()), (200, stock.clone()));
    assert_eq!(miss.header("x-cache"), Some("miss"));
    assert_eq!(miss.header("content-type"), Some("application/json"));
    let hit = bazaar.get("/stocks/Stock1").await;
    assert_eq!((hit.status, hit.json()), (200, stock));
    assert_eq!(hit.header("x-cache"), Some("hit"));
    assert_eq!(bazaar.catalog.asked(), [("Stock1".to_owned(), Some(0))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_stock_is_404_and_is_asked_for_again() {
    let bazaar = Bazaar::start(Wish::default()).await;
    for _ in 0..2 {
        let answer = bazaar.get("/stocks/Nobody").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.body, r#"{"error":{"code":404,"message":"Stock not found"}}"#);
        assert_eq!(answer.header("x-cache"), Some("miss"));
    }
    assert_eq!(bazaar.catalog.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_spaces_and_signs_survives_both_hops() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.catalog.set("Fish & Chips/Ü", 7, 0, 0);
    let answer = bazaar.get("/stocks/Fish%20%26%20Chips%2F%C3%9C").await;
    assert_eq!(answer.json()["stock_name"], "Fish & Chips/Ü");
    let trade = json!({"stock_name": "Fish & Chips/Ü", "trade_type": "Buy", "quantity": 1});
    assert_eq!(bazaar.post("/orders", &trade).await.status, 200);
    let order = bazaar.get("/orders/1").await;
    assert_eq!(order.json()["data"]["stock_name"], "Fish & Chips/Ü");
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_stock_says_what_it_did() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.get("/stocks/Stock1").await;
    let removed = bazaar.get("/rm?stock_name=Stock1").await;
    assert_eq!(removed.status, 200);
    assert_eq!(removed.body, r#"{"stock_name":"Stock1","message":"removed successfully"}"#);
    let again = bazaar.get("/rm?stock_name=Stock1").await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body, r#"{"message":"this stock isn't exist in cache"}"#);
    assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("miss"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_is_numbered_and_can_be_looked_up() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let trade = json!({"stock_name": "Stock1", "trade_type": "Sell", "quantity": 3});
    let answer = bazaar.post("/orders", &trade).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"order_no":1}"#));
    let order = json!({"data":
        {"order_no": 1, "stock_name": "Stock1", "trade_type": "Sell", "quantity": 3}});
    for path in ["/orders?order_no=1", "/orders/1"] {
        let found = bazaar.get(path).await;
        assert_eq!((found.status, found.json()), (200, order.clone()), "{path}");
    }
    let missing = bazaar.get("/orders/2").await;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.body, r#"{"error":{"code":404,"message":"order not found"}}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_may_be_written_in_the_ways_that_exist() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let bodies = [
        r#"{"stock_name":"Stock1","trade_type":"buy","quantity":"3"}"#,
        r#"{"quantity":3,"trade_type":"SELL","stock_name":"Stock1","extra":[1]}"#,
    ];
    for content_type in [None, Some("text/plain"), Some("application/json; charset=latin-1")] {
        for body in bodies {
            let headers: Vec<_> =
                content_type.iter().map(|value| ("content-type", *value)).collect();
            let answer = send(bazaar.address, "POST", "/orders", &headers, body.as_bytes()).await;
            assert_eq!(answer.status, 200, "{content_type:?} {body}");
        }
    }
    let queries: Vec<String> =
        bazaar.log.attempts().into_iter().map(|attempt| attempt.query).collect();
    assert_eq!(queries[0], "stock_name=Stock1&trade_type=Buy&quantity=3");
    assert_eq!(queries[1], "stock_name=Stock1&trade_type=Sell&quantity=3");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_order_service_are_passed_on() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let not_found = json!({"order_no": -1, "message": "Stock not found!"});
    let failed = json!({"order_no": -1, "message": "Trade failed!"});
    let other_body = json!({"error": {"code": 422, "message": "another trade has this name"}});
    let odd = json!({"error": {"code": 502, "message": "the catalog answered 418"}});
    for (status, body) in [
        (StatusCode::NOT_FOUND, not_found),
        (StatusCode::NOT_FOUND, failed),
        (StatusCode::UNPROCESSABLE_ENTITY, other_body),
        (StatusCode::BAD_GATEWAY, odd),
    ] {
        bazaar.log.script(status, body.clone());
        let answer = bazaar.trade("key").await.unwrap();
        assert_eq!((answer.status, answer.json()), (status.as_u16(), body));
    }
    assert_eq!(bazaar.log.attempts().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_key_names_the_trade_and_without_one_every_trade_gets_its_own() {
    let bazaar = Bazaar::start(Wish::default()).await;
    for _ in 0..2 {
        assert_eq!(bazaar.trade("mine").await.unwrap().json(), json!({"order_no": 1}));
    }
    let trade = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    for expected in [2, 3] {
        let answer = bazaar.post("/orders", &trade).await;
        assert_eq!(answer.json(), json!({"order_no": expected}));
    }
    let names: Vec<String> =
        bazaar.log.attempts().into_iter().map(|attempt| attempt.request_id).collect();
    assert_eq!(names[..2], ["mine", "mine"]);
    assert_ne!(names[2], names[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_is_the_highest_id_and_everybody_is_in_sync() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let leader = bazaar.get("/leader").await;
    assert_eq!(leader.status, 200);
    assert_eq!(leader.body, r#"{"leader":3,"epoch":1,"in_sync":[1,2,3]}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_hits_misses_and_requests() {
    let bazaar = Bazaar::start(Wish::default()).await;
    for _ in 0..3 {
        bazaar.get("/stocks/Stock1").await;
    }
    let metrics = bazaar.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    for line in [
        "cache_hits_total 2",
        "cache_misses_total 1",
        "elections_total 1",
        "epoch 1",
        "in_sync_replicas 3",
        "trades_retried_total 0",
        r#"http_requests_total{path="/stocks/*",status="200"} 3"#,
    ] {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_loopback_only_what_is_internal_demands_the_token() {
    let wish = Wish { secret: Some("s3cret".into()), ..Wish::default() };
    let bazaar = Bazaar::start(wish).await;
    assert_eq!(bazaar.trade("key").await.unwrap().status, 200);
    for path in ["/stocks/Stock1", "/orders/1", "/leader", "/rm?stock_name=Stock1", "/metrics"] {
        assert_eq!(bazaar.get(path).await.status, 200, "{path}");
    }
    let secret = [("x-double-trouble-secret", "s3cret")];
    for path in ["/history", "/configuration"] {
        assert_eq!(bazaar.get(path).await.status, 403, "{path}");
        let wrong = [("x-double-trouble-secret", "s3creT")];
        assert_eq!(send(bazaar.address, "GET", path, &wrong, b"").await.status, 403, "{path}");
        assert_eq!(send(bazaar.address, "GET", path, &secret, b"").await.status, 200, "{path}");
    }
    for path in ["/invalidate", "/configuration/members"] {
        assert_eq!(bazaar.post(path, &json!({"stocks": []})).await.status, 403, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn elsewhere_only_the_public_three_answer_without_the_token() {
    let wish = Wish { secret: Some("s3cret".into()), listen: "0.0.0.0:0", ..Wish::default() };
    let mut bazaar = Bazaar::prepare(wish);
    for replica in bazaar.replicas.values_mut() {
        replica.start();
    }
    bazaar.start_front_end().await;
    let secret = [("x-double-trouble-secret", "s3cret")];
    bazaar
        .eventually(async || {
            send(bazaar.address, "GET", "/healthz", &secret, b"").await.status == 200
        })
        .await;
    assert_eq!(bazaar.get("/stocks/Stock1").await.status, 200);
    assert_eq!(bazaar.trade("key").await.unwrap().status, 200);
    assert_eq!(bazaar.get("/orders/1").await.status, 200);
    for path in ["/leader", "/rm?stock_name=Stock1", "/history", "/healthz", "/metrics"] {
        assert_eq!(bazaar.get(path).await.status, 403, "{path}");
        let wrong = [("x-double-trouble-secret", "s3creT")];
        assert_eq!(send(bazaar.address, "GET", path, &wrong, b"").await.status, 403, "{path}");
        assert_eq!(send(bazaar.address, "GET", path, &secret, b"").await.status, 200, "{path}");
    }
    assert_eq!(bazaar.post("/invalidate", &json!({"stocks": []})).await.status, 403);
}
