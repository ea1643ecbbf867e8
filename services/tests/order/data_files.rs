//! Lost, replaced and old files, of replicas and of the catalog.

use hyper::StatusCode;
use services::http::Call;
use tempfile::TempDir;
use wire::configuration::{Configuration, Fence};
use wire::ids::{BazaarId, Epoch, OrderNo, ReplicaId};
use wire::internal::{Obstacle, PingReply};

use crate::bazaar::{Bazaar, PATIENCE};

#[tokio::test]
async fn the_pages_of_a_dump_are_the_log_at_one_moment() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=25).await;
    let (pages, _) = tokio::join!(bazaar.pages(1, 4), bazaar.trades(1, 26..=60));
    let end = pages[0].through.0;
    assert!((25..=60).contains(&end));
    assert!(pages.iter().all(|page| (page.through.0, page.total) == (end, end)));
    let numbers: Vec<u64> =
        pages.iter().flat_map(|page| &page.entries).map(|entry| entry.order_no.0).collect();
    assert_eq!(numbers, (1..=end).collect::<Vec<_>>());
    for (path, status) in [
        ("/dump?limit=10001", StatusCode::BAD_REQUEST),
        ("/dump?through=61&through_epoch=1", StatusCode::CONFLICT),
        ("/dump?through=60&through_epoch=2", StatusCode::CONFLICT),
        ("/dump?through=60", StatusCode::OK),
    ] {
        assert_eq!(bazaar.call(1, &Call::get(path)).await.status, status, "{path}");
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_replica_whose_file_is_lost_is_another_member_and_comes_back_whole() {
    let mut bazaar = Bazaar::start(3).await;
    assert_eq!(bazaar.trades(3, 1..=20).await, (1..=20).collect::<Vec<_>>());
    let before = bazaar.look(1).await.identity;
    drop(bazaar.stop(1).await);
    bazaar.restart(1, TempDir::new().unwrap()).await;
    let after = bazaar.look(1).await;
    assert_ne!(after.identity, before);
    let is_member =
        |configuration: &Configuration| configuration.is_in_sync(ReplicaId(1), &after.identity);
    let mut configuration = bazaar.others.configuration.subscribe();
    let added = configuration.wait_for(is_member);
    tokio::time::timeout(PATIENCE, added).await.expect("the new file is added").unwrap();
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(3).await.entries);
    assert_eq!(bazaar.look(1).await.bazaar, Some(BazaarId::new("b").unwrap()));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_commit_mark_is_on_disk_and_known_after_a_restart() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    let committed = bazaar.look(1).await.committed;
    assert_eq!(committed, OrderNo(5));
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    // It may lag by what was written last, since it costs no flush of its own.
    let mark = bazaar.look(1).await.committed;
    assert!((4..=5).contains(&mark.0), "{mark}");
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_restarted_catalog_is_listed_again_before_anything_is_numbered() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=3).await;
    bazaar.others.restart_catalog("c2", 3);
    assert_eq!(bazaar.trades(1, 4..=5).await, [4, 5]);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_catalog_that_lost_its_file_is_filled_and_what_was_numbered_keeps_its_number() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    let before = bazaar.others.places();
    bazaar.others.restart_catalog("c2", 0);
    assert_eq!(bazaar.trades(1, 6..=7).await, [6, 7]);
    let after = bazaar.others.places();
    assert_eq!(after.len(), 7);
    assert!(before.iter().all(|(place, trade)| after.get(place) == Some(trade)));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_catalog_that_is_behind_is_not_filled_by_a_leader_that_few_saw() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    bazaar.others.configuration.send_modify(|now| now.by_everybody = false);
    bazaar.others.restart_catalog("c2", 3);
    let process = bazaar.look(1).await.incarnation;
    bazaar.others.configuration.send_modify(|now| {
        now.version = now.version.next();
        now.epoch = now.epoch.next();
        now.leader_incarnation = process;
    });
    let obstacle = async {
        loop {
            if let Some(obstacle) = bazaar.ping(1).await.obstacle {
                return obstacle;
            }
            tokio::task::yield_now().await;
        }
    };
    let obstacle = tokio::time::timeout(PATIENCE, obstacle).await.expect("it says what is missing");
    let (last_place, log_end) = (OrderNo(3), OrderNo(5));
    assert_eq!(obstacle, Obstacle::CatalogBehind { last_place, log_end, is_new: false });
    assert!(!bazaar.look(1).await.serving);
    assert_eq!(bazaar.others.places().len(), 3);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_fence_is_for_a_replica_of_that_bazaar_and_shuts_older_epochs_out() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=2).await;
    let fence = |bazaar: &str| {
        let bazaar = BazaarId::new(bazaar).unwrap();
        Call::post("/fence", &Fence { epoch: Epoch(7), bazaar })
    };
    let refused = bazaar.call(1, &fence("another")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(bazaar.look(1).await.leading);
    let fenced: PingReply = bazaar.call(1, &fence("b")).await.json().unwrap();
    assert_eq!((fenced.heard, fenced.leading, fenced.last.order_no), (Epoch(7), false, OrderNo(2)));
    let late = bazaar.trade(1, "R3").await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_replica_of_another_bazaar_hears_nothing() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=2).await;
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    let process = bazaar.look(1).await.incarnation;
    bazaar.others.configuration.send_modify(|now| {
        now.bazaar = BazaarId::new("another").unwrap();
        now.epoch = Epoch(9);
        now.leader_incarnation = process;
    });
    bazaar.ping(1).await;
    bazaar.dump(1).await;
    let after = bazaar.look(1).await;
    assert_eq!((after.heard, after.leading), (Epoch(1), false));
    assert_eq!(after.bazaar, Some(BazaarId::new("b").unwrap()));
    bazaar.stop_all().await;
}
