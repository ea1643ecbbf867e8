//! No read older than an acknowledged trade: the stories of rules C2 to C4 and E5.

use serde_json::json;

use crate::running::{Bazaar, Wish, send};

fn push(version: u64) -> serde_json::Value {
    json!({"stocks": [{"stock_name": "Stock1", "version": version}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_fill_is_neither_cached_nor_answered_once_a_newer_version_was_pushed() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.catalog.set("Stock1", 99, 1, 1);
    bazaar.catalog.hold(true);
    let address = bazaar.address;
    let slow = tokio::spawn(async move { send(address, "GET", "/stocks/Stock1", &[], b"").await });
    bazaar.catalog.was_asked(1).await;
    bazaar.catalog.set("Stock1", 98, 2, 2);
    assert_eq!(bazaar.post("/invalidate", &push(2)).await.status, 200);
    bazaar.catalog.hold(false);
    let answer = slow.await.unwrap();
    assert_eq!(answer.json()["trade_volume"], 2, "the fill that was overtaken is not shown");
    let asked: Vec<_> = bazaar.catalog.asked().into_iter().map(|(_, min)| min).collect();
    assert_eq!(asked, [Some(0), Some(2)]);
    let hit = bazaar.get("/stocks/Stock1").await;
    assert_eq!(
        (hit.header("x-cache"), hit.json()["trade_volume"].clone()),
        (Some("hit"), json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_after_the_acknowledgement_does_not_join_a_fill_from_before() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.catalog.set("Stock1", 99, 1, 1);
    bazaar.catalog.hold(true);
    let address = bazaar.address;
    let query = move || async move { send(address, "GET", "/stocks/Stock1", &[], b"").await };
    let before = tokio::spawn(query());
    bazaar.catalog.was_asked(1).await;
    bazaar.catalog.set("Stock1", 98, 2, 2);
    bazaar.post("/invalidate", &push(2)).await;
    let after = tokio::spawn(query());
    bazaar.catalog.was_asked(2).await;
    bazaar.catalog.hold(false);
    assert_eq!(after.await.unwrap().json()["trade_volume"], 2);
    assert_eq!(before.await.unwrap().json()["trade_volume"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_outdates_what_is_cached_and_removing_it_forgets_no_floor() {
    let bazaar = Bazaar::start(Wish::default()).await;
    bazaar.get("/stocks/Stock1").await;
    bazaar.catalog.set("Stock1", 90, 10, 5);
    bazaar.post("/invalidate", &push(5)).await;
    let miss = bazaar.get("/stocks/Stock1").await;
    assert_eq!(
        (miss.header("x-cache"), miss.json()["quantity"].clone()),
        (Some("miss"), json!(90))
    );
    bazaar.get("/rm?stock_name=Stock1").await;
    bazaar.get("/stocks/Stock1").await;
    let asked: Vec<_> = bazaar.catalog.asked().into_iter().map(|(_, min)| min).collect();
    assert_eq!(asked, [Some(0), Some(5), Some(5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_every_query_is_a_miss_and_pushes_are_taken_all_the_same() {
    let bazaar = Bazaar::start(Wish { cache: false, ..Wish::default() }).await;
    bazaar.catalog.set("Stock1", 98, 2, 2);
    assert_eq!(bazaar.post("/invalidate", &push(2)).await.status, 200);
    for _ in 0..3 {
        assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("miss"));
    }
    let asked: Vec<_> = bazaar.catalog.asked().into_iter().map(|(_, min)| min).collect();
    assert_eq!(asked, [Some(2), Some(2), Some(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_outlives_the_catalogs_restart() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.catalog.hold(true);
    let address = bazaar.address;
    let query = tokio::spawn(async move { send(address, "GET", "/stocks/Stock1", &[], b"").await });
    bazaar.catalog.was_asked(1).await;
    bazaar.catalog.kill();
    bazaar.catalog.hold(false);
    bazaar.catalog.restart();
    assert_eq!(query.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_catalog_a_miss_is_503_and_says_when_to_come_back() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.catalog.kill();
    let answer = bazaar.get("/stocks/Stock1").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["error"]["code"], 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn places_full_of_trades_hold_up_neither_a_read_nor_an_invalidation() {
    services::process::raise_open_files_limit();
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).hold_trades(true);
    assert_eq!(bazaar.get("/stocks/Stock1").await.header("x-cache"), Some("miss"));
    // The front-end works on this many trades at once; one more would have to wait.
    let places = 1024;
    let trades: Vec<_> = (0..places).map(|_| bazaar.trade("the-same")).collect();
    bazaar.log.was_tried(places).await;
    assert_eq!(bazaar.trade("another").await.unwrap().status, 503, "the places are taken");
    let read = bazaar.get("/stocks/Stock1").await;
    assert_eq!((read.status, read.header("x-cache")), (200, Some("hit")));
    assert_eq!(bazaar.post("/invalidate", &push(1)).await.status, 200);
    bazaar.replica(3).hold_trades(false);
    for trade in trades {
        assert_eq!(trade.await.unwrap().status, 200);
    }
}

/// Rule L8: only a catalog that starts is told, and of the stocks that it names.
#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_starts_is_told_what_was_seen_of_its_stocks() {
    let bazaar = Bazaar::start(Wish::default()).await;
    assert_eq!(bazaar.post("/invalidate", &push(5)).await.body, "");
    let stocks = json!([
        {"stock_name": "Stock1", "version": 3},
        {"stock_name": "Stock2", "version": 4},
    ]);
    let told = bazaar.post("/invalidate", &json!({"start": true, "stocks": stocks})).await;
    let seen = json!({"seen": [
        {"stock_name": "Stock1", "version": 5},
        {"stock_name": "Stock2", "version": 4},
    ]});
    assert_eq!((told.status, told.json()), (200, seen));
}
