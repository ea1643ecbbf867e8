//! A process that is stopped and continued in turns, so that it gets a part of its time.
//!
//! A thread of its own does it: a task would share its workers with the clients that are measured, and come late
//! just when the machine is busy. A thread that sleeps is woken by the kernel's timer. If it comes late all
//! the same, the process is stopped for so much longer as it has run too long. The turns are short against a
//! ping's timeout, so that the process is slow, and does not hang again and again.
//!
//! Whether the process was stopped, and ran, is looked up at the end of each part of a turn, before the next signal.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::child::{Child, Unsent};
use crate::process::ProcessState;
use crate::schedule::Percent;

/// How long a turn takes. Pings come every 100 ms, and time out after 300 ms, unless the plan says otherwise.
const TURN: Duration = Duration::from_millis(50);
/// How much longer than its turn a process is stopped at most because it had run too long.
const MAX_TURNS_LONGER: u32 = 4;
/// A process that was seen in so many whole turns is slow.
const TURNS_SEEN: u32 = 2;

/// A process that is slow until this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Slowing {
    /// Dropped first, which ends the thread.
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    turns: watch::Receiver<u32>,
}

impl Slowing {
    /// Begins with the first stop.
    pub(crate) fn start(child: Arc<Child>, percent: Percent) -> io::Result<Self> {
        let (over, is_over) = mpsc::channel();
        let (seen, turns) = watch::channel(0);
        let name = format!("slow-{}", child.name());
        let run = move || {
            take_turns(&child, percent, &is_over, &seen);
            // A process that was slow must not stay stopped. One that is paused or down needs nothing.
            let _ = child.halt(false);
        };
        let thread = thread::Builder::new().name(name).spawn(run)?;
        Ok(Self { over: Some(over), thread: Some(thread), turns })
    }

    /// Completes with `true` once the process was seen stopped and running in turns, and with `false` if that ended before.
    pub(crate) fn seen(&self) -> impl Future<Output = bool> + Send + use<> {
        let mut turns = self.turns.clone();
        async move { turns.wait_for(|turns| *turns >= TURNS_SEEN).await.is_ok() }
    }
}

impl Drop for Slowing {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread that made a process slow has panicked");
        }
    }
}

/// Returns when the sender is gone, or the process.
fn take_turns(child: &Child, percent: Percent, over: &Receiver<()>, seen: &watch::Sender<u32>) {
    let runs_for = TURN * u32::from(percent.get()) / 100;
    let is_over = |after: Duration| over.recv_timeout(after) != Err(RecvTimeoutError::Timeout);
    let mut stopped_for = TURN - runs_for;
    loop {
        match child.halt(true) {
            Ok(()) => {}
            // It is slow again once it goes on.
            Err(Unsent::Is(ProcessState::Paused)) if !is_over(TURN) => continue,
            Err(_) => return,
        }
        if is_over(stopped_for) {
            return;
        }
        let was_stopped = child.threads_stopped() == Some(true);
        let continued = child.halt(false).is_ok();
        let continued_at = Instant::now();
        if is_over(runs_for) {
            return;
        }
        if was_stopped && continued && child.threads_stopped() == Some(false) {
            seen.send_modify(|turns| *turns += 1);
        }
        stopped_for = stop_after(continued_at.elapsed(), percent);
    }
}

/// How long a process that has run for `ran` is stopped, so that it has had its part of the time.
fn stop_after(ran: Duration, percent: Percent) -> Duration {
    let percent = u32::from(percent.get());
    (ran * (100 - percent) / percent).min(TURN * MAX_TURNS_LONGER)
}

#[cfg(test)]
mod tests {
    use records::built_in;
    use std::io::{BufRead, BufReader, Lines, PipeReader};
    use std::process::Command;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A process that counts for ever, in lines.
    fn counting() -> (Arc<Child>, Lines<BufReader<PipeReader>>) {
        let (reader, writer) = io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "n=0; while :; do n=$((n+1)); echo $n; done"]).stdout(writer);
        let child = Child::start(built_in::catalog(), command).unwrap();
        (Arc::new(child), BufReader::new(reader).lines())
    }

    fn percent(percent: u8) -> Percent {
        Percent::new(percent).unwrap()
    }

    #[test]
    fn who_ran_for_longer_is_stopped_for_longer_within_a_bound() {
        let ms = Duration::from_millis;
        assert_eq!(stop_after(ms(5), percent(10)), ms(45));
        assert_eq!(stop_after(ms(10), percent(10)), ms(90));
        assert_eq!(stop_after(ms(40), percent(80)), ms(10));
        assert_eq!(stop_after(ms(500), percent(10)), ms(200));
    }

    #[tokio::test]
    async fn a_slow_process_is_seen_stopped_and_running_and_counts_on() {
        let (child, mut lines) = counting();
        let slowing = Slowing::start(Arc::clone(&child), percent(50)).unwrap();
        assert!(tokio::time::timeout(SOON, slowing.seen()).await.unwrap());
        assert_eq!(child.state(), ProcessState::Running, "that is what it was told to do");
        assert!(child.seen_stopped(true, SOON).await.is_some());
        assert!(child.seen_stopped(false, SOON).await.is_some());
        // More than a pipe and a reader's buffer hold, so it was written meanwhile.
        let counted = lines.by_ref().take(100_000).last().unwrap().unwrap();
        assert_eq!(counted, "100000");
        drop(slowing);
        assert!(child.seen_stopped(false, SOON).await.is_some());
    }

    #[tokio::test]
    async fn a_pause_on_top_holds_until_its_resume() {
        let (child, _lines) = counting();
        let slowing = Slowing::start(Arc::clone(&child), percent(50)).unwrap();
        assert!(tokio::time::timeout(SOON, slowing.seen()).await.unwrap());
        child.pause().unwrap();
        assert!(child.seen_stopped(true, SOON).await.is_some());
        // It does not go on in any of the next turns.
        assert!(child.seen_stopped(false, 4 * TURN).await.is_none());
        assert_eq!(child.state(), ProcessState::Paused);
        let before = *slowing.turns.borrow();
        child.resume().unwrap();
        let mut turns = slowing.turns.clone();
        let again = turns.wait_for(|turns| *turns > before);
        assert!(tokio::time::timeout(SOON, again).await.unwrap().is_ok(), "it is slow again");
        child.pause().unwrap();
        drop(slowing);
        assert!(child.seen_stopped(true, SOON).await.is_some(), "the pause outlasts it");
    }

    #[tokio::test]
    async fn a_kill_ends_it() {
        let (child, _lines) = counting();
        let slowing = Slowing::start(Arc::clone(&child), percent(10)).unwrap();
        child.kill().unwrap();
        assert!(child.ended(SOON).await.unwrap().asked);
        let mut turns = slowing.turns.clone();
        let ended = async { while turns.changed().await.is_ok() {} };
        tokio::time::timeout(SOON, ended).await.expect("nobody makes a dead process slow");
    }
}
