//! Whether the processes of a bazaar are ready.

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::process::ProcessName;
use crate::schedule::Action;

impl Bazaar {
    /// Waits, within a bound, until a process says that it is ready. Returns when that was first
    /// seen, on `CLOCK_MONOTONIC`.
    pub async fn wait_ready(&self, name: ProcessName) -> Result<u64, ActError> {
        let ready = self.system.wait_ready(name.as_str()).await;
        ready.map_err(|error| ActError::of(error, name, Action::Restart, &self.logs))
    }

    /// For how many microseconds the current incarnation of a process has been ready, if it is.
    pub(crate) fn ready_for_us(&self, name: ProcessName) -> Option<u64> {
        let ready_us = self.incarnation(name).ok()?.ready_monotonic_us()?;
        Some(monotonic_us().saturating_sub(ready_us))
    }

    /// Whether the current incarnation of a process has been seen ready.
    pub(crate) fn was_ready(&self, name: ProcessName) -> bool {
        self.ready_for_us(name).is_some()
    }
}
