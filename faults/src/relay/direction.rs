//! One direction between two processes: everything that the one sends to the other.
//!
//! Connections come and go; a path stays, and all of them ask it whether, when and how fast their
//! bytes may pass. A cut holds on to what came to it, as a sender's kernel does that repeats what
//! was lost: once the cut is healed it arrives, late and in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::condition::{ActiveLinkFaults, Condition};
use crate::schedule::{CutMode, LinkFault};
use supervisor::locked::locked;

/// The path resets what comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reset;

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Direction {
    active: Mutex<ActiveLinkFaults>,
    condition: watch::Sender<Condition>,
    /// When everything that was let through so far has passed, if the path is throttled.
    busy_until: Mutex<Option<Instant>>,
    has_carried: AtomicBool,
}

impl Direction {
    /// Makes it worse.
    pub(super) fn inject(&self, fault: u32, kind: LinkFault) {
        self.change(|active| active.add(fault, kind));
    }

    /// Ends one fault.
    pub(super) fn heal(&self, fault: u32) {
        self.change(|active| active.remove(fault));
    }

    fn change(&self, change: impl FnOnce(&mut ActiveLinkFaults)) {
        let mut active = locked(&self.active);
        change(&mut active);
        let condition = active.together();
        if condition.bytes_per_s.is_none() {
            *locked(&self.busy_until) = None;
        }
        self.condition.send_replace(condition);
    }

    /// Notes that bytes have passed.
    pub(super) fn carried(&self) {
        self.has_carried.store(true, Ordering::Relaxed);
    }

    /// Whether bytes have ever passed.
    pub(super) fn has_carried(&self) -> bool {
        self.has_carried.load(Ordering::Relaxed)
    }

    /// How long what comes now takes; `None` if nothing delays it.
    pub(super) fn delay(&self) -> Option<Duration> {
        let delay = self.condition.borrow().delay;
        (!delay.is_zero()).then_some(delay)
    }

    /// Returns when nothing is held back: the path is whole, or it resets.
    pub(super) async fn not_silent(&self) {
        let open = |condition: &Condition| condition.cut != Some(CutMode::Silent);
        // The sender lives as long as self, so this cannot fail.
        let _ = self.condition.subscribe().wait_for(open).await;
    }

    /// Returns when something may pass, or is reset.
    pub(super) async fn open(&self) -> Result<(), Reset> {
        self.not_silent().await;
        match self.condition.borrow().cut {
            Some(CutMode::Reset) => Err(Reset),
            // A cut that began just now comes too late.
            Some(CutMode::Silent) | None => Ok(()),
        }
    }

    /// Returns when `bytes` more may have passed, all connections together, or the path is no
    /// longer throttled like that.
    pub(super) async fn take_time(&self, bytes: usize) {
        let mut condition = self.condition.subscribe();
        let Some(rate) = condition.borrow_and_update().bytes_per_s else { return };
        let nanoseconds = (bytes as u128 * 1_000_000_000) / u128::from(rate.get());
        let takes = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let passed_at = {
            let mut busy_until = locked(&self.busy_until);
            let now = Instant::now();
            let begins = busy_until.map_or(now, |until| until.max(now));
            // A rate so low that its times cannot be counted is a cut until it is healed.
            let passed_at = begins.checked_add(takes).unwrap_or(begins + FAR);
            *busy_until = Some(passed_at);
            passed_at
        };
        tokio::select! {
            () = sleep_until(passed_at) => {}
            _ = condition.wait_for(|now| now.bytes_per_s != Some(rate)) => {}
        }
    }
}

/// Longer than any trial.
const FAR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
