//! One child process as a small state machine: check, signal, confirm.
//!
//! The invariant: no signal is ever sent to a reaped pid, which by then may be somebody else's.
//! A thread per child waits for its end without reaping it (`WNOWAIT`), so the pid stays taken;
//! it then reaps under the same lock that every signal is sent under. The thread also gives the
//! end its exact time, which polling could not.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::clock::monotonic_us;
use crate::process::{ProcessName, ProcessState};
use supervisor::locked::locked;

/// How often `/proc` is looked at while a process is being paused or resumed. There is nothing
/// to wait on for that without taking the notice away from the thread that waits for the end.
const STATE_POLL: Duration = Duration::from_millis(1);
/// How long dropping a child waits for its end. SIGKILL takes milliseconds, unless the process
/// hangs in the disk; then the kernel finishes the work, and the drop need not wait for that.
const REAP_ON_DROP: Duration = Duration::from_secs(2);

/// How a process ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit {
    /// Its status; `None` if somebody else reaped it.
    pub(crate) status: Option<ExitStatus>,
    /// When, on `CLOCK_MONOTONIC`.
    pub(crate) at_monotonic_us: u64,
    /// Whether it ended because of a signal that we sent.
    pub(crate) asked: bool,
}

impl Exit {
    /// For people: `exit status: 3`, `signal: 9 (SIGKILL)`.
    pub(crate) fn describe(&self) -> String {
        self.status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string())
    }
}

/// Why a signal was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The process is not in the state that the signal is for.
    Is(ProcessState),
    /// The kernel refused.
    Refused(Errno),
}

#[derive(Debug)]
struct ChildStatus {
    process: std::process::Child,
    paused: bool,
    /// The last signal of ours that ends a process.
    told_to_end: Option<Signal>,
    exit: Option<Exit>,
}

#[derive(Debug)]
struct Shared {
    status: Mutex<ChildStatus>,
    ended: Condvar,
    exits: watch::Sender<Option<Exit>>,
}

impl Shared {
    /// A panic elsewhere does not make the process less real: it must still be killed.
    fn status(&self) -> MutexGuard<'_, ChildStatus> {
        locked(&self.status)
    }
}

/// A child process in its own process group. Dropping it kills the group.
#[derive(Debug)]
pub(crate) struct Child {
    name: ProcessName,
    pid: u32,
    started_monotonic_us: u64,
    /// When it was first seen to be ready, on `CLOCK_MONOTONIC`.
    pub(crate) ready_monotonic_us: OnceLock<u64>,
    death_reported: AtomicBool,
    shared: Arc<Shared>,
}

impl Child {
    /// Starts `command` in a process group of its own, with nothing to read.
    pub(crate) fn start(name: ProcessName, mut command: Command) -> io::Result<Self> {
        command.process_group(0).stdin(Stdio::null());
        let started_monotonic_us = monotonic_us();
        let process = command.spawn()?;
        let pid = process.id();
        let status = ChildStatus { process, paused: false, told_to_end: None, exit: None };
        let shared = Arc::new(Shared {
            status: Mutex::new(status),
            ended: Condvar::new(),
            exits: watch::Sender::new(None),
        });
        let watched = Arc::clone(&shared);
        let watcher = thread::Builder::new()
            .name(format!("wait-{name}"))
            .spawn(move || await_end(&watched, pid_of(pid)));
        if let Err(error) = watcher {
            let mut status = shared.status();
            status.process.kill()?;
            status.process.wait()?;
            return Err(error);
        }
        Ok(Self {
            name,
            pid,
            started_monotonic_us,
            ready_monotonic_us: OnceLock::new(),
            death_reported: AtomicBool::new(false),
            shared,
        })
    }

    pub(crate) fn name(&self) -> ProcessName {
        self.name
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn started_monotonic_us(&self) -> u64 {
        self.started_monotonic_us
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.shared.status().exit
    }

    pub(crate) fn state(&self) -> ProcessState {
        state_of(&self.shared.status())
    }

    /// An end that nobody asked for, told once.
    pub(crate) fn take_unasked_end(&self) -> Option<Exit> {
        let exit = self.exit().filter(|exit| !exit.asked)?;
        (!self.death_reported.swap(true, Ordering::Relaxed)).then_some(exit)
    }

    /// Sends SIGKILL, paused or not. Returns the time just before it was sent.
    pub(crate) fn kill(&self) -> Result<u64, Unsent> {
        self.signal(Signal::SIGKILL, |state| state != ProcessState::Down)
    }

    /// Sends SIGTERM. A paused process sees it only once it goes on.
    pub(crate) fn terminate(&self) -> Result<u64, Unsent> {
        self.signal(Signal::SIGTERM, |state| state != ProcessState::Down)
    }

    /// Sends SIGSTOP to a running process.
    pub(crate) fn pause(&self) -> Result<u64, Unsent> {
        self.signal(Signal::SIGSTOP, |state| state == ProcessState::Running)
    }

    /// Sends SIGCONT to a paused process.
    pub(crate) fn resume(&self) -> Result<u64, Unsent> {
        self.signal(Signal::SIGCONT, |state| state == ProcessState::Paused)
    }

    /// Stops a process for a moment or lets it go on, without a change of its [state](Self::state): it runs, as far as
    /// anybody was told. Nothing is sent to one that is paused, which stays so, or down.
    pub(crate) fn halt(&self, halted: bool) -> Result<(), Unsent> {
        let status = self.shared.status();
        match state_of(&status) {
            ProcessState::Running => {
                let signal = if halted { Signal::SIGSTOP } else { Signal::SIGCONT };
                killpg(pid_of(self.pid), signal).map_err(Unsent::Refused)
            }
            other => Err(Unsent::Is(other)),
        }
    }

    fn signal(&self, signal: Signal, fits: fn(ProcessState) -> bool) -> Result<u64, Unsent> {
        let mut status = self.shared.status();
        let state = state_of(&status);
        if !fits(state) {
            return Err(Unsent::Is(state));
        }
        let at_monotonic_us = monotonic_us();
        killpg(pid_of(self.pid), signal).map_err(Unsent::Refused)?;
        match signal {
            Signal::SIGSTOP => status.paused = true,
            Signal::SIGCONT => status.paused = false,
            _ => status.told_to_end = Some(signal),
        }
        Ok(at_monotonic_us)
    }

    /// Waits for the end; `None` if it does not come within `within`.
    pub(crate) async fn ended(&self, within: Duration) -> Option<Exit> {
        let mut exits = self.shared.exits.subscribe();
        let ended = tokio::time::timeout(within, exits.wait_for(Option::is_some)).await;
        ended.ok()?.ok().and_then(|exit| *exit)
    }

    /// Completes when the process has ended, however long that takes.
    pub(crate) fn death(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut exits = self.shared.exits.subscribe();
        async move {
            // Without a sender there is nobody left who waits for the process, which was killed.
            let _ = exits.wait_for(Option::is_some).await;
        }
    }

    /// Waits until the kernel says that every thread of the process is stopped; if `stopped` is false, that
    /// at least one is not. Returns when that was seen, in microseconds on `CLOCK_MONOTONIC`; `None` if it
    /// was not within `within`, or the process ended.
    pub(crate) async fn seen_stopped(&self, stopped: bool, within: Duration) -> Option<u64> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            match self.threads_stopped() {
                Some(all) if all == stopped => return Some(monotonic_us()),
                Some(_) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(STATE_POLL).await;
                }
                Some(_) | None => return None,
            }
        }
    }

    /// `Some(true)` if every thread is stopped, `Some(false)` if one is not; `None` if there is
    /// no process any more. The lock keeps the pid from being reaped, and reused, meanwhile.
    pub(crate) fn threads_stopped(&self) -> Option<bool> {
        let status = self.shared.status();
        if status.exit.is_some() {
            return None;
        }
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let mut states = threads
            // A thread that has ended between the listing and the look needs no stopping.
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok())
            .filter_map(|stat| thread_state(&stat));
        Some(states.all(|state| state == 'T'))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Already down is what is wanted; anything else shows in the wait below.
        let _ = self.kill();
        let status = self.shared.status();
        let waited = self
            .shared
            .ended
            .wait_timeout_while(status, REAP_ON_DROP, |status| status.exit.is_none());
        if waited.is_ok_and(|(_, timeout)| timeout.timed_out()) {
            tracing::warn!(process = %self.name, pid = self.pid, "killed, but not gone yet");
        }
    }
}

/// The body of the thread that waits for one child's end and reaps it.
fn await_end(shared: &Shared, pid: Pid) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
    let at_monotonic_us = monotonic_us();
    let mut status = shared.status();
    let exit_status = status.process.wait().ok();
    let asked = match status.told_to_end {
        // A crash just before our SIGKILL is a crash.
        Some(Signal::SIGKILL) => {
            exit_status.and_then(|status| status.signal()) == Some(Signal::SIGKILL as i32)
        }
        told => told.is_some(),
    };
    let exit = Exit { status: exit_status, at_monotonic_us, asked };
    status.exit = Some(exit);
    drop(status);
    shared.ended.notify_all();
    shared.exits.send_replace(Some(exit));
}

fn state_of(status: &ChildStatus) -> ProcessState {
    match status {
        ChildStatus { exit: Some(_), .. } => ProcessState::Down,
        ChildStatus { paused: true, .. } => ProcessState::Paused,
        _ => ProcessState::Running,
    }
}

/// Linux pids are below 2^22.
fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX))
}

/// The state letter of a `/proc` stat line; the name before it may hold spaces and brackets.
fn thread_state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests;
