//! The bodies of the internal endpoints: pings, replication, takeover, invalidation, dumps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bazaar::TradeType;
use crate::ids::{
    AppliedSeq, BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId, RequestId, StockVersion,
};

/// One row of the order log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: its place among the trades that the catalog applied (rule N1).
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
}

impl Entry {
    /// Whether it records the same trade, whatever the epochs.
    #[must_use]
    pub fn is_same_trade(&self, other: &Self) -> bool {
        self.request_id == other.request_id
            && self.stock_name == other.stock_name
            && self.trade_type == other.trade_type
            && self.quantity == other.quantity
    }
}

/// A point in a log: the number of an entry and the epoch it was numbered in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogPoint {
    /// The entry's number, 0 before the first.
    pub order_no: OrderNo,
    /// The entry's epoch, 0 before the first.
    pub epoch: Epoch,
}

impl LogPoint {
    /// By what logs are compared (rule L3): an epoch's leader had all that was committed before.
    #[must_use]
    pub fn length(self) -> (Epoch, OrderNo) {
        (self.epoch, self.order_no)
    }
}

/// `POST /sync` with an epoch header: replication, reconciliation and catch-up in one message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Append {
    /// The epoch in which the sender leads. Must equal the header's.
    pub epoch: Epoch,
    /// Who leads.
    pub leader: ReplicaId,
    /// Whose bazaar it is (rule L1).
    pub bazaar: BazaarId,
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

/// The most entries in one [`Append`]: a few tens of kilobytes, far below the bound on a body.
pub const MAX_ENTRIES_PER_APPEND: usize = 256;

/// The answer to an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AppendReply {
    /// Everything up to `matched` is on the follower's disk and equals the leader's log.
    Accepted {
        /// `previous` plus the number of entries sent.
        matched: OrderNo,
        /// On which disk (rule L1).
        identity: Identity,
    },
    /// The follower does not hold `previous`.
    Mismatch {
        /// The highest number at which it is worth trying again.
        try_after: OrderNo,
        /// On which disk.
        identity: Identity,
    },
    /// The follower has accepted, or heard of, a newer epoch: the sender no longer leads.
    Stale {
        /// That epoch.
        accepted: Epoch,
    },
    /// It would change what is known to be committed here; the epoch was not accepted (rule L2).
    Refused {
        /// The first number that would be dropped, or be given another trade.
        order_no: OrderNo,
        /// In words.
        reason: String,
    },
}

/// Why a replica leads and does not serve, in words that its operator can act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// After the list, its log ends below what is known to be committed (rule L3).
    ShortOfCommitted {
        /// The last number that is known to be committed.
        committed: OrderNo,
        /// Where the log ends.
        log_end: OrderNo,
    },
    /// The catalog holds less than the log, and not every replica answered at the election (rule
    /// L7).
    CatalogBehind {
        /// The last place that it holds.
        last_place: OrderNo,
        /// Where the log ends.
        log_end: OrderNo,
        /// Whether its file is new.
        is_new: bool,
    },
    /// Catalog and log hold different trades in one place, or one trade in two (rule L7).
    Contradiction {
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What the catalog says.
        catalog: String,
    },
    /// A follower refuses what it would have to change below its commit mark (rule L2).
    Refused {
        /// The follower.
        follower: ReplicaId,
        /// What it says.
        reason: String,
    },
    /// The catalog belongs to another bazaar (rule L1).
    OtherBazaar {
        /// What it says.
        reason: String,
    },
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ShortOfCommitted { committed, log_end } => write!(
                f,
                "orders up to #{committed} are known to be committed, but the leader's log and the \
                 catalog end at #{log_end}: start the replica that holds the others"
            ),
            Self::CatalogBehind { last_place, log_end, is_new } => {
                let file =
                    if *is_new { "the catalog's file is new" } else { "the catalog's file is old" };
                write!(
                    f,
                    "{file} (it ends at #{last_place}, the log at #{log_end}): it is filled once \
                     every replica answers; start them all, or leave one out with --without"
                )
            }
            Self::Contradiction { place, log, catalog } => write!(
                f,
                "#{place} is {log} in the log and {catalog} at the catalog: one of the two files \
                 is another bazaar's, or a copy that went on by itself"
            ),
            Self::Refused { follower, reason } => {
                write!(f, "replica {follower} refuses the leader's log: {reason}")
            }
            Self::OtherBazaar { reason } => write!(f, "the catalog is another bazaar's: {reason}"),
        }
    }
}

/// How a replica's writer does (rule G1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WriterHealth {
    /// How old its oldest unfinished step is; 0 if nothing is unfinished.
    pub unfinished_us: u64,
    /// How long the last finished step took.
    pub last_took_us: u64,
}

/// A part of the bazaar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The front-end.
    FrontEnd,
    /// The catalog.
    Catalog,
    /// A replica of the order service.
    Replica(ReplicaId),
}

/// A part that a replica cannot reach (rule G1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unreachable {
    /// Which.
    pub peer: Part,
    /// For how long.
    pub since_ms: u64,
}

/// `POST /prove` at a replica: it is to write something, now, and to answer, with a [`PingReply`], once that
/// is on its disk (rules G1 and G2). Whoever asks decides how long that may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProofRequest {
    /// Whether it also has to reach catalog and front-end, as a leader must.
    pub reach: bool,
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
    pub incarnation: Incarnation,
    /// The database that it runs on (rule L1).
    pub identity: Identity,
    /// The bazaar that the database belongs to; none before it has heard of one.
    pub bazaar: Option<BazaarId>,
    /// The newest epoch accepted: from a leader, or as one.
    pub epoch: Epoch,
    /// The newest epoch accepted or heard of; older messages are refused (rule L5).
    pub heard: Epoch,
    /// Whether this process leads `epoch`.
    pub leading: bool,
    /// Whether it also has finished taking over, and answers trades.
    pub serving: bool,
    /// The last number in its log, committed or not.
    pub last_order_no: OrderNo,
    /// The last entry of its log, as it is on its disk.
    pub last: LogPoint,
    /// Up to where it knows its log to be committed.
    pub committed: OrderNo,
    /// Why it leads and does not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// How its writer does.
    #[serde(default)]
    pub health: WriterHealth,
    /// Whom it cannot reach.
    #[serde(default)]
    pub unreachable: Vec<Unreachable>,
}

impl PingReply {
    /// What a replica says that has been told nothing and holds nothing.
    #[must_use]
    pub fn of_new(id: ReplicaId, incarnation: Incarnation, identity: Identity) -> Self {
        Self {
            id,
            port: 0,
            incarnation,
            identity,
            bazaar: None,
            epoch: Epoch(0),
            heard: Epoch(0),
            leading: false,
            serving: false,
            last_order_no: OrderNo(0),
            last: LogPoint::default(),
            committed: OrderNo(0),
            obstacle: None,
            health: WriterHealth::default(),
            unreachable: Vec::new(),
        }
    }

    /// Whether it holds something, or has heard of somebody's leadership.
    #[must_use]
    pub fn has_past(&self) -> bool {
        self.bazaar.is_some() || self.last_order_no.0 > 0 || self.epoch.0.max(self.heard.0) > 0
    }
}

/// `POST /unnumbered` at the catalog: what was applied and may lack a number (rules E1 and L7).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnnumberedRequest {
    /// The epoch of the asking leader. On the catalog's disk before the list is read, so that no
    /// older leader can apply anything that the list does not show.
    pub epoch: Epoch,
    /// The last entry of the asking log that the list is to follow.
    pub after: Tail,
    /// Where the asking log ends.
    pub log_end: OrderNo,
    /// Up to where orders are known to be committed: the catalog is not opened below it (rule L3).
    pub floor: OrderNo,
    /// Whether every replica answered at the election of the asking leader.
    pub by_everybody: bool,
    /// The new catalog file for which that election was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_catalog: Option<Identity>,
    /// The life of the catalog that it is meant for, if the leader has met one: no other opens for it
    /// (rule L6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant_for: Option<Incarnation>,
    /// The most trades that the answer may hold.
    pub limit: u32,
}

/// The most trades in one page of a list, and the most entries in one fill.
pub const MAX_LISTED: u32 = 4096;

/// An entry at which log and catalog are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tail {
    /// Its place, 0 before the first.
    pub place: OrderNo,
    /// The trade there; none before the first.
    pub entry: Option<Arc<Entry>>,
}

/// The answer to an [`UnnumberedRequest`]; 409 with the epoch's header if a newer one has begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum UnnumberedReply {
    /// Applied trades after the asked place, ascending, without gaps.
    Page {
        /// The process that answers.
        incarnation: Incarnation,
        /// The trades.
        trades: Vec<AppliedTrade>,
        /// The last place that the catalog holds.
        last_place: OrderNo,
        /// Whether that is all of them. Then, and not before, the catalog is open.
        done: bool,
    },
    /// The catalog holds less than the log, or its file is new: it is to be filled first.
    Behind {
        /// The process that answers.
        incarnation: Incarnation,
        /// The last place that the catalog holds.
        last_place: OrderNo,
        /// Whether its file is new.
        is_new: bool,
        /// Whether this leader may fill it (rule L7).
        may_fill: bool,
    },
    /// The two hold different trades in one place.
    Contradiction {
        /// The process that answers.
        incarnation: Incarnation,
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What the catalog says.
        catalog: String,
    },
    /// Log and catalog together end below what is known to be committed (rule L3).
    Short {
        /// The process that answers.
        incarnation: Incarnation,
        /// Where they end.
        last_place: OrderNo,
    },
}

/// `POST /fill` at the catalog: entries that it lacks, in the order of their places. The first may
/// be one that it holds, which must be the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FillRequest {
    /// The epoch of the leader that fills it.
    pub epoch: Epoch,
    /// The process that said that it is behind; another one must be asked again first.
    pub incarnation: Incarnation,
    /// At most [`MAX_LISTED`].
    pub entries: Vec<Arc<Entry>>,
}

/// The answer to a [`FillRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum FillReply {
    /// Everything up to `last_place` is on the catalog's disk.
    Filled {
        /// The process that answers.
        incarnation: Incarnation,
        /// The last place that it holds.
        last_place: OrderNo,
    },
    /// Another process answers, or this one has not been asked by this leader: list again.
    ListFirst {
        /// The process that answers.
        incarnation: Incarnation,
    },
    /// A place or a request id has another content there.
    Contradiction {
        /// The process that answers.
        incarnation: Incarnation,
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What the catalog says.
        catalog: String,
    },
}

/// What the catalog says about itself: to `POST /configuration`, by which the front-end tells it the
/// current [`Configuration`](crate::configuration::Configuration), and to `GET /ping`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CatalogStatus {
    /// Its database.
    pub identity: Identity,
    /// This process.
    pub incarnation: Incarnation,
    /// The bazaar that the database belongs to; none before it has heard of one.
    pub bazaar: Option<BazaarId>,
    /// The newest epoch that it has seen.
    pub epoch: Epoch,
    /// The last place that it holds.
    pub last_place: OrderNo,
    /// Its file is new: it was never open on it.
    pub is_new: bool,
    /// It was told the epoch and was listed in this life, and serves.
    pub is_open: bool,
}

/// An applied trade.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppliedTrade {
    /// Its place, which is its order number (rule N1).
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

impl AppliedTrade {
    /// The entry that records it in `epoch`.
    #[must_use]
    pub fn entry(&self, epoch: Epoch) -> Entry {
        Entry {
            order_no: self.applied_seq.order_no(),
            epoch,
            request_id: self.request_id.clone(),
            stock_name: self.stock_name.clone(),
            trade_type: self.trade_type,
            quantity: self.quantity,
        }
    }
}

/// `POST /invalidate` at the front-end: these stocks have reached these versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// Whether the catalog has just started and tells of every stock: then the front-end says which
    /// versions it has seen (rule L8), in a [`SeenVersions`].
    #[serde(default)]
    pub start: bool,
    /// One element per stock, with its newest version.
    pub stocks: Vec<VersionedStock>,
}

/// The front-end's answer to an [`Invalidation`] of a catalog that starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenVersions {
    /// Of each stock that it was told of, the highest version that it has ever seen, the one that it
    /// was told just now included.
    pub seen: Vec<VersionedStock>,
}

/// A stock and a version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedStock {
    /// The stock's name.
    pub stock_name: String,
    /// Its version.
    pub version: StockVersion,
}

/// Everything that an order replica holds: the [pages](crate::dump) of `GET /dump` put together.
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

/// Everything that the catalog holds: the [pages](crate::dump) of `GET /dump` put together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogDump {
    /// The highest epoch it has seen.
    pub epoch: Epoch,
    /// Every stock, by name.
    pub stocks: Vec<StockRecord>,
    /// Every decided trade, in the order of the decisions.
    pub trades: Vec<TradeRecord>,
}
