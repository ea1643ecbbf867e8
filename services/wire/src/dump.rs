//! `GET /dump` at order replicas and at the catalog: everything that they hold, in pages.
//!
//! An answer that grows with history outgrows every bound, so it comes in pages (rule L9), and all
//! pages of one dump belong together: the first one chooses the position that the dump ends at,
//! `through`, and names it; the asker hands it back with every further page. If what lies at or below
//! that position is no longer what it was, the answer is 409 and the asker begins again.
//!
//! Query parameters, all optional: `after` (0), `limit` (at most, and by default, [`MAX_PAGE`]),
//! `through`, and at an order replica `through_epoch`.

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, OrderNo, ReplicaId};
use crate::internal::{Entry, StockRecord, TradeRecord};

/// Rows in one page: some two megabytes.
pub const MAX_PAGE: usize = 10_000;

/// One page of an order replica's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPage {
    /// Whose log this is.
    pub id: ReplicaId,
    /// The newest epoch on its disk.
    pub accepted_epoch: Epoch,
    /// Up to where it knows the log to be committed.
    pub committed: OrderNo,
    /// The last number of the dump.
    pub through: OrderNo,
    /// The epoch that it stands in. Both together name the entry, and with it all that is before.
    pub through_epoch: Epoch,
    /// How many entries the whole dump has.
    pub total: u64,
    /// The entries after the asked position, ascending. Fewer than asked for only at the end.
    pub entries: Vec<Entry>,
}

/// One page of the catalog's record of trades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogPage {
    /// The highest epoch it has seen.
    pub epoch: Epoch,
    /// The position of the dump's last decision; decisions are counted from 1.
    pub through: u64,
    /// How many decisions the whole dump has.
    pub total: u64,
    /// Every stock, by name, as the decision at `through` left it. On the first page of a dump only.
    pub stocks: Vec<StockRecord>,
    /// The decisions after the asked position, in order. Fewer than asked for only at the end.
    pub trades: Vec<TradeRecord>,
}

impl OrderPage {
    /// After which number the next page begins; `None` after the last page.
    #[must_use]
    pub fn next(&self) -> Option<OrderNo> {
        let last = self.entries.last()?.order_no;
        (last < self.through).then_some(last)
    }
}

impl CatalogPage {
    /// After which position the page that follows this one, itself asked for `after`, begins;
    /// `None` after the last page.
    #[must_use]
    pub fn next(&self, after: u64) -> Option<u64> {
        let last = after + self.trades.len() as u64;
        (!self.trades.is_empty() && last < self.through).then_some(last)
    }
}
