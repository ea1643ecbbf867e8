//! Of a history that has no order: how far one goes, and what the first operation is that cannot
//! be placed.
//!
//! A history that is cut at some moment keeps its order: what had been called but not answered by
//! then may have happened or not. So there is a first answer with which no order is left any more,
//! and bisection finds it.

use super::model::{History, Model};
use super::part::{Part, Selection};
use super::search::{Budget, Decision, search_far, search_from};
use super::shrink;

/// Why a history is not linearizable. Operations are named by their places in
/// [`History::operations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<M> {
    /// The operation whose answer is the first that no order explains.
    pub culprit: usize,
    /// Everything that was answered before that, and such of the unanswered as is needed, in an
    /// order that explains it. Empty if the budget did not suffice to find one.
    pub prefix: Vec<usize>,
    /// A part of the history that is not linearizable either.
    pub part: Part<M>,
}

/// Explains why `history` has no order. `None` if it has one, or the budget ends before that is
/// known. If it ends later, the explanation is correct, but not as small as it could be.
#[must_use]
pub fn explain<M: Model>(history: &History<M>, mut budget: Budget) -> Option<Explanation<M>> {
    let budget = &mut budget;
    let (decision, placed) = search_far(history, budget);
    if decision != Decision::NotLinearizable {
        return None;
    }
    let mut returns: Vec<(u64, usize)> = history
        .operations
        .iter()
        .enumerate()
        .filter_map(|(index, operation)| Some((operation.return_us?, index)))
        .collect();
    returns.sort_unstable();

    // Of `bad` answers it is known that they have no order; of `good`, that they have one, or at
    // least not that they have none.
    // The search mostly gets as far as it can be got, so what is asked first is the next answer, and
    // from there on twice as far each time.
    let (mut good, mut bad) = (placed.min(returns.len().saturating_sub(1)), returns.len());
    let mut step = Some(1);
    while bad - good > 1 {
        let half = (bad - good) / 2;
        let middle = good + step.map_or(half, |step: usize| step.min(half));
        match search_from(&Selection::until(history, &returns[..middle]).history, budget) {
            Decision::NotLinearizable => (bad, step) = (middle, None),
            Decision::Linearizable(_) | Decision::Undecided(_) => {
                (good, step) = (middle, step.map(|step| step * 2));
            }
        }
    }
    let culprit = returns.get(bad.checked_sub(1)?)?.1;
    let legal = Selection::until(history, &returns[..good]);
    let prefix = match search_from(&legal.history, budget) {
        Decision::Linearizable(order) => legal.named(&order),
        Decision::NotLinearizable | Decision::Undecided(_) => Vec::new(),
    };
    let part = shrink::shrink(Selection::until(history, &returns[..bad]), culprit, budget);
    Some(Explanation { culprit, prefix, part })
}

#[cfg(test)]
mod tests {
    use super::super::stock::Stock;
    use super::super::testing::{History, initial};
    use super::{Budget, explain};
    use wire::bazaar::TradeType::{Buy, Sell};

    #[test]
    fn a_history_that_has_an_order_needs_no_explanation() {
        let mut history = History::new();
        history.read(1, 100, 0, (1, 2));
        assert_eq!(explain(&history.get(), Budget::default()), None);
    }

    #[test]
    fn a_stale_read_is_the_culprit_and_what_came_before_has_an_order() {
        let mut history = History::new();
        let first = history.trade(1, Buy, 3, (10, 20));
        let fresh = history.read(2, 97, 3, (15, 30));
        let second = history.trade(1, Sell, 1, (40, 50));
        let stale = history.read(3, 97, 3, (60, 70));
        history.read(2, 98, 4, (80, 90));
        let found = explain(&history.get(), Budget::default()).unwrap();
        assert_eq!(found.culprit, stale);
        assert_eq!(found.prefix, [first, fresh, second]);
        assert_eq!(found.part.anchor, Some(fresh));
        assert_eq!(found.part.initial, Stock { quantity: 97, volume: 3, ..initial() });
        assert_eq!(found.part.required, [second, stale]);
        assert_eq!(found.part.optional, [first], "it overlaps the read that the part begins with");
    }

    #[test]
    fn what_was_under_way_at_the_first_impossible_answer_is_taken_both_ways() {
        let mut history = History::new();
        let slow = history.trade(1, Buy, 3, (10, 100));
        let wrong = history.read(2, 98, 2, (20, 30));
        let found = explain(&history.get(), Budget::default()).unwrap();
        assert_eq!(found.culprit, wrong);
        assert_eq!(found.part.required, [wrong]);
        assert_eq!(found.part.optional, [slow]);
    }
}
