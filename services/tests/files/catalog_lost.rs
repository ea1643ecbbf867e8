//! The catalog loses its file while everybody else runs: it is filled from the leader's log, under a
//! leader that was elected while every replica answered (L7), and serves nothing before.

use hyper::StatusCode;
use serde_json::json;
use services::http::Call;

use crate::bazaar::{Bazaar, Name};
use crate::history::History;

async fn trading() -> (Bazaar, History) {
    let bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 120).await;
    (bazaar, history)
}

fn lose_the_catalog(bazaar: &mut Bazaar) {
    bazaar.kill(Name::Catalog);
    bazaar.lose(Name::Catalog);
    bazaar.launch(Name::Catalog);
}

#[tokio::test]
async fn the_catalogs_file_lost_while_running_is_filled_and_trading_goes_on() {
    let (mut bazaar, mut history) = trading().await;
    lose_the_catalog(&mut bazaar);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
    // Versions went up again, or reads of what the front-end has seen would never be answered.
    for stock in 1..=3 {
        let read = bazaar.ask(&Call::get(format!("/stocks/Stock{stock}"))).await.unwrap();
        assert_eq!(read.status, StatusCode::OK);
    }
}

/// A trade by hand and a refusal are in no log.
#[tokio::test]
async fn what_only_the_catalogs_lost_file_knew_is_reported_as_gone() {
    let (mut bazaar, mut history) = trading().await;
    let too_much = json!({"stock_name": "Stock1", "trade_type": "Sell", "quantity": 1_000_000});
    let refused = Call::post("/orders", &too_much).header("idempotency-key", "refused");
    assert_eq!(bazaar.ask(&refused).await.unwrap().status, StatusCode::NOT_FOUND);
    let fitting = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    let again = Call::post("/orders", &fitting).header("idempotency-key", "refused");
    assert_eq!(bazaar.ask(&again).await.unwrap().status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = "what it alone can have known of that time is gone";
    assert!(!bazaar.has_said(Name::Catalog, gone));
    lose_the_catalog(&mut bazaar);
    bazaar.whole().await;
    assert!(bazaar.has_said(Name::Catalog, gone));
    assert_eq!(bazaar.ask(&again).await.unwrap().status, StatusCode::OK);
    history.goes_on_after(&bazaar, 1).await;
}

#[tokio::test]
async fn the_catalogs_file_lost_again_and_again_is_filled_each_time() {
    let (mut bazaar, mut history) = trading().await;
    for _ in 0..3 {
        lose_the_catalog(&mut bazaar);
        bazaar.whole().await;
        history.goes_on(&bazaar).await;
    }
}

#[tokio::test]
async fn the_catalogs_and_the_leaders_file_lost_while_running_come_back_from_the_followers() {
    let (mut bazaar, mut history) = trading().await;
    let leader = bazaar.leader().await;
    bazaar.kill(leader);
    bazaar.kill(Name::Catalog);
    bazaar.lose(leader);
    bazaar.lose(Name::Catalog);
    bazaar.launch(leader);
    bazaar.launch(Name::Catalog);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// The one that is down might hold more than all others: trades wait for it, or for an operator.
#[tokio::test]
async fn with_a_replica_dead_as_well_trades_wait_until_it_is_back() {
    let (mut bazaar, mut history) = trading().await;
    bazaar.kill(Name::Order(3));
    history.trade(&bazaar, 40).await;
    lose_the_catalog(&mut bazaar);
    bazaar.waits(Name::Catalog, "").await;
    let trade = json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 1});
    let refused = bazaar.ask(&Call::post("/orders", &trade)).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    bazaar.launch(Name::Order(3));
    bazaar.whole().await;
    history.goes_on_after(&bazaar, 1).await;
}

#[tokio::test]
async fn with_a_replica_dead_as_well_trades_go_on_when_an_operator_says_so() {
    let (mut bazaar, mut history) = trading().await;
    bazaar.kill(Name::Order(3));
    history.trade(&bazaar, 40).await;
    lose_the_catalog(&mut bazaar);
    bazaar.waits(Name::Catalog, "").await;
    bazaar.stop(Name::FrontEnd);
    bazaar.do_without(3);
    bazaar.launch(Name::FrontEnd);
    bazaar.whole().await;
    history.trade(&bazaar, 20).await;
    bazaar.launch(Name::Order(3));
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}
