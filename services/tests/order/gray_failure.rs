//! Parts that are neither up nor down.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;
use services::http::{Call, Limits};
use tokio::task::JoinSet;
use wire::headers;
use wire::internal::{Part, PingReply, ProofRequest};

use crate::bazaar::{Bazaar, PATIENCE, body, listener, send_trade};

fn proof(reach: bool) -> Call {
    Call::post("/prove", &ProofRequest { reach })
}

/// An order, asked for in the second epoch.
fn look_up(order_no: u64) -> Call {
    Call::get(format!("/query?order_no={order_no}")).header(headers::EPOCH, 2)
}

/// Catalog and leader go; the other replica is elected, and cannot take over.
async fn fail_over_without_the_catalog(bazaar: &mut Bazaar) {
    bazaar.others.is_down.store(true, Ordering::SeqCst);
    bazaar.stop(2).await;
    bazaar.begin(1).await;
    bazaar.until(1, |reply| reply.leading).await;
}

#[tokio::test]
async fn a_writer_waits_for_another_programs_lock_and_its_pings_say_for_how_long() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trade(1, "R1").await;
    let file = bazaar.replicas[&1].dir.path().join("order-1.db");
    let shell = rusqlite::Connection::open(file).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let trade = send_trade(&bazaar, 1, "R2".to_owned());
    let stuck = bazaar.until(1, |reply| reply.health.unfinished_us > 0).await;
    let proof = {
        let (peers, address) = (bazaar.peers.clone(), bazaar.addresses[&1]);
        tokio::spawn(async move { peers.call(address, &proof(true), PATIENCE).await.unwrap() })
    };
    let still = |reply: &PingReply| reply.health.unfinished_us > stuck.health.unfinished_us;
    let stuck = bazaar.until(1, still).await;
    assert!(stuck.leading && !trade.is_finished() && !proof.is_finished());
    shell.execute_batch("ROLLBACK").unwrap();
    assert_eq!(body(&trade.await.unwrap()), json!({"order_no": 2}));
    assert_eq!(proof.await.unwrap().status, StatusCode::OK);
    let well = bazaar.until(1, |reply| reply.health.unfinished_us == 0).await;
    assert!(well.health.last_took_us > 0);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_leader_tells_whom_it_does_not_reach_and_proves_nothing() {
    let mut bazaar = Bazaar::start(1).await;
    assert_eq!(bazaar.ping(1).await.unreachable, []);
    assert_eq!(bazaar.call(1, &proof(true)).await.status, StatusCode::OK);
    let dir = bazaar.stop(1).await;
    let unused = listener(None).await;
    bazaar.catalog_at = unused.local_addr().unwrap();
    drop(unused);
    bazaar.restart(1, dir).await;
    bazaar.begin(1).await;
    let cut_off = bazaar.until(1, |reply| !reply.unreachable.is_empty()).await;
    assert!(cut_off.leading);
    assert_eq!(cut_off.unreachable[0].peer, Part::Catalog);
    let proved = bazaar.call(1, &proof(true)).await;
    assert_eq!(proved.status, StatusCode::SERVICE_UNAVAILABLE);
    let disk_is_well = bazaar.call(1, &proof(false)).await;
    assert_eq!(disk_is_well.status, StatusCode::OK);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn what_is_known_to_be_committed_is_shown_after_an_election_without_the_catalog() {
    let mut bazaar = Bazaar::start(2).await;
    bazaar.trade(2, "R1").await;
    let committed = async {
        while bazaar.dump(1).await.committed.0 == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, committed).await.expect("the follower hears of it");
    fail_over_without_the_catalog(&mut bazaar).await;
    let found = bazaar.call(1, &look_up(1)).await;
    assert_eq!((found.status.as_u16(), &body(&found)["data"]["order_no"]), (200, &json!(1)));
    // What it does not know, it does not deny.
    assert_eq!(bazaar.call(1, &look_up(2)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!bazaar.ping(1).await.serving);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn lookups_that_wait_for_a_takeover_hold_up_none_of_what_is_known() {
    let (reads, wait_for_place) = (8, Duration::from_millis(20));
    let limits = Limits { concurrent: reads, questions: 4, wait_for_place, ..Limits::default() };
    let mut bazaar = Bazaar::start_within(limits, 2).await;
    bazaar.trade(2, "R1").await;
    bazaar.until(1, |reply| reply.committed.0 == 1).await;
    fail_over_without_the_catalog(&mut bazaar).await;
    let mut waiting = JoinSet::new();
    for _ in 0..reads {
        let (peers, address, call) = (bazaar.peers.clone(), bazaar.addresses[&1], look_up(2));
        waiting.spawn(async move { while peers.call(address, &call, PATIENCE).await.is_ok() {} });
    }
    let full = async {
        while body(&bazaar.call(1, &look_up(2)).await)["error"]["message"]
            != "too many requests at once"
        {}
    };
    tokio::time::timeout(PATIENCE, full).await.expect("there are more than may wait");
    for _ in 0..10 * reads {
        assert_eq!(bazaar.call(1, &look_up(1)).await.status, StatusCode::OK);
    }
    waiting.shutdown().await;
    bazaar.stop_all().await;
}
