//! A stock that does one thing at a time, and what is done to it.

use wire::bazaar::TradeType;

use super::model::{Awaited, History, Model, Operation};

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

/// Everything that happened to one stock, in any order.
pub type StockHistory = History<Stock>;

impl Model for Stock {
    type Action = Action;
    type Awaited = Volumes;

    const THING: &'static str = "stock";
    const CHANGE: &'static str = "trade";
    const SHOWN: &'static str = "Reads show quantity/volume.";

    fn after(self, action: Action) -> Option<Self> {
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

    fn changes(action: Action) -> bool {
        matches!(action, Action::Trade { .. })
    }

    fn shown(self, action: Action) -> Option<Self> {
        match action {
            Action::Read { quantity, volume } => Some(Self { quantity, volume, ..self }),
            _ => None,
        }
    }

    /// The sum of the trades is the stock.
    fn mark(self) -> u128 {
        0
    }

    fn told(action: Action) -> String {
        match action {
            Action::Read { quantity, volume } => {
                format!("there are {quantity} after a volume of {volume}")
            }
            Action::Trade { trade_type, quantity } => {
                format!("its {trade_type} of {quantity} is done")
            }
            Action::Refused { trade_type, quantity } => {
                format!("its {trade_type} of {quantity} is not possible")
            }
            Action::NotFound => "there is no such stock".to_owned(),
        }
    }

    fn label(action: Action) -> String {
        match action {
            Action::Read { quantity, volume } => format!("read {quantity}/{volume}"),
            Action::Trade { trade_type, quantity } => format!("{trade_type} {quantity}"),
            Action::Refused { trade_type, quantity } => format!("{trade_type} {quantity} refused"),
            Action::NotFound => "not found".to_owned(),
        }
    }

    fn figures(self) -> String {
        format!("quantity {}, volume {}", self.quantity, self.volume)
    }
}

impl Stock {
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

/// The volumes that reads show, and how many of them are placed. A trade may not pass a volume that a read which is not placed
/// yet has shown, because the volume only grows.
#[derive(Debug)]
pub struct Volumes {
    /// Every volume that a read shows, ascending.
    shown: Vec<u64>,
    /// How many reads are placed: all that could be at their volume.
    placed: usize,
}

fn shown_volume(operation: &Operation<Action>) -> Option<u64> {
    match operation.action {
        Action::Read { volume, .. } => Some(volume),
        _ => None,
    }
}

impl Awaited<Stock> for Volumes {
    fn new(_: Stock, operations: &[Operation<Action>]) -> Self {
        let mut shown: Vec<u64> = operations.iter().filter_map(shown_volume).collect();
        shown.sort_unstable();
        Self { shown, placed: 0 }
    }

    fn place(&mut self, operation: &Operation<Action>) {
        self.placed += usize::from(shown_volume(operation).is_some());
    }

    fn take_back(&mut self, operation: &Operation<Action>) {
        self.placed -= usize::from(shown_volume(operation).is_some());
    }

    fn forbids(&self, _: Stock, _: &Operation<Action>, after: Stock) -> bool {
        self.shown.partition_point(|&volume| volume < after.volume) > self.placed
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
