//! The log's entries, and how they get to followers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bazaar::TradeType;
use crate::ids::{BazaarId, Epoch, Identity, OrderNo, ReplicaId, RequestId};
use crate::stock_name::StockName;

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
    pub stock_name: StockName,
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

/// The most entries in one [`Append`]: a hundred kilobytes, far below the bound on a body. Each costs its
/// follower a flush, and has a ping's time to be taken.
pub const MAX_ENTRIES_PER_APPEND: usize = 512;

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
