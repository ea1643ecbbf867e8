//! What is done to a whole tree: an order to its guard, the time of its first signal, and that it was seen to have worked.

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;

use super::protocol::{Order, TreeAct};
use super::shared::{Answer, Shared};
use super::{ANSWER_WITHIN, Done, SignalError, Tree};

/// An order that was given.
#[derive(Debug)]
pub struct Sent {
    answer: watch::Receiver<Answer>,
    /// How long it takes by itself, at most.
    takes: Duration,
    ends: bool,
    shared: Arc<Shared>,
}

impl Sent {
    /// Waits until its first signal was sent. Returns when that was, on `CLOCK_MONOTONIC`: just before.
    ///
    /// # Errors
    /// If the tree had ended, or the guard says nothing.
    pub async fn begun(&self) -> Result<u64, SignalError> {
        let known = |answer: &Answer| answer.begun_us.is_some() || answer.over.is_some();
        let Answer { begun_us, over } = self.wait(known, ANSWER_WITHIN).await?;
        match (begun_us, over) {
            (Some(at_us), _) => Ok(at_us),
            (None, Some(over)) => over.map(|done| done.at_monotonic_us),
            (None, None) => Err(SignalError::Ended),
        }
    }

    /// Waits until it was seen to have worked; after an order to end also until the log is whole and the guard is gone. A tree that ends of the
    /// first signal at once may leave the guard no time for an answer: then its end is the answer.
    ///
    /// # Errors
    /// If the tree had ended, or ended otherwise, or the order was not seen to have worked.
    pub async fn confirmed(&self) -> Result<Done, SignalError> {
        let over = self.wait(|answer| answer.over.is_some(), self.takes + ANSWER_WITHIN).await;
        let done = over.and_then(|answer| answer.over.unwrap_or(Err(SignalError::Ended)));
        if !self.ends || !matches!(done, Ok(_) | Err(SignalError::Ended)) {
            return done;
        }
        match tokio::time::timeout(ANSWER_WITHIN, self.shared.gone()).await {
            Ok(()) => done.or_else(|error| self.ended_by_it().ok_or(error)),
            Err(_) => Err(SignalError::Unanswered),
        }
    }

    /// What it did to a tree of which something was left when its first signal was sent, and which ended as it was asked.
    fn ended_by_it(&self) -> Option<Done> {
        let at_monotonic_us = self.answer.borrow().begun_us?;
        let end = self.shared.end().filter(|end| end.asked)?;
        let killed = Some(Signal::SIGKILL as i32);
        let forced = end.status.and_then(|status| status.signal()) == killed;
        Some(Done { at_monotonic_us, confirmed_monotonic_us: end.at_monotonic_us, forced })
    }

    async fn wait(
        &self,
        holds: impl FnMut(&Answer) -> bool,
        within: Duration,
    ) -> Result<Answer, SignalError> {
        let mut answer = self.answer.clone();
        match tokio::time::timeout(within, answer.wait_for(holds)).await {
            Ok(Ok(answer)) => Ok(answer.clone()),
            Ok(Err(_)) => Err(SignalError::Ended),
            Err(_) => Err(SignalError::Unanswered),
        }
    }

    /// Blocks until it was seen to have worked.
    fn confirmed_blocking(&self) -> Result<Done, SignalError> {
        self.shared.wait_over(&self.answer, self.takes + ANSWER_WITHIN);
        let is_closed = self.answer.has_changed().is_err();
        let over = self.answer.borrow().over.clone();
        let unanswered = if is_closed { SignalError::Ended } else { SignalError::Unanswered };
        over.unwrap_or(Err(unanswered))
    }
}

impl Tree {
    /// Kills the whole tree, paused or not.
    ///
    /// # Errors
    /// If it had ended, or something is left of it.
    pub async fn kill(&self) -> Result<Done, SignalError> {
        self.send_kill().confirmed().await
    }

    /// Stops every process of the tree.
    ///
    /// # Errors
    /// If it had ended, or a process is not stopped.
    pub async fn pause(&self) -> Result<Done, SignalError> {
        self.send_pause().confirmed().await
    }

    /// Lets every process of the tree go on.
    ///
    /// # Errors
    /// If it had ended, or a process is still stopped.
    pub async fn resume(&self) -> Result<Done, SignalError> {
        self.send_resume().confirmed().await
    }

    /// Sends a signal to every process of the tree, paused or not, and SIGKILL to what is left after `within`.
    ///
    /// # Errors
    /// If it had ended, or something is left of it.
    pub async fn terminate(&self, signal: Signal, within: Duration) -> Result<Done, SignalError> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let act = TreeAct::Terminate { signal: signal as i32, within_ms };
        self.send(act, within).confirmed().await
    }

    /// Stops every process of the tree for a moment, until [`go`](Self::go): as far as anybody was told it is not paused,
    /// and a pause that is ordered meanwhile holds.
    ///
    /// # Errors
    /// [`SignalError::Paused`] if it is paused: then nothing is done. If it had ended, or a process is not stopped.
    pub async fn halt(&self) -> Result<Done, SignalError> {
        self.send(TreeAct::Halt, Duration::ZERO).confirmed().await
    }

    /// Ends what [`halt`](Self::halt) began.
    ///
    /// # Errors
    /// [`SignalError::Paused`] if it is paused: then nothing is done. If it had ended, or a process is still stopped.
    pub async fn go(&self) -> Result<Done, SignalError> {
        self.send(TreeAct::Go, Duration::ZERO).confirmed().await
    }

    /// [`halt`](Self::halt) for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn halt_blocking(&self) -> Result<Done, SignalError> {
        self.send(TreeAct::Halt, Duration::ZERO).confirmed_blocking()
    }

    /// [`go`](Self::go) for a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn go_blocking(&self) -> Result<Done, SignalError> {
        self.send(TreeAct::Go, Duration::ZERO).confirmed_blocking()
    }

    /// Looks whether every thread of every process of the tree is stopped.
    ///
    /// # Errors
    /// [`SignalError::NotDone`] with those that are not. If it had ended.
    pub async fn seen_stopped(&self) -> Result<Done, SignalError> {
        self.send(TreeAct::Look, Duration::ZERO).confirmed().await
    }

    /// Orders a [`kill`](Self::kill).
    pub(crate) fn send_kill(&self) -> Sent {
        self.send(TreeAct::Kill, Duration::ZERO)
    }

    /// Orders a [`pause`](Self::pause).
    pub(crate) fn send_pause(&self) -> Sent {
        self.send(TreeAct::Pause, Duration::ZERO)
    }

    /// Orders a [`resume`](Self::resume).
    pub(crate) fn send_resume(&self) -> Sent {
        self.send(TreeAct::Resume, Duration::ZERO)
    }

    /// The answer to what the guard is not told, but knows the time of.
    pub(super) fn expect(&self, id: u64, takes: Duration) -> Sent {
        let answer = self.shared.expect_answer(id);
        Sent { answer, takes, ends: true, shared: Arc::clone(&self.shared) }
    }

    fn send(&self, act: TreeAct, takes: Duration) -> Sent {
        let id = self.next_order.fetch_add(1, Ordering::Relaxed);
        let answer = self.shared.expect_answer(id);
        // A guard that takes no orders has ended, or is about to be found so: then there is no answer either.
        if let Err(error) = self.tell(&Order { id, act }) {
            tracing::debug!(pid = self.pid, %error, "the guard takes no orders");
        }
        let ends = matches!(act, TreeAct::Kill | TreeAct::Terminate { .. });
        Sent { answer, takes, ends, shared: Arc::clone(&self.shared) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::leftovers::Leftovers;
    use super::super::protocol::Report;
    use super::*;

    /// What comes of an order to kill if the guard says this, and ends.
    async fn killed(said: &[Report]) -> Result<Done, SignalError> {
        let (shared, _started) = Shared::new(Leftovers::new("mark".to_owned(), false), None);
        let shared = Arc::new(shared);
        let answer = shared.expect_answer(1);
        let (takes, ends) = (Duration::ZERO, true);
        let sent = Sent { answer, takes, ends, shared: Arc::clone(&shared) };
        for report in said {
            shared.take_line(&serde_json::to_string(report).unwrap());
        }
        shared.guard_ended_there(true);
        sent.confirmed().await
    }

    const BEGUN: Report = Report::Begun { id: 1, at_us: 10 };

    fn ended(signal: i32, asked: bool) -> [Report; 2] {
        [Report::Ended { status: signal, at_us: 12, asked }, Report::Empty { at_us: 13, asked }]
    }

    #[tokio::test]
    async fn a_tree_that_ends_of_the_first_signal_before_its_guard_answers_was_killed() {
        let [main, all] = ended(Signal::SIGKILL as i32, true);
        let done = Done { at_monotonic_us: 10, confirmed_monotonic_us: 12, forced: true };
        assert_eq!(killed(&[BEGUN, main, all]).await, Ok(done));
    }

    #[tokio::test]
    async fn one_that_had_ended_or_crashed_before_the_signal_came_was_not() {
        let [main, all] = ended(Signal::SIGKILL as i32, true);
        assert_eq!(killed(&[main, all]).await, Err(SignalError::Ended), "another order did it");
        let [main, all] = ended(Signal::SIGABRT as i32, false);
        assert_eq!(killed(&[BEGUN, main, all]).await, Err(SignalError::Ended));
        assert_eq!(killed(&[BEGUN]).await, Err(SignalError::Ended), "its guard was killed");
    }
}
