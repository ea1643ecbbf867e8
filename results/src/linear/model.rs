//! The sequential stock that every answer is held against, and the operations on it.

use wire::bazaar::TradeType;

/// A stock that does one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stock {
    /// How many there are.
    pub quantity: u32,
    /// How many have been traded. Every trade makes it larger.
    pub volume: u64,
    /// How many there may be at the most.
    pub cap: u32,
}

/// What was done, together with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A query that showed this.
    Read {
        /// The quantity that was shown.
        quantity: u32,
        /// The volume that was shown.
        volume: u64,
    },
    /// A trade that took effect; one without a return may have.
    Trade {
        /// Buy or Sell.
        trade_type: TradeType,
        /// How many.
        quantity: u32,
    },
    /// A trade that was answered with "Trade failed!".
    Refused {
        /// Buy or Sell.
        trade_type: TradeType,
        /// How many.
        quantity: u32,
    },
    /// An answer that a stock which exists never gives: "Stock not found".
    NotFound,
}

/// One operation of one client.
///
/// Intervals are closed: an operation that returns in the microsecond in which another is called
/// is concurrent with it. The clock cannot tell which of the two came first, and to claim an order
/// that was not there would turn a correct history into a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Who did it; 0 if nobody recorded that.
    pub client: u32,
    /// Before the request was sent.
    pub call_us: u64,
    /// After the answer had arrived. `None` for a trade whose outcome is unknown: it takes effect
    /// at any time after its call, or never.
    pub return_us: Option<u64>,
    /// What it was.
    pub action: Action,
}

/// Everything that happened to one stock, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockHistory {
    /// The stock before any of it.
    pub initial: Stock,
    /// What was done to it.
    pub operations: Vec<Operation>,
}

impl Stock {
    /// The stock after `action`, if it would give that answer now.
    #[must_use]
    pub fn after(self, action: Action) -> Option<Self> {
        match action {
            Action::Read { quantity, volume } => {
                (self.quantity == quantity && self.volume == volume).then_some(self)
            }
            Action::Trade { trade_type, quantity } => self.traded(trade_type, quantity),
            Action::Refused { trade_type, quantity } => {
                self.traded(trade_type, quantity).is_none().then_some(self)
            }
            Action::NotFound => None,
        }
    }

    fn traded(self, trade_type: TradeType, quantity: u32) -> Option<Self> {
        let left = match trade_type {
            TradeType::Buy => self.quantity.checked_sub(quantity)?,
            TradeType::Sell => {
                self.quantity.checked_add(quantity).filter(|&total| total <= self.cap)?
            }
        };
        Some(Self { quantity: left, volume: self.volume + u64::from(quantity), ..self })
    }
}

impl Action {
    /// What the client was told, to go on after "was told that".
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::Read { quantity, volume } => {
                format!("there are {quantity} after a volume of {volume}")
            }
            Self::Trade { trade_type, quantity } => {
                format!("its {trade_type} of {quantity} is done")
            }
            Self::Refused { trade_type, quantity } => {
                format!("its {trade_type} of {quantity} is not possible")
            }
            Self::NotFound => "there is no such stock".to_owned(),
        }
    }

    /// Whether it may change the stock.
    #[must_use]
    pub fn is_trade(self) -> bool {
        matches!(self, Self::Trade { .. })
    }
}

impl Operation {
    /// Whether an order may do without it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.return_us.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TradeType::{Buy, Sell};

    const STOCK: Stock = Stock { quantity: 95, volume: 7, cap: 100 };

    fn trade(trade_type: TradeType, quantity: u32) -> Action {
        Action::Trade { trade_type, quantity }
    }

    #[test]
    fn trades_stay_between_nothing_and_the_cap() {
        assert_eq!(STOCK.after(trade(Buy, 95)), Some(Stock { quantity: 0, volume: 102, ..STOCK }));
        assert_eq!(STOCK.after(trade(Buy, 96)), None);
        assert_eq!(STOCK.after(trade(Sell, 5)), Some(Stock { quantity: 100, volume: 12, ..STOCK }));
        assert_eq!(STOCK.after(trade(Sell, 6)), None);
    }

    #[test]
    fn a_refusal_fits_exactly_where_the_trade_does_not() {
        for (trade_type, quantity) in [(Buy, 95), (Buy, 96), (Sell, 5), (Sell, 6)] {
            let refused = STOCK.after(Action::Refused { trade_type, quantity });
            assert_ne!(refused.is_some(), STOCK.after(trade(trade_type, quantity)).is_some());
        }
    }

    #[test]
    fn a_read_shows_both_figures_and_a_known_stock_is_always_found() {
        assert_eq!(STOCK.after(Action::Read { quantity: 95, volume: 7 }), Some(STOCK));
        assert_eq!(STOCK.after(Action::Read { quantity: 95, volume: 8 }), None);
        assert_eq!(STOCK.after(Action::Read { quantity: 94, volume: 7 }), None);
        assert_eq!(STOCK.after(Action::NotFound), None);
    }
}
