//! The first start, later starts, and starts that must not happen.

use wire::configuration::Cause;

use crate::running::{Bazaar, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_waits_for_every_replica_and_names_the_missing() {
    let mut bazaar = Bazaar::prepare(Wish::default());
    bazaar.replica(1).start();
    bazaar.replica(3).start();
    bazaar.start_front_end().await;
    bazaar.eventually(async || bazaar.get("/healthz").await.body.contains("replica 2")).await;
    assert_eq!(bazaar.get("/leader").await.status, 503);
    assert_eq!(bazaar.get("/stocks/Stock1").await.status, 200, "queries need no leader");
    let trade = bazaar.trade("one").await.unwrap();
    assert_eq!((trade.status, trade.header("retry-after")), (503, Some("1")));
    assert_eq!(trade.json()["effect"], "none");
    let member = serde_json::json!({"epoch": 0, "version": 0, "change": "add", "member": 1});
    assert_eq!(bazaar.post("/configuration/members", &member).await.status, 503);
    bazaar.replica(2).start();
    bazaar.is_ready().await;
    assert_eq!(bazaar.trade("two").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configuration_it_refuses_a_replica_whose_file_is_new_beside_others_with_a_past()
{
    let mut bazaar = Bazaar::prepare(Wish::default());
    bazaar.replica(2).has_seen_epoch(4);
    bazaar.replica(3).has_seen_epoch(4);
    for replica in bazaar.replicas.values_mut() {
        replica.start();
    }
    bazaar.start_front_end().await;
    let reason = bazaar.gave_up().await;
    let said = "front-end.db holds no configuration and the file of replica 1 is new";
    assert!(reason.contains(said), "{reason}");
    assert!(!reason.contains('\n'), "{reason}");
}

/// Rule L4: the front-end's file is lost, and all others are there.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_file_it_fences_everybody_and_the_longest_log_leads_alone_above_all_epochs() {
    let mut bazaar = Bazaar::prepare(Wish::default());
    for (id, epoch) in [(1, 4), (2, 7), (3, 5)] {
        bazaar.replica(id).has_seen_epoch(epoch);
    }
    bazaar.replica(1).start();
    bazaar.replica(2).start();
    bazaar.start_front_end().await;
    bazaar.eventually(async || bazaar.get("/healthz").await.body.contains("replica 3")).await;
    assert_eq!(bazaar.get("/leader").await.status, 503, "3 may hold what nobody else holds");
    bazaar.replica(3).start();
    bazaar.is_ready().await;
    let leader = bazaar.get("/leader").await;
    assert_eq!(leader.body, r#"{"leader":3,"epoch":9,"in_sync":[3]}"#);
    let change = &bazaar.changes().await[0];
    assert_eq!(change.cause, Cause::Adopted);
    assert_eq!(change.configuration.bazaar.as_str(), "an-old-one");
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_waits_for_the_catalog_too_and_then_tells_it() {
    let mut bazaar = Bazaar::prepare(Wish::default());
    bazaar.catalog.kill();
    for replica in bazaar.replicas.values_mut() {
        replica.start();
    }
    bazaar.start_front_end().await;
    bazaar.eventually(async || bazaar.get("/healthz").await.body.contains("the catalog")).await;
    bazaar.catalog.restart();
    bazaar.is_ready().await;
    bazaar.eventually(async || bazaar.catalog.status().epoch.0 == 1).await;
    let bazaar_id = bazaar.changes().await[0].configuration.bazaar.clone();
    assert_eq!(bazaar.catalog.status().bazaar, Some(bazaar_id));
}

/// Rule L5: its file may be an old copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_the_replicas_have_outlived_is_begun_again_above_their_epochs() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.stop_front_end().await;
    bazaar.replica(1).has_seen_epoch(9);
    bazaar.start_front_end().await;
    bazaar.is_led_by(3, 10).await;
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_recorded_leader_under_a_new_epoch() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.replica(3).kill();
    bazaar.is_led_by(2, 2).await;
    bazaar.replica(3).start();
    bazaar.stop_front_end().await;
    bazaar.start_front_end().await;
    bazaar.is_ready().await;
    let leader = bazaar.get("/leader").await;
    assert_eq!(leader.body, r#"{"leader":2,"epoch":3,"in_sync":[1,2,3]}"#);
    assert_eq!(bazaar.trade("one").await.unwrap().status, 200);
    assert_eq!(bazaar.log.attempts()[0].epoch, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_the_recorded_leader_elects_another() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.stop_front_end().await;
    bazaar.replica(3).kill();
    bazaar.start_front_end().await;
    bazaar.is_led_by(2, 2).await;
    bazaar.is_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_anybody_waits_and_says_503() {
    let mut bazaar = Bazaar::start(Wish::default()).await;
    bazaar.stop_front_end().await;
    for replica in bazaar.replicas.values_mut() {
        replica.kill();
    }
    bazaar.start_front_end().await;
    let trade = bazaar.trade("one").await.unwrap();
    assert_eq!((trade.status, trade.header("retry-after")), (503, Some("1")));
    bazaar.replica(2).start();
    bazaar.is_led_by(2, 2).await;
}
