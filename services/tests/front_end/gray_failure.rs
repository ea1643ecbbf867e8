//! A leader that answers pings and cannot work (rule G1), and lookups when nobody leads (rule G3).

use std::time::Duration;

use serde_json::json;
use wire::configuration::Cause;
use wire::ids::ReplicaId;
use wire::internal::Part;

use crate::fake_replica::Trouble;
use crate::membership::ask;
use crate::running::{Bazaar, Wish};

/// Rounds of asking after which it would show that somebody is chosen who should not be.
const ROUNDS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_disk_hangs_is_replaced_by_one_that_proves_that_it_can_write() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(3).has(Trouble::Stuck);
    bazaar.is_led_by(2, 2).await;
    let change = &bazaar.changes().await[1];
    assert_eq!(change.cause, Cause::GrayFailure);
    assert!(change.suspected_us.unwrap() <= change.stored_us);
    assert_eq!(bazaar.trade("one").await.unwrap().json(), json!({"order_no": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_hangs_is_not_waited_for_once_the_others_have_proved_that_they_can_write() {
    let wish = Wish { ping_timeout: Duration::from_secs(600), ..Wish::default() };
    let mut bazaar = Bazaar::start(wish).await;
    bazaar.replica(3).has(Trouble::Stuck);
    bazaar.is_led_by(2, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_hang_neither_leads_and_one_election_is_enough() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(2).has(Trouble::Stuck);
    bazaar.replica(3).has(Trouble::Stuck);
    bazaar.is_led_by(1, 2).await;
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
    assert_eq!(bazaar.changes().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_everybody_hangs_the_leader_stays() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    for replica in bazaar.replicas.values_mut() {
        replica.has(Trouble::Stuck);
    }
    bazaar.replica(1).was_asked_to_prove(ROUNDS).await;
    assert_eq!(bazaar.changes().await.len(), 1);
    assert_eq!(bazaar.get("/leader").await.json()["leader"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_from_the_catalog_is_replaced() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(3).has(Trouble::CutOff(Part::Catalog));
    bazaar.is_led_by(2, 2).await;
    assert_eq!(bazaar.changes().await[1].cause, Cause::GrayFailure);
    bazaar.replica(2).has(Trouble::CutOff(Part::FrontEnd));
    bazaar.is_led_by(1, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn if_nobody_reaches_the_catalog_the_leader_stays() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    for replica in bazaar.replicas.values_mut() {
        replica.has(Trouble::CutOff(Part::Catalog));
    }
    bazaar.replica(1).was_asked_to_prove(ROUNDS).await;
    assert_eq!(bazaar.changes().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_does_not_reach_a_member_is_not_even_doubted() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(3).has(Trouble::CutOff(Part::Replica(ReplicaId(1))));
    bazaar.replica(3).was_pinged(20).await;
    assert_eq!(bazaar.replica(3).asked_to_prove(), 0);
    assert_eq!(bazaar.changes().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_is_not_chosen_when_the_leader_dies() {
    let mut bazaar = Bazaar::start(Wish::impatient()).await;
    bazaar.replica(2).has(Trouble::Stuck);
    bazaar.replica(3).kill();
    bazaar.is_led_by(1, 2).await;
    assert_eq!(bazaar.changes().await[1].cause, Cause::Election);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_nobody_leads_an_order_is_shown_by_whoever_has_it_and_denied_by_nobody() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    assert_eq!(bazaar.trade("one").await.unwrap().json(), json!({"order_no": 1}));
    // The last in-sync replica dies, and the two that live may not lead.
    for (version, member) in [(1, 1), (2, 2)] {
        assert_eq!(ask(&bazaar, 1, version, "remove", member).await.status, 200);
    }
    bazaar.replica(3).kill();
    bazaar.eventually(async || bazaar.get("/healthz").await.status == 503).await;
    let shown = bazaar.get("/orders/1").await;
    assert_eq!((shown.status, &shown.json()["data"]["order_no"]), (200, &json!(1)));
    // That they do not know of an order says nothing: 3 may hold it.
    assert_eq!(bazaar.get("/orders/2").await.status, 503);
    assert_eq!(bazaar.get("/healthz").await.status, 503, "nobody led in the meantime");
}
