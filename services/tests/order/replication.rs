//! What every in-sync replica has, and who numbers after whom.

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;
use wire::ids::{AppliedSeq, Epoch};
use wire::internal::AppliedTrade;

use crate::bazaar::{Bazaar, PATIENCE, body};

#[tokio::test]
async fn every_in_sync_replica_has_an_acknowledged_order() {
    let bazaar = Bazaar::start(3).await;
    for name in 1..=20 {
        assert_eq!(bazaar.trade(3, &format!("R{name}")).await.status, StatusCode::OK);
    }
    let leader = bazaar.dump(3).await;
    assert_eq!(leader.entries.len(), 20);
    for id in [1, 2] {
        assert_eq!(bazaar.dump(id).await.entries, leader.entries);
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_follower_that_dies_is_removed_and_comes_back_complete() {
    let mut bazaar = Bazaar::start(3).await;
    bazaar.trade(3, "R1").await;
    let dir = bazaar.stop(1).await;
    assert_eq!(body(&bazaar.trade(3, "R2").await), json!({"order_no": 2}));
    bazaar.in_sync(&[2, 3]).await;
    bazaar.restart(1, dir).await;
    bazaar.in_sync(&[1, 2, 3]).await;
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(3).await.entries);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_next_leader_numbers_what_its_predecessor_left_behind() {
    let mut bazaar = Bazaar::start(3).await;
    bazaar.trade(3, "R1").await;
    // The catalog applied R2 for the old leader, which died before it could number it.
    let orphan = AppliedTrade {
        applied_seq: AppliedSeq(2),
        request_id: wire::ids::RequestId::new("R2").unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: wire::bazaar::TradeType::Sell,
        quantity: 5,
    };
    bazaar.others.applied.lock().unwrap().insert("R2".to_owned(), orphan);
    bazaar.stop(3).await;
    bazaar.elect(2).await;
    bazaar.in_sync(&[1, 2]).await;
    assert_eq!(body(&bazaar.trade(2, "R2").await), json!({"order_no": 2}));
    assert_eq!(body(&bazaar.trade(2, "R3").await), json!({"order_no": 3}));
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(2).await.entries);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_restarted_replica_keeps_its_orders_and_does_not_lead_the_epoch_on_its_disk() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trade(1, "R1").await;
    let before = bazaar.ping(1).await.incarnation;
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    let ping = bazaar.ping(1).await;
    assert_ne!(ping.incarnation, before);
    assert_eq!((ping.epoch, ping.last_order_no.0, ping.leading), (Epoch(1), 1, false));
    // The announcement has been heard once a message behind it in the queue is answered.
    bazaar.dump(1).await;
    assert!(!bazaar.ping(1).await.leading);
    let reply = bazaar.trade(1, "R2").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body(&reply)["effect"], "none");

    bazaar.elect(1).await;
    assert_eq!(body(&bazaar.trade(1, "R2").await), json!({"order_no": 2}));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_trade_whose_client_left_is_numbered_all_the_same() {
    // E2: the catalog has the trade in hand when the client gives up.
    let bazaar = Bazaar::start(1).await;
    bazaar.others.hold.send_replace(true);
    {
        let trade = bazaar.trade(1, "R1");
        tokio::pin!(trade);
        tokio::select! {
            _ = &mut trade => panic!("the catalog holds the trade up"),
            () = bazaar.others.arrived.notified() => {}
        }
    }
    bazaar.others.hold.send_replace(false);
    let numbered = async {
        while bazaar.dump(1).await.entries.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, numbered).await.expect("the trade is numbered");
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_follower_says_who_leads_and_passes_lookups_on() {
    let bazaar = Bazaar::start(2).await;
    bazaar.trade(2, "R1").await;
    bazaar.ping(1).await;
    bazaar.dump(1).await;
    let call = Call::get("/trade?stock_name=Stock1&trade_type=Buy&quantity=1");
    let reply = bazaar.call(1, &call).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(body(&reply)["error"]["message"], "not the leader: replica 2 leads");
    let reply = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    assert_eq!(body(&reply)["data"]["order_no"], 1);
    let reply = bazaar.call(1, &Call::get("/query?order_no=2")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn garbage_on_the_port_hurts_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bazaar = Bazaar::start(1).await;
    let mut stream = tokio::net::TcpStream::connect(bazaar.addresses[&1]).await.unwrap();
    stream.write_all(&[0, 255, 13, 10, 13, 10, 7, 0, 1, 2, 3]).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    assert_eq!(bazaar.trade(1, "R1").await.status, StatusCode::OK);
    bazaar.stop_all().await;
}
