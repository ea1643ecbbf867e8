//! A process that is stopped and continued in turns, so that it gets a part of its time.
//!
//! A thread of its own does it: a task would share its workers with the clients that are measured, and come late
//! just when the machine is busy. A thread that sleeps is woken by the kernel's timer. If it comes late all
//! the same, the process is stopped for so much longer as it has run too long. The turns are short against a
//! ping's timeout, so that the process is slow, and does not hang again and again.
//!
//! The guard of the process stops and continues its whole tree, and says when it has seen that: so every turn is seen. A pause
//! that another fault orders meanwhile holds.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use supervisor::system::Incarnation;
use supervisor::tree::SignalError;
use tokio::sync::watch;

use crate::clock::monotonic_us;
use crate::process::ProcessName;
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
    pub(crate) fn start(
        name: ProcessName,
        process: Arc<Incarnation>,
        percent: Percent,
    ) -> io::Result<Self> {
        let (over, is_over) = mpsc::channel();
        let (seen, turns) = watch::channel(0);
        let run = move || {
            take_turns(&process, percent, &is_over, &seen);
            // A process that was slow must not stay stopped. One that is paused or down needs nothing.
            let _ = process.go_blocking();
        };
        let thread = thread::Builder::new().name(format!("slow-{name}")).spawn(run)?;
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
fn take_turns(
    process: &Incarnation,
    percent: Percent,
    over: &Receiver<()>,
    seen: &watch::Sender<u32>,
) {
    let runs_for = TURN * u32::from(percent.get()) / 100;
    // A part of a turn begins with its signal, and what it takes to see that is a part of it.
    let is_over = |part: Duration, begun_us: u64| {
        let elapsed = Duration::from_micros(monotonic_us().saturating_sub(begun_us));
        over.recv_timeout(part.saturating_sub(elapsed)) != Err(RecvTimeoutError::Timeout)
    };
    let mut ran_from_us = None;
    loop {
        let halted_us = match process.halt_blocking() {
            Ok(done) => done.at_monotonic_us,
            // It is slow again once it goes on.
            Err(SignalError::Paused) if !is_over(TURN, monotonic_us()) => {
                ran_from_us = None;
                continue;
            }
            Err(_) => return,
        };
        let ran = ran_from_us.map(|us| Duration::from_micros(halted_us.saturating_sub(us)));
        if is_over(stop_after(ran.unwrap_or(runs_for), percent), halted_us) {
            return;
        }
        match process.go_blocking() {
            Ok(done) => ran_from_us = Some(done.at_monotonic_us),
            Err(SignalError::Paused) => {
                ran_from_us = None;
                continue;
            }
            Err(_) => return,
        }
        seen.send_modify(|turns| *turns += 1);
        if is_over(runs_for, ran_from_us.unwrap_or_default()) {
            return;
        }
    }
}

/// How long a process that has run for `ran` is stopped, so that it has had its part of the time.
fn stop_after(ran: Duration, percent: Percent) -> Duration {
    let percent = u32::from(percent.get());
    (ran * (100 - percent) / percent).min(TURN * MAX_TURNS_LONGER)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use supervisor::system::{ProcessState, System};

    use super::*;
    use crate::testing::{seen_stopped, sh};

    const SOON: Duration = Duration::from_secs(20);
    const NAME: &str = "counter";

    /// A process that counts for ever, into a file.
    struct Counting {
        system: System,
        process: Arc<Incarnation>,
        count: PathBuf,
        _folder: tempfile::TempDir,
    }

    impl Counting {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let count = "n=0; while :; do n=$((n+1)); echo $n > count; done";
            let system = sh(folder.path(), NAME, count).await;
            let process = system.incarnation(NAME).unwrap();
            Self { system, process, count: folder.path().join("count"), _folder: folder }
        }

        fn slow(&self, part: u8) -> Slowing {
            let name = NAME.parse().unwrap();
            Slowing::start(name, Arc::clone(&self.process), percent(part)).unwrap()
        }

        async fn is_seen(&self, stopped: bool) -> bool {
            let pid = self.process.pid();
            let seen = async {
                while seen_stopped(pid) != stopped {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(SOON, seen).await.is_ok()
        }

        /// A file that is just being written is empty.
        fn counted(&self) -> u64 {
            let count = fs::read_to_string(&self.count).unwrap_or_default();
            count.trim().parse().unwrap_or(0)
        }
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
        let counting = Counting::start().await;
        let slowing = counting.slow(50);
        assert!(tokio::time::timeout(SOON, slowing.seen()).await.unwrap());
        let state = counting.process.state();
        assert_eq!(state, ProcessState::Running, "that is what it was told to do");
        assert!(counting.is_seen(true).await && counting.is_seen(false).await);
        let before = counting.counted();
        let counts = async {
            while counting.counted() < before + 1000 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(SOON, counts).await.unwrap();
        drop(slowing);
        assert!(counting.is_seen(false).await);
    }

    #[tokio::test]
    async fn a_pause_on_top_holds_until_its_resume() {
        let counting = Counting::start().await;
        let slowing = counting.slow(50);
        assert!(tokio::time::timeout(SOON, slowing.seen()).await.unwrap());
        counting.system.pause(NAME).await.unwrap();
        // It does not go on in any of the next turns.
        let turns = tokio::time::Instant::now() + 4 * TURN;
        while tokio::time::Instant::now() < turns {
            assert!(seen_stopped(counting.process.pid()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(counting.process.state(), ProcessState::Paused);
        let before = *slowing.turns.borrow();
        counting.system.resume(NAME).await.unwrap();
        let mut turns = slowing.turns.clone();
        let again = turns.wait_for(|turns| *turns > before);
        assert!(tokio::time::timeout(SOON, again).await.unwrap().is_ok(), "it is slow again");
        counting.system.pause(NAME).await.unwrap();
        drop(slowing);
        assert!(seen_stopped(counting.process.pid()), "the pause outlasts it");
    }

    #[tokio::test]
    async fn a_kill_ends_it() {
        let counting = Counting::start().await;
        let slowing = counting.slow(10);
        counting.system.kill(NAME).await.unwrap();
        assert!(counting.process.end().unwrap().asked);
        let mut turns = slowing.turns.clone();
        let ended = async { while turns.changed().await.is_ok() {} };
        tokio::time::timeout(SOON, ended).await.expect("nobody makes a dead process slow");
    }
}
