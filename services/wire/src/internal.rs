//! The bodies of the internal endpoints: pings, replication, takeover, invalidation, dumps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bazaar::TradeType;
use crate::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId, RequestId, StockVersion};

/// One row of the order log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub order_no: OrderNo,
    /// The epoch whose leader gave it that number. (epoch, number) names an entry uniquely.
    pub epoch: Epoch,
    /// The trade that it records.
    pub request_id: RequestId,
    /// The stock's name.
    pub stock_name: String,
    /// Buy or Sell.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: u32,
    /// Where the catalog applied it; lets a new leader ask only for what may be missing.
    pub applied_seq: AppliedSeq,
}

/// A point in a log: the number of an entry and the epoch it was numbered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogPoint {
    /// The entry's number, 0 before the first.
    pub order_no: OrderNo,
    /// The entry's epoch, 0 before the first.
    pub epoch: Epoch,
}

/// `POST /sync` with an epoch header: replication, reconciliation and catch-up in one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Append {
    /// The epoch in which the sender leads. Must equal the header's.
    pub epoch: Epoch,
    /// Who leads.
    pub leader: ReplicaId,
    /// Where the leader's log ended when its epoch began. What a follower holds beyond it from
    /// older epochs was never committed and goes; constant within an epoch, so a delayed or
    /// doubled message can drop nothing of the epoch itself.
    pub takeover_end: OrderNo,
    /// The entry just before `entries`; the follower must hold the same.
    pub previous: LogPoint,
    /// Consecutive entries, shared with the log that they come from.
    pub entries: Vec<Arc<Entry>>,
    /// Up to where the leader knows the log to be committed.
    pub committed: OrderNo,
}

/// The answer to an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AppendReply {
    /// Everything up to `matched` is on the follower's disk and equals the leader's log.
    Accepted {
        /// `previous` plus the number of entries sent.
        matched: OrderNo,
    },
    /// The follower does not hold `previous`.
    Mismatch {
        /// The highest number at which it is worth trying again.
        try_after: OrderNo,
    },
    /// The follower has accepted a newer epoch: the sender no longer leads.
    Stale {
        /// That epoch.
        accepted: Epoch,
    },
}

/// The answer to `GET /ping`. The first two fields are the form that existing clients know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReply {
    /// Who answers.
    #[serde(rename = "alive order server")]
    pub id: ReplicaId,
    /// On which port.
    pub port: u16,
    /// Random per process: tells a restarted replica from one that was only slow.
    pub incarnation: String,
    /// The newest epoch on this replica's disk.
    pub epoch: Epoch,
    /// Whether this process leads `epoch`.
    pub leading: bool,
    /// Whether it also has finished taking over, and answers trades.
    pub serving: bool,
    /// The last number in its log, committed or not.
    pub last_order_no: OrderNo,
}

/// `POST /unnumbered` at the catalog: what was applied and may lack a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnnumberedRequest {
    /// The epoch of the asking leader. On the catalog's disk before the list is read, so that no
    /// older leader can apply anything that the list does not show.
    pub epoch: Epoch,
    /// The asking log holds every applied trade up to this place.
    pub after: AppliedSeq,
}

/// An applied trade.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppliedTrade {
    /// Its place.
    pub applied_seq: AppliedSeq,
    /// Its name.
    pub request_id: RequestId,
    /// The stock's name.
    pub stock_name: String,
    /// Buy or Sell.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: u32,
}

/// The answer to an [`UnnumberedRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnnumberedReply {
    /// Every trade applied for the order service after the asked place, ascending.
    pub trades: Vec<AppliedTrade>,
}

/// `POST /invalidate` at the front-end: these stocks have reached these versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// One element per stock, with its newest version.
    pub stocks: Vec<VersionedStock>,
}

/// A stock and a version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedStock {
    /// The stock's name.
    pub stock_name: String,
    /// Its version.
    pub version: StockVersion,
}

/// `GET /dump` at an order replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDump {
    /// Whose log this is.
    pub id: ReplicaId,
    /// The newest epoch on its disk.
    pub accepted_epoch: Epoch,
    /// Up to where it knows the log to be committed.
    pub committed: OrderNo,
    /// The whole log, ascending.
    pub entries: Vec<Entry>,
}

/// How the catalog decided a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The stock changed.
    Applied,
    /// Too little stock, or over the cap.
    Failed,
    /// No such stock.
    NotFound,
}

/// Who brought a trade to the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The order service: it came with a request id and an epoch, and gets a number.
    Order,
    /// Somebody who posted it to the catalog by hand: it never gets a number.
    ByHand,
}

/// One row of the catalog's record of trades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRecord {
    /// Its name.
    pub request_id: RequestId,
    /// Its place among the applied trades of the order service.
    pub applied_seq: Option<AppliedSeq>,
    /// How it was decided.
    pub decision: Decision,
    /// The epoch it came with.
    pub epoch: Option<Epoch>,
    /// The stock's name.
    pub stock_name: String,
    /// Buy or Sell.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: u32,
    /// The stock's version after the decision; empty if there is no such stock.
    pub version: Option<StockVersion>,
    /// The stock's quantity after the decision; empty if there is no such stock.
    pub quantity_after: Option<u32>,
    /// The stock's traded volume after the decision; empty if there is no such stock.
    pub volume_after: Option<u64>,
    /// Who brought it.
    pub origin: Origin,
}

/// A stock as the catalog holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StockRecord {
    /// Its name.
    pub stock_name: String,
    /// Its price.
    pub price: f64,
    /// How many are there.
    pub quantity: u32,
    /// How many were ever traded.
    pub trade_volume: u64,
    /// How many trades it has seen.
    pub version: StockVersion,
    /// How many there may be at the most.
    pub cap: u32,
}

/// `GET /dump` at the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogDump {
    /// The highest epoch it has seen.
    pub epoch: Epoch,
    /// Every stock, by name.
    pub stocks: Vec<StockRecord>,
    /// Every decided trade, in the order of the decisions.
    pub trades: Vec<TradeRecord>,
}
