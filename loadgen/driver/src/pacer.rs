//! Hands the arrivals of an open loop to the clients, each at its time.
//!
//! A thread of its own sleeps until the next arrival is due and puts it into a queue; a client that
//! is free waits at the queue, one that comes back late finds what has gathered there. So no answer
//! moves the schedule, and what had to wait is known by the time at which it was due. It is a thread
//! and no task because the runtime's timers have steps of a millisecond, several times what a query
//! takes.
//!
//! The queue has no bound of its own: a plan may ask for ten million arrivals of eight bytes at the
//! most. When the schedule ends, what still waits is sent, for at most [`DRAIN_WITHIN`]: an
//! arrival that was due while the service was slow is part of what its users saw, and if it were
//! dropped, an overloaded service would look the better the more it is overloaded. What is left after
//! that is counted.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use async_channel::{Receiver, Sender};

use crate::arrivals::Arrivals;
use crate::control::Control;

/// For how long clients go on with what was due when the schedule ended. Enough for seconds of
/// overload, and an end to one that would take minutes.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// The thread looks at least so often whether the schedule has ended.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// How exactly the thread asks to be woken, in nanoseconds. Left alone, the kernel gathers the wakings
/// of 50 microseconds, a quarter of a query.
const TIMER_SLACK_NS: u64 = 1;

/// The clients' end of the queue.
#[derive(Clone, Debug)]
pub struct Turns {
    queue: Receiver<u64>,
    drain_within: Duration,
}

/// The schedule's end of the queue.
#[derive(Debug)]
pub struct Pacer {
    arrivals: Arrivals,
    queue: Sender<u64>,
}

/// A schedule that has not begun, and its clients' end of the queue. They go on with what is left in it
/// for `drain_within` after the schedule's end.
#[must_use]
pub fn pace(arrivals: Arrivals, drain_within: Duration) -> (Pacer, Turns) {
    let (sender, receiver) = async_channel::unbounded();
    (Pacer { arrivals, queue: sender }, Turns { queue: receiver, drain_within })
}

impl Pacer {
    /// Begins the schedule at `from_us`. It ends when `control` says so.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(self, control: Arc<Control>, from_us: u64) -> io::Result<()> {
        thread::Builder::new().name("pacer".to_owned()).spawn(move || {
            // Without it the wakings are a little later, which the lateness shows.
            let _ = nix::sys::prctl::set_timerslack(TIMER_SLACK_NS);
            self.run(&control, from_us);
        })?;
        Ok(())
    }

    /// Dropping the queue's end tells the clients that nothing more will come.
    fn run(self, control: &Control, from_us: u64) {
        let Self { arrivals, queue } = self;
        for due_us in arrivals.map(|since_us| from_us.saturating_add(since_us)) {
            while !control.has_ended_by(due_us) {
                let left_us = due_us.saturating_sub(control.origin().elapsed_us());
                if left_us == 0 {
                    break;
                }
                thread::sleep(Duration::from_micros(left_us).min(LONGEST_SLEEP));
            }
            if control.has_ended_by(due_us) || queue.try_send(due_us).is_err() {
                return;
            }
        }
    }
}

impl Turns {
    /// When the arrival that a free client takes next was due, as soon as it is. None when the load
    /// is over, or what is left of it was given up and counted.
    pub async fn next(&self, control: &Control) -> Option<u64> {
        while let Ok(due_us) = self.queue.recv().await {
            if control.is_given_up() {
                return None;
            }
            if !control.is_past_end(self.drain_within) {
                return Some(due_us);
            }
            control.count_unsent(due_us);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use faults::clock::Origin;

    use super::*;
    use crate::arrivals::ArrivalKind;

    const RATE: f64 = 1_000.0;

    fn constant() -> Arrivals {
        Arrivals::new(ArrivalKind::Constant, RATE, 1, 0.0, 1)
    }

    async fn all(turns: &Turns, control: &Control) -> Vec<u64> {
        let mut due = Vec::new();
        while let Some(due_us) = turns.next(control).await {
            due.push(due_us);
        }
        due
    }

    #[tokio::test]
    async fn arrivals_come_at_their_time_and_not_before() {
        let control = Arc::new(Control::new(Origin::now(), None));
        control.end_at(30_000);
        let (pacer, turns) = pace(constant(), DRAIN_WITHIN);
        pacer.start(Arc::clone(&control), 10_000).unwrap();
        let mut due = Vec::new();
        while let Some(due_us) = turns.next(&control).await {
            assert!(control.origin().elapsed_us() >= due_us);
            due.push(due_us);
        }
        assert_eq!(due, (10..30).map(|ms| ms * 1_000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_schedule_waits_for_nobody() {
        let control = Arc::new(Control::new(Origin::now(), None));
        control.end_at(50_000);
        let (pacer, turns) = pace(constant(), DRAIN_WITHIN);
        // Nobody takes a turn until all of it is over.
        pacer.run(&control, 0);
        assert_eq!(all(&turns, &control).await.len(), 50);
        assert_eq!(control.unsent(), 0);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_any_more_is_counted_if_it_was_to_be_measured() {
        let control = Arc::new(Control::new(Origin::now(), None));
        control.open_gate(20_000);
        control.end_at(50_000);
        let (pacer, turns) = pace(constant(), Duration::ZERO);
        pacer.run(&control, 0);
        // As if all clients had been waiting for answers until then.
        while control.origin().elapsed_us() < 50_000 {
            thread::yield_now();
        }
        assert_eq!(turns.next(&control).await, None);
        assert_eq!(control.unsent(), 30, "20 of 50 belong to the warm-up");
    }

    #[tokio::test]
    async fn a_load_that_was_given_up_ends_at_once() {
        let control = Arc::new(Control::new(Origin::now(), None));
        let (pacer, turns) = pace(constant(), DRAIN_WITHIN);
        control.give_up();
        pacer.run(&control, 0);
        assert_eq!(turns.next(&control).await, None);
    }
}
