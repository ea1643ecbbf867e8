//! An old copy of a file is put back: what it lacks comes from the others, and nothing that they hold
//! is taken for less than it is.

use crate::bazaar::{Bazaar, Copy, Name, ORDERS};
use crate::history::History;

/// Orders that the copy holds, and orders that it lacks.
const EACH: usize = 120;

/// The catalog lists at most 4096 trades at once.
const MORE_THAN_A_PAGE: usize = 4_500;

/// A bazaar that is whole, with `lacking` orders that these files' copies lack.
async fn with_old_copies_of<const N: usize>(
    names: [Name; N],
    lacking: usize,
) -> (Bazaar, History, [Copy; N]) {
    let mut bazaar = Bazaar::start().await;
    let mut history = History::default();
    history.trade(&bazaar, EACH).await;
    bazaar.stop_all();
    let copies = names.map(|name| bazaar.copy(name));
    bazaar.launch_all();
    bazaar.whole().await;
    history.trade(&bazaar, lacking).await;
    (bazaar, history, copies)
}

async fn with_an_old_copy_of(name: Name) -> (Bazaar, History, Copy) {
    let (bazaar, history, [copy]) = with_old_copies_of([name], EACH).await;
    (bazaar, history, copy)
}

async fn is_put_back_while_the_others_are_up(name: Name) {
    let (mut bazaar, mut history, copy) = with_an_old_copy_of(name).await;
    bazaar.kill(name);
    bazaar.put_back(&copy);
    bazaar.launch(name);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

async fn are_put_back_between_two_starts<const N: usize>(names: [Name; N], lacking: usize) {
    let (mut bazaar, mut history, copies) = with_old_copies_of(names, lacking).await;
    bazaar.stop_all();
    copies.iter().for_each(|copy| bazaar.put_back(copy));
    bazaar.launch_all();
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

#[tokio::test]
async fn an_old_copy_of_a_replica_that_leads_or_follows_is_brought_up_to_date_by_the_others() {
    for name in ORDERS {
        is_put_back_while_the_others_are_up(name).await;
    }
}

#[tokio::test]
async fn an_old_copy_of_any_replica_between_two_starts_is_brought_up_to_date() {
    for name in ORDERS {
        are_put_back_between_two_starts([name], EACH).await;
    }
}

#[tokio::test]
async fn an_old_copy_of_the_catalog_is_filled_by_the_leader() {
    is_put_back_while_the_others_are_up(Name::Catalog).await;
}

#[tokio::test]
async fn an_old_copy_of_the_catalog_between_two_starts_is_filled_by_the_leader() {
    are_put_back_between_two_starts([Name::Catalog], EACH).await;
}

/// Whole, or refused with a line; then losing that file heals.
async fn begins_or_is_refused(bazaar: &mut Bazaar, history: &mut History) {
    let begun = bazaar.ready_or_ended(Name::FrontEnd).await;
    if let Err((code, line)) = begun {
        assert_eq!(code, Some(3), "{line}");
        assert!(line.contains("front-end.db"), "{line}");
        bazaar.lose(Name::FrontEnd);
        bazaar.launch(Name::FrontEnd);
    }
    bazaar.whole().await;
    history.goes_on(bazaar).await;
}

#[tokio::test]
async fn an_old_copy_of_the_front_ends_file_begins_above_it_or_is_refused() {
    let (mut bazaar, mut history, copy) = with_an_old_copy_of(Name::FrontEnd).await;
    bazaar.kill(Name::FrontEnd);
    bazaar.put_back(&copy);
    bazaar.launch(Name::FrontEnd);
    begins_or_is_refused(&mut bazaar, &mut history).await;
}

/// The copy names a replica as in sync that no longer was, and is down when the copy comes up.
#[tokio::test]
async fn an_old_copy_of_the_front_ends_file_makes_no_leader_of_a_replica_that_fell_behind() {
    let (mut bazaar, mut history, copy) = with_an_old_copy_of(Name::FrontEnd).await;
    bazaar.kill(Name::Order(3));
    history.trade(&bazaar, EACH).await;
    bazaar.stop_all();
    bazaar.put_back(&copy);
    bazaar.launch_all();
    begins_or_is_refused(&mut bazaar, &mut history).await;
}

/// The copy is of a time before each replica lost its file once: of the databases that it takes for members
/// none is left, though everything is there. It leads nobody, and its line tells the way out.
#[tokio::test]
async fn a_front_ends_copy_from_before_every_replicas_file_is_refused_and_losing_it_heals() {
    let (mut bazaar, mut history, copy) = with_an_old_copy_of(Name::FrontEnd).await;
    for name in ORDERS {
        bazaar.kill(name);
        bazaar.lose(name);
        bazaar.launch(name);
        bazaar.whole().await;
    }
    history.trade(&bazaar, EACH).await;
    bazaar.stop_all();
    bazaar.put_back(&copy);
    bazaar.launch_all();
    let line = bazaar.waits(Name::FrontEnd, "front-end.db is an old copy").await;
    for words in
        ["order-1.db, order-2.db, order-3.db", "move it away and start the front-end again"]
    {
        assert!(line.contains(words), "{line}");
    }
    assert!(bazaar.leadership().await.is_some_and(|leadership| leadership["epoch"] == 1));

    bazaar.stop(Name::FrontEnd);
    bazaar.lose(Name::FrontEnd);
    bazaar.launch(Name::FrontEnd);
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// A leader that is an old copy and alone must not number other orders under numbers that clients
/// know (L3). The catalog, an old copy too, cannot tell it what it lacks.
#[tokio::test]
async fn old_copies_of_a_replica_and_the_catalog_alone_do_not_serve_until_another_replica_is_back()
{
    let (mut bazaar, mut history, copies) =
        with_old_copies_of([Name::Catalog, Name::Order(3)], EACH).await;
    let known = history.last();
    bazaar.stop_all();
    copies.iter().for_each(|copy| bazaar.put_back(copy));
    for name in [Name::Catalog, Name::Order(3), Name::FrontEnd] {
        bazaar.launch(name);
    }
    bazaar.waits(Name::FrontEnd, &format!("#{known}")).await;
    bazaar.launch(Name::Order(1));
    bazaar.launch(Name::Order(2));
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// A catalog with a new file is filled once every replica has answered (L7), so an old copy that comes
/// up alone waits for the others.
#[tokio::test]
async fn an_old_copy_of_a_replica_alone_does_not_fill_a_new_catalog() {
    let (mut bazaar, mut history, copy) = with_an_old_copy_of(Name::Order(3)).await;
    bazaar.stop_all();
    bazaar.put_back(&copy);
    bazaar.lose(Name::Catalog);
    for name in [Name::Catalog, Name::Order(3), Name::FrontEnd] {
        bazaar.launch(name);
    }
    bazaar.waits(Name::FrontEnd, "catalog").await;
    bazaar.launch(Name::Order(1));
    bazaar.launch(Name::Order(2));
    bazaar.whole().await;
    history.goes_on(&bazaar).await;
}

/// Each file a copy of another moment: the newest two replicas know all.
#[tokio::test]
async fn old_copies_of_a_replica_and_of_the_catalog_between_two_starts_lose_nothing() {
    are_put_back_between_two_starts([Name::Catalog, Name::Order(3)], EACH).await;
}

/// The catalog knows the rest, in more than one page of its list.
#[tokio::test]
async fn old_copies_of_every_replica_are_brought_up_to_date_from_the_catalog() {
    are_put_back_between_two_starts(ORDERS, MORE_THAN_A_PAGE).await;
}

/// Only the front-end's file knows that there was more, and nobody knows what: it refuses, instead of
/// giving the numbers away again.
#[tokio::test]
async fn old_copies_of_every_replica_and_of_the_catalog_do_not_serve() {
    let names = [Name::Catalog, Name::Order(1), Name::Order(2), Name::Order(3)];
    let (mut bazaar, history, copies) = with_old_copies_of(names, EACH).await;
    let known = history.last();
    bazaar.stop_all();
    copies.iter().for_each(|copy| bazaar.put_back(copy));
    bazaar.launch_all();
    bazaar.waits(Name::FrontEnd, &format!("#{known}")).await;
}
