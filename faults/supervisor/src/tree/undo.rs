//! A command that takes something back, and is run whatever happens: when it is told to, when this is dropped, and when the harness
//! is killed.
//!
//! The invariant: a guard that only waits for the end of its input runs the command, so there is one way and no second. Not
//! covered: a guard that is killed itself, which [`Undo::undo`] tells.

use std::ffi::OsString;
use std::time::Duration;

use super::order::Sent;
use super::protocol::{Part, Undoing};
use super::{GuardProgram, START_WITHIN, SignalError, Surroundings, Tree, TreeError, new_mark};

/// The order that the end of the guard's input is; a tree's own begin with 1.
pub(super) const UNDO: u64 = 0;

/// A command that will be run. Dropping this runs it.
#[derive(Debug)]
pub struct Undo {
    tree: Tree,
    sent: Sent,
}

impl Undo {
    /// Has a guard stand by to run `command`, which may take as long as `within`. What it leaves running is left alone.
    ///
    /// # Errors
    /// If there is no guard.
    pub async fn arm(
        program: &GuardProgram,
        command: Vec<OsString>,
        surroundings: Surroundings,
        within: Duration,
    ) -> Result<Self, TreeError> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let part = Part::Undoer(Undoing { command, within_ms, surroundings });
        let tree = Tree::under_guard(program, new_mark(), part, START_WITHIN).await?;
        let sent = tree.expect(UNDO, within);
        Ok(Self { tree, sent })
    }

    /// Runs the command. Returns when it had ended with success, on `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// [`SignalError::NotDone`] if it failed or took too long; [`SignalError::Ended`] if its guard was killed, so that nobody has
    /// run it.
    pub async fn undo(&self) -> Result<u64, SignalError> {
        self.tree.begin_release();
        self.sent.confirmed().await.map(|done| done.confirmed_monotonic_us)
    }
}
