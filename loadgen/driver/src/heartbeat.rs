//! Whether the machine lets the harness run at all.
//!
//! A thread of its own wakes every ten milliseconds and does nothing. When it wakes much later than it should,
//! the machine was busy elsewhere, or a virtual one was stopped; the services beside it have most likely
//! stood still, too. A gap in their answers at that time says little about them.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use faults::clock::Origin;

/// How often the thread wakes.
const PERIOD: Duration = Duration::from_millis(10);

/// Waking so much later than that is a stall. Ten periods: a busy machine lets a thread wait for some
/// milliseconds all the time.
const STALLED_AFTER_US: u64 = 100_000;

/// A time in which the thread should have run and did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// When it should have, in microseconds since the run's origin.
    pub due_us: u64,
    /// When it did.
    pub woke_us: u64,
}

impl Stall {
    /// What lies between is a stall only if it is long.
    fn between(due_us: u64, woke_us: u64) -> Option<Self> {
        (woke_us.saturating_sub(due_us) > STALLED_AFTER_US).then_some(Self { due_us, woke_us })
    }
}

/// The thread, until it is dropped.
#[derive(Debug)]
pub struct Heartbeat {
    /// Dropping it wakes the thread.
    running: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts the thread; `tell` hears of every stall when it is over.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(origin: Origin, tell: impl Fn(Stall) + Send + 'static) -> io::Result<Self> {
        let (running, stopped) = channel();
        let goes_on = move || stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout);
        let thread = thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || beat(|| origin.elapsed_us(), goes_on, tell))?;
        Ok(Self { running: Some(running), thread: Some(thread) })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.running = None;
        // It has nothing to panic about, and nobody is left to be told if it did.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// `wait` takes a period, by `now`'s clock, and says whether to go on.
fn beat(mut now: impl FnMut() -> u64, mut wait: impl FnMut() -> bool, tell: impl Fn(Stall)) {
    let period_us = u64::try_from(PERIOD.as_micros()).unwrap_or(u64::MAX);
    let mut due_us = now().saturating_add(period_us);
    while wait() {
        let woke_us = now();
        if let Some(stall) = Stall::between(due_us, woke_us) {
            tell(stall);
        }
        due_us = woke_us.saturating_add(period_us);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// The stalls of a thread that is woken after so many microseconds, one time after another.
    fn stalls(waits_us: &[u64]) -> Vec<Stall> {
        let (clock, told) = (Cell::new(1_000), RefCell::new(Vec::new()));
        let mut waits = waits_us.iter();
        let wait = || {
            let next = waits.next();
            clock.set(clock.get() + next.unwrap_or(&0));
            next.is_some()
        };
        beat(|| clock.get(), wait, |stall| told.borrow_mut().push(stall));
        told.into_inner()
    }

    #[test]
    fn a_thread_that_wakes_more_than_a_tenth_of_a_second_late_was_stalled() {
        let stalled = stalls(&[10_000, 10_060, 1_210_000, 110_000, 110_001, 10_000]);
        assert_eq!(
            stalled,
            [
                Stall { due_us: 31_060, woke_us: 1_231_060 },
                Stall { due_us: 1_351_060, woke_us: 1_451_061 }
            ]
        );
    }

    #[test]
    fn a_thread_that_is_dropped_has_ended() {
        let (told, heard) = channel();
        let heartbeat = Heartbeat::start(Origin::now(), move |stall| {
            let _ = told.send(stall);
        });
        drop(heartbeat.unwrap());
        // The thread's end of the channel is gone with it.
        assert!(heard.iter().all(|stall| stall.woke_us > stall.due_us));
    }
}
