//! A file is lost between two starts. One at a time everything comes back whole, from what the
//! others hold; and more than one, as long as one in-sync replica's file is left.

use crate::bazaar::{Bazaar, Name, ORDERS};
use crate::history::History;

/// As many as were lost when this was first seen.
const ORDERS_BEFORE: usize = 600;

/// All stopped, these files moved away, all started again.
async fn restarted_without(files: &[Name], orders: usize) -> (Bazaar, History) {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, orders).await;
    bazaar.stop_all();
    for name in files {
        bazaar.lose(*name);
    }
    bazaar.launch_all();
    (bazaar, history)
}

async fn comes_back_whole_without(files: &[Name], orders: usize) {
    let (mut bazaar, mut history) = restarted_without(files, orders).await;
    bazaar.whole().await;
    assert_eq!(history.last(), u64::try_from(orders).unwrap());
    history.goes_on(&bazaar).await;
}

/// It made a new file, was elected as the highest id, and the other two dropped 600 orders.
#[tokio::test]
async fn the_file_of_the_highest_replica_lost_between_two_starts_loses_nothing() {
    comes_back_whole_without(&[Name::Order(3)], ORDERS_BEFORE).await;
}

#[tokio::test]
async fn the_file_of_the_middle_replica_lost_between_two_starts_loses_nothing() {
    comes_back_whole_without(&[Name::Order(2)], ORDERS_BEFORE).await;
}

#[tokio::test]
async fn the_file_of_the_lowest_replica_lost_between_two_starts_loses_nothing() {
    comes_back_whole_without(&[Name::Order(1)], ORDERS_BEFORE).await;
}

#[tokio::test]
async fn the_catalogs_file_lost_between_two_starts_loses_nothing() {
    comes_back_whole_without(&[Name::Catalog], ORDERS_BEFORE).await;
}

#[tokio::test]
async fn the_front_ends_file_lost_between_two_starts_loses_nothing() {
    comes_back_whole_without(&[Name::FrontEnd], ORDERS_BEFORE).await;
}

/// Each loss on top of what the ones before left behind.
#[tokio::test]
async fn one_file_of_each_process_in_turn_lost_between_two_starts_loses_nothing() {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, 50).await;
    for name in [Name::Order(3), Name::Catalog, Name::Order(1), Name::FrontEnd, Name::Order(2)] {
        bazaar.stop_all();
        bazaar.lose(name);
        bazaar.launch_all();
        bazaar.whole().await;
        history.goes_on(&bazaar).await;
    }
}

#[tokio::test]
async fn two_replicas_files_lost_come_back_from_the_third() {
    for left in ORDERS {
        let lost: Vec<_> = ORDERS.into_iter().filter(|name| *name != left).collect();
        comes_back_whole_without(&lost, 60).await;
    }
}

#[tokio::test]
async fn the_catalogs_and_the_front_ends_files_lost_come_back_from_the_replicas() {
    comes_back_whole_without(&[Name::Catalog, Name::FrontEnd], 60).await;
}

#[tokio::test]
async fn the_catalogs_and_two_replicas_files_lost_come_back_from_the_third() {
    comes_back_whole_without(&[Name::Catalog, Name::Order(2), Name::Order(3)], 60).await;
}

/// A replica whose file is new cannot vouch for anything (L4): an operator must say so.
#[tokio::test]
async fn the_front_ends_and_a_replicas_files_lost_at_once_are_refused_until_an_operator_says_so() {
    let (mut bazaar, mut history) = restarted_without(&[Name::FrontEnd, Name::Order(2)], 60).await;
    let (code, line) = bazaar.refuses(Name::FrontEnd).await;
    assert_eq!(code, Some(3), "{line}");
    assert!(line.contains("replica 2") && line.contains("--without 2"), "{line}");

    bazaar.do_without(2);
    bazaar.launch(Name::FrontEnd);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;

    bazaar.stop(Name::FrontEnd);
    bazaar.do_with_all();
    bazaar.launch(Name::FrontEnd);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// The most that can be lost while one in-sync replica's file is left.
#[tokio::test]
async fn only_one_replicas_file_left_everything_comes_back_when_an_operator_says_so() {
    let lost = [Name::FrontEnd, Name::Catalog, Name::Order(1), Name::Order(3)];
    let (mut bazaar, mut history) = restarted_without(&lost, 60).await;
    for id in [1, 3] {
        let (code, line) = bazaar.refuses(Name::FrontEnd).await;
        assert_eq!(code, Some(3), "{line}");
        assert!(line.contains(&format!("--without {id}")), "{line}");
        bazaar.do_without(id);
        bazaar.launch(Name::FrontEnd);
    }
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}
