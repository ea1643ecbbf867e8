use std::sync::Arc;

use wire::bazaar::TradeType;
use wire::ids::{ConfigVersion, ReplicaId, RequestId};
use wire::internal::{Decision, Origin, Tail};

use super::*;

fn identity(name: &str) -> Identity {
    Identity::new(name).unwrap()
}

fn incarnation(name: &str) -> Incarnation {
    Incarnation::new(name).unwrap()
}

fn bazaar(name: &str) -> BazaarId {
    BazaarId::new(name).unwrap()
}

fn catalog(is_new: bool) -> Admission {
    let own = (!is_new).then(|| bazaar("b"));
    Admission::new(identity("c"), incarnation("second"), own, is_new, Bugs::default())
}

fn configuration(bazaar_id: &str) -> Configuration {
    Configuration {
        version: ConfigVersion(7),
        epoch: Epoch(5),
        leader: ReplicaId(3),
        leader_incarnation: incarnation("leader"),
        in_sync: Vec::new(),
        bazaar: bazaar(bazaar_id),
        committed: OrderNo(0),
        by_everybody: false,
        new_catalog: None,
    }
}

fn entry(order_no: u64, id: &str) -> Arc<Entry> {
    Arc::new(Entry {
        order_no: OrderNo(order_no),
        epoch: Epoch(4),
        request_id: RequestId::new(id).unwrap(),
        stock_name: "Stock1".into(),
        trade_type: TradeType::Buy,
        quantity: 1,
    })
}

fn record(place: u64, id: &str) -> TradeRecord {
    TradeRecord {
        request_id: RequestId::new(id).unwrap(),
        applied_seq: Some(OrderNo(place).place()),
        decision: Decision::Applied,
        epoch: Some(Epoch(4)),
        stock_name: "Stock1".to_owned(),
        trade_type: TradeType::Buy,
        quantity: 1,
        version: None,
        quantity_after: None,
        volume_after: None,
        origin: Origin::Order,
    }
}

fn request(log_end: u64, id: &str, by_everybody: bool) -> UnnumberedRequest {
    let place = OrderNo(log_end);
    UnnumberedRequest {
        epoch: Epoch(5),
        after: Tail { place, entry: (log_end > 0).then(|| entry(log_end, id)) },
        log_end: place,
        floor: OrderNo(0),
        by_everybody,
        new_catalog: None,
        meant_for: None,
        limit: 10,
    }
}

#[test]
fn nothing_is_open_before_the_front_end_has_told_the_epoch_and_a_leader_has_listed() {
    let mut catalog = catalog(false);
    let asked = request(2, "R2", false);
    assert_eq!(catalog.list(&asked, Some(&record(2, "R2")), OrderNo(3)), Listing::Untold);
    catalog.tell(&configuration("b")).unwrap();
    assert!(!catalog.admits(None));
    assert_eq!(catalog.list(&asked, Some(&record(2, "R2")), OrderNo(3)), Listing::Page);
    assert!(!catalog.open(), "its file was not new");
    assert!(catalog.admits(None));
    assert!(catalog.admits(Some(&incarnation("second"))));
    assert!(
        !catalog.admits(Some(&incarnation("first"))),
        "a trade for the incarnation before this one"
    );
}

#[test]
fn another_bazaars_front_end_tells_it_nothing() {
    let mut catalog = catalog(false);
    assert!(catalog.tell(&configuration("other")).is_err());
    assert_eq!(catalog.list(&request(0, "", true), None, OrderNo(3)), Listing::Untold);
}

#[test]
fn an_old_copy_is_filled_by_a_leader_that_was_elected_by_everybody_and_by_no_other() {
    let mut catalog = catalog(false);
    catalog.tell(&configuration("b")).unwrap();
    let behind = catalog.list(&request(9, "R9", false), None, OrderNo(4));
    assert_eq!(behind, Listing::Behind { may_fill: false });
    let fill =
        FillRequest { epoch: Epoch(5), incarnation: incarnation("second"), entries: Vec::new() };
    assert!(!catalog.takes_fill(&fill));
    let behind = catalog.list(&request(9, "R9", true), None, OrderNo(4));
    assert_eq!(behind, Listing::Behind { may_fill: true });
    assert!(catalog.takes_fill(&fill));
    assert!(
        !catalog.takes_fill(&FillRequest { incarnation: incarnation("first"), ..fill.clone() })
    );
    assert!(!catalog.takes_fill(&FillRequest { epoch: Epoch(4), ..fill }));
}

#[test]
fn a_new_file_is_filled_only_after_an_election_that_was_held_for_it() {
    let mut catalog = catalog(true);
    catalog.tell(&configuration("b")).unwrap();
    // Even from an empty log: the election may have overlooked a longer one.
    let empty = request(0, "", true);
    assert_eq!(catalog.list(&empty, None, OrderNo(0)), Listing::Behind { may_fill: false });
    let another = UnnumberedRequest { new_catalog: Some(identity("before")), ..empty.clone() };
    assert_eq!(catalog.list(&another, None, OrderNo(0)), Listing::Behind { may_fill: false });
    let for_it = UnnumberedRequest { new_catalog: Some(identity("c")), ..empty };
    assert_eq!(catalog.list(&for_it, None, OrderNo(0)), Listing::Page);
    assert!(catalog.open(), "it is no longer new");
}

#[test]
fn it_is_not_opened_below_what_is_known_to_be_committed() {
    let mut catalog = catalog(false);
    catalog.tell(&configuration("b")).unwrap();
    let asked = UnnumberedRequest { floor: OrderNo(600), ..request(3, "R3", true) };
    assert_eq!(catalog.list(&asked, Some(&record(3, "R3")), OrderNo(9)), Listing::Short);
    assert_eq!(catalog.list(&asked, Some(&record(3, "R3")), OrderNo(600)), Listing::Page);
}

#[test]
fn a_place_with_another_trade_is_named_from_both_sides() {
    let mut catalog = catalog(false);
    catalog.tell(&configuration("b")).unwrap();
    let listing = catalog.list(&request(3, "R3", true), Some(&record(3, "R7")), OrderNo(9));
    let Listing::Contradiction { place, log, catalog: here } = listing else {
        panic!("{listing:?}")
    };
    assert_eq!((place, &*log, &*here), (OrderNo(3), "R3 (Buy 1 Stock1)", "R7 (Buy 1 Stock1)"));
}

#[test]
fn a_fill_goes_place_by_place_and_takes_no_other_content() {
    let catalog = catalog(false);
    let fill = |entry: &Entry, in_place: Option<&TradeRecord>, under_id: Option<&TradeRecord>| {
        catalog.fill(entry, in_place, under_id, OrderNo(2))
    };
    let held = record(2, "R2");
    assert_eq!(fill(&entry(2, "R2"), Some(&held), Some(&held)), Filling::Held);
    assert_eq!(fill(&entry(3, "R3"), None, None), Filling::Next);
    assert_eq!(fill(&entry(4, "R4"), None, None), Filling::Gap);
    let other = fill(&entry(2, "R9"), Some(&held), None);
    assert!(matches!(other, Filling::Contradiction { .. }), "{other:?}");
    let elsewhere = fill(&entry(3, "R2"), None, Some(&held));
    let Filling::Contradiction { catalog, .. } = elsewhere else { panic!("{elsewhere:?}") };
    assert_eq!(catalog, "R2 (Buy 1 Stock1) in place 2");
}

#[test]
fn a_list_request_for_an_earlier_life_opens_nothing() {
    // It was made when the log ended at #0. Since then #1 was committed, and this is an old copy of the
    // catalog: it would see no lack, and give place 1 away again.
    let catalog = catalog(false);
    let meant_for =
        |name| UnnumberedRequest { meant_for: Some(incarnation(name)), ..request(0, "", true) };
    assert!(!catalog.may_open_for(&meant_for("first")));
    assert!(catalog.may_open_for(&meant_for("second")));
    // The first request of a leader comes before it numbers anything.
    assert!(catalog.may_open_for(&request(0, "", true)));
}
