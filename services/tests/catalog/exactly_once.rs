//! One decision for one request id, no matter who repeats it and whatever happens in between.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wire::headers;
use wire::ids::Epoch;

use crate::fake_front_end::{FakeFrontEnd, Mood};
use crate::running::{Running, body, by_hand, order, tell, unnumbered};

#[tokio::test]
async fn a_repeat_gets_the_same_answer_and_trades_once() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let traded = json!({ "message": "order had been trade successfully!", "applied_seq": 1 });
    for _ in 0..3 {
        let reply = catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await;
        assert_eq!((reply.status.as_u16(), body(&reply)), (200, traded.clone()));
    }
    for _ in 0..2 {
        let reply = catalog.call(order("r2", 1, "Stock1", "Buy", 91)).await;
        assert_eq!(body(&reply), json!({ "message": "Trade failed!" }));
        // Now there would be room for it; what was refused stays refused.
        catalog.call(order("r3", 1, "Stock1", "Sell", 5)).await;
    }
    assert_eq!(catalog.stock("Stock1").await.quantity, 95);
    assert_eq!(catalog.dump().await.trades.len(), 3);
}

#[tokio::test]
async fn the_same_id_with_another_body_is_422() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await;
    for other in [
        order("r1", 1, "Stock1", "Buy", 11),
        order("r1", 1, "Stock1", "Sell", 10),
        order("r1", 1, "Stock2", "Buy", 10),
    ] {
        let reply = catalog.call(other).await;
        assert_eq!(reply.status, 422);
        assert_eq!(body(&reply)["error"]["code"], 422);
    }
    assert_eq!(catalog.dump().await.trades.len(), 1);
}

#[tokio::test]
async fn a_replaced_leader_is_shut_out_once_its_successor_has_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.call(tell(4)).await;
    catalog.call(order("r1", 4, "Stock1", "Buy", 1)).await;
    catalog.call(by_hand("Stock1", "Buy", 1)).await;
    catalog.call(order("r2", 4, "Nothing", "Buy", 1)).await;
    catalog.call(order("r3", 4, "Stock2", "Sell", 1)).await;
    catalog.call(order("r4", 4, "Stock2", "Buy", 1)).await;

    catalog.call(tell(5)).await;
    let reply = catalog.call(unnumbered(5, 0)).await;
    let trades = body(&reply)["trades"].clone();
    let ids: Vec<_> = trades.as_array().unwrap().iter().map(|it| &it["request_id"]).collect();
    assert_eq!(ids, ["r1", "r4"]);
    assert_eq!(body(&catalog.call(unnumbered(5, 1)).await)["trades"][0]["applied_seq"], 2);
    let page = body(&catalog.call(unnumbered(5, 2)).await);
    assert_eq!((&page["trades"], &page["last_place"]), (&json!([]), &json!(2)));
    assert_eq!((&page["result"], &page["done"]), (&json!("page"), &json!(true)));

    let before = catalog.dump().await;
    for (stale, effect) in [
        (order("r5", 4, "Stock1", "Buy", 1), json!("none")),
        (unnumbered(4, 0), json!("none")),
        // This one had an effect, before the epoch ended.
        (order("r1", 4, "Stock1", "Buy", 1), json!(null)),
    ] {
        let reply = catalog.call(stale).await;
        assert_eq!(reply.status, 409);
        assert_eq!(reply.header::<Epoch>(headers::EPOCH), Some(Epoch(5)));
        assert_eq!(body(&reply)["effect"], effect);
    }
    assert_eq!(catalog.dump().await, before);
    assert_eq!(before.epoch, Epoch(5));
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.call(tell(3)).await;
    catalog.call(order("r1", 3, "Stock1", "Buy", 10)).await;
    catalog.call(order("r2", 3, "Stock1", "Buy", 91)).await;
    catalog.call(tell(6)).await;
    catalog.call(unnumbered(6, 0)).await;
    let before = catalog.dump().await;
    catalog.stop().await;

    let catalog = Running::alone(dir.path()).await;
    assert_eq!(catalog.dump().await, before);
    assert_eq!(catalog.call(order("r5", 5, "Stock1", "Buy", 1)).await.status, 409);
    let reply = catalog.call(order("r1", 6, "Stock1", "Buy", 10)).await;
    assert_eq!(body(&reply)["applied_seq"], 1);
    assert_eq!(catalog.call(order("r2", 6, "Stock1", "Buy", 91)).await.status, 404);
    let reply = catalog.call(order("r3", 6, "Stock1", "Buy", 1)).await;
    assert_eq!(body(&reply)["applied_seq"], 2);
}

#[tokio::test]
async fn a_trade_whose_client_leaves_is_decided_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let catalog = Running::start(dir.path(), front_end.address).await;
    front_end.becomes(Mood::Withhold);

    let sent = r#"{"stock_name":"Stock1","type":"Buy","quantity":10}"#;
    let mut client = TcpStream::connect(catalog.address).await.unwrap();
    let head = "POST /trade HTTP/1.1\r\nx-request-id: r1\r\nx-epoch: 1\r\ncontent-length: 50\r\n";
    client.write_all(format!("{head}\r\n{sent}").as_bytes()).await.unwrap();
    front_end.has_been_told("Stock1", 1, 1).await;
    drop(client);
    front_end.becomes(Mood::Acknowledge);

    let reply = catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await;
    assert_eq!(body(&reply)["applied_seq"], 1);
    assert_eq!(catalog.stock("Stock1").await.quantity, 90);
}
