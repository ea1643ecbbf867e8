//! Makes a history that has no order small, and keeps it without one for the same reason.
//!
//! Operations cannot simply be left out: without a trade, the read that rightly showed it would
//! look wrong. Only steps are taken after which a history that had an order would still have one;
//! so what is small and has none proves that the whole has none:
//!
//! * *Begin at a read.* In any order a read stands where the stock, or the register, is what it shows. What had
//!   returned before it was called comes before; what was called after it returned comes after;
//!   trades in between may come on either side, so they become optional, and other reads go.
//! * *Leave out a read or a refusal.* Nobody else notices.
//! * *Make a trade optional.* An order that has it is still there.
//!
//! Steps that make the part linearizable are taken back: it then had its reason from just there.

use super::model::{History, Model, Operation};
use super::part::{Part, Selection};
use super::search::{Budget, Decision, search_from};

/// How many parts are tried. A part is made small for people; five hundred tries leave next to
/// nothing that could go, and cost less than the search that found the violation.
const MAX_TRIES: usize = 500;

/// A small part of `whole`, which has no order because of `culprit`.
pub(super) fn shrink<M: Model>(
    whole: Selection<M>,
    culprit: usize,
    budget: &mut Budget,
) -> Part<M> {
    let mut shrinker = Shrinker { culprit, budget, tries: 0 };
    let initial = whole.history.initial;
    let (anchor, selection) =
        shrinker.begin_late(&whole).map_or((None, whole), |(anchor, part)| (Some(anchor), part));
    let selection = shrinker.reduce(selection, leave_out::<M>);
    let selection = shrinker.reduce(selection, make_optional::<M>);

    let mut part = Part { anchor, initial, required: Vec::new(), optional: Vec::new() };
    part.initial = selection.history.initial;
    for (&place, operation) in selection.places.iter().zip(&selection.history.operations) {
        let list = if operation.is_optional() { &mut part.optional } else { &mut part.required };
        list.push(place);
    }
    part
}

struct Shrinker<'a> {
    culprit: usize,
    budget: &'a mut Budget,
    tries: usize,
}

impl Shrinker<'_> {
    fn has_no_order<M: Model>(&mut self, selection: &Selection<M>) -> bool {
        self.tries += 1;
        self.tries <= MAX_TRIES
            && search_from(&selection.history, self.budget) == Decision::NotLinearizable
    }

    /// Begins at the latest of the reads tried: one back from the culprit, two, four, eight, ...
    /// and then between the last that was too late and the first that was not.
    fn begin_late<M: Model>(&mut self, whole: &Selection<M>) -> Option<(usize, Selection<M>)> {
        let mut reads: Vec<usize> = (0..whole.places.len())
            .filter(|&index| {
                whole.history.initial.shown(whole.history.operations[index].action).is_some()
                    && whole.places[index] != self.culprit
            })
            .collect();
        reads.sort_by_key(|&index| std::cmp::Reverse(whole.history.operations[index].return_us));
        let mut too_late = 0;
        let mut back = 1;
        let mut found = None;
        while found.is_none() && too_late < reads.len() {
            let place = back.min(reads.len());
            found = self.begins_at(whole, reads[place - 1]).map(|part| (place, part));
            if found.is_none() {
                too_late = place;
                back = place * 2;
            }
        }
        let (mut early_enough, mut part) = found?;
        while early_enough - too_late > 1 {
            let middle = too_late + (early_enough - too_late) / 2;
            match self.begins_at(whole, reads[middle - 1]) {
                Some(smaller) => (early_enough, part) = (middle, smaller),
                None => too_late = middle,
            }
        }
        Some((whole.places[reads[early_enough - 1]], part))
    }

    /// What follows the read at `index`, if that has no order.
    fn begins_at<M: Model>(&mut self, whole: &Selection<M>, index: usize) -> Option<Selection<M>> {
        let read = whole.history.operations[index];
        let return_us = read.return_us?;
        let initial = whole.history.initial.shown(read.action)?;
        let mut part =
            Selection { history: History { initial, operations: Vec::new() }, places: Vec::new() };
        for (&place, &operation) in whole.places.iter().zip(&whole.history.operations) {
            let over = operation.return_us.is_some_and(|at_us| at_us < read.call_us);
            if operation.call_us > return_us {
                part.push(place, operation);
            } else if !over && M::changes(operation.action) {
                part.push(place, Operation { return_us: None, ..operation });
            }
        }
        self.has_no_order(&part).then_some(part)
    }

    /// Applies `weaken` to as many operations as possible: to all, to halves, to quarters, and at
    /// last to single ones.
    fn reduce<M: Model>(&mut self, mut selection: Selection<M>, weaken: Weaken<M>) -> Selection<M> {
        let mut chunk = selection.places.len();
        while chunk > 0 {
            let mut from = 0;
            while from < selection.places.len() {
                let to = (from + chunk).min(selection.places.len());
                match self.weakened(&selection, from..to, weaken) {
                    Some(weaker) => {
                        // What was left out made room for its successors.
                        from = to - (selection.places.len() - weaker.places.len());
                        selection = weaker;
                    }
                    None => from = to,
                }
            }
            chunk /= 2;
        }
        selection
    }

    /// `selection` with `weaken` applied in `range`, if that changes something and it still has
    /// no order.
    fn weakened<M: Model>(
        &mut self,
        selection: &Selection<M>,
        range: std::ops::Range<usize>,
        weaken: Weaken<M>,
    ) -> Option<Selection<M>> {
        let mut changed = false;
        let mut weaker = Selection {
            history: History { initial: selection.history.initial, operations: Vec::new() },
            places: Vec::new(),
        };
        for (index, (&place, &operation)) in
            selection.places.iter().zip(&selection.history.operations).enumerate()
        {
            let concerned = range.contains(&index) && place != self.culprit;
            let weakened = if concerned { weaken(operation) } else { Some(operation) };
            changed |= weakened != Some(operation);
            if let Some(operation) = weakened {
                weaker.push(place, operation);
            }
        }
        (changed && self.has_no_order(&weaker)).then_some(weaker)
    }
}

/// Makes an operation say less; `None` leaves it out.
type Weaken<M> = fn(Operation<<M as Model>::Action>) -> Option<Operation<<M as Model>::Action>>;

fn leave_out<M: Model>(operation: Operation<M::Action>) -> Option<Operation<M::Action>> {
    M::changes(operation.action).then_some(operation)
}

fn make_optional<M: Model>(operation: Operation<M::Action>) -> Option<Operation<M::Action>> {
    if M::changes(operation.action) {
        Some(Operation { return_us: None, ..operation })
    } else {
        Some(operation)
    }
}
