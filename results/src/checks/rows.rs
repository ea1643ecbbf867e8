//! What a row of a trial says, be it an operation's or a dump's.

use wire::bazaar::TradeType;

use crate::records::{DumpRow, Numbered, Observation};

/// A row of `observations.csv` and its line.
pub(crate) type Operation = Numbered<Observation>;

/// What a trade is: the part that client, logs and catalog must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content<'a> {
    pub(crate) stock_name: &'a str,
    pub(crate) trade_type: TradeType,
    pub(crate) quantity: u32,
}

impl std::fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of {}", self.trade_type, self.quantity, self.stock_name)
    }
}

impl<'a> Content<'a> {
    /// What the operation sent (a trade) or was shown (a lookup), if it is complete.
    pub(crate) fn of(operation: &'a Operation) -> Option<Self> {
        let row = &operation.row;
        Some(Self {
            stock_name: row.stock_name.as_deref()?,
            trade_type: row.trade_type?,
            quantity: row.quantity?,
        })
    }

    /// What an order or an applied trade was dumped with, if it is complete.
    pub(super) fn held(row: &'a DumpRow) -> Option<Self> {
        Some(Self {
            stock_name: row.stock_name.as_deref()?,
            trade_type: row.trade_type?,
            quantity: row.quantity()?,
        })
    }
}
