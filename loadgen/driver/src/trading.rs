//! What trades of a target may be: which sides it has, and how many one moves.
//!
//! Rows know two sides, Buy and Sell, whatever a target calls them: the first of its sides takes from a stock and is the
//! Buy, the second adds to it and is the Sell. A target with one side has no trade that adds.

use targets::target::Model;
use wire::bazaar::TradeType;

/// The trades that a target takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trading {
    takes: String,
    adds: Option<String>,
    quantities: (u32, u32),
}

impl Trading {
    /// As a target's model says.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut sides = model.sides.iter().cloned();
        // A target that was read has at least one side.
        let takes = sides.next().unwrap_or_default();
        Self { takes, adds: sides.next(), quantities: model.quantities }
    }

    /// Whether it has a side that adds.
    #[must_use]
    pub fn adds(&self) -> bool {
        self.adds.is_some()
    }

    /// What the target calls a side; one that it lacks as the one that it has.
    #[must_use]
    pub fn name(&self, side: TradeType) -> &str {
        match (side, &self.adds) {
            (TradeType::Sell, Some(adds)) => adds,
            (TradeType::Buy | TradeType::Sell, _) => &self.takes,
        }
    }

    /// The side that the target calls `name`.
    #[must_use]
    pub fn side(&self, name: &str) -> Option<TradeType> {
        if name == self.takes {
            return Some(TradeType::Buy);
        }
        (self.adds.as_deref() == Some(name)).then_some(TradeType::Sell)
    }

    /// The side that somebody typed, in any letter case.
    #[must_use]
    pub fn side_in_any_case(&self, typed: &str) -> Option<TradeType> {
        self.side(typed).or_else(|| {
            let of = |name: &str| name.to_lowercase() == typed.to_lowercase();
            if of(&self.takes) {
                return Some(TradeType::Buy);
            }
            self.adds.as_deref().is_some_and(of).then_some(TradeType::Sell)
        })
    }

    /// All that it calls a side, for a message.
    #[must_use]
    pub fn names(&self) -> String {
        match &self.adds {
            Some(adds) => format!("{} or {adds}", self.takes),
            None => self.takes.clone(),
        }
    }

    /// The least and the most that one trade moves.
    #[must_use]
    pub fn quantities(&self) -> (u32, u32) {
        self.quantities
    }
}
