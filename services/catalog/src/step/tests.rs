use std::sync::Arc;

use base::planted::Bugs;
use base::storage::Durability;
use wire::bazaar::{CatalogTrade, Quantity, TradeType};
use wire::configuration::Member;
use wire::ids::{BazaarId, ConfigVersion, Identity, OrderNo, ReplicaId, RequestId, StockVersion};
use wire::internal::{Entry, Tail};

use super::*;
use crate::ledger::Stale;
use crate::stock_file;

fn buy(id: &str, epoch: u64, quantity: u64) -> WriterRequest {
    let body = CatalogTrade {
        stock_name: "Stock1".to_owned(),
        trade_type: TradeType::Buy,
        quantity: Quantity::new(quantity).unwrap(),
    };
    let request_id = RequestId::new(id).unwrap();
    WriterRequest::Trade(Trade { request_id, epoch: Some(Epoch(epoch)), body }, None)
}

fn dump(after: u64, limit: usize, through: Option<u64>) -> WriterRequest {
    WriterRequest::Dump(PageRequest { after, limit, through })
}

fn tell(epoch: u64) -> WriterRequest {
    WriterRequest::Configuration(Configuration {
        version: ConfigVersion(epoch),
        epoch: Epoch(epoch),
        leader: ReplicaId(1),
        leader_incarnation: incarnation("i1"),
        in_sync: vec![Member { id: ReplicaId(1), identity: Identity::new("d1").unwrap() }],
        bazaar: BazaarId::new("b").unwrap(),
        committed: OrderNo(0),
        by_everybody: true,
        new_catalog: None,
    })
}

fn incarnation(name: &str) -> Incarnation {
    Incarnation::new(name).unwrap()
}

/// The list of a leader whose log is empty.
fn unnumbered(epoch: u64) -> WriterRequest {
    list(epoch, 0, 100)
}

/// The list of a leader whose log ends at `log_end`.
fn list(epoch: u64, log_end: u64, limit: u32) -> WriterRequest {
    let entry = (log_end > 0).then(|| Arc::new(entry(log_end)));
    WriterRequest::Unnumbered(UnnumberedRequest {
        epoch: Epoch(epoch),
        after: Tail { place: OrderNo(log_end), entry },
        log_end: OrderNo(log_end),
        floor: OrderNo(0),
        by_everybody: true,
        new_catalog: None,
        meant_for: None,
        limit,
    })
}

/// What the order log has of the trade `buy("R<place>", 1, 1)`.
fn entry(place: u64) -> Entry {
    Entry {
        order_no: OrderNo(place),
        epoch: Epoch(1),
        request_id: RequestId::new(format!("R{place}")).unwrap(),
        stock_name: "Stock1".into(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

fn fill(epoch: u64, by: &str, places: std::ops::RangeInclusive<u64>) -> WriterRequest {
    let entries = places.map(|place| Arc::new(entry(place))).collect();
    WriterRequest::Fill(FillRequest { epoch: Epoch(epoch), incarnation: incarnation(by), entries })
}

struct Catalog {
    state: State,
    dir: tempfile::TempDir,
}

impl Catalog {
    /// A process that has just started, on a new file.
    fn closed() -> Self {
        Self::start(tempfile::tempdir().unwrap(), "c1")
    }

    /// One that was told of an epoch and listed by its leader.
    fn open(epoch: u64) -> Self {
        let mut catalog = Self::closed();
        catalog.batch(&[tell(epoch), unnumbered(epoch)]);
        catalog
    }

    fn start(dir: tempfile::TempDir, name: &str) -> Self {
        let mut store = Store::open(dir.path(), Durability::Flush, Bugs::default()).unwrap();
        let ledger = store.load().unwrap();
        let ledger =
            ledger.unwrap_or_else(|| store.seed(stock_file::read(None, 100).unwrap()).unwrap());
        let (bazaar, is_new) = (store.bazaar().cloned(), store.is_new().unwrap());
        let identity = store.identity().clone();
        let admission =
            Admission::new(identity, incarnation(name), bazaar, is_new, Bugs::default());
        Self { state: State { ledger, store, admission, other_bazaar: None }, dir }
    }

    fn restart(self, name: &str) -> Self {
        drop(self.state);
        Self::start(self.dir, name)
    }

    fn batch(&mut self, asks: &[WriterRequest]) -> Decided {
        // Every election of these tests was held for this very file, if it is new.
        let identity = self.state.store.identity().clone();
        let asks: Vec<_> = asks
            .iter()
            .map(|ask| match ask {
                WriterRequest::Unnumbered(request) => {
                    WriterRequest::Unnumbered(UnnumberedRequest {
                        new_catalog: Some(identity.clone()),
                        ..request.clone()
                    })
                }
                other => other.clone(),
            })
            .collect();
        let decided = decide(&mut self.state, asks.iter()).unwrap();
        let on_disk = self.state.store.load().unwrap();
        assert_eq!(on_disk.as_ref(), Some(&self.state.ledger), "what memory has, the disk has");
        decided
    }

    fn told(&mut self, ask: WriterRequest) -> WriterResponse {
        self.batch(&[ask]).answers.remove(0).0
    }

    fn quantity(&self) -> u32 {
        self.state.ledger.stock("Stock1").unwrap().quantity
    }
}

fn ids(told: &WriterResponse) -> Vec<&str> {
    match told {
        WriterResponse::Unnumbered(UnnumberedReply::Page { trades, .. }) => {
            trades.iter().map(|trade| trade.request_id.as_str()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn is_closed(told: &WriterResponse) -> bool {
    matches!(told, WriterResponse::Closed(_))
}

#[test]
fn an_old_leaders_trade_behind_the_new_ones_list_request_is_refused_in_the_same_batch() {
    let mut catalog = Catalog::open(1);
    let decided = catalog.batch(&[
        buy("before", 1, 1),
        tell(2),
        unnumbered(2),
        buy("after", 1, 1),
        unnumbered(2),
    ]);
    let told: Vec<&WriterResponse> = decided.answers.iter().map(|(told, _)| told).collect();
    assert_eq!(ids(told[2]), ["before"]);
    assert_eq!(told[3], &WriterResponse::Stale(Stale { seen: Epoch(2), recorded: false }));
    assert_eq!(ids(told[4]), ["before"]);
    assert_eq!(catalog.quantity(), 99);
}

#[test]
fn a_fence_is_on_disk_even_if_nothing_else_is_written() {
    let mut catalog = Catalog::open(1);
    assert!(catalog.batch(&[tell(7)]).wrote);
    assert_eq!(catalog.state.store.load().unwrap().unwrap().epoch(), Epoch(7));
    assert!(!catalog.batch(&[tell(7), unnumbered(7)]).wrote);
    let decided = catalog.batch(&[unnumbered(6)]);
    assert!(matches!(decided.answers[0].0, WriterResponse::Stale(Stale { seen: Epoch(7), .. })));
}

#[test]
fn an_id_that_comes_twice_in_a_batch_is_decided_once() {
    let mut catalog = Catalog::open(1);
    let decided = catalog.batch(&[buy("1", 1, 10), buy("1", 1, 10), buy("1", 1, 11)]);
    assert_eq!(decided.answers[0].0, decided.answers[1].0);
    assert_eq!(decided.answers[2].0, WriterResponse::Conflict);
    assert_eq!(decided.changed.len(), 1);
    assert_eq!(decided.changed[0].stock.quantity, 90);
}

#[test]
fn a_batch_that_only_repeats_changes_and_flushes_nothing() {
    let mut catalog = Catalog::open(1);
    let first = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91)]);
    let again = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91)]);
    assert!(first.wrote && !again.wrote);
    assert!(again.changed.is_empty());
    for (first, again) in first.answers.iter().zip(&again.answers) {
        assert_eq!(first.0, again.0);
    }
}

#[test]
fn a_version_is_raised_and_never_lowered_and_the_next_trade_goes_on_from_there() {
    let mut catalog = Catalog::open(1);
    let raise = |version| {
        let (stock_name, version) = ("Stock1".to_owned(), StockVersion(version));
        WriterRequest::Raise(vec![VersionedStock { stock_name, version }])
    };
    let decided = catalog.batch(&[raise(8)]);
    assert!(decided.wrote);
    assert_eq!(decided.changed[0].version, StockVersion(8));
    let decided = catalog.batch(&[raise(7)]);
    assert!(!decided.wrote && decided.changed.is_empty());
    let decided = catalog.batch(&[buy("1", 1, 1)]);
    assert_eq!(decided.changed[0].version, StockVersion(9));
}

#[test]
fn a_dump_holds_every_decision_and_every_stock() {
    let mut catalog = Catalog::open(1);
    let decided = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91), dump(0, 9, None)]);
    let WriterResponse::Page(dump) = &decided.answers[2].0 else { panic!("{decided:?}") };
    assert_eq!((dump.epoch, dump.stocks.len(), dump.trades.len()), (Epoch(1), 10, 2));
    assert_eq!(dump.trades[1].decision, Decision::Failed);
    assert_eq!(dump.stocks[0].quantity, 90);
}

#[test]
fn a_dump_ends_where_its_first_page_said_whatever_is_decided_meanwhile() {
    let mut catalog = Catalog::open(1);
    catalog.batch(&[buy("1", 1, 1), buy("2", 1, 1), buy("3", 1, 1)]);
    let decided = catalog.batch(&[dump(0, 2, None), buy("4", 1, 1), dump(2, 2, Some(3))]);
    let page = |index: usize| match &decided.answers[index].0 {
        WriterResponse::Page(page) => page,
        other => panic!("{other:?}"),
    };
    let (first, second) = (page(0), page(2));
    assert_eq!((first.through, first.total, first.trades.len()), (3, 3, 2));
    assert_eq!(first.stocks[0].quantity, 97, "stocks as the last decision of the dump left them");
    assert_eq!(first.next(0), Some(2));
    assert_eq!((second.through, second.trades.len(), second.stocks.len()), (3, 1, 0));
    assert_eq!(second.trades[0].request_id.as_str(), "3");
    assert_eq!(second.next(2), None);
}

#[test]
fn a_dump_of_decisions_that_are_not_there_begins_again() {
    let mut catalog = Catalog::open(1);
    let decided = catalog.batch(&[buy("1", 1, 1), dump(1, 2, Some(2))]);
    assert_eq!(decided.answers[1].0, WriterResponse::Changed);
}

// ---- told, listed, filled, open ----------------------------------------------------------------

#[test]
fn nothing_is_applied_before_the_epoch_was_told_and_its_leader_has_listed() {
    let mut catalog = Catalog::closed();
    let by_hand = |id| match buy(id, 0, 1) {
        WriterRequest::Trade(trade, _) => {
            WriterRequest::Trade(Trade { epoch: None, ..trade }, None)
        }
        other => other,
    };
    for early in [buy("1", 1, 1), by_hand("2"), unnumbered(1), fill(1, "c1", 1..=1)] {
        assert!(is_closed(&catalog.told(early)), "told nothing");
    }
    assert!(is_closed(&catalog.told(dump(0, 9, None))));
    assert_eq!(catalog.told(tell(1)), WriterResponse::Heard);
    assert!(is_closed(&catalog.told(buy("1", 1, 1))), "listed by nobody");
    assert!(is_closed(&catalog.told(unnumbered(2))), "not told of that epoch");
    assert_eq!(
        catalog.state.ledger.epoch(),
        Epoch(1),
        "an epoch that nobody has told is not stored"
    );
    assert!(catalog.state.store.is_new().unwrap());
    assert_eq!(ids(&catalog.told(unnumbered(1))), [""; 0]);
    assert!(!catalog.state.store.is_new().unwrap());
    assert!(matches!(catalog.told(buy("1", 1, 1)), WriterResponse::Decided(_)));
    assert!(matches!(catalog.told(by_hand("2")), WriterResponse::Decided(_)));
}

#[test]
fn a_restarted_process_is_told_and_listed_again() {
    let mut catalog = Catalog::open(1);
    catalog.batch(&[buy("R1", 1, 1)]);
    let mut catalog = catalog.restart("c2");
    assert!(is_closed(&catalog.told(buy("R2", 1, 1))));
    catalog.batch(&[tell(1), list(1, 1, 9)]);
    let WriterRequest::Trade(trade, _) = buy("R2", 1, 1) else { unreachable!() };
    // Its leader has listed the process before.
    let late = catalog.told(WriterRequest::Trade(trade.clone(), Some(incarnation("c1"))));
    assert_eq!(late, WriterResponse::Closed(OTHER_PROCESS));
    let now = catalog.told(WriterRequest::Trade(trade, Some(incarnation("c2"))));
    assert!(matches!(now, WriterResponse::Decided(_)));
    assert_eq!(catalog.quantity(), 98);
}

#[test]
fn the_list_comes_in_pages_and_the_last_one_opens() {
    let mut catalog = Catalog::open(1);
    catalog.batch(&[1, 2, 3, 4, 5].map(|place| buy(&format!("R{place}"), 1, 1)));
    let mut catalog = catalog.restart("c2");
    catalog.batch(&[tell(2)]);
    let mut seen = Vec::new();
    for after in [0, 2, 4] {
        assert!(!catalog.state.admission.is_open(), "before the page after {after}");
        let told = catalog.told(list(2, after, 2));
        seen.extend(ids(&told).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, ["R1", "R2", "R3", "R4", "R5"]);
    assert!(catalog.state.admission.is_open());
}

#[test]
fn a_lost_file_is_filled_from_the_log_and_holds_what_was_lost() {
    let mut lost = Catalog::open(1);
    lost.batch(&[1, 2, 3, 4, 5].map(|place| buy(&format!("R{place}"), 1, 1)));
    let mut catalog = Catalog::closed();
    catalog.batch(&[tell(2)]);
    let behind = UnnumberedReply::Behind {
        incarnation: incarnation("c1"),
        last_place: OrderNo(0),
        is_new: true,
        may_fill: true,
    };
    assert_eq!(catalog.told(list(2, 5, 9)), WriterResponse::Unnumbered(behind));
    let filled = |last_place| {
        let (incarnation, last_place) = (incarnation("c1"), OrderNo(last_place));
        WriterResponse::Filled(FillReply::Filled { incarnation, last_place })
    };
    assert_eq!(catalog.told(fill(2, "c1", 1..=3)), filled(3));
    // A doubled message, and the rest: the first entry is one that is there.
    assert_eq!(catalog.told(fill(2, "c1", 1..=3)), filled(3));
    assert_eq!(catalog.told(fill(2, "c1", 3..=5)), filled(5));
    assert!(!catalog.state.admission.is_open(), "filled is not listed");
    assert_eq!(ids(&catalog.told(list(2, 5, 9))), [""; 0]);
    assert!(catalog.state.admission.is_open());

    assert_eq!(catalog.quantity(), lost.quantity());
    let all = |catalog: &mut Catalog| match catalog.told(dump(0, 9, None)) {
        WriterResponse::Page(page) => page,
        other => panic!("{other:?}"),
    };
    let (made_again, was) = (all(&mut catalog), all(&mut lost));
    assert_eq!(made_again.trades, was.trades);
    assert_eq!(made_again.stocks, was.stocks);
    let WriterResponse::Decided(repeat) = catalog.told(buy("R3", 2, 1)) else {
        panic!("not decided")
    };
    assert_eq!(repeat.applied_seq.map(|place| place.0), Some(3), "a repeat is known as one");
}

#[test]
fn an_old_copy_is_filled_up_and_another_trade_in_a_place_is_named_and_stops_it() {
    let mut catalog = Catalog::open(1);
    catalog.batch(&[buy("R1", 1, 1), buy("Q2", 1, 3)]);
    let mut catalog = catalog.restart("c2");
    catalog.batch(&[tell(2), list(2, 4, 9)]);
    let WriterResponse::Filled(FillReply::Contradiction { place, log, catalog: here, .. }) =
        catalog.told(fill(2, "c2", 2..=4))
    else {
        panic!("filled over another trade")
    };
    assert_eq!(place, OrderNo(2));
    assert_eq!((&*log, &*here), ("R2 (Buy 1 Stock1)", "Q2 (Buy 3 Stock1)"));
    let told = catalog.told(list(2, 2, 9));
    assert!(
        matches!(told, WriterResponse::Unnumbered(UnnumberedReply::Contradiction { .. })),
        "{told:?}"
    );
    assert!(!catalog.state.admission.is_open());
}

#[test]
fn a_fill_that_leaves_a_gap_or_is_for_another_process_is_not_taken() {
    let mut catalog = Catalog::closed();
    catalog.batch(&[tell(2), list(2, 5, 9)]);
    let first = WriterResponse::Filled(FillReply::ListFirst { incarnation: incarnation("c1") });
    for refused in [fill(2, "c0", 1..=2), fill(2, "c1", 2..=3)] {
        assert_eq!(catalog.told(refused), first);
    }
    assert_eq!(catalog.state.ledger.last_place(), OrderNo(0));
}

#[test]
fn a_file_of_another_bazaar_is_refused() {
    let mut catalog = Catalog::open(1).restart("c2");
    let WriterRequest::Configuration(other) = tell(9) else { unreachable!() };
    let bazaar = BazaarId::new("other").unwrap();
    let told = catalog.told(WriterRequest::Configuration(Configuration { bazaar, ..other }));
    assert!(matches!(told, WriterResponse::OtherBazaar(_)), "{told:?}");
    assert_eq!(catalog.state.ledger.epoch(), Epoch(1));
    assert!(is_closed(&catalog.told(unnumbered(9))));
}
