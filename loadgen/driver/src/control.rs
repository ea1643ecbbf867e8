//! What a trial and its clients tell each other.
//!
//! goose starts its users one by one, looks at them twice a second, and counts whole seconds.
//! Load that begins and ends on the microsecond is therefore agreed upon here: clients wait at a
//! gate until all are there, and stop by themselves when the end has come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use faults::clock::Origin;
use results::records::Phase;
use tokio::sync::watch;

/// How many clients have got how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting at the gate.
    pub ready: u32,
    /// Through with their iterations.
    pub loaded: u32,
    /// Through with their lookups.
    pub done: u32,
}

/// Shared by a trial and its clients.
#[derive(Debug)]
pub struct Control {
    origin: Origin,
    /// From when on operations are measured; [`NEVER`] until the gate opens.
    measured_from_us: AtomicU64,
    /// When clients stop; [`NEVER`] until somebody decides.
    ends_at_us: AtomicU64,
    iterations: Option<u64>,
    given_up: AtomicBool,
    /// Arrivals of an open loop that were to be measured and were never sent.
    unsent: AtomicU64,
    gate: watch::Sender<bool>,
    /// The clients up to this number take part in a closed loop.
    admitted: watch::Sender<u32>,
    counts: watch::Sender<Counts>,
}

/// A time that no run reaches.
const NEVER: u64 = u64::MAX;

impl Control {
    /// Control over clients that stop at a time that is yet to be decided, or after
    /// `iterations` measured ones each.
    #[must_use]
    pub fn new(origin: Origin, iterations: Option<u64>) -> Self {
        Self {
            origin,
            measured_from_us: AtomicU64::new(NEVER),
            ends_at_us: AtomicU64::new(NEVER),
            iterations,
            given_up: AtomicBool::new(false),
            unsent: AtomicU64::new(0),
            gate: watch::Sender::new(false),
            admitted: watch::Sender::new(u32::MAX),
            counts: watch::Sender::new(Counts::default()),
        }
    }

    /// The run's origin.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Lets the clients go; what starts at `measured_from_us` or later is measured.
    pub fn open_gate(&self, measured_from_us: u64) {
        self.measured_from_us.store(measured_from_us, Ordering::Relaxed);
        self.gate.send_replace(true);
    }

    /// No iteration of a closed loop begins at `ends_at_us` or later, and none of an open loop is due.
    pub fn end_at(&self, ends_at_us: u64) {
        self.ends_at_us.store(ends_at_us, Ordering::Relaxed);
    }

    /// The trial is cut short: no more iterations, no more lookups.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.gate.send_replace(true);
        self.admit(u32::MAX);
    }

    /// From now on the first `clients` clients of a closed loop take part; the others finish their iteration, and
    /// wait. At a load's end all must be let out: with [`u32::MAX`].
    pub fn admit(&self, clients: u32) {
        self.admitted.send_replace(clients);
    }

    /// Returns once client `number` (from 1) takes part.
    pub async fn wait_for_admission(&self, number: u32) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.admitted.subscribe().wait_for(|&admitted| number <= admitted).await;
    }

    /// Returns once `reached` says so of the counts.
    pub async fn wait_until(&self, reached: impl FnMut(&Counts) -> bool) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.counts.subscribe().wait_for(reached).await;
    }

    /// A client is there; returns when the gate opens.
    pub async fn wait_at_gate(&self) {
        self.counts.send_modify(|counts| counts.ready += 1);
        let _ = self.gate.subscribe().wait_for(|&open| open).await;
    }

    /// A client is through with its iterations.
    pub fn loaded(&self) {
        self.counts.send_modify(|counts| counts.loaded += 1);
    }

    /// A client is through with its lookups.
    pub fn done(&self) {
        self.counts.send_modify(|counts| counts.done += 1);
    }

    /// Whether something that starts, or in an open loop was due, at `at_us` is measured.
    #[must_use]
    pub fn phase(&self, at_us: u64) -> Phase {
        if at_us >= self.measured_from_us.load(Ordering::Relaxed) {
            Phase::Load
        } else {
            Phase::WarmUp
        }
    }

    /// Whether what was due at `at_us` belongs to a warm-up that is over.
    #[must_use]
    pub fn is_left_from_warm_up(&self, at_us: u64) -> bool {
        self.phase(at_us) == Phase::WarmUp && self.phase(self.origin.elapsed_us()) == Phase::Load
    }

    /// Whether a client that did so many measured iterations stops now.
    #[must_use]
    pub fn is_over(&self, iterations: u64) -> bool {
        self.is_given_up()
            || self.iterations.is_some_and(|limit| iterations >= limit)
            || self.origin.elapsed_us() >= self.ends_at_us()
    }

    /// When the end is; a time that no run reaches, until somebody decides.
    #[must_use]
    pub fn ends_at_us(&self) -> u64 {
        self.ends_at_us.load(Ordering::Relaxed)
    }

    /// Whether nothing is due at `due_us` any more.
    #[must_use]
    pub fn has_ended_by(&self, due_us: u64) -> bool {
        self.is_given_up() || due_us >= self.ends_at_us()
    }

    /// Whether the end lies further back than `within`.
    #[must_use]
    pub fn is_past_end(&self, within: Duration) -> bool {
        let within_us = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
        self.origin.elapsed_us() >= self.ends_at_us().saturating_add(within_us)
    }

    /// What was due at `due_us` will not be sent.
    pub fn count_unsent(&self, due_us: u64) {
        if self.phase(due_us) == Phase::Load {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How much of what was to be measured was never sent.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    /// Whether the trial is cut short.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn clients_begin_together_and_end_on_time() {
        let control = Arc::new(Control::new(Origin::now(), None));
        let clients: Vec<_> = (0..3)
            .map(|_| {
                let control = Arc::clone(&control);
                tokio::spawn(async move {
                    control.wait_at_gate().await;
                    assert!(!control.is_over(1_000_000));
                    control.loaded();
                })
            })
            .collect();
        control.wait_until(|counts| counts.ready == 3).await;
        control.open_gate(control.origin().elapsed_us());
        control.wait_until(|counts| counts.loaded == 3).await;
        for client in clients {
            client.await.unwrap();
        }
        control.end_at(control.origin().elapsed_us());
        assert!(control.is_over(0));
    }

    #[test]
    fn what_starts_before_the_measuring_is_warm_up() {
        let control = Control::new(Origin::now(), None);
        assert_eq!(control.phase(u64::MAX - 1), Phase::WarmUp);
        control.open_gate(500);
        assert_eq!(control.phase(499), Phase::WarmUp);
        assert_eq!(control.phase(500), Phase::Load);
    }

    #[test]
    fn iterations_can_be_counted_instead() {
        let control = Control::new(Origin::now(), Some(10));
        assert!(!control.is_over(9));
        assert!(control.is_over(10));
    }

    #[tokio::test]
    async fn clients_beyond_the_number_that_take_part_wait_until_it_rises_or_all_is_over() {
        use std::task::{Context, Poll, Waker};

        let control = Control::new(Origin::now(), None);
        control.wait_for_admission(1_000).await;
        control.admit(2);
        control.wait_for_admission(2).await;
        let mut third = std::pin::pin!(control.wait_for_admission(3));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(third.as_mut().poll(&mut context), Poll::Pending);
        control.admit(3);
        third.await;
        control.admit(1);
        let mut second = std::pin::pin!(control.wait_for_admission(2));
        assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
        control.give_up();
        second.await;
    }

    #[tokio::test]
    async fn giving_up_lets_everybody_out() {
        let control = Control::new(Origin::now(), None);
        control.give_up();
        control.wait_at_gate().await;
        assert!(control.is_over(0));
    }
}
