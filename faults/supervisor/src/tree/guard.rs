//! The program that stands between the harness and one process of a target: it starts the process, keeps its descendants
//! together, and ends them all when it is told to, when the harness is gone, or when they take more than they may.
//!
//! The invariants: the guard ends only once nothing of its tree is left, which the kernel proves (a subreaper without
//! children has no descendants); and it obeys nobody but the harness at the other end of its input.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::unistd::{Pid, setpgid};
use rustix::process::{Signal, WaitOptions, wait};

use super::adopter;
use super::launcher;
use super::log_file::LogFile;
use super::members::{self, Root};
use super::protocol::{Identity, MAX_MESSAGE_BYTES, Order, Part, Report, Start, TreeAct};
use super::undoer;
use super::{Limit, Limits, Surroundings};
use crate::clock::monotonic_us;
use crate::lines::lines;
use crate::locked::locked;

/// How often the tree's members are counted where a limit was set.
const COUNT_LIMITED: Duration = Duration::from_millis(100);
/// How often else: the list is for the case that the guard itself is killed.
pub(super) const COUNT_UNLIMITED: Duration = Duration::from_millis(500);
/// The most members whose identities are told to the harness.
pub(super) const MAX_TOLD: usize = 4096;
/// How long an act on the whole tree may take to be seen. The bound allows for a machine that is loaded to the brim.
pub(super) const CONFIRM_WITHIN: Duration = Duration::from_secs(5);
/// How long a tree may take to be stopped before it is killed or asked to end. Who does not stop in that time hangs in the disk or
/// forks very fast, and is killed all the same.
pub(super) const STOP_BEFORE_KILL: Duration = Duration::from_secs(1);
/// How long a guard without a harness goes on killing. What is left by then hangs in the kernel with its SIGKILL, and
/// ends as soon as it comes back from there.
const ABANDONED_WITHIN: Duration = Duration::from_secs(60);
/// Between two rounds of killing.
const KILL_AGAIN: Duration = Duration::from_millis(1);
/// How long the log may take to be written once nobody is left who writes it.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);
const KILL: i32 = Signal::KILL.as_raw();
/// The signals that end a program by default and that a terminal or an operator sends. They end the tree first.
pub(crate) const ENDING: [NixSignal; 4] =
    [NixSignal::SIGTERM, NixSignal::SIGINT, NixSignal::SIGHUP, NixSignal::SIGQUIT];

/// The whole program of a guard, for the caller's `main` to call (and return from) when it was started as a
/// [`GuardProgram`](super::GuardProgram) says. It reads its orders from its standard input.
#[must_use]
pub fn guard() -> ExitCode {
    let mut first = String::new();
    let read = io::stdin().lock().take(MAX_MESSAGE_BYTES).read_line(&mut first);
    let part = read.ok().and_then(|_| serde_json::from_str(&first).ok());
    match part {
        Some(Part::Launcher { start, guard_pid }) => launcher::launch(&start, guard_pid),
        Some(Part::Guard(start)) => kept(keep(&start)),
        Some(Part::Adopter(adoption)) => kept(adopter::adopt(&adoption)),
        Some(Part::Undoer(undoing)) => kept(undoer::stand_by(&undoing)),
        None => {
            eprintln!(
                "error: this is a part of the program that it starts for itself; it needs no starting by hand"
            );
            ExitCode::FAILURE
        }
    }
}

/// The end of a guard, which says so if it has kept nothing.
fn kept(kept: Result<(), String>) -> ExitCode {
    match kept {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tell(&Report::NotStarted { reason });
            ExitCode::FAILURE
        }
    }
}

/// What the threads of a guard know of its tree.
#[derive(Debug, Default)]
struct Known {
    /// When the last member was gone.
    emptied_us: Option<u64>,
    /// The signal of the last order to end.
    told_to_end: Option<i32>,
    /// Whether the harness is gone, or an order came that does not wait for a polite end.
    hurried: bool,
    drained: bool,
    /// Whether a kill has begun that nobody was told of yet.
    is_beginning: bool,
}

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    changed: Condvar,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut locked(&self.known));
        self.changed.notify_all();
    }

    /// Waits until `holds`, or for as long as `within`; says whether it does.
    fn wait(&self, within: Duration, holds: impl Fn(&Known) -> bool) -> bool {
        let known = locked(&self.known);
        let waited = self.changed.wait_timeout_while(known, within, |known| !holds(known));
        waited.is_ok_and(|(known, _)| holds(&known))
    }

    /// Notes that the tree is about to be killed, unless nothing is left of it: that end was its own.
    fn hurry_to_end(&self) -> bool {
        let mut is_left = false;
        self.change(|known| {
            is_left = known.emptied_us.is_none();
            if is_left {
                (known.told_to_end, known.hurried) = (Some(KILL), true);
                known.is_beginning = true;
            }
        });
        is_left
    }

    fn is_empty(&self) -> bool {
        locked(&self.known).emptied_us.is_some()
    }
}

enum GuardEvent {
    /// An order, and when it came.
    Ordered(Order, u64),
    Abandoned,
    Emptied,
}

struct Guard {
    /// Everybody below the guard.
    root: Root,
    /// The process that was started. A signal through this reaches nobody else, whoever has its pid.
    main: Arc<OwnedFd>,
    /// Whether a pause lasts.
    paused: bool,
    shared: Arc<Shared>,
    told: Vec<Identity>,
    over_limit: bool,
}

/// Starts the process and stays until nothing of its tree is left.
fn keep(start: &Start) -> Result<(), String> {
    // A Ctrl-C at a terminal is the harness's. Only one that leads a session already cannot be moved, and has no terminal.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    let ending = SigSet::from_iter(ENDING);
    ending.thread_block().map_err(|error| format!("cannot block signals: {error}"))?;
    prctl::set_child_subreaper(true)
        .map_err(|error| format!("cannot keep descendants: {error}"))?;
    let Surroundings { log: path, log_bytes, .. } = &start.surroundings;
    let log = LogFile::open(path, *log_bytes)
        .map_err(|error| format!("cannot write the log {}: {error}", path.display()))?;
    let pid = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
    let shared = Arc::new(Shared::default());
    let (events, happened) = mpsc::channel();
    let at_us = monotonic_us();
    let (process, pipe) = launcher::start(start, pid)?;
    let main_pid = process.id();
    // Before anybody could reap it.
    let main = i32::try_from(main_pid).ok().and_then(members::handle_of);
    let main = Arc::new(main.ok_or("no file descriptor is left")?);
    tell(&Report::Started { pid: main_pid, at_us });

    let draining = Arc::clone(&shared);
    let mut started = in_thread("log", move || {
        log.drain(pipe);
        draining.change(|known| known.drained = true);
    });
    let (reaping, emptied) = (Arc::clone(&shared), events.clone());
    started &= in_thread("reaper", move || reap(main_pid, &reaping, &emptied));
    let (ordered, hurrying) = (events.clone(), Arc::clone(&shared));
    let first = Arc::clone(&main);
    started &= in_thread("orders", move || {
        take_orders(io::stdin().lock(), &ordered, &hurrying, &first);
    });
    let hurrying = Arc::clone(&shared);
    started &= in_thread("signals", move || {
        // A signal that was not waited for is as good a reason to end as one that was.
        let _ = ending.wait();
        abandon(&events, &hurrying);
    });
    let root = Root::Below(pid);
    let mut guard =
        Guard { root, main, paused: false, shared, told: Vec::new(), over_limit: false };
    if !started {
        // The reaper may be what is missing, so the processes are killed without proof that they are gone.
        let _ = members::stop_all(root, STOP_BEFORE_KILL, || false);
        let _ = members::kill_met(root);
        return Err("cannot start a thread".to_owned());
    }
    guard.serve(&happened, start);
    Ok(())
}

impl Guard {
    fn serve(&mut self, happened: &Receiver<GuardEvent>, start: &Start) {
        let limited = start.limits != Limits::default();
        let period = if limited { COUNT_LIMITED } else { COUNT_UNLIMITED };
        let mut count_at = Instant::now();
        loop {
            match happened.recv_timeout(count_at.saturating_duration_since(Instant::now())) {
                Ok(GuardEvent::Ordered(order, at_us)) => self.obey(&order, at_us),
                Ok(GuardEvent::Emptied) => break,
                Ok(GuardEvent::Abandoned) | Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.kill(ABANDONED_WITHIN);
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.count(start);
                    count_at = Instant::now() + period;
                }
            }
        }
        // Who wrote the log is gone; what is still in the pipe belongs to it. What the tree ended of may not have been told yet.
        self.shared.wait(DRAIN_WITHIN, |known| known.drained && !known.is_beginning);
        let known = locked(&self.shared.known);
        if let Some(at_us) = known.emptied_us {
            tell(&Report::Empty { at_us, asked: known.told_to_end.is_some() });
        }
    }

    /// Carries out an order. A kill's first signal was sent when it came.
    fn obey(&mut self, order: &Order, came_us: u64) {
        let id = order.id;
        let is_kill = order.act == TreeAct::Kill;
        let at_us = if is_kill { came_us } else { monotonic_us() };
        let held = self.paused && matches!(order.act, TreeAct::Halt | TreeAct::Go);
        match order.act {
            // The guard's own end is the answer.
            _ if self.shared.is_empty() => return,
            _ if held => return tell(&Report::Held { id }),
            TreeAct::Kill => {}
            _ => tell(&Report::Begun { id, at_us }),
        }
        let done = match order.act {
            TreeAct::Kill => self.kill(CONFIRM_WITHIN).map(|()| true),
            TreeAct::Terminate { signal, within_ms } => {
                self.shared.change(|known| known.told_to_end = Some(signal));
                self.terminate(signal, Duration::from_millis(within_ms))
            }
            TreeAct::Pause | TreeAct::Halt => {
                self.paused |= order.act == TreeAct::Pause;
                members::stop_all(self.root, CONFIRM_WITHIN, || self.shared.is_empty())
                    .map(|()| false)
            }
            TreeAct::Resume | TreeAct::Go => {
                self.paused = false;
                members::continue_all(self.root, CONFIRM_WITHIN).map(|()| false)
            }
            TreeAct::Look => members::all_stopped(self.root).map(|()| false),
        };
        tell(&match done {
            Ok(forced) => {
                let ends = matches!(order.act, TreeAct::Kill | TreeAct::Terminate { .. });
                let emptied_us = locked(&self.shared.known).emptied_us.filter(|_| ends);
                let confirmed_us = emptied_us.unwrap_or_else(monotonic_us);
                Report::Done { id, at_us, confirmed_us, forced }
            }
            Err(_) if self.shared.is_empty() => return,
            Err(reason) => Report::NotDone { id, reason },
        });
    }

    /// Asks everybody to end, and kills what is left after a time. Says whether that was needed.
    fn terminate(&self, signal: i32, within: Duration) -> Result<bool, String> {
        let signal =
            Signal::from_named_raw(signal).ok_or_else(|| format!("there is no signal {signal}"))?;
        // The kernel's list of children may leave somebody out while others end, and nobody may be missed. Who cannot be
        // stopped in time is told all the same.
        let _ = members::stop_all(self.root, STOP_BEFORE_KILL, || self.shared.is_empty());
        members::signal_all(self.root, signal)?;
        // They hear of it only once they go on.
        members::signal_all(self.root, Signal::CONT)?;
        if self.shared.wait(within, |known| known.emptied_us.is_some() || known.hurried)
            && self.shared.is_empty()
        {
            return Ok(false);
        }
        self.kill(CONFIRM_WITHIN).map(|()| true)
    }

    /// Kills everybody: at once the process that was started, whose end is waited for and measured; then the others, first
    /// stopped, so that none is started by one that is still to be killed.
    fn kill(&self, within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        // If it is refused, so is the stop of the same process, which says why.
        let _ = members::send(&self.main, Signal::KILL);
        let mut refused = members::stop_all(self.root, STOP_BEFORE_KILL, || self.shared.is_empty());
        loop {
            let left = match members::kill_met(self.root) {
                Ok(look) => look.members,
                Err(reason) => {
                    refused = Err(reason);
                    Vec::new()
                }
            };
            if self.shared.wait(KILL_AGAIN, |known| known.emptied_us.is_some()) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                refused?;
                return Err(format!("killed, and not gone yet: {}", members::named(&left)));
            }
        }
    }

    /// Counts members and memory, tells who is there, and ends a tree that takes too much.
    fn count(&mut self, start: &Start) {
        let members = members::look(self.root, |_, _| {}).members;
        let living = || members.iter().filter(|member| !member.zombie);
        if let Some((limit, reason)) = over_limit(start, living().map(|member| member.identity.pid))
            && !self.over_limit
        {
            self.over_limit = true;
            tell(&Report::OverLimit { limit, reason });
        }
        if self.over_limit {
            // What is left after the bound is met again at the next count.
            let _ = self.kill(CONFIRM_WITHIN);
            return;
        }
        let mut identities: Vec<_> =
            living().map(|member| member.identity).take(MAX_TOLD).collect();
        identities.sort_unstable();
        if identities != self.told {
            tell(&Report::Members { members: identities.clone() });
            self.told = identities;
        }
    }
}

/// What a tree of these processes takes too much of, with a sentence about it.
fn over_limit(start: &Start, pids: impl Iterator<Item = i32> + Clone) -> Option<(Limit, String)> {
    let processes = pids.clone().count();
    if let Some(allowed) = start.limits.processes.filter(|allowed| processes > *allowed) {
        let reason = format!("it had {processes} processes, and {allowed} are allowed");
        return Some((Limit::Processes, reason));
    }
    let allowed = start.limits.memory_mb?;
    let memory_mb = pids.map(members::own_memory_bytes).sum::<u64>() / (1024 * 1024);
    (memory_mb > allowed).then(|| {
        let reason = format!("it took {memory_mb} MiB of memory, and {allowed} are allowed");
        (Limit::Memory, reason)
    })
}

pub(crate) fn in_thread(name: &str, body: impl FnOnce() + Send + 'static) -> bool {
    thread::Builder::new().name(name.to_owned()).spawn(body).is_ok()
}

/// Reaps whoever ends, until nobody is left.
fn reap(main_pid: u32, shared: &Shared, emptied: &Sender<GuardEvent>) {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().unsigned_abs() == main_pid => {
                let at_us = monotonic_us();
                let asked = match locked(&shared.known).told_to_end {
                    // A crash just before our SIGKILL is a crash.
                    Some(KILL) => status.terminating_signal() == Some(KILL),
                    told => told.is_some(),
                };
                tell(&Report::Ended { status: status.as_raw(), at_us, asked });
            }
            Err(rustix::io::Errno::CHILD) => break,
            _ => {}
        }
    }
    shared.change(|known| known.emptied_us = Some(monotonic_us()));
    // The guard may have come to its end already.
    let _ = emptied.send(GuardEvent::Emptied);
}

/// Passes on the harness's orders, until there is no harness. The first signal of a kill is sent here: what is under way
/// takes milliseconds, and they would be a part of every outage.
fn take_orders(
    orders: impl BufRead,
    ordered: &Sender<GuardEvent>,
    shared: &Shared,
    main: &OwnedFd,
) {
    for line in lines(orders, MAX_MESSAGE_BYTES) {
        let Ok(order) = serde_json::from_str::<Order>(&line) else { break };
        let mut at_us = monotonic_us();
        if order.act == TreeAct::Kill && shared.hurry_to_end() {
            at_us = monotonic_us();
            // Whether it worked is seen by the thread that goes on with it.
            let _ = members::send(main, Signal::KILL);
            tell(&Report::Begun { id: order.id, at_us });
            shared.change(|known| known.is_beginning = false);
        }
        if ordered.send(GuardEvent::Ordered(order, at_us)).is_err() {
            return;
        }
    }
    abandon(ordered, shared);
}

fn abandon(events: &Sender<GuardEvent>, shared: &Shared) {
    shared.change(|known| known.hurried = true);
    // The guard may have come to its end already.
    let _ = events.send(GuardEvent::Abandoned);
}

/// Tells the harness. That it is gone shows at the input.
pub(super) fn tell(report: &Report) {
    let Ok(mut line) = serde_json::to_vec(report) else { return };
    line.push(b'\n');
    let mut output = io::stdout().lock();
    let _ = output.write_all(&line).and_then(|()| output.flush());
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// Nobody carries the order out here: what the process dies of was sent when it came.
    #[test]
    fn a_kill_reaches_the_started_process_as_soon_as_it_is_ordered() {
        let mut process = Command::new("sleep").arg("60").spawn().unwrap();
        let main = members::handle_of(process.id().cast_signed()).unwrap();
        let (shared, before_us) = (Shared::default(), monotonic_us());
        let (ordered, happened) = mpsc::channel();
        let order = serde_json::to_string(&Order { id: 1, act: TreeAct::Kill }).unwrap();
        take_orders(order.as_bytes(), &ordered, &shared, &main);
        assert_eq!(process.wait().unwrap().signal(), Some(KILL));
        let GuardEvent::Ordered(order, at_us) = happened.recv().unwrap() else {
            panic!("no order")
        };
        assert!(order.act == TreeAct::Kill && before_us <= at_us && at_us <= monotonic_us());
        assert_eq!(locked(&shared.known).told_to_end, Some(KILL));
    }

    #[test]
    fn nobody_is_told_to_end_of_whom_nothing_is_left() {
        let shared = Shared::default();
        shared.change(|known| known.emptied_us = Some(1));
        assert!(!shared.hurry_to_end());
        assert_eq!(locked(&shared.known).told_to_end, None);
    }
}
