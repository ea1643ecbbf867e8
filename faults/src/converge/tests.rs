//! Dumps by hand, and a scripted bazaar that takes its time.

use wire::ids::{AppliedSeq, Epoch};
use wire::internal::{Entry, TradeRecord};

use super::*;
use crate::testing::FakeService;

fn entry(order_no: u64, request_id: &str) -> Entry {
    Entry {
        order_no: OrderNo(order_no),
        epoch: Epoch(1),
        request_id: RequestId::new(request_id).unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: wire::bazaar::TradeType::Buy,
        quantity: 1,
        applied_seq: AppliedSeq(order_no),
    }
}

fn log(id: u8, request_ids: &[&str]) -> OrderDump {
    let entries: Vec<_> = (1..).zip(request_ids).map(|(no, id)| entry(no, id)).collect();
    let committed = OrderNo(u64::try_from(entries.len()).unwrap());
    OrderDump { id: ReplicaId(id), accepted_epoch: Epoch(1), committed, entries }
}

fn trade(request_id: &str, decision: Decision, origin: Origin) -> TradeRecord {
    TradeRecord {
        request_id: RequestId::new(request_id).unwrap(),
        applied_seq: None,
        decision,
        epoch: None,
        stock_name: "Stock1".to_owned(),
        trade_type: wire::bazaar::TradeType::Buy,
        quantity: 1,
        version: None,
        quantity_after: None,
        volume_after: None,
        origin,
    }
}

fn catalog(request_ids: &[&str]) -> CatalogDump {
    let applied = |id: &&str| trade(id, Decision::Applied, Origin::Order);
    CatalogDump {
        epoch: Epoch(1),
        stocks: Vec::new(),
        trades: request_ids.iter().map(applied).collect(),
    }
}

fn difference(orders: Vec<OrderDump>, catalog: CatalogDump) -> Option<String> {
    first_difference(&Dumps { orders, catalog })
}

#[test]
fn equal_logs_that_match_the_catalog_have_no_difference() {
    let orders = vec![log(1, &["a", "b"]), log(2, &["a", "b"])];
    let mut catalog = catalog(&["b", "a"]);
    catalog.trades.push(trade("by-hand", Decision::Applied, Origin::ByHand));
    catalog.trades.push(trade("refused", Decision::Failed, Origin::Order));
    assert_eq!(difference(orders, catalog), None);
}

#[test]
fn a_replica_that_lags_is_named() {
    let orders = vec![log(1, &["a"]), log(2, &["a", "b"])];
    let said = difference(orders, catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "order-1 holds 1 orders, order-2 2");
}

#[test]
fn replicas_that_differ_are_named_with_the_number() {
    let orders = vec![log(1, &["a", "b"]), log(2, &["a", "c"])];
    let said = difference(orders, catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "order-1 and order-2 differ at #2");
}

#[test]
fn an_uncommitted_order_is_named() {
    let mut lagging = log(2, &["a"]);
    lagging.committed = OrderNo(0);
    let said = difference(vec![log(1, &["a"]), lagging], catalog(&["a"])).unwrap();
    assert_eq!(said, "order-2 holds orders up to #1 and knows #0 to be committed");
}

#[test]
fn a_trade_without_a_number_is_named_and_so_is_a_number_without_a_trade() {
    let said = difference(vec![log(1, &["a"])], catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "the trade b was applied and has no number");
    let said = difference(vec![log(1, &["a", "b"])], catalog(&["a"])).unwrap();
    assert_eq!(said, "the order of b was never applied at the catalog");
}

/// A front-end, a catalog and one replica.
async fn bazaar(leader: &str) -> (FakeService, FakeService, FakeService, Addresses) {
    let (front_end, catalog_service, replica) =
        (FakeService::start().await, FakeService::start().await, FakeService::start().await);
    front_end.answer("/leader", 200, leader);
    let mut addresses = front_end.addresses();
    addresses.catalog = catalog_service.address();
    addresses.orders.insert(ReplicaId(1), replica.address());
    (front_end, catalog_service, replica, addresses)
}

fn json(value: &impl serde::Serialize) -> (u16, String) {
    (200, serde_json::to_string(value).unwrap())
}

#[tokio::test]
async fn two_equal_looks_are_needed() {
    let (_front_end, catalog_service, replica, addresses) =
        bazaar(r#"{"leader":1,"epoch":1,"in_sync":[1]}"#).await;
    // The first look agrees, the second agrees on more, the third is like the second.
    replica.answer_in_turn("/dump", vec![json(&log(1, &["a"])), json(&log(1, &["a", "b"]))]);
    catalog_service
        .answer_in_turn("/dump", vec![json(&catalog(&["a"])), json(&catalog(&["a", "b"]))]);
    let converged = converge_at(&HttpClient::new(), &addresses, Duration::from_secs(20)).await;
    assert_eq!(converged.unwrap().orders, [log(1, &["a", "b"])]);
    replica.asked("/dump", 3).await;
}

#[tokio::test]
async fn what_does_not_converge_leaves_its_evidence() {
    let (_front_end, catalog_service, replica, addresses) =
        bazaar(r#"{"leader":1,"epoch":1,"in_sync":[1]}"#).await;
    let (status, body) = json(&log(1, &["a"]));
    replica.answer("/dump", status, body);
    let (status, body) = json(&catalog(&["a", "b"]));
    catalog_service.answer("/dump", status, body);
    let error = converge_at(&HttpClient::new(), &addresses, Duration::from_millis(200)).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "not converged within 200 ms: the trade b was applied and has no number"
    );
    assert_eq!((error.orders, error.catalog), (vec![log(1, &["a"])], Some(catalog(&["a", "b"]))));
}

#[tokio::test]
async fn a_replica_that_is_not_in_sync_is_named_and_a_missing_dump_is_no_evidence() {
    let (front_end, _catalog, _replica, mut addresses) =
        bazaar(r#"{"leader":1,"epoch":1,"in_sync":[1]}"#).await;
    addresses.orders.insert(ReplicaId(2), front_end.address());
    let error = converge_at(&HttpClient::new(), &addresses, Duration::from_millis(100)).await;
    let error = error.unwrap_err();
    assert_eq!(error.reason, "order-2 is not in sync");
    assert_eq!((error.orders, error.catalog), (Vec::new(), None));
}
