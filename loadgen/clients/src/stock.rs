//! A stock, and what a trade makes of it: for engines that decide nothing themselves.

use serde::{Deserialize, Serialize};

use crate::protocol::Trade;

/// A stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) quantity: i64,
    /// How many were ever traded.
    pub(crate) volume: i64,
}

impl Stock {
    pub(crate) fn new(quantity: u64) -> Self {
        Self { quantity: i64::try_from(quantity).unwrap_or(i64::MAX), volume: 0 }
    }

    /// The stock after `trade`, or why not.
    pub(crate) fn after(self, trade: &Trade, cap: Option<u64>) -> Result<Self, &'static str> {
        let quantity = self.quantity.saturating_add(trade.side.change(trade.quantity));
        match u64::try_from(quantity) {
            Err(_) => Err(TOO_FEW),
            Ok(quantity) if cap.is_some_and(|cap| quantity > cap) => Err(OVER_CAP),
            Ok(_) => {
                let volume = self.volume.saturating_add(i64::from(trade.quantity));
                Ok(Self { quantity, volume })
            }
        }
    }
}

/// Why a trade is rejected.
pub(crate) const NO_STOCK: &str = "there is no such stock";
pub(crate) const TOO_FEW: &str = "there are too few";
pub(crate) const OVER_CAP: &str = "there would be more than the cap";
/// Why a lookup is rejected.
pub(crate) const NO_ORDER: &str = "there is no such order";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Side;

    fn trade(side: Side, quantity: u32) -> Trade {
        Trade { client: 1, stock: "Tux".into(), side, quantity, key: "k".into() }
    }

    #[test]
    fn a_trade_moves_a_stock_within_nothing_and_the_cap() {
        let stock = Stock { quantity: 3, volume: 10 };
        let after = |side, quantity| stock.after(&trade(side, quantity), Some(5));
        assert_eq!(after(Side::Buy, 3), Ok(Stock { quantity: 0, volume: 13 }));
        assert_eq!(after(Side::Buy, 4), Err(TOO_FEW));
        assert_eq!(after(Side::Sell, 2), Ok(Stock { quantity: 5, volume: 12 }));
        assert_eq!(after(Side::Sell, 3), Err(OVER_CAP));
        assert!(stock.after(&trade(Side::Sell, 3), None).is_ok());
    }
}
