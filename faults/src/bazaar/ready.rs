//! Whether the processes of a bazaar are ready.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::{ActError, Bazaar, StartError};
use crate::clock::monotonic_us;
use crate::http::Call;
use crate::launch;
use crate::process::ProcessName;

/// How long a process may take to be ready. A catch-up after a long outage comes after that.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a process that is not ready is asked again.
const READY_POLL: Duration = Duration::from_millis(10);
/// How long one such question may take, so that a process that hangs does not hide one that died.
const HEALTH_TIMEOUT: Duration = Duration::from_millis(500);

impl Bazaar {
    /// Waits, within a bound, until a process says that it is ready. Returns when that was first
    /// seen, on `CLOCK_MONOTONIC`.
    pub async fn wait_ready(&self, name: ProcessName) -> Result<u64, ActError> {
        let slot = self.slot(name)?;
        self.await_ready(&[name]).await?;
        Ok(slot.incarnation().child.ready_monotonic_us.get().copied().unwrap_or_else(monotonic_us))
    }

    /// For how many microseconds the current incarnation of a process has been ready, if it is.
    pub(crate) fn ready_for_us(&self, name: ProcessName) -> Option<u64> {
        let ready_us =
            self.slots.get(&name)?.incarnation().child.ready_monotonic_us.get().copied()?;
        Some(monotonic_us().saturating_sub(ready_us))
    }

    /// Whether the current incarnation of a process has been seen ready.
    pub(crate) fn was_ready(&self, name: ProcessName) -> bool {
        self.ready_for_us(name).is_some()
    }

    /// Asks all of `names` in turn until all are ready, so that one that dies is noticed while
    /// another is still being waited for.
    pub(super) async fn await_ready(&self, names: &[ProcessName]) -> Result<(), StartError> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let mut not_ready = None;
            for (name, address) in self.addresses().processes() {
                let Some(slot) = self.slots.get(&name).filter(|_| names.contains(&name)) else {
                    continue;
                };
                let incarnation = slot.incarnation();
                let ready = &incarnation.child.ready_monotonic_us;
                let health =
                    if ready.get().is_some() { Ok(()) } else { self.health(address).await };
                if let Some(exit) = incarnation.child.exit() {
                    let log = self.launch.log(name);
                    let reason = launch::last_line(&log, incarnation.log_begin)
                        .unwrap_or_else(|| "it ended without a word".to_owned());
                    return Err(StartError::Ended { name, reason, status: exit.describe(), log });
                }
                match health {
                    Ok(()) => {
                        ready.get_or_init(monotonic_us);
                    }
                    // The front-end comes first, and knows best for what the others wait.
                    Err(reason) => _ = not_ready.get_or_insert((name, reason)),
                }
            }
            let Some((name, reason)) = not_ready else { return Ok(()) };
            if Instant::now() >= deadline {
                let log = self.launch.log(name);
                return Err(StartError::NotReady { name, within: READY_WITHIN, reason, log });
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    async fn health(&self, address: SocketAddr) -> Result<(), String> {
        let reply = self.http.call(address, &Call::get("/healthz"), HEALTH_TIMEOUT).await;
        let reply = reply.map_err(|error| error.to_string())?;
        if reply.status.is_success() {
            return Ok(());
        }
        Err(reply.json().map_or_else(|_| reply.message(), |Unready { reason }| reason))
    }
}

/// The answer of `GET /healthz` while a service is not ready.
#[derive(Deserialize)]
struct Unready {
    reason: String,
}
