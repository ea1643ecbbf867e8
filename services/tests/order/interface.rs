//! What a replica answers to clients and to the front-end.

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;
use wire::headers;

use crate::bazaar::{Bazaar, body};

#[tokio::test]
async fn a_trade_is_numbered_and_can_be_looked_up() {
    let bazaar = Bazaar::start(1).await;
    let reply = bazaar.trade(1, "R1").await;
    assert_eq!((reply.status.as_u16(), body(&reply)), (200, json!({"order_no": 1})));
    let reply = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    let order = json!({"order_no": 1, "stock_name": "Stock1", "trade_type": "Buy", "quantity": 2});
    assert_eq!((reply.status.as_u16(), body(&reply)), (200, json!({"data": order})));
    let reply = bazaar.call(1, &Call::get("/query?order_no=2")).await;
    assert_eq!(body(&reply), json!({"error": {"code": 404, "message": "order not found"}}));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn an_order_can_be_looked_up_as_soon_as_its_number_is_known() {
    let bazaar = Bazaar::start(1).await;
    for order_no in 1..=100 {
        let reply = bazaar.trade(1, &format!("R{order_no}")).await;
        assert_eq!(body(&reply), json!({"order_no": order_no}));
        let lookup = Call::get(format!("/query?order_no={order_no}"));
        assert_eq!(bazaar.call(1, &lookup).await.status, StatusCode::OK, "{order_no}");
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_repeated_trade_keeps_its_number() {
    let bazaar = Bazaar::start(1).await;
    let first = body(&bazaar.trade(1, "R1").await);
    bazaar.trade(1, "R2").await;
    assert_eq!(body(&bazaar.trade(1, "R1").await), first);
    assert_eq!(bazaar.dump(1).await.entries.len(), 2);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_catalogs_refusal_is_passed_on_and_anything_else_is_named() {
    let bazaar = Bazaar::start(1).await;
    *bazaar.others.instead.lock().unwrap() = Some(StatusCode::NOT_FOUND);
    let reply = bazaar.trade(1, "R1").await;
    assert_eq!(body(&reply), json!({"order_no": -1, "message": "Trade failed!"}));
    *bazaar.others.instead.lock().unwrap() = Some(StatusCode::IM_A_TEAPOT);
    let reply = bazaar.trade(1, "R2").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert_eq!(body(&reply)["error"]["message"], "the catalog answered with status 418");
    assert!(bazaar.dump(1).await.entries.is_empty());
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_forms_that_existing_clients_know_are_answered() {
    let bazaar = Bazaar::start(1).await;
    let ping = body(&bazaar.call(1, &Call::get("/ping")).await);
    assert_eq!(ping["alive order server"], 1);
    assert_eq!(ping["port"], bazaar.addresses[&1].port());
    let leader = bazaar.call(1, &Call::get("/leader?leader=7")).await;
    assert_eq!(body(&leader), json!({"message": "received leader id"}));
    let test = bazaar.call(1, &Call::get("/test")).await;
    assert_eq!(body(&test), json!({"data": {"stock_name": "Stock1"}}));
    let test1 = bazaar.call(1, &Call::get("/test1")).await;
    assert_eq!(
        body(&test1),
        json!({"connection": {"code": 200, "message": "order_server is working"}})
    );
    // R5: without an epoch it is answered and changes nothing.
    let sync = bazaar.call(1, &Call::post("/sync", &json!({"order_no": 9, "leader": 7}))).await;
    assert_eq!((sync.status.as_u16(), sync.body.len()), (200, 0));
    assert!(bazaar.dump(1).await.entries.is_empty());
    assert!(bazaar.ping(1).await.serving);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing() {
    let bazaar = Bazaar::start(1).await;
    let trade = "/trade?stock_name=Stock1&trade_type=Buy";
    for (path, field) in [
        ("/query".to_owned(), "order_no"),
        ("/query?order_no=0".to_owned(), "order_no"),
        ("/query?order_no=x".to_owned(), "order_no"),
        ("/query?order_no=-1".to_owned(), "order_no"),
        ("/trade?trade_type=Buy&quantity=1".to_owned(), "stock_name"),
        ("/trade?stock_name=Stock1&trade_type=Hold&quantity=1".to_owned(), "trade_type"),
        (format!("{trade}&quantity=0"), "quantity"),
        (format!("{trade}&quantity=-3"), "quantity"),
        (format!("{trade}&quantity=1.5"), "quantity"),
        (trade.to_owned(), "quantity"),
        ("/leader?leader=abc".to_owned(), "leader"),
    ] {
        let reply = bazaar.call(1, &Call::get(&path)).await;
        let body = body(&reply);
        assert_eq!((reply.status.as_u16(), &body["error"]["code"]), (400, &json!(400)), "{path}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{field}: ")), "{path}: {message}");
    }
    let reply = bazaar.call(1, &Call::post("/sync", &json!({})).header(headers::EPOCH, 1)).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(bazaar.call(1, &Call::post("/ping", &json!({}))).await.status.as_u16(), 405);
    assert_eq!(bazaar.call(1, &Call::get("/nowhere")).await.status.as_u16(), 404);
    assert!(bazaar.dump(1).await.entries.is_empty());
    assert!(bazaar.others.applied.lock().unwrap().is_empty());
    bazaar.stop_all().await;
}
