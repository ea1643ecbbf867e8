//! A leader that is there and cannot write (rule G1), and what is shown while a new leader cannot take
//! over because the catalog is down (rule G3).

use hyper::StatusCode;
use rusqlite::Connection;
use serde_json::Value;
use services::http::Call;
use wire::configuration::Cause;
use wire::headers;

use crate::bazaar::{Bazaar, Name};
use crate::history::History;

/// How many orders there are before anything happens, and how many are traded in the trouble.
const SOME: usize = 20;

async fn trading() -> (Bazaar, History) {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, SOME).await;
    bazaar.whole().await;
    (bazaar, history)
}

/// Waits until another replica than `before` leads, and returns the epoch.
async fn led_by_another(bazaar: &mut Bazaar, before: &Value) -> u64 {
    bazaar
        .until("another leader", async |bazaar| {
            let now = bazaar.leadership().await.ok_or("no answer")?;
            match (now["leader"].as_u64(), now["epoch"].as_u64()) {
                (Some(leader), Some(epoch)) if before["leader"] != leader => Ok(epoch),
                _ => Err(now.to_string()),
            }
        })
        .await
}

#[tokio::test]
async fn a_leader_whose_database_another_program_has_locked_is_replaced_and_comes_back() {
    let (mut bazaar, mut history) = trading().await;
    let before = bazaar.leadership().await.unwrap();
    let old = bazaar.leader().await;
    let program = Connection::open(bazaar.file(old)).unwrap();
    program.execute_batch("BEGIN IMMEDIATE").unwrap();

    history.trade(&bazaar, SOME).await;
    let epoch = led_by_another(&mut bazaar, &before).await;
    assert!(before["epoch"].as_u64().unwrap() < epoch);
    assert!(bazaar.runs(old), "{}", bazaar.last_line(old));
    let changes = bazaar.changes().await;
    assert!(changes.iter().any(|change| change.cause == Cause::GrayFailure), "{changes:?}");

    program.execute_batch("ROLLBACK").unwrap();
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

#[tokio::test]
async fn with_leader_and_catalog_dead_the_next_leader_shows_what_it_knows_to_be_committed() {
    let (mut bazaar, mut history) = trading().await;
    let before = bazaar.leadership().await.unwrap();
    let old = bazaar.leader().await;
    bazaar.kill(Name::Catalog);
    bazaar.kill(old);
    let epoch = led_by_another(&mut bazaar, &before).await;
    assert!(before["epoch"].as_u64().unwrap() < epoch);
    for order_no in 1..=history.last() {
        let shown = bazaar.ask(&Call::get(format!("/orders/{order_no}"))).await.unwrap();
        let body = String::from_utf8_lossy(&shown.body);
        assert_eq!(shown.status, StatusCode::OK, "#{order_no}: {body}");
        // Said by the leader, and not by anybody after the leader was waited for in vain.
        assert!(shown.headers.contains_key(headers::ATTEMPTS), "#{order_no}");
    }
    assert!(bazaar.get(Name::Catalog, "/healthz").await.is_none(), "the catalog is down");

    bazaar.launch(Name::Catalog);
    bazaar.launch(old);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}
