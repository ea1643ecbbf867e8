//! Dumps by hand, and a scripted bazaar that takes its time.

use records::built_in;
use wire::dump::CatalogPage;
use wire::ids::{Epoch, OrderNo, ReplicaId, RequestId};
use wire::internal::{Decision, Entry, Origin, TradeRecord};

use super::*;
use crate::dump::{DumpKind, DumpSource};
use crate::testing::FakeService;

fn entry(order_no: u64, request_id: &str) -> Entry {
    Entry {
        order_no: OrderNo(order_no),
        epoch: Epoch(1),
        request_id: RequestId::new(request_id).unwrap(),
        stock_name: "Stock1".into(),
        trade_type: wire::bazaar::TradeType::Buy,
        quantity: 1,
    }
}

fn log(id: u8, request_ids: &[&str]) -> OrderPage {
    let entries: Vec<_> = (1..).zip(request_ids).map(|(no, id)| entry(no, id)).collect();
    let total = u64::try_from(entries.len()).unwrap();
    OrderPage {
        id: ReplicaId(id),
        accepted_epoch: Epoch(1),
        committed: OrderNo(total),
        through: OrderNo(total),
        through_epoch: Epoch(1),
        total,
        entries,
    }
}

/// The part of a log's dump from `from` to `to`.
fn part(whole: &OrderPage, from: usize, to: usize) -> OrderPage {
    OrderPage { entries: whole.entries[from..to].to_vec(), ..whole.clone() }
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

fn catalog(request_ids: &[&str]) -> CatalogPage {
    let applied = |id: &&str| trade(id, Decision::Applied, Origin::Order);
    catalog_of(request_ids.iter().map(applied).collect())
}

fn catalog_of(trades: Vec<TradeRecord>) -> CatalogPage {
    let total = u64::try_from(trades.len()).unwrap();
    CatalogPage { epoch: Epoch(1), through: total, total, stocks: Vec::new(), trades }
}

/// The first thing in which dumps of one page each do not agree.
fn difference(orders: &[OrderPage], catalog: &CatalogPage) -> Option<String> {
    let mut matching = Matching::default();
    matching.take_orders(&orders[0].entries);
    matching.take_trades(&catalog.trades);
    let named = orders.iter().map(|page| (built_in::order(page.id.0), page.clone()));
    let orders: Vec<_> = named.collect();
    comparison::first_difference_of_heads(&orders)
        .or_else(|| comparison::first_difference_of_pages(&orders))
        .or_else(|| matching.unmatched())
}

#[test]
fn equal_logs_that_match_the_catalog_have_no_difference() {
    let orders = [log(1, &["a", "b"]), log(2, &["a", "b"])];
    let mut catalog = catalog(&["b", "a"]);
    catalog.trades.push(trade("by-hand", Decision::Applied, Origin::ByHand));
    catalog.trades.push(trade("refused", Decision::Failed, Origin::Order));
    assert_eq!(difference(&orders, &catalog), None);
}

#[test]
fn a_replica_that_lags_is_named() {
    let orders = [log(1, &["a"]), log(2, &["a", "b"])];
    let said = difference(&orders, &catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "order-1 holds 1 orders, order-2 2");
}

#[test]
fn replicas_that_differ_are_named_with_the_number() {
    let orders = [log(1, &["a", "b"]), log(2, &["a", "c"])];
    let said = difference(&orders, &catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "order-1 and order-2 differ at #2");
}

#[test]
fn an_uncommitted_order_is_named() {
    let mut lagging = log(2, &["a"]);
    lagging.committed = OrderNo(0);
    let said = difference(&[log(1, &["a"]), lagging], &catalog(&["a"])).unwrap();
    assert_eq!(said, "order-2 holds orders up to #1 and knows #0 to be committed");
}

#[test]
fn a_trade_without_a_number_is_named_and_so_is_a_number_without_a_trade() {
    let said = difference(&[log(1, &["a"])], &catalog(&["a", "b"])).unwrap();
    assert_eq!(said, "the trade b was applied and has no number");
    let said = difference(&[log(1, &["a", "b"])], &catalog(&["a"])).unwrap();
    assert_eq!(said, "the order of b was never applied at the catalog");
}

#[test]
fn a_request_that_one_side_has_twice_is_for_a_check_to_find() {
    let mut matching = Matching::default();
    matching.take_orders(&log(1, &["a", "a", "b"]).entries);
    matching.take_trades(&catalog(&["b", "a", "b"]).trades);
    assert_eq!((matching.orders, matching.applied, matching.unmatched()), (3, 3, None));
}

/// A catalog, one replica, and where both are asked.
async fn bazaar() -> (FakeService, FakeService, Dumps) {
    let (catalog_service, replica) = (FakeService::start().await, FakeService::start().await);
    let sources = vec![
        source(built_in::order(1), DumpKind::Orders, &replica),
        source(built_in::catalog(), DumpKind::Stocks, &catalog_service),
    ];
    (catalog_service, replica, Dumps::new(sources))
}

fn source(name: ProcessName, kind: DumpKind, service: &FakeService) -> DumpSource {
    let (address, path) = (service.address(), "/dump".to_owned());
    DumpSource { name, kind, address, path, headers: Vec::new() }
}

/// The first replica leads, and it alone is in sync.
async fn led() -> Result<Leadership, NoLeader> {
    let leader = built_in::order(1);
    let in_sync = Some(vec![leader]);
    Ok(Leadership { leader, epoch: Some(1), in_sync, rivals: Vec::new() })
}

fn json(value: &impl serde::Serialize) -> (u16, String) {
    (200, serde_json::to_string(value).unwrap())
}

#[tokio::test]
async fn two_equal_looks_are_needed() {
    let (catalog_service, replica, dumps) = bazaar().await;
    // The first look agrees, the second agrees on more, the third is like the second.
    replica.answer_in_turn("/dump", vec![json(&log(1, &["a"])), json(&log(1, &["a", "b"]))]);
    catalog_service
        .answer_in_turn("/dump", vec![json(&catalog(&["a"])), json(&catalog(&["a", "b"]))]);
    let converged = converge_at(&dumps, led, Duration::from_secs(20)).await;
    assert_eq!(converged.unwrap().orders, 2);
    replica.asked("/dump", 3).await;
}

/// The rows of every page, and how many pages began a source.
async fn evidence(dumps: &Dumps) -> (Vec<DumpPage>, usize) {
    let (mut pages, mut begun) = (Vec::new(), 0);
    dump::read_evidence(dumps, async |_, page, is_first| {
        pages.push(page);
        begun += usize::from(is_first);
    })
    .await;
    (pages, begun)
}

#[tokio::test]
async fn dumps_of_several_pages_are_compared_and_read_page_by_page() {
    let (catalog_service, replica, dumps) = bazaar().await;
    let whole = log(1, &["a", "b", "c"]);
    let pages = [json(&part(&whole, 0, 1)), json(&part(&whole, 1, 2)), json(&part(&whole, 2, 3))];
    let trades = catalog(&["a", "b", "c"]);
    let first = CatalogPage { trades: trades.trades[..2].to_vec(), ..trades.clone() };
    let second = CatalogPage { trades: trades.trades[2..].to_vec(), ..trades };
    let catalog_pages = [json(&first), json(&second)];
    replica.answer_in_turn("/dump", [pages.clone(), pages.clone(), pages].concat());
    catalog_service.answer_in_turn(
        "/dump",
        [catalog_pages.clone(), catalog_pages.clone(), catalog_pages].concat(),
    );
    let converged = converge_at(&dumps, led, Duration::from_secs(20)).await.unwrap();
    assert_eq!(converged.orders, 3);
    let mut kept = Vec::new();
    let read = dump::read_all(&dumps, async |source, page, is_first| {
        kept.push((page, is_first));
        assert_eq!(source == built_in::catalog(), kept.len() > 3);
    });
    assert_eq!(read.await.unwrap(), converged.seen);
    assert_eq!(kept.len(), 5);
    let firsts: Vec<_> = kept.iter().map(|(_, is_first)| *is_first).collect();
    assert_eq!(firsts, [true, false, false, true, false]);
    assert_eq!(kept[2].0, DumpPage::Orders(part(&whole, 2, 3)));
    assert_eq!(kept[4].0, DumpPage::Catalog(second));
}

#[tokio::test]
async fn a_dump_that_changes_half_way_is_begun_again() {
    let (catalog_service, replica, dumps) = bazaar().await;
    let whole = log(1, &["a", "b"]);
    let changed = (409, r#"{"error":{"code":409,"message":"changed"}}"#.to_owned());
    replica.answer_in_turn("/dump", vec![json(&part(&whole, 0, 1)), changed, json(&whole)]);
    catalog_service.answer_in_turn("/dump", vec![json(&catalog(&["a", "b"]))]);
    let converged = converge_at(&dumps, led, Duration::from_secs(20)).await;
    assert_eq!(converged.unwrap().orders, 2);
    replica.asked("/dump", 4).await;
}

#[tokio::test]
async fn what_does_not_converge_leaves_its_evidence() {
    let (catalog_service, replica, dumps) = bazaar().await;
    let (status, body) = json(&log(1, &["a"]));
    replica.answer("/dump", status, body);
    let (status, body) = json(&catalog(&["a", "b"]));
    catalog_service.answer("/dump", status, body);
    let wrong = "the trade b was applied and has no number".to_owned();
    assert_eq!(look(&dumps, &led, None).await.unwrap_err(), Unequal::Wrong(wrong));
    let held = vec![DumpPage::Orders(log(1, &["a"])), DumpPage::Catalog(catalog(&["a", "b"]))];
    assert_eq!(evidence(&dumps).await, (held, 2));
}

#[tokio::test]
async fn a_replica_that_is_not_in_sync_is_named_and_half_a_dump_is_no_evidence() {
    let (catalog_service, replica, _) = bazaar().await;
    let dumps = Dumps::new(vec![
        source(built_in::order(1), DumpKind::Orders, &replica),
        source(built_in::order(2), DumpKind::Orders, &catalog_service),
    ]);
    // Nobody is asked for a dump before that, so no time is too short for it.
    let error = converge_at(&dumps, led, Duration::ZERO).await;
    let expected = "not converged within 0 ms: order-2 is not in sync";
    assert_eq!(error.unwrap_err().to_string(), expected);
    let half = json(&part(&log(1, &["a", "b"]), 0, 1));
    replica.answer_in_turn("/dump", vec![half, (500, "{}".to_owned())]);
    assert_eq!(evidence(&dumps).await, (Vec::new(), 0));
}

#[tokio::test]
async fn logs_alone_need_be_equal_to_each_other_where_nobody_says_who_leads() {
    let (other, replica, _) = bazaar().await;
    let dumps = Dumps::new(vec![
        source(built_in::order(1), DumpKind::Orders, &replica),
        source(built_in::order(2), DumpKind::Orders, &other),
    ]);
    let untold = async || Err(NoLeader::Untold);
    let answer = |service: &FakeService, ids: &[&str]| {
        let (status, body) = json(&log(1, ids));
        service.answer("/dump", status, body);
    };
    answer(&replica, &["a", "b"]);
    answer(&other, &["a", "c"]);
    let differ = "order-1 and order-2 differ at #2".to_owned();
    assert_eq!(look(&dumps, &untold, None).await.unwrap_err(), Unequal::Wrong(differ));
    answer(&other, &["a", "b"]);
    let converged = converge_at(&dumps, untold, Duration::from_secs(20)).await;
    assert_eq!(converged.unwrap().orders, 2);
}
