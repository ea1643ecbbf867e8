//! Reads that have to ask somebody hold up none that need not: a story of rule G3.

use std::time::Duration;

use serde_json::json;
use services::http::{HttpConfig, Limits};
use tokio::task::JoinSet;

use crate::running::{Bazaar, Wish, send};

/// Reads of all kinds that are worked on at once, and those that may wait for the same process.
const READS: usize = 8;
const QUESTIONS: usize = 4;

/// Few places, and little patience with anybody who has none.
fn narrow() -> Wish {
    let limits = Limits {
        concurrent: READS,
        questions: QUESTIONS,
        wait_for_place: Duration::from_millis(20),
        ..Limits::default()
    };
    Wish { http: HttpConfig { limits, ..HttpConfig::default() }, ..Wish::default() }
}

/// A bazaar with one order and one stock in the cache, and a catalog that answers no query any more.
async fn with_a_silent_catalog(wish: Wish) -> Bazaar {
    let bazaar = Bazaar::start(wish).await;
    bazaar.catalog.set("Stock2", 100, 0, 0);
    assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("miss"));
    assert_eq!(bazaar.trade("the-order").await.unwrap().status, 200);
    bazaar.catalog.hold(true);
    bazaar
}

/// As many clients as there are places for reads ask for this and nothing else, until they are dropped.
fn keep_asking(bazaar: &Bazaar, path: &'static str) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..READS {
        let address = bazaar.address;
        clients.spawn(async move {
            loop {
                send(address, "GET", path, &[], b"").await;
            }
        });
    }
    clients
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_wait_for_the_catalog_hold_up_neither_cached_stocks_nor_lookups() {
    let bazaar = with_a_silent_catalog(narrow()).await;
    let waiting = keep_asking(&bazaar, "/stocks/Stock2");
    bazaar.catalog.was_asked(1 + QUESTIONS).await;
    for _ in 0..10 * READS {
        let hit = bazaar.get("/stocks/Stock1").await;
        assert_eq!((hit.status, hit.header("x-cache")), (200, Some("hit")));
        assert_eq!(bazaar.get("/orders/1").await.status, 200);
        assert_eq!(bazaar.get("/orders/none").await.status, 400);
    }
    drop(waiting);
    bazaar.catalog.hold(false);
    bazaar.eventually(async || bazaar.get("/stocks/Stock2").await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_a_silent_catalog_holds_up_no_lookup_and_who_has_no_place_changed_nothing()
{
    let bazaar = with_a_silent_catalog(Wish { cache: false, ..narrow() }).await;
    let waiting = keep_asking(&bazaar, "/stocks/Stock1");
    bazaar.catalog.was_asked(1 + QUESTIONS).await;
    let refused = json!({"error":
        {"code": 503, "message": "too many requests at once"}, "effect": "none"});
    bazaar
        .eventually(async || {
            assert_eq!(bazaar.get("/orders/1").await.status, 200);
            let read = bazaar.get("/stocks/Stock2").await;
            assert_eq!(read.status, 503);
            read.json() == refused && read.header("retry-after") == Some("1")
        })
        .await;
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_that_wait_for_a_replica_hold_up_no_stock() {
    let bazaar = Bazaar::start(narrow()).await;
    bazaar.catalog.set("Stock2", 100, 0, 0);
    bazaar.get("/stocks/Stock1").await;
    bazaar.replicas[&3].hold_lookups(true);
    let waiting = keep_asking(&bazaar, "/orders/1");
    bazaar.replicas[&3].was_asked_for_orders(QUESTIONS).await;
    for _ in 0..10 * READS {
        assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("hit"));
        bazaar.get("/rm?stock_name=Stock2").await;
        assert_eq!(bazaar.get("/stocks/Stock2").await.header("x-cache"), Some("miss"));
    }
    drop(waiting);
}

/// The rule left out: the story comes true.
#[cfg(feature = "planted-bugs")]
#[tokio::test(flavor = "multi_thread")]
async fn reads_that_wait_for_the_catalog_hold_up_cached_stocks_if_they_share_places() {
    use services::planted::{Bug, Bugs, Planted};

    let bugs = Bugs::default().with(Bug::QuestionsShareWithReads);
    let planted = Planted { bugs, ..Planted::default() };
    let bazaar = with_a_silent_catalog(Wish { planted, ..narrow() }).await;
    let waiting = keep_asking(&bazaar, "/stocks/Stock2");
    bazaar.catalog.was_asked(1 + READS).await;
    bazaar.eventually(async || bazaar.get("/stocks/Stock1").await.status == 503).await;
    drop(waiting);
}
