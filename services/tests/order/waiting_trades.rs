//! Trades that wait for the catalog, and how often they ask it (rule G3).

use std::sync::atomic::Ordering;

use hyper::StatusCode;
use services::http::{Call, Peers, Reply};
use tokio::task::{JoinError, JoinHandle};
use wire::ids::OrderNo;

use crate::bazaar::{Bazaar, PATIENCE, send_trade};

/// Trades that wait for a catalog without outcomes: as many as were seen to keep half a core busy.
const WAITING_TRADES: usize = 1020;
/// So many of them come at once.
const ARRIVING_TRADES: usize = 255;

/// Has trades wait for the catalog, each of which has asked it once.
async fn trades_wait(bazaar: &Bazaar) -> Vec<JoinHandle<Reply>> {
    services::process::raise_open_files_limit();
    bazaar.others.is_down.store(true, Ordering::SeqCst);
    let mut sent = Vec::new();
    while sent.len() < WAITING_TRADES {
        // Not all at once: so many newcomers would be about as many as may be there without a request.
        let next = (sent.len() + ARRIVING_TRADES).min(WAITING_TRADES);
        sent.extend((sent.len()..next).map(|name| send_trade(bazaar, 1, format!("R{name}"))));
        let arrived = async {
            while bazaar.others.trades.load(Ordering::SeqCst) < next {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.expect("each is tried once");
    }
    sent
}

/// The catalog is asked by these trades no more often than it is asked whether it is there.
async fn share_one_question(bazaar: &Bazaar) {
    let mut probes = bazaar.others.probes.subscribe();
    let before = *probes.borrow();
    probes.wait_for(|probes| *probes >= before + 20).await.unwrap();
    let probes = *probes.borrow();
    let tried = bazaar.others.trades.load(Ordering::SeqCst);
    let bound = WAITING_TRADES + probes;
    assert!(tried <= bound, "{tried} questions for {WAITING_TRADES} trades, {probes} probes");
}

/// The catalog gives outcomes again, and each of these trades has one.
async fn all_go_on(bazaar: &Bazaar, sent: Vec<JoinHandle<Reply>>) {
    bazaar.others.is_down.store(false, Ordering::SeqCst);
    for trade in sent {
        assert_eq!(trade.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(bazaar.dump(1).await.entries.len(), WAITING_TRADES);
}

#[tokio::test]
async fn trades_that_wait_for_the_catalog_share_one_question() {
    let bazaar = Bazaar::start(1).await;
    let sent = trades_wait(&bazaar).await;
    share_one_question(&bazaar).await;
    all_go_on(&bazaar, sent).await;
    bazaar.stop_all().await;
}

/// Nobody waits for them any more, and they are numbered all the same (rule E2).
#[tokio::test]
async fn trades_whose_clients_have_left_share_one_question_too() {
    let mut bazaar = Bazaar::start(1).await;
    let sent = trades_wait(&bazaar).await;
    let clients = std::mem::replace(&mut bazaar.peers, Peers::new(None));
    for trade in sent {
        trade.abort();
        let ended = trade.await;
        assert!(ended.as_ref().is_err_and(JoinError::is_cancelled), "{ended:?}");
    }
    drop(clients);
    // The places of those who have left are free again.
    share_one_question(&bazaar).await;
    let known = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    assert_eq!(known.status, StatusCode::NOT_FOUND);
    bazaar.others.is_down.store(false, Ordering::SeqCst);
    let numbered = async {
        while bazaar.look(1).await.committed < OrderNo(WAITING_TRADES as u64) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, numbered).await.expect("each is numbered");
    bazaar.stop_all().await;
}

/// The story of rule G3: that many trades ask a catalog that is down twenty times a second each.
#[cfg(feature = "planted-bugs")]
#[tokio::test]
async fn trades_that_wait_apart_ask_the_catalog_many_times_as_often() {
    use services::planted::{Bug, Bugs, Planted};
    let bugs = Bugs::default().with(Bug::WaitApart);
    let bazaar = Bazaar::start_planted(1, Planted { bugs, ..Planted::default() }).await;
    let sent = trades_wait(&bazaar).await;
    let probes = bazaar.others.probes.subscribe();
    let many = async {
        let bound = || WAITING_TRADES + *probes.borrow();
        while bazaar.others.trades.load(Ordering::SeqCst) < 5 * bound() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, many).await.expect("five questions for each trade and probe");
    all_go_on(&bazaar, sent).await;
    bazaar.stop_all().await;
}
