//! What is drawn of a scene.

use std::collections::BTreeSet;

use super::scene::Scene;
use crate::linear::explain::Explanation;
use crate::linear::model::{Model, Operation};

/// How many placed operations are drawn: the last ones. What matters stands at the end, and a page
/// of thousands of bars cannot be read.
const MAX_PLACED: usize = 80;
/// How many are drawn at least, if there are so many: what the clients were doing is worth seeing
/// also where two operations would do to show what is wrong.
const MIN_PLACED: usize = 20;
/// How many trades that were under way, or whose outcome is unknown, are drawn beside them.
const MAX_OPEN: usize = 40;

/// What an operation is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It cannot be placed.
    Culprit,
    /// It stands in the order, and is part of the small proof.
    Key,
    /// It stands in the order.
    Placed,
    /// It has no answer that binds it, and the order does without it.
    Open,
}

/// An operation that is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<M: Model> {
    /// Its place in the history.
    pub(super) place: usize,
    pub(super) operation: Operation<M::Action>,
    pub(super) role: Role,
    /// Its number in the order, from 1, if it has one.
    pub(super) step: Option<usize>,
    /// The state after it.
    pub(super) after: Option<M>,
}

/// What is drawn of a scene.
#[derive(Debug)]
pub(super) struct Drawing<M: Model> {
    /// The placed ones in their order, then the culprit, then the open ones.
    pub(super) shown: Vec<Shown<M>>,
    /// The state before the first step that is drawn.
    pub(super) before: M,
    /// The state after the last step.
    pub(super) last: M,
    /// How many steps come before the first that is drawn.
    pub(super) earlier: usize,
    /// When the culprit's answer arrived, which is where the picture ends.
    pub(super) end_us: u64,
    /// How many open operations are not drawn.
    pub(super) hidden: usize,
}

impl<M: Model> Drawing<M> {
    pub(super) fn new(scene: &Scene<'_, M>) -> Self {
        let Scene { history, explanation, .. } = scene;
        let Explanation { culprit, prefix, part } = explanation;
        let key: BTreeSet<usize> = part.required.iter().copied().chain(part.anchor).collect();
        let earlier = first_step(prefix, part.anchor, &key);
        let mut shown = Vec::new();
        let (mut state, mut before) = (history.initial, history.initial);
        for (index, &place) in prefix.iter().enumerate() {
            let operation = history.operations[place];
            if index == earlier {
                before = state;
            }
            state = state.after(operation.action).unwrap_or(state);
            if index >= earlier {
                let role = if key.contains(&place) { Role::Key } else { Role::Placed };
                let step = Some(index - earlier + 1);
                shown.push(Shown { place, operation, role, step, after: Some(state) });
            }
        }
        let operation = history.operations[*culprit];
        let unplaced =
            |place, operation, role| Shown { place, operation, role, step: None, after: None };
        shown.push(unplaced(*culprit, operation, Role::Culprit));

        let placed: BTreeSet<usize> = prefix.iter().copied().collect();
        let open: Vec<usize> =
            part.optional.iter().copied().filter(|place| !placed.contains(place)).collect();
        for &place in open.iter().rev().take(MAX_OPEN) {
            shown.push(unplaced(place, history.operations[place], Role::Open));
        }
        Self {
            shown,
            before,
            last: state,
            earlier,
            end_us: operation.return_us.unwrap_or(operation.call_us),
            hidden: open.len().saturating_sub(MAX_OPEN),
        }
    }
}

/// The first step that is drawn: where the small proof begins, if that is not too long ago.
fn first_step(prefix: &[usize], anchor: Option<usize>, key: &BTreeSet<usize>) -> usize {
    let begins = prefix
        .iter()
        .position(|place| anchor.map_or_else(|| key.contains(place), |anchor| *place == anchor))
        .unwrap_or(0);
    let last = |count| prefix.len().saturating_sub(count);
    begins.clamp(last(MAX_PLACED), last(MIN_PLACED))
}
