//! Told, listed, filled, open: a catalog that has just started, over HTTP (rules L1, L6 and L7).

use std::sync::Arc;

use serde_json::json;
use services::http::Call;
use wire::bazaar::TradeType;
use wire::headers;
use wire::ids::{Epoch, Incarnation, OrderNo, RequestId};
use wire::internal::{Entry, FillReply, FillRequest, UnnumberedReply};

use crate::running::{Running, body, by_hand, configuration, nobody, order, tell, unnumbered};

fn entry(place: u64) -> Arc<Entry> {
    Arc::new(Entry {
        order_no: OrderNo(place),
        epoch: Epoch(1),
        request_id: RequestId::new(format!("r{place}")).unwrap(),
        stock_name: "Stock1".into(),
        trade_type: TradeType::Buy,
        quantity: 1,
    })
}

async fn pushed(catalog: &Running) {
    while body(&catalog.get("/healthz").await)["reason"] == "pushing versions" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_serves_nothing_but_its_ping_until_it_was_told_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = nobody();
    let catalog = Running::begin(dir.path(), nobody.local_addr().unwrap()).await;
    pushed(&catalog).await;
    let refused = async |reason: &str| {
        for early in [
            order("r1", 1, "Stock1", "Buy", 10),
            by_hand("Stock1", "Buy", 10),
            Call::get("/query?stock_name=Stock1"),
            Call::get("/dump"),
        ] {
            let reply = catalog.call(early).await;
            assert_eq!((reply.status.as_u16(), &body(&reply)["effect"]), (503, &json!("none")));
        }
        assert_eq!(body(&catalog.get("/healthz").await)["reason"], reason);
        assert!(!catalog.status().await.is_open);
    };
    refused("waiting for the front-end to tell the current epoch").await;
    assert_eq!(catalog.call(unnumbered(1, 0)).await.status, 503);

    let told = catalog.call(tell(1)).await;
    assert_eq!(body(&told)["bazaar"], "b");
    refused("waiting for the leader to list what was applied").await;
    // An epoch that the front-end has not told is not stored, no matter who claims it.
    assert_eq!(catalog.call(unnumbered(i64::MAX as u64, 0)).await.status, 503);
    assert_eq!(catalog.status().await.epoch, Epoch(1));

    // It is new, and this leader was not elected for it.
    let behind = catalog.call(unnumbered(1, 0)).await;
    assert_eq!(
        (&body(&behind)["result"], &body(&behind)["may_fill"]),
        (&json!("behind"), &json!(false))
    );
    let listed = catalog.call(catalog.first_list(1, 0).await).await;
    assert_eq!(body(&listed)["done"], true);
    let status = catalog.status().await;
    assert!(status.is_open && !status.is_new);
    assert_eq!(
        listed.header::<Incarnation>(headers::CATALOG_INCARNATION),
        Some(status.incarnation)
    );
    assert_eq!(catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await.status, 200);
    catalog.stop().await;
}

#[tokio::test]
async fn a_leaders_list_that_comes_before_its_epoch_is_answered_once_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = nobody();
    let catalog = Running::begin(dir.path(), nobody.local_addr().unwrap()).await;
    pushed(&catalog).await;
    let list = catalog.first_list(1, 0).await;
    let (listed, told) = tokio::join!(catalog.call(list), catalog.call(tell(1)));
    assert_eq!((listed.status.as_u16(), told.status.as_u16()), (200, 200), "{listed:?}");
    assert_eq!(body(&listed)["done"], true);
    catalog.stop().await;
}

#[tokio::test]
async fn answers_carry_the_incarnation_and_a_trade_for_another_one_is_not_applied() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    let reply = catalog.call(order("r1", 1, "Stock1", "Buy", 10)).await;
    let first = reply.header::<Incarnation>(headers::CATALOG_INCARNATION).unwrap();
    catalog.stop().await;

    let catalog = Running::alone(dir.path()).await;
    let listed = |id: &str, by: &Incarnation| {
        order(id, 1, "Stock1", "Buy", 10).header(headers::CATALOG_INCARNATION, by)
    };
    let late = catalog.call(listed("r2", &first)).await;
    assert_eq!((late.status.as_u16(), &body(&late)["effect"]), (503, &json!("none")));
    let second = late.header::<Incarnation>(headers::CATALOG_INCARNATION).unwrap();
    assert_ne!(first, second);
    assert_eq!(catalog.call(listed("r2", &second)).await.status, 200);
    assert_eq!(catalog.stock("Stock1").await.quantity, 80);
    catalog.stop().await;
}

#[tokio::test]
async fn a_lost_file_is_filled_from_the_log_before_anything_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = nobody();
    let catalog = Running::begin(dir.path(), nobody.local_addr().unwrap()).await;
    catalog.call(tell(3)).await;
    let list = catalog.first_list(3, 5).await;
    let mut reply = catalog.call(list.clone()).await;
    while reply.status == 503 {
        tokio::task::yield_now().await;
        reply = catalog.call(list.clone()).await;
    }
    let Some(UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill }) = reply.json()
    else {
        panic!("{reply:?}")
    };
    assert_eq!((last_place, is_new, may_fill), (OrderNo(0), true, true));
    let fill = |places: std::ops::RangeInclusive<u64>| {
        let entries = places.map(entry).collect();
        let incarnation = incarnation.clone();
        Call::post("/fill", &FillRequest { epoch: Epoch(3), incarnation, entries })
    };
    for (places, end) in [(1..=3, 3), (3..=5, 5)] {
        let filled: FillReply = catalog.call(fill(places)).await.json().unwrap();
        let last_place = OrderNo(end);
        assert_eq!(filled, FillReply::Filled { incarnation: incarnation.clone(), last_place });
        assert_eq!(catalog.get("/query?stock_name=Stock1").await.status, 503);
    }
    assert_eq!(body(&catalog.call(list).await)["done"], true);
    assert_eq!(catalog.stock("Stock1").await.quantity, 95);
    let repeat = catalog.call(order("r4", 3, "Stock1", "Buy", 1)).await;
    assert_eq!(body(&repeat)["applied_seq"], 4, "what was numbered 4 stays 4");
    catalog.stop().await;
}

#[tokio::test]
async fn a_file_of_another_bazaar_is_refused_with_both_names() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Running::alone(dir.path()).await;
    catalog.stop().await;
    let nobody = nobody();
    let catalog = Running::begin(dir.path(), nobody.local_addr().unwrap()).await;
    let told = catalog.call(Call::post("/configuration", &configuration(7, "elsewhere"))).await;
    assert_eq!(told.status, 409);
    let message = body(&told)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("another bazaar (elsewhere)") && message.contains("(b)"), "{message}");
    let mut reason = body(&catalog.get("/healthz").await)["reason"].clone();
    while reason == "pushing versions" {
        reason = body(&catalog.get("/healthz").await)["reason"].clone();
    }
    assert_eq!(reason, message);
    let status = catalog.status().await;
    assert_eq!((status.epoch, status.is_open), (Epoch(1), false));
    catalog.stop().await;
}
