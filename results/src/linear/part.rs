//! A part of a history: operations that are looked at without the others.

use super::model::{History, Model, Operation};

/// A part of a history that has no order, and needs little to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<M> {
    /// The read that shows the state with which the part begins; without one it begins with the
    /// initial state.
    pub anchor: Option<usize>,
    /// The state with which the part begins.
    pub initial: M,
    /// The operations that must be placed and cannot, the culprit among them.
    pub required: Vec<usize>,
    /// Changes that may have taken effect as well, or not, and do not help. They are part of the
    /// proof: each was taken both ways.
    pub optional: Vec<usize>,
}

/// Some operations of a history, with their places in it.
#[derive(Clone)]
pub(super) struct Selection<M: Model> {
    pub(super) history: History<M>,
    pub(super) places: Vec<usize>,
}

impl<M: Model> Selection<M> {
    /// What was known when the last of `returns` (the first answers, in the order of time) came.
    pub(super) fn until(history: &History<M>, returns: &[(u64, usize)]) -> Self {
        let mut selection = Self {
            history: History { initial: history.initial, operations: Vec::new() },
            places: Vec::new(),
        };
        let Some(&(end_us, last)) = returns.last() else { return selection };
        for (place, &operation) in history.operations.iter().enumerate() {
            let answered =
                operation.return_us.is_some_and(|at_us| (at_us, place) <= (end_us, last));
            if answered {
                selection.push(place, operation);
            } else if operation.call_us <= end_us && M::changes(operation.action) {
                selection.push(place, Operation { return_us: None, ..operation });
            }
        }
        selection
    }

    pub(super) fn push(&mut self, place: usize, operation: Operation<M::Action>) {
        self.history.operations.push(operation);
        self.places.push(place);
    }

    /// Places in the whole history for places in the selection.
    pub(super) fn named(&self, order: &[usize]) -> Vec<usize> {
        order.iter().map(|&index| self.places[index]).collect()
    }
}
