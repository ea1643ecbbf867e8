//! What an answer is held against: a thing that does one operation at a time, and the operations on it.

use std::fmt;
use std::hash::Hash;

/// A thing that does one operation at a time, in one of its states.
pub trait Model: Copy + Eq + fmt::Debug {
    /// What was done, together with the answer.
    type Action: Copy + Eq + fmt::Debug + Hash;
    /// What is known of all answers before an order is looked for.
    type Awaited: Awaited<Self>;

    /// What it is called.
    const THING: &'static str;
    /// What an operation that may change it is called.
    const CHANGE: &'static str;
    /// What pictures show of a read.
    const SHOWN: &'static str;

    /// The state after `action`, if it would give that answer now.
    #[must_use]
    fn after(self, action: Self::Action) -> Option<Self>;

    /// Whether an action may change it.
    fn changes(action: Self::Action) -> bool;

    /// The state that an answer shows, if it shows all of it. What never changes is as in `self`.
    #[must_use]
    fn shown(self, action: Self::Action) -> Option<Self>;

    /// Tells apart the states that one set of operations may lead to, whatever their order; 0 where the set decides.
    fn mark(self) -> u128;

    /// What the client was told, to go on after "was told that".
    fn told(action: Self::Action) -> String;

    /// What was done, in few words.
    fn label(action: Self::Action) -> String;

    /// The state in words, to go on after "has" or "with".
    fn figures(self) -> String;
}

/// Which answers still wait for their state. It leaves out only orders in which one of them would never have a place.
pub trait Awaited<M: Model> {
    /// Of all operations of a history, none of which is placed.
    fn new(initial: M, operations: &[Operation<M::Action>]) -> Self;

    /// An operation was placed.
    fn place(&mut self, operation: &Operation<M::Action>);

    /// It was taken back.
    fn take_back(&mut self, operation: &Operation<M::Action>);

    /// Whether an answer that is not placed could never be once `operation` has led from `before` to `after`.
    fn forbids(&self, before: M, operation: &Operation<M::Action>, after: M) -> bool;
}

/// One operation of one client.
///
/// Intervals are closed: an operation that returns in the microsecond in which another is called
/// is concurrent with it. The clock cannot tell which of the two came first, and to claim an order
/// that was not there would turn a correct history into a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation<A> {
    /// Who did it; 0 if nobody recorded that.
    pub client: u32,
    /// Before the request was sent.
    pub call_us: u64,
    /// After the answer had arrived. `None` for a change whose outcome is unknown: it takes effect
    /// at any time after its call, or never.
    pub return_us: Option<u64>,
    /// What it was.
    pub action: A,
}

impl<A> Operation<A> {
    /// Whether an order may do without it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.return_us.is_none()
    }
}

/// Everything that happened to one thing, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<M: Model> {
    /// The state before any of it.
    pub initial: M,
    /// What was done to it.
    pub operations: Vec<Operation<M::Action>>,
}
