//! Histories for the tests: by hand, and at random.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use wire::bazaar::TradeType;

use super::{Action, Model as _, Operation, Stock, StockHistory};

/// A stock of 100, which is also its cap, of which none has been traded.
pub(super) fn initial() -> Stock {
    Stock { quantity: 100, volume: 0, cap: 100 }
}

/// A history by hand.
pub(super) struct History(StockHistory);

impl History {
    pub(super) fn new() -> Self {
        Self(StockHistory { initial: initial(), operations: Vec::new() })
    }

    pub(super) fn get(&self) -> StockHistory {
        self.0.clone()
    }

    /// Returns the operation's place.
    pub(super) fn read(
        &mut self,
        client: u32,
        quantity: u32,
        volume: u64,
        interval: (u64, u64),
    ) -> usize {
        self.push(client, Action::Read { quantity, volume }, interval.0, Some(interval.1))
    }

    pub(super) fn trade(
        &mut self,
        client: u32,
        trade_type: TradeType,
        quantity: u32,
        interval: (u64, u64),
    ) -> usize {
        self.push(client, Action::Trade { trade_type, quantity }, interval.0, Some(interval.1))
    }

    pub(super) fn refused(
        &mut self,
        client: u32,
        trade_type: TradeType,
        quantity: u32,
        interval: (u64, u64),
    ) -> usize {
        self.push(client, Action::Refused { trade_type, quantity }, interval.0, Some(interval.1))
    }

    pub(super) fn unknown(
        &mut self,
        client: u32,
        trade_type: TradeType,
        quantity: u32,
        call_us: u64,
    ) -> usize {
        self.push(client, Action::Trade { trade_type, quantity }, call_us, None)
    }

    pub(super) fn push(
        &mut self,
        client: u32,
        action: Action,
        call_us: u64,
        return_us: Option<u64>,
    ) -> usize {
        self.0.operations.push(Operation { client, call_us, return_us, action });
        self.0.operations.len() - 1
    }
}

/// A few operations at random on a stock so small that anything may be refused. Answers are
/// guesses near the truth, so that about as many of these histories have an order as have none.
pub(super) fn random(rng: &mut Xoshiro256PlusPlus, operations: u32) -> StockHistory {
    let initial = Stock { quantity: rng.random_range(0..=4), volume: 0, cap: 4 };
    let mut stock = initial;
    let mut history = StockHistory { initial, operations: Vec::new() };
    for client in 1..=operations {
        let middle_us = u64::from(client) * 4;
        let call_us = middle_us.saturating_sub(rng.random_range(0..12));
        let return_us = middle_us + rng.random_range(0..12);
        let trade_type = if rng.random() { TradeType::Buy } else { TradeType::Sell };
        let quantity = rng.random_range(1..=3);
        let trade = Action::Trade { trade_type, quantity };
        let (action, return_us) = match rng.random_range(0..10) {
            0..=3 => {
                let wrong = rng.random_ratio(1, 8);
                let Stock { quantity, volume, .. } = stock;
                (Action::Read { quantity, volume: volume + u64::from(wrong) }, Some(return_us))
            }
            4..=7 => match stock.after(trade) {
                Some(after) => {
                    stock = after;
                    (trade, Some(return_us))
                }
                None => (Action::Refused { trade_type, quantity }, Some(return_us)),
            },
            8 => {
                stock = stock.after(trade).filter(|_| rng.random()).unwrap_or(stock);
                (trade, None)
            }
            _ => {
                let lie =
                    if rng.random() { trade } else { Action::Refused { trade_type, quantity } };
                (lie, Some(return_us))
            }
        };
        history.operations.push(Operation { client, call_us, return_us, action });
    }
    history
}
