//! Is there an order of the operations on a stock, or on a register, that explains every answer?
//!
//! A history is *linearizable* if each operation can be given one moment between its call and its
//! return so that, in the order of these moments, a single stock that does one thing at a time
//! would have given the same answers (Herlihy and Wing 1990). Stocks share nothing, so a bazaar's
//! history is linearizable exactly if each stock's is, and each is searched by itself. The same holds for registers.
//!
//! This module knows operations and their intervals, no files, no processes and no clock: its
//! bounds count work, so that what it says depends on the history alone and never on how busy the
//! machine was.
//!
//! * [`Operation`], [`Model`]: what may be placed, and what says when it fits: a [`Stock`] or a [`Register`].
//! * [`search`]: the decision. Wing and Gong's search with Lowe's memoisation, as Porcupine has it.
//! * [`explain`]: of a history that has no order, how far one goes, which operation is the first
//!   that cannot be placed, and a small part of the history that has none either.
//! * [`picture`]: the same for people. [`export`]: the same for other checkers.
//!
//! Why no crate: of those on crates.io, `todc-utils` (the one that has this algorithm) knows no
//! operation without a return, has no bound, and copies a bit set per step; `stateright`'s tester
//! tries orders without memory, which is meant for the handful of operations of a model; `lincheck`
//! drives in-memory structures. None says how far an order went, and an answer without that is no
//! evidence.

mod explain;
pub mod export;

mod model;
mod part;
pub mod picture;
mod register;
mod stock;

#[cfg(test)]
mod reference;
mod search;
mod shrink;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use explain::{Explanation, explain};
pub use model::{Awaited, History, Model, Operation};
pub use part::Part;
pub use register::{NOTHING, Register, RegisterAction, RegisterHistory, Values};
pub use search::{Budget, Decision, search};
pub use stock::{Action, Stock, StockHistory, Volumes};
