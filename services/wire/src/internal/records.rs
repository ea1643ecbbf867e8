//! Everything that a replica and the catalog hold, row by row.

use serde::{Deserialize, Serialize};

use super::replication::Entry;
use crate::bazaar::TradeType;
use crate::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId, RequestId, StockVersion};

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
