//! The guard of a process that something else keeps: it finds the process, does to its whole tree what it is told to, and hands it
//! back.
//!
//! The invariants: nothing but an order to kill ends a process that ran when the harness came; and when the guard ends, because
//! the process has, because it is told to, or because the harness is gone, nothing that it stopped stays stopped.

use std::io::{self, BufRead};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use nix::unistd::{Pid, setpgid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::AdoptCommand;
use super::commands::Commands;
use super::guard::{
    CONFIRM_WITHIN, COUNT_UNLIMITED, ENDING, MAX_TOLD, STOP_BEFORE_KILL, in_thread, tell,
};
use super::members::{self, Root, stat_of};
use super::orphans;
use super::protocol::{Identity, MAX_MESSAGE_BYTES, Order, Report, TreeAct};
use crate::clock::monotonic_us;
use crate::lines::lines;

/// How long the command that starts the process may take. What keeps it may pull an image first.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long any other command may take. The harness waits for no answer much longer.
const COMMAND_WITHIN: Duration = Duration::from_secs(10);
/// How long after its start the process may take to be found.
const FOUND_WITHIN: Duration = Duration::from_secs(10);
/// How long after a question who it is the next is asked.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The most ancestors that are looked at: far more than processes are deep.
const MAX_ANCESTORS: usize = 1000;

/// The process that is adopted.
struct Found {
    identity: Identity,
    /// A signal through this reaches nobody else, whoever has its pid later.
    handle: OwnedFd,
}

enum AdopterEvent {
    Ordered(Order),
    /// The process has ended, and when.
    Ended(u64),
    Abandoned,
}

/// Finds or starts the process, and stays with it.
pub(super) fn adopt(adoption: &AdoptCommand) -> Result<(), String> {
    // A Ctrl-C at a terminal is the harness's. Only one that leads a session already cannot be moved, and has no terminal.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    let ending = SigSet::from_iter(ENDING);
    ending.thread_block().map_err(|error| format!("cannot block signals: {error}"))?;
    let commands = Commands::new(&adoption.surroundings)?;
    let at_us = monotonic_us();
    let (found, ran) = match find(&commands, adoption)? {
        Some(found) => (found, true),
        None => (start(&commands, adoption)?, false),
    };
    let pid = found.identity.pid.unsigned_abs();
    let (events, happened) = mpsc::channel();
    let handle = Arc::new(found.handle);
    let (watched, ended) = (Arc::clone(&handle), events.clone());
    let mut started = in_thread("watch", move || {
        wait_ended(&watched, None);
        let _ = ended.send(AdopterEvent::Ended(monotonic_us()));
    });
    let ordered = events.clone();
    started &= in_thread("orders", move || take_orders(io::stdin().lock(), &ordered));
    started &= in_thread("signals", move || {
        // A signal that was not waited for is as good a reason to end as one that was.
        let _ = ending.wait();
        let _ = events.send(AdopterEvent::Abandoned);
    });
    if !started {
        return Err("cannot start a thread".to_owned());
    }
    let was_down = adoption.was_down.unwrap_or(!ran);
    tell(&match was_down {
        false => Report::Found { pid, at_us },
        true => Report::Started { pid, at_us },
    });
    let root = Root::From(found.identity);
    let mut adopter = Adopter {
        adoption,
        commands,
        was_down,
        handle,
        root,
        paused: false,
        halted: false,
        told: Vec::new(),
    };
    adopter.serve(&happened);
    Ok(())
}

/// Who the process is, if it runs.
fn find(commands: &Commands<'_>, adoption: &AdoptCommand) -> Result<Option<Found>, String> {
    let printed = commands.ask(&adoption.adopt.pid, COMMAND_WITHIN)?;
    let printed = printed.trim();
    if printed.is_empty() || printed == "0" {
        return Ok(None);
    }
    let named = || commands.named(&adoption.adopt.pid);
    let pid = printed.parse::<i32>().ok().filter(|pid| *pid > 1);
    let pid = pid.ok_or_else(|| format!("{} printed {printed:?}, no process id", named()))?;
    if is_above_us(pid) {
        return Err(format!("{} printed {pid}, which the harness itself hangs on", named()));
    }
    let Some(handle) = members::handle_of(pid) else { return Ok(None) };
    let stat = stat_of(pid).filter(|stat| stat.state != 'Z');
    Ok(stat.map(|stat| Found {
        identity: Identity { pid, started_ticks: stat.started_ticks },
        handle,
    }))
}

/// Whether a process is the guard, or one that has started it: what it is paused with would never be resumed.
fn is_above_us(pid: i32) -> bool {
    let parent = |pid: &i32| stat_of(*pid).map(|stat| stat.parent);
    let own = i32::try_from(std::process::id()).ok();
    std::iter::successors(own, parent).take(MAX_ANCESTORS).any(|above| above == pid)
}

fn start(commands: &Commands<'_>, adoption: &AdoptCommand) -> Result<Found, String> {
    let asked = commands.named(&adoption.adopt.pid);
    let Some(start) = &adoption.adopt.start else {
        return Err(format!(
            "it does not run ({asked} names nobody), and nothing says how to start it"
        ));
    };
    commands.run(start, START_WITHIN)?;
    let deadline = Instant::now() + FOUND_WITHIN;
    loop {
        if let Some(found) = find(commands, adoption)? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            let (start, within) = (commands.named(start), FOUND_WITHIN.as_secs());
            return Err(format!("{start} has ended, and {asked} names nobody {within} s later"));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

struct Adopter<'a> {
    adoption: &'a AdoptCommand,
    commands: Commands<'a>,
    /// Whether it was down when the harness came.
    was_down: bool,
    handle: Arc<OwnedFd>,
    /// The process, and all below it.
    root: Root,
    /// Whether a pause lasts.
    paused: bool,
    /// Whether somebody may be stopped for a moment.
    halted: bool,
    told: Vec<Identity>,
}

impl Adopter<'_> {
    fn serve(&mut self, happened: &Receiver<AdopterEvent>) {
        let mut killed = false;
        let mut tell_at = Instant::now();
        loop {
            match happened.recv_timeout(tell_at.saturating_duration_since(Instant::now())) {
                Ok(AdopterEvent::Ordered(order)) => killed |= self.obey(&order),
                Ok(AdopterEvent::Ended(at_us)) => {
                    // Who it has left behind was stopped with it, and is nobody's to find later.
                    orphans::let_go_on(if self.paused || self.halted { &self.told } else { &[] });
                    return tell(&Report::Empty { at_us, asked: killed });
                }
                Ok(AdopterEvent::Abandoned) | Err(RecvTimeoutError::Disconnected) => {
                    self.hand_back();
                    return tell(&Report::Empty { at_us: monotonic_us(), asked: true });
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.tell_members();
                    tell_at = Instant::now() + COUNT_UNLIMITED;
                }
            }
        }
    }

    /// Carries out an order. Says whether it was one to kill.
    fn obey(&mut self, Order { id, act }: &Order) -> bool {
        let (id, act) = (*id, *act);
        if self.paused && matches!(act, TreeAct::Halt | TreeAct::Go) {
            tell(&Report::Held { id });
            return false;
        }
        let at_us = monotonic_us();
        tell(&Report::Begun { id, at_us });
        let done = match act {
            TreeAct::Kill => self.kill(),
            TreeAct::Pause => {
                self.paused = true;
                match &self.adoption.adopt.pause {
                    Some(pause) => self.commands.run(pause, COMMAND_WITHIN),
                    None => self.stop(),
                }
            }
            TreeAct::Resume => self.resume(),
            TreeAct::Halt => {
                self.halted = true;
                self.stop()
            }
            TreeAct::Go => {
                self.halted = false;
                members::continue_all(self.root, CONFIRM_WITHIN)
            }
            TreeAct::Look => members::all_stopped(self.root),
            TreeAct::Terminate { .. } => {
                Err("something else keeps it, so it is not asked to end".to_owned())
            }
        };
        tell(&match done {
            Ok(()) => Report::Done { id, at_us, confirmed_us: monotonic_us(), forced: false },
            Err(reason) => Report::NotDone { id, reason },
        });
        act == TreeAct::Kill
    }

    /// Stops everybody. The harness knows beforehand who they are, should the guard be killed.
    fn stop(&mut self) -> Result<(), String> {
        self.tell_members();
        let handle = Arc::clone(&self.handle);
        let stopped = members::stop_all(self.root, CONFIRM_WITHIN, || has_ended(&handle));
        self.tell_members();
        stopped
    }

    fn resume(&mut self) -> Result<(), String> {
        self.paused = false;
        match &self.adoption.adopt.resume {
            Some(resume) => self.commands.run(resume, COMMAND_WITHIN),
            None => members::continue_all(self.root, CONFIRM_WITHIN),
        }
    }

    /// Kills everybody. They are stopped first, for who has lost the parent is out of sight.
    fn kill(&mut self) -> Result<(), String> {
        if let Some(kill) = &self.adoption.adopt.kill {
            self.commands.run(kill, COMMAND_WITHIN)?;
        } else {
            // Who cannot be stopped in time is killed all the same.
            let _ = members::stop_all(self.root, STOP_BEFORE_KILL, || has_ended(&self.handle));
            let look = members::look(self.root, |_, _| {});
            let everybody: Vec<_> = look.members.iter().map(|member| member.identity).collect();
            // The one that answers comes first.
            members::send(&self.handle, Signal::KILL)
                .map_err(|error| format!("it cannot be killed: {error}"))?;
            if !orphans::kill_listed(&everybody) {
                let left = members::named(&look.members);
                return Err(format!("killed, and not gone yet: {left}"));
            }
        }
        match wait_ended(&self.handle, Some(CONFIRM_WITHIN)) {
            true => Ok(()),
            false => Err(format!("it was killed, and lives {} s later", CONFIRM_WITHIN.as_secs())),
        }
    }

    /// Leaves the process as it was found.
    fn hand_back(&mut self) {
        if self.was_down {
            if let Err(reason) = self.kill() {
                self.commands.note(&format!("it was down before, and is not now: {reason}"));
            }
            return;
        }
        if self.paused
            && let Err(reason) = self.resume()
        {
            self.commands.note(&format!("it was not resumed: {reason}"));
        }
        if self.halted {
            // Who is still stopped after the bound hangs in the kernel, and goes on when it comes back from there.
            let _ = members::continue_all(self.root, CONFIRM_WITHIN);
        }
    }

    fn tell_members(&mut self) {
        let look = members::look(self.root, |_, _| {});
        let living = look.members.into_iter().filter(|member| !member.zombie);
        let mut members: Vec<_> = living.map(|member| member.identity).take(MAX_TOLD).collect();
        members.sort_unstable();
        if members != self.told {
            tell(&Report::Members { members: members.clone() });
            self.told = members;
        }
    }
}

fn take_orders(orders: impl BufRead, ordered: &Sender<AdopterEvent>) {
    for line in lines(orders, MAX_MESSAGE_BYTES) {
        let Ok(order) = serde_json::from_str::<Order>(&line) else { break };
        if ordered.send(AdopterEvent::Ordered(order)).is_err() {
            return;
        }
    }
    // Who does not listen any more has ended.
    let _ = ordered.send(AdopterEvent::Abandoned);
}

fn has_ended(handle: &OwnedFd) -> bool {
    wait_ended(handle, Some(Duration::ZERO))
}

/// Waits for the end of a process, its parent's notice of it aside; says whether it has ended `within`.
pub(super) fn wait_ended(handle: &OwnedFd, within: Option<Duration>) -> bool {
    let deadline = within.map(|within| Instant::now() + within);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let mut ended = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
        match poll(&mut ended, left.as_ref()) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            // A handle that cannot be polled is none: nobody may wait for it for ever.
            Err(_) => return true,
        }
    }
}
