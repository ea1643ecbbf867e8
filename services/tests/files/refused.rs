//! What cannot be made good is refused, and said: no file is touched that somebody may still want.

use crate::bazaar::{ALL, Bazaar, Name, ORDERS};
use crate::history::History;

#[tokio::test]
async fn with_no_replicas_file_left_it_refuses_and_says_which_orders_are_gone() {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 60).await;
    bazaar.stop_all();
    ORDERS.iter().for_each(|name| bazaar.lose(*name));
    bazaar.launch_all();
    let said = match bazaar.unready_or_ended(Name::FrontEnd, "gone").await {
        Ok(reason) => reason,
        Err((code, line)) => {
            assert_eq!(code, Some(3), "{line}");
            line
        }
    };
    assert!(said.contains("gone") && said.contains("#60"), "{said}");
    if bazaar.runs(Name::FrontEnd) {
        is_said_once(&mut bazaar, "are gone").await;
    }
}

/// However often the front-end asks the replicas again.
async fn is_said_once(bazaar: &mut Bazaar, words: &str) {
    let before = pings(bazaar).await;
    bazaar
        .until("twenty more pings", async |bazaar| match pings(bazaar).await {
            pings if pings >= before + 20 => Ok(()),
            pings => Err(format!("{pings} pings")),
        })
        .await;
    assert_eq!(bazaar.times_said(Name::FrontEnd, words), 1);
}

/// How many pings a replica has answered.
async fn pings(bazaar: &Bazaar) -> u64 {
    let metrics = bazaar.get(Name::Order(1), "/metrics").await.expect("metrics are open to all");
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let answered = text.lines().filter(|line| line.starts_with("http_requests_total"));
    let pings = answered.filter(|line| line.contains("/ping"));
    pings.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// All the same where the catalog lost its file too: the front-end knows what was committed.
#[tokio::test]
async fn with_neither_replicas_nor_catalogs_files_left_it_refuses_as_well() {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 60).await;
    bazaar.stop_all();
    ORDERS.iter().for_each(|name| bazaar.lose(*name));
    bazaar.lose(Name::Catalog);
    bazaar.launch_all();
    let said = match bazaar.unready_or_ended(Name::FrontEnd, "gone").await {
        Ok(reason) => reason,
        Err((_, line)) => line,
    };
    assert!(said.contains("gone"), "{said}");
}

#[tokio::test]
async fn a_replica_of_another_bazaar_is_refused_with_a_line() {
    let mut other = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&other, 20).await;
    other.stop_all();
    let foreign = other.copy(Name::Order(2));

    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 60).await;
    bazaar.kill(Name::Order(2));
    bazaar.put_back(&foreign);
    bazaar.launch(Name::Order(2));
    let said = match bazaar.unready_or_ended(Name::Order(2), "another bazaar").await {
        Ok(reason) => reason,
        Err((_, line)) => line,
    };
    assert!(said.contains("another bazaar"), "{said}");
    history.trade(&bazaar, 20).await;
    // Its own file is gone as well; a new one is like any replica that is out of sync.
    bazaar.end(Name::Order(2));
    bazaar.lose(Name::Order(2));
    bazaar.launch(Name::Order(2));
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

#[tokio::test]
async fn a_catalog_of_another_bazaar_is_refused_with_a_line() {
    let mut other = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&other, 20).await;
    other.stop_all();
    let foreign = other.copy(Name::Catalog);

    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 60).await;
    bazaar.kill(Name::Catalog);
    bazaar.put_back(&foreign);
    bazaar.launch(Name::Catalog);
    let said = match bazaar.unready_or_ended(Name::Catalog, "another bazaar").await {
        Ok(reason) => reason,
        Err((_, line)) => line,
    };
    assert!(said.contains("another bazaar"), "{said}");
    bazaar.end(Name::Catalog);
    bazaar.lose(Name::Catalog);
    bazaar.launch(Name::Catalog);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

#[tokio::test]
async fn a_front_ends_file_of_another_bazaar_is_refused_with_a_line_and_losing_it_heals() {
    let mut other = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&other, 20).await;
    other.stop_all();
    let foreign = other.copy(Name::FrontEnd);

    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 60).await;
    bazaar.kill(Name::FrontEnd);
    bazaar.put_back(&foreign);
    bazaar.launch(Name::FrontEnd);
    let (code, line) = bazaar.refuses(Name::FrontEnd).await;
    assert_eq!(code, Some(3), "{line}");
    assert!(line.contains("front-end.db belongs to bazaar "), "{line}");
    assert!(line.contains("move it away and start again"), "{line}");
    // The others have not listened to it.
    bazaar.lose(Name::FrontEnd);
    bazaar.launch(Name::FrontEnd);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// A new file is as good as none: nobody mistakes it for a bazaar that has just begun.
#[tokio::test]
async fn a_front_end_that_waits_says_for_whom() {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 20).await;
    bazaar.stop_all();
    bazaar.lose(Name::FrontEnd);
    for name in ALL.into_iter().filter(|name| *name != Name::Order(2)) {
        bazaar.launch(name);
    }
    bazaar.waits(Name::FrontEnd, "replica 2").await;
    bazaar.launch(Name::Order(2));
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}
