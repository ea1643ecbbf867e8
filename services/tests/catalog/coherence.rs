//! Nothing is shown or answered before the front-end has acknowledged it (rules C1, C3, C4).

use std::time::Duration;

use serde_json::json;
use services::http::{Call, Limits, Peers};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wire::headers;
use wire::internal::Invalidation;

use crate::fake_front_end::{FakeFrontEnd, Mood};
use crate::running::{DECIDED, LONG, Running, body, by_hand, nobody, order, unnumbered};

fn fill(name: &str, least: u64) -> Call {
    Call::get(format!("/query?stock_name={name}")).header(headers::MIN_VERSION, least)
}

#[tokio::test]
async fn every_version_is_pushed_before_the_catalog_serves() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await;
    catalog.stop().await;

    let front_end = FakeFrontEnd::start(Mood::Withhold).await;
    let catalog = Running::begin(dir.path(), front_end.address).await;
    front_end.has_been_told("Stock1", 1, 1).await;
    assert_eq!(front_end.pushes()[0].stocks.len(), 10);
    let health = catalog.get("/healthz").await;
    assert_eq!(health.status, 503);
    assert_eq!(body(&health), json!({ "ready": false, "reason": "pushing versions" }));
    for early in [
        order("r1", 1, "Stock1", "Buy", 10),
        unnumbered(1, 0),
        Call::get("/query?stock_name=Stock1"),
        fill("Stock1", 0),
        Call::get("/dump"),
    ] {
        let reply = catalog.call(early).await;
        assert_eq!(reply.status, 503);
        assert_eq!(body(&reply)["effect"], "none");
    }
    front_end.becomes(Mood::Acknowledge);
    catalog.open().await;
    assert_eq!(catalog.stock("Stock1").await.quantity, 90);
}

#[tokio::test]
async fn a_trade_its_repeat_a_refusal_and_the_list_wait_for_the_acknowledgement() {
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let catalog = Running::start(dir.path(), front_end.address).await;
    front_end.becomes(Mood::Withhold);

    let before = catalog.metric(DECIDED).await;
    let trade = catalog.sent(order("r1", 1, "Stock1", "Buy", 10));
    front_end.has_been_told("Stock1", 1, 1).await;
    let others = [
        order("r1", 1, "Stock1", "Buy", 10),
        order("r2", 1, "Nothing", "Buy", 10),
        unnumbered(1, 0),
        Call::get("/dump"),
        fill("Stock1", 1),
    ];
    let others = others.map(|other| catalog.sent(other));
    catalog.has_decided(before, 5).await;
    // The query neither waits nor shows what has not been acknowledged.
    assert_eq!(catalog.stock("Stock1").await.quantity, 100);
    assert!(!trade.is_finished());
    assert!(!others.iter().any(|other| other.is_finished()));

    front_end.becomes(Mood::Acknowledge);
    assert_eq!(trade.await.unwrap().status, 200);
    let mut statuses = Vec::new();
    for other in others {
        statuses.push(other.await.unwrap().status.as_u16());
    }
    assert_eq!(statuses, [200, 404, 200, 200, 200]);
    assert_eq!(catalog.stock("Stock1").await.quantity, 90);
}

#[tokio::test]
async fn a_fill_gets_the_version_it_asks_for_and_never_less() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.call(by_hand("Stock1", "Buy", 1)).await;
    let reply = catalog.call(fill("Stock1", 1)).await;
    assert_eq!(reply.header::<u64>(headers::STOCK_VERSION), Some(1));
    assert_eq!(catalog.call(fill("Nothing", 1)).await.status, 404);
    // There never was version 2: anybody who asks for it has it from another file, so the next is 3 (L8).
    let reply = catalog.call(fill("Stock1", 2)).await;
    assert_eq!(reply.header::<u64>(headers::STOCK_VERSION), Some(3));
}

#[tokio::test]
async fn an_error_of_the_front_end_is_retried_until_it_acknowledges() {
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let catalog = Running::start(dir.path(), front_end.address).await;
    front_end.becomes(Mood::Fail);
    let trade = catalog.sent(by_hand("Stock1", "Buy", 1));
    front_end.has_been_told("Stock1", 1, 3).await;
    assert!(!trade.is_finished());
    assert_eq!(catalog.stock("Stock1").await.quantity, 100);
    front_end.becomes(Mood::Acknowledge);
    assert_eq!(trade.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_that_breaks_is_not_taken_for_death() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let catalog = Running::begin(dir.path(), listener.local_addr().unwrap()).await;
    for _ in 0..3 {
        let (stream, _) = tokio::time::timeout(LONG, listener.accept()).await.unwrap().unwrap();
        drop(stream);
        assert_eq!(catalog.get("/healthz").await.status, 503);
    }
    let front_end = FakeFrontEnd::on(listener, Mood::Acknowledge);
    front_end.has_been_told("Stock1", 0, 1).await;
    catalog.open().await;
}

#[tokio::test]
async fn a_front_end_that_is_gone_has_no_cache_and_one_that_returns_is_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = nobody();
    let address = nobody.local_addr().unwrap();
    let catalog = Running::start(dir.path(), address).await;
    assert_eq!(catalog.call(by_hand("Stock1", "Buy", 1)).await.status, 200);
    let front_end = FakeFrontEnd::on(nobody.listen(16).unwrap(), Mood::Acknowledge);
    assert_eq!(catalog.call(by_hand("Stock1", "Buy", 1)).await.status, 200);
    front_end.has_been_told("Stock1", 2, 1).await;
}

#[tokio::test]
async fn trades_that_queue_behind_a_push_share_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let catalog = Running::start(dir.path(), front_end.address).await;
    front_end.becomes(Mood::Withhold);
    let before = catalog.metric(DECIDED).await;
    let first = catalog.sent(by_hand("Stock1", "Buy", 1));
    front_end.has_been_told("Stock1", 1, 1).await;
    let later: Vec<_> = (0..20).map(|_| catalog.sent(by_hand("Stock1", "Buy", 1))).collect();
    // A batch is counted just before it is handed on, so the last one may miss the next push.
    catalog.has_decided(before, 21).await;
    front_end.becomes(Mood::Acknowledge);
    assert_eq!(first.await.unwrap().status, 200);
    for trade in later {
        assert_eq!(trade.await.unwrap().status, 200);
    }
    assert_eq!(catalog.stock("Stock1").await.quantity, 79);
    let told = front_end.pushes();
    assert_eq!(told.last().unwrap().stocks[0].version.0, 21);
    // The first versions, the first trade, the others.
    assert!((3..=4).contains(&told.len()), "{told:?}");
}

/// Rule L8: the file is an old copy, or was lost and filled again; the front-end's cache knows better.
#[tokio::test]
async fn a_catalog_whose_versions_have_been_seen_goes_on_above_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    for id in ["r1", "r2", "r3"] {
        catalog.call(order(id, 1, "Stock1", "Buy", 1)).await;
    }
    catalog.stop().await;

    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    front_end.has_seen("Stock1", 7);
    front_end.has_seen("Stock2", 0);
    let catalog = Running::start(dir.path(), front_end.address).await;
    let starts = |push: &Invalidation| push.start;
    assert!(front_end.pushes().iter().all(starts), "nothing is shown before all is acknowledged");
    front_end.has_been_told("Stock1", 8, 1).await;
    let shown = catalog.call(fill("Stock1", 8)).await;
    assert_eq!(shown.status, 200, "the front-end can read the stock");
    assert_eq!(shown.header::<u64>(headers::STOCK_VERSION), Some(8));
    assert_eq!(body(&shown)["data"]["quantity"], 97);
    let other = catalog.call(fill("Stock2", 0)).await;
    assert_eq!(other.header::<u64>(headers::STOCK_VERSION), Some(0));

    catalog.call(order("r4", 1, "Stock1", "Buy", 1)).await;
    front_end.has_been_told("Stock1", 9, 1).await;
    assert!(!starts(front_end.pushes().last().unwrap()));
    catalog.stop().await;
    // It is on disk: the next start has nothing to go on from.
    let before = front_end.pushes().len();
    let catalog = Running::start(dir.path(), front_end.address).await;
    assert_eq!(front_end.pushes().len(), before + 1);
    catalog.stop().await;
}

#[tokio::test]
async fn a_fill_for_a_version_that_there_never_was_has_the_catalog_go_on_above_it() {
    // L8: an answer of an earlier file reached the front-end after the start push of this one.
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let catalog = Running::start(dir.path(), front_end.address).await;
    let reply = catalog.call(fill("Stock1", 7)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header::<u64>(headers::STOCK_VERSION), Some(8));
    front_end.has_been_told("Stock1", 8, 1).await;
    assert_eq!(catalog.stock("Stock1").await.quantity, 100);
}

/// Rule G3: a fill waits for the front-end, and most queries need nobody.
#[tokio::test]
async fn fills_that_wait_for_the_front_end_hold_up_no_other_query() {
    let dir = tempfile::tempdir().unwrap();
    let front_end = FakeFrontEnd::start(Mood::Acknowledge).await;
    let (reads, wait_for_place) = (8, Duration::from_millis(20));
    let limits = Limits { concurrent: reads, questions: 4, wait_for_place, ..Limits::default() };
    let catalog = Running::begin_within(limits, dir.path(), front_end.address).await;
    catalog.open().await;
    front_end.becomes(Mood::Withhold);
    let trade = catalog.sent(by_hand("Stock1", "Buy", 10));
    front_end.has_been_told("Stock1", 1, 1).await;
    let mut waiting = JoinSet::new();
    for _ in 0..reads {
        let address = catalog.address;
        waiting.spawn(async move {
            let peers = Peers::new(None);
            while peers.call(address, &fill("Stock1", 1), LONG).await.is_ok() {}
        });
    }
    let full = async {
        while body(&catalog.call(fill("Stock1", 1)).await)["error"]["message"]
            != "too many requests at once"
        {}
    };
    tokio::time::timeout(LONG, full).await.unwrap();
    for _ in 0..10 * reads {
        assert_eq!(catalog.stock("Stock1").await.quantity, 100);
        assert_eq!(catalog.call(fill("Stock2", 0)).await.status, 200);
    }
    waiting.shutdown().await;
    front_end.becomes(Mood::Acknowledge);
    assert_eq!(trade.await.unwrap().status, 200);
    assert_eq!(catalog.call(fill("Stock1", 1)).await.status, 200);
}
