//! No message between services outgrows what its receiver reads (rule L9): the longest that there can be,
//! written out. *Otherwise: at 170,000 orders a takeover's list is longer than what is read of an answer,
//! and no leader ever takes over again.*

use std::sync::Arc;

use wire::bazaar::{MAX_STOCK_NAME_BYTES, MAX_STOCKS, TradeType};
use wire::ids::{
    AppliedSeq, BazaarId, Epoch, Incarnation, MAX_NAME_LEN, OrderNo, ReplicaId, RequestId,
    StockVersion,
};
use wire::internal::{
    Append, AppliedTrade, Entry, FillRequest, Invalidation, LogPoint, MAX_ENTRIES_PER_APPEND,
    MAX_LISTED, MAX_TOGETHER, MemberRequest, SeenVersions, TogetherRequest, UnnumberedReply,
    VersionedStock,
};
use wire::json::ToJson;

use super::client::{Call, MAX_ANSWER_BYTES};
use super::server::MAX_INTERNAL_BODY_BYTES;

fn bytes(message: &impl ToJson) -> usize {
    message.to_json().len()
}

/// The name that is longest when it is written: each of its characters takes six.
fn stock_name() -> String {
    "\u{1}".repeat(MAX_STOCK_NAME_BYTES)
}

/// The one whose characters take two each.
fn request_id() -> RequestId {
    RequestId::new("\"".repeat(RequestId::MAX_LEN)).unwrap()
}

fn drawn() -> String {
    "\"".repeat(MAX_NAME_LEN)
}

fn incarnation() -> Incarnation {
    Incarnation::new(&drawn()).unwrap()
}

fn trade() -> AppliedTrade {
    AppliedTrade {
        applied_seq: AppliedSeq::MAX,
        request_id: request_id(),
        stock_name: stock_name(),
        trade_type: TradeType::Sell,
        quantity: u32::MAX,
    }
}

fn entries(count: usize) -> Vec<Arc<Entry>> {
    let entry = Arc::new(trade().entry(Epoch::MAX));
    vec![entry; count]
}

fn stocks() -> Vec<VersionedStock> {
    vec![VersionedStock { stock_name: stock_name(), version: StockVersion::MAX }; MAX_STOCKS]
}

#[test]
fn a_page_of_a_list_is_read_whole() {
    let page = UnnumberedReply::Page {
        incarnation: incarnation(),
        trades: vec![trade(); MAX_LISTED as usize],
        last_place: OrderNo::MAX,
        done: false,
    };
    assert!(bytes(&page) < MAX_ANSWER_BYTES, "{}", bytes(&page));
}

#[test]
fn a_piece_of_a_fill_is_read_whole() {
    let entries = entries(MAX_LISTED as usize);
    let fill = FillRequest { epoch: Epoch::MAX, incarnation: incarnation(), entries };
    assert!(bytes(&fill) < MAX_INTERNAL_BODY_BYTES, "{}", bytes(&fill));
}

#[test]
fn a_leaders_message_is_read_whole() {
    let append = Append {
        epoch: Epoch::MAX,
        leader: ReplicaId::MAX,
        bazaar: BazaarId::new(&drawn()).unwrap(),
        takeover_end: OrderNo::MAX,
        previous: LogPoint { order_no: OrderNo::MAX, epoch: Epoch::MAX },
        entries: entries(MAX_ENTRIES_PER_APPEND),
        committed: OrderNo::MAX,
    };
    assert!(bytes(&append) < MAX_INTERNAL_BODY_BYTES, "{}", bytes(&append));
}

#[test]
fn trades_that_travel_together_are_read_whole() {
    let name = drawn();
    let names = ["x-request-id", "x-epoch", "x-catalog-incarnation"];
    let mut call = Call::get(format!("/trade?stock_name={}&quantity=1", "%01".repeat(name.len())));
    for header in names {
        call = call.header(header, request_id());
    }
    let member = MemberRequest {
        body: trade().entry(Epoch::MAX).stock_name.to_string(),
        ..call.into_member()
    };
    let all = TogetherRequest { requests: vec![member; MAX_TOGETHER] };
    assert!(bytes(&all) < MAX_INTERNAL_BODY_BYTES, "{}", bytes(&all));
}

#[test]
fn the_versions_of_all_stocks_are_read_whole_both_ways() {
    let told = Invalidation { start: true, stocks: stocks() };
    assert!(bytes(&told) < MAX_INTERNAL_BODY_BYTES, "{}", bytes(&told));
    let seen = SeenVersions { seen: stocks() };
    assert!(bytes(&seen) < MAX_ANSWER_BYTES, "{}", bytes(&seen));
}
