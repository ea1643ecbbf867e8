//! A leader dies, hangs, or comes back as another process, with trades under way.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use wire::configuration::Cause;

use crate::running::{Bazaar, Wish, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_under_way_is_retried_under_the_same_name_at_the_next_leader() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).hold_trades(true);
    let trade = bazaar.trade("one");
    bazaar.log.was_tried(1).await;
    bazaar.replica(3).kill();
    let answer = trade.await.unwrap();
    assert_eq!((answer.status, answer.json()), (200, json!({"order_no": 1})));
    assert_eq!(bazaar.log.numbered(), 1);
    let attempts = bazaar.log.attempts();
    assert!(attempts.iter().all(|attempt| attempt.request_id == "one"));
    let (first, last) = (&attempts[0], &attempts[attempts.len() - 1]);
    assert_eq!((first.replica, first.epoch), (3, 1));
    assert_eq!((last.replica, last.epoch), (2, 2));

    bazaar.eventually(async || bazaar.changes().await[1].serving_us.is_some()).await;
    let change = &bazaar.changes().await[1];
    assert_eq!(change.cause, Cause::Election);
    assert!(change.suspected_us.unwrap() <= change.stored_us);
    assert!(change.stored_us <= change.serving_us.unwrap());
    let leader = bazaar.get("/leader").await;
    assert_eq!(leader.body, r#"{"leader":2,"epoch":2,"in_sync":[1,2,3]}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_goes_on_at_the_next_leader() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.trade("one").await.unwrap();
    bazaar.replica(3).kill();
    let found = bazaar.get("/orders/1").await;
    assert_eq!((found.status, found.json()["data"]["order_no"].clone()), (200, json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hangs_is_replaced_and_its_trades_go_on() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(3).hang(true);
    let trades: Vec<_> = ["a", "b", "c"].map(|key| bazaar.trade(key)).into();
    for trade in trades {
        assert_eq!(trade.await.unwrap().status, 200);
    }
    assert_eq!(bazaar.log.numbered(), 3);
    let served: BTreeSet<u8> =
        bazaar.log.attempts().iter().map(|attempt| attempt.replica).collect();
    assert!(served.contains(&2), "{served:?}");
    bazaar.replica(3).hang(false);
    assert_eq!(bazaar.trade("d").await.unwrap().json(), json!({"order_no": 4}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_restarted_leads_under_a_new_epoch_only() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).kill();
    bazaar.replica(3).start();
    // Whether it was seen dead or only seen changed, its old epoch is over.
    bazaar
        .eventually(async || bazaar.get("/leader").await.json()["epoch"].as_u64() == Some(2))
        .await;
    let answer = bazaar.trade("one").await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(bazaar.log.attempts().iter().filter(|attempt| attempt.epoch == 1).count() <= 1);
    assert_eq!(bazaar.log.numbered(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_alone_deposes_nobody() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    assert_eq!(bazaar.trade("zero").await.unwrap().header("x-attempts"), Some("1"));
    bazaar.replica(3).break_next_trade();
    let answer = bazaar.trade("one").await.unwrap();
    assert_eq!((answer.status, answer.header("x-attempts")), (200, Some("2")));
    let attempts = bazaar.log.attempts();
    assert_eq!(attempts.len(), 3);
    assert!(attempts.iter().all(|attempt| attempt.replica == 3 && attempt.epoch == 1));
    assert_eq!(bazaar.changes().await.len(), 1);
    assert!(bazaar.get("/metrics").await.body.contains("trades_retried_total 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_that_is_refused_for_now_is_tried_again() {
    let bazaar = Bazaar::start(Wish::default()).await;
    let status = hyper::StatusCode::SERVICE_UNAVAILABLE;
    bazaar.log.script(status, json!({"error": {"code": 503, "message": "x"}, "effect": "none"}));
    bazaar.log.script(status, json!({"error": {"code": 503, "message": "x"}}));
    let answer = bazaar.trade("one").await.unwrap();
    assert_eq!((answer.status, answer.header("x-attempts")), (200, Some("3")));
    let names: BTreeSet<String> =
        bazaar.log.attempts().into_iter().map(|attempt| attempt.request_id).collect();
    assert_eq!(names, BTreeSet::from(["one".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leaders_in_a_row_leave_the_third() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).kill();
    bazaar.is_led_by(2, 2).await;
    bazaar.replica(2).kill();
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
    bazaar.is_led_by(1, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_returning_higher_id_does_not_take_over() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).kill();
    bazaar.is_led_by(2, 2).await;
    bazaar.replica(3).start();
    // The next election shows that 3 is seen again, and that it led nothing until then.
    bazaar.replica(2).kill();
    bazaar.is_led_by(3, 3).await;
    assert_eq!(bazaar.changes().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_replica_trades_get_503_at_once_until_one_is_back() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    for replica in bazaar.replicas.values_mut() {
        replica.kill();
    }
    bazaar.eventually(async || bazaar.get("/healthz").await.status == 503).await;
    let answer = bazaar.trade("one").await.unwrap();
    assert_eq!(answer.header("x-attempts"), Some("0"), "there was nobody to ask");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["effect"], "none");
    assert_eq!(answer.json()["error"]["code"], 503);
    assert_eq!(bazaar.get("/orders/1").await.status, 503);
    bazaar.replica(1).start();
    bazaar.is_ready().await;
    assert_eq!(bazaar.trade("two").await.unwrap().status, 200);
    assert_eq!(bazaar.get("/leader").await.json()["leader"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_the_last_and_only_slept_goes_on_in_its_epoch() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(1).kill();
    bazaar.replica(2).kill();
    bazaar.replica(3).hang(true);
    bazaar.eventually(async || bazaar.get("/healthz").await.status == 503).await;
    let epoch = bazaar.get("/leader").await.json()["epoch"].clone();
    bazaar.replica(3).hang(false);
    bazaar.is_ready().await;
    assert_eq!(bazaar.get("/leader").await.json()["epoch"], epoch);
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_that_may_have_had_an_effect_never_says_that_it_had_none() {
    let trade_timeout = Duration::from_millis(300);
    let mut bazaar = Bazaar::start(Wish { trade_timeout, ..Wish::default() }).await;
    bazaar.replica(3).hold_trades(true);
    let answer = bazaar.trade("one").await.unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json().get("effect"), None);
    assert_eq!(bazaar.log.numbered(), 1, "and indeed it had one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_goes_on_when_its_client_leaves() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).hold_trades(true);
    let trade = bazaar.trade("one");
    bazaar.log.was_tried(1).await;
    trade.abort();
    assert!(trade.await.unwrap_err().is_cancelled());
    bazaar.replica(3).kill();
    // Nobody waits for it any more, and it is tried at the next leader all the same.
    bazaar.log.was_tried(2).await;
    assert_eq!(bazaar.log.attempts()[1].request_id, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_trades_at_once_survive_a_leaders_death_and_are_numbered_once() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).hold_trades(true);
    let address = bazaar.address;
    let trades: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn(async move {
                let body = br#"{"stock_name":"Stock1","trade_type":"Sell","quantity":1}"#;
                send(address, "POST", "/orders", &[], body).await
            })
        })
        .collect();
    bazaar.log.was_tried(100).await;
    bazaar.replica(3).kill();
    let mut numbers = BTreeSet::new();
    for trade in trades {
        let answer = trade.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        numbers.insert(answer.json()["order_no"].as_u64().unwrap());
    }
    assert_eq!(numbers, (1..=100).collect());
    assert_eq!(bazaar.log.numbered(), 100);
}
