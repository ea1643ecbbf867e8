//! A part of a history: operations that are looked at without the others.

use super::model::{Operation, Stock, StockHistory};

/// A part of a history that has no order, and needs little to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The read that shows the stock with which the part begins; without one it begins with the
    /// initial stock.
    pub anchor: Option<usize>,
    /// The stock with which the part begins.
    pub initial: Stock,
    /// The operations that must be placed and cannot, the culprit among them.
    pub required: Vec<usize>,
    /// Trades that may have taken effect as well, or not, and do not help. They are part of the
    /// proof: each was taken both ways.
    pub optional: Vec<usize>,
}

/// Some operations of a history, with their places in it.
#[derive(Clone)]
pub(super) struct Selection {
    pub(super) history: StockHistory,
    pub(super) places: Vec<usize>,
}

impl Selection {
    /// What was known when the last of `returns` (the first answers, in the order of time) came.
    pub(super) fn until(history: &StockHistory, returns: &[(u64, usize)]) -> Self {
        let mut selection = Self {
            history: StockHistory { initial: history.initial, operations: Vec::new() },
            places: Vec::new(),
        };
        let Some(&(end_us, last)) = returns.last() else { return selection };
        for (place, &operation) in history.operations.iter().enumerate() {
            let answered =
                operation.return_us.is_some_and(|at_us| (at_us, place) <= (end_us, last));
            if answered {
                selection.push(place, operation);
            } else if operation.call_us <= end_us && operation.action.is_trade() {
                selection.push(place, Operation { return_us: None, ..operation });
            }
        }
        selection
    }

    pub(super) fn push(&mut self, place: usize, operation: Operation) {
        self.history.operations.push(operation);
        self.places.push(place);
    }

    /// Places in the whole history for places in the selection.
    pub(super) fn named(&self, order: &[usize]) -> Vec<usize> {
        order.iter().map(|&index| self.places[index]).collect()
    }
}
