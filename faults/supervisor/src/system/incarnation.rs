//! One run of a process, from its start to its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use super::{Death, ProcessState};
use crate::locked::locked;
use crate::tree::{Done, End, SignalError, Tree};

/// One run of a process, which may be over. It is killed with its system, whoever still holds this.
#[derive(Debug)]
pub struct Incarnation {
    pub(super) tree: Tree,
    /// Where in the log it begins, in bytes.
    pub(super) log_begin: u64,
    /// Whether the last order of these was to pause. Locked while such an order is given.
    pub(super) paused: Mutex<bool>,
    pub(super) ready_monotonic_us: OnceLock<u64>,
    death_told: AtomicBool,
}

impl Incarnation {
    pub(super) fn new(tree: Tree, log_begin: u64) -> Self {
        Self {
            tree,
            log_begin,
            paused: Mutex::new(false),
            ready_monotonic_us: OnceLock::new(),
            death_told: AtomicBool::new(false),
        }
    }

    /// The pid of the process that was started.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.tree.pid()
    }

    /// When it was started, on `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn started_monotonic_us(&self) -> u64 {
        self.tree.started_monotonic_us()
    }

    /// When it was first seen ready, on `CLOCK_MONOTONIC`, if it was.
    #[must_use]
    pub fn ready_monotonic_us(&self) -> Option<u64> {
        self.ready_monotonic_us.get().copied()
    }

    /// Whether it runs.
    #[must_use]
    pub fn state(&self) -> ProcessState {
        self.state_if(*locked(&self.paused))
    }

    pub(super) fn state_if(&self, paused: bool) -> ProcessState {
        if self.tree.end().is_some() {
            ProcessState::Down
        } else if paused {
            ProcessState::Paused
        } else {
            ProcessState::Running
        }
    }

    /// Whether something else keeps it, and it ran when the harness came.
    #[must_use]
    pub fn was_found(&self) -> bool {
        self.tree.was_found()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.tree.end()
    }

    /// Waits for the end; `None` if it does not come `within`.
    pub async fn ended(&self, within: Duration) -> Option<End> {
        self.tree.ended(within).await
    }

    /// [`Tree::halt`].
    ///
    /// # Errors
    /// As there.
    pub async fn halt(&self) -> Result<Done, SignalError> {
        self.tree.halt().await
    }

    /// [`Tree::go`].
    ///
    /// # Errors
    /// As there.
    pub async fn go(&self) -> Result<Done, SignalError> {
        self.tree.go().await
    }

    /// [`Tree::halt_blocking`].
    ///
    /// # Errors
    /// As there.
    pub fn halt_blocking(&self) -> Result<Done, SignalError> {
        self.tree.halt_blocking()
    }

    /// [`Tree::go_blocking`].
    ///
    /// # Errors
    /// As there.
    pub fn go_blocking(&self) -> Result<Done, SignalError> {
        self.tree.go_blocking()
    }

    /// [`Tree::seen_stopped`].
    ///
    /// # Errors
    /// As there.
    pub async fn seen_stopped(&self) -> Result<Done, SignalError> {
        self.tree.seen_stopped().await
    }

    /// An end that nobody asked for, told once. The loss of its host is told as that.
    pub(super) fn take_death(&self, name: &str) -> Option<Death> {
        let end = self.tree.end().filter(|end| !end.asked && !end.host_lost)?;
        (!self.death_told.swap(true, Ordering::SeqCst)).then(|| Death {
            name: name.to_owned(),
            pid: self.tree.pid(),
            at_monotonic_us: end.at_monotonic_us,
            status: end.describe(),
            over_limit: end.over_limit,
        })
    }
}
