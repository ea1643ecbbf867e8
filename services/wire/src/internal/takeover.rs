//! What a new leader asks of the catalog, and what that says about itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::replication::Entry;
use crate::bazaar::TradeType;
use crate::ids::{AppliedSeq, BazaarId, Epoch, Identity, Incarnation, OrderNo, RequestId};

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
    /// The incarnation of the catalog that it is meant for, if the leader has met one: no other opens for it
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
    /// It was told the epoch and was listed in this incarnation, and serves.
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
            stock_name: self.stock_name.as_str().into(),
            trade_type: self.trade_type,
            quantity: self.quantity,
        }
    }
}
