//! Hands the arrivals of an open loop to the clients, each at its time.
//!
//! A thread of its own sleeps until the next arrival is due and puts it into a queue; a client that
//! is free waits at the queue, one that comes back late finds what has gathered there. So no answer
//! moves the schedule, and what had to wait is known by the time at which it was due. It is a thread
//! and no task because the runtime's timers have steps of a millisecond, several times what a query
//! takes.
//!
//! Overload must not make the generator slower, or it would measure less the more is asked of it. So the
//! queue is bounded: what it cannot hold was due and is not sent, and is counted as that. And while more
//! waits than clients can take at once, nobody is waiting for the next arrival to the microsecond: the
//! thread then wakes once a millisecond for all that has come due since, instead of once for each. (At
//! 100,000 arrivals a second it used to take a core for itself, and of the 9,000 a second that the services
//! held 1,777 were sent.)
//!
//! What the warm-up left waiting is dropped when the measured load begins: sent first, as it came first, it
//! would take the place of what is to be measured, at 100,000 arrivals a second of all of it.
//!
//! When the schedule ends, what still waits is sent, for at most [`DRAIN_WITHIN`]: an arrival that was due
//! while the service was slow is part of what its users saw, and if it were dropped, an overloaded service
//! would look the better the more it is overloaded. What is left after that is counted, too.

use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use async_channel::{Receiver, Sender, TrySendError};

use crate::arrivals::Arrivals;
use crate::control::Control;

/// For how long clients go on with what was due when the schedule ended. Enough for seconds of
/// overload, and an end to one that would take minutes.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// So many seconds of arrivals may wait, within bounds: an outage shorter than that loses none.
const HELD_S: f64 = 30.0;
/// However low the rate is, so many may wait.
const FEWEST_HELD: usize = 1_000;
/// However high it is, no more may: seconds of work for any bazaar, in a megabyte.
const MOST_HELD: usize = 65_536;

/// With so many arrivals waiting no client runs out of them within [`CATCH_UP`].
const BACKLOG: usize = 100;
/// How long the thread sleeps at least while there is such a backlog.
const CATCH_UP: Duration = Duration::from_millis(1);

/// The thread looks at least so often whether the schedule has ended.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// How exactly the thread asks to be woken, in nanoseconds. Left alone, the kernel gathers the wakings
/// of 50 microseconds, a quarter of a query.
const TIMER_SLACK_NS: u64 = 1;

/// The clients' end of the queue.
#[derive(Clone, Debug)]
pub struct ArrivalQueue {
    queue: Receiver<u64>,
    drain_within: Duration,
}

/// The schedule's end of the queue.
#[derive(Debug)]
pub struct Pacer {
    arrivals: Peekable<Arrivals>,
    queue: Sender<u64>,
}

/// A schedule that has not begun, and its clients' end of the queue. They go on with what is left in it
/// for `drain_within` after the schedule's end.
#[must_use]
pub fn pace(arrivals: Arrivals, drain_within: Duration) -> (Pacer, ArrivalQueue) {
    let held = (arrivals.most_per_s() * HELD_S) as usize;
    let (sender, receiver) = async_channel::bounded(held.clamp(FEWEST_HELD, MOST_HELD));
    (
        Pacer { arrivals: arrivals.peekable(), queue: sender },
        ArrivalQueue { queue: receiver, drain_within },
    )
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
    fn run(mut self, control: &Control, from_us: u64) {
        let origin = control.origin();
        while let Some(next_us) = self.offer(origin.elapsed_us(), from_us, control) {
            let left_us = next_us.saturating_sub(origin.elapsed_us());
            if left_us > 0 {
                thread::sleep(Duration::from_micros(left_us).min(LONGEST_SLEEP));
            }
        }
    }

    /// Puts everything that is due at `now_us` into the queue, and counts what finds no room there. Returns
    /// when to come again; nothing once the schedule has ended.
    fn offer(&mut self, now_us: u64, from_us: u64, control: &Control) -> Option<u64> {
        loop {
            let due_us = from_us.saturating_add(*self.arrivals.peek()?);
            if control.has_ended_by(due_us) {
                return None;
            }
            if due_us > now_us {
                return Some(due_us.max(now_us.saturating_add(self.pause_us())));
            }
            self.arrivals.next();
            match self.queue.try_send(due_us) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => control.count_unsent(due_us),
                Err(TrySendError::Closed(_)) => return None,
            }
        }
    }

    /// How long nobody needs the next arrival.
    fn pause_us(&self) -> u64 {
        let pause = if self.queue.len() < BACKLOG { Duration::ZERO } else { CATCH_UP };
        u64::try_from(pause.as_micros()).unwrap_or(u64::MAX)
    }
}

impl ArrivalQueue {
    /// When the arrival that a free client takes next was due, as soon as it is. None when the load
    /// is over, or what is left of it was given up and counted.
    pub async fn next(&self, control: &Control) -> Option<u64> {
        while let Ok(due_us) = self.queue.recv().await {
            if control.is_given_up() {
                return None;
            }
            if control.is_left_from_warm_up(due_us) {
                continue;
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

    async fn all(turns: &ArrivalQueue, control: &Control) -> Vec<u64> {
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

    /// A second of this rate by a clock of its own, with clients that take `taken_per_ms` arrivals every
    /// millisecond: how often the generator woke, what they took, what still waits, what was unsent.
    fn second_of(rate_per_s: f64, taken_per_ms: u64) -> (u64, u64, u64, u64) {
        let control = Control::new(Origin::now(), None);
        control.open_gate(0);
        control.end_at(1_000_000);
        let arrivals = Arrivals::new(ArrivalKind::Constant, rate_per_s, 1, 0.0, 1);
        let (mut pacer, turns) = pace(arrivals, DRAIN_WITHIN);
        let (mut now_us, mut woke, mut taken) = (0, 0, 0);
        while let Some(next_us) = pacer.offer(now_us, 0, &control) {
            woke += 1;
            for _ in now_us / 1_000 * taken_per_ms..next_us / 1_000 * taken_per_ms {
                taken += u64::from(turns.queue.try_recv().is_ok());
            }
            now_us = next_us;
        }
        (woke, taken, turns.queue.len() as u64, control.unsent())
    }

    #[test]
    fn overload_costs_the_generator_no_more_and_the_service_is_sent_all_that_it_takes() {
        for rate_per_s in [12_800.0, 100_000.0, 1_000_000.0] {
            let (woke, taken, waiting, unsent) = second_of(rate_per_s, 9);
            assert!((8_900..=9_000).contains(&taken), "{rate_per_s}: {taken} were taken");
            assert!(woke <= 1_500, "{rate_per_s}: the generator woke {woke} times");
            assert_eq!((taken + waiting + unsent) as f64, rate_per_s, "nothing is forgotten");
        }
    }

    #[test]
    fn only_what_finds_no_room_is_unsent() {
        let (_, _, waiting, unsent) = second_of(100_000.0, 9);
        assert_eq!(waiting, MOST_HELD as u64);
        assert!(unsent > 0);
        let outage = second_of(1_000.0, 0);
        assert_eq!((outage.2, outage.3), (1_000, 0), "an outage of a second is held");
        assert_eq!(second_of(1_000.0, 2).3, 0);
    }

    #[test]
    fn a_generator_that_is_not_overloaded_wakes_for_every_arrival() {
        let (woke, taken, waiting, unsent) = second_of(5_000.0, 50);
        // When it comes for the last time, the schedule has ended.
        assert_eq!((woke + 1, taken + waiting, unsent), (5_000, 5_000, 0));
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
    async fn what_the_warm_up_left_waiting_does_not_take_the_place_of_the_load() {
        let control = Arc::new(Control::new(Origin::now(), None));
        control.open_gate(20_000);
        control.end_at(50_000);
        let (pacer, turns) = pace(constant(), DRAIN_WITHIN);
        // As if all clients had been waiting for answers until all of it was due.
        pacer.run(&control, 0);
        assert_eq!(all(&turns, &control).await, (20..50).map(|ms| ms * 1_000).collect::<Vec<_>>());
        assert_eq!(control.unsent(), 0);
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
