//! The descendants of a guard, or of a process that something else keeps, as `/proc` shows them, and signals to all of them.
//!
//! A guard is a subreaper: whoever loses the parent becomes the guard's child, so every member of the tree hangs on it at
//! every moment. Of another process who has lost the parent is out of sight. Members come and go while they are listed, so a look is repeated until two agree. The invariant: no signal
//! reaches a stranger. It goes through a pidfd that was opened *before* the process was seen to be a descendant, so a pid
//! that was given to another process meanwhile does no harm.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::protocol::Identity;

/// How long a look at stopping or continuing members waits before the next.
const LOOK_AGAIN: Duration = Duration::from_micros(500);
/// The most processes that a look lists: the kernel's own default for a machine of this size. What is over it is found
/// by a later look, once those before it are gone.
const MAX_MEMBERS: usize = 32_768;
/// The most processes that a message names.
const MAX_NAMED: usize = 5;

/// Whose tree is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Root {
    /// All below this guard, which is none of them.
    Below(i32),
    /// This process, and all below it.
    From(Identity),
}

/// A process of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) identity: Identity,
    pub(super) name: String,
    /// Whether it has ended and waits for its parent to take notice.
    pub(super) zombie: bool,
}

/// One look at a tree.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) members: Vec<Member>,
    /// Whether somebody was listed and gone before it could be looked at: who it started may have been missed.
    vanished: bool,
}

/// What a `/proc` stat line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) state: char,
    pub(super) parent: i32,
    pub(super) started_ticks: u64,
}

/// Reads a stat line; the name in it may hold spaces and brackets.
pub(super) fn parse_stat(line: &str) -> Option<Stat> {
    let (head, tail) = line.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    // The 22nd field of the line; two came before the state, and two were taken.
    let started_ticks = fields.nth(17)?.parse().ok()?;
    Some(Stat { name, state, parent, started_ticks })
}

pub(super) fn stat_of(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// When a process was started that is there, in ticks since the machine was: with its pid, what no other process has.
#[must_use]
pub fn started_ticks(pid: u32) -> Option<u64> {
    stat_of(pid.try_into().ok()?).map(|stat| stat.started_ticks)
}

/// A handle that stays with this very process, whoever has its pid later.
pub(crate) fn handle_of(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

/// The states of all threads; empty if the process is gone.
fn thread_states(pid: i32) -> Vec<char> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .filter_map(|stat| Some(parse_stat(&stat)?.state))
        .collect()
}

/// Whether no thread of the process can run until it is continued.
fn is_stopped(pid: i32) -> bool {
    thread_states(pid).iter().all(|state| matches!(state, 'T' | 't' | 'Z' | 'X'))
}

/// Whether a thread of the process is stopped.
fn has_stopped_thread(pid: i32) -> bool {
    thread_states(pid).contains(&'T')
}

/// The children of a process. A kernel may lack the file that lists them; then everybody is asked for the parent.
fn children_of(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => {
                children.extend(
                    list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()),
                );
            }
            Err(_) if !fs::exists("/proc/thread-self/children").unwrap_or(true) => {
                return all_pids()
                    .filter(|other| stat_of(*other).is_some_and(|stat| stat.parent == pid))
                    .collect();
            }
            // The thread ended meanwhile.
            Err(_) => {}
        }
    }
    children
}

/// Every process of the machine.
pub(super) fn all_pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Looks at everybody of a tree, and calls `visit` for each as soon as it is known to be of it.
pub(super) fn look(root: Root, mut visit: impl FnMut(&Member, &OwnedFd)) -> Look {
    let mut look = Look::default();
    let (mut known, mut waiting) = match root {
        Root::Below(guard) => (BTreeSet::from([guard]), VecDeque::from(children_of(guard))),
        Root::From(first) => (BTreeSet::new(), VecDeque::from([first.pid])),
    };
    while let Some(pid) = waiting.pop_front() {
        if known.contains(&pid) || known.len() > MAX_MEMBERS {
            continue;
        }
        let Some(handle) = handle_of(pid) else {
            look.vanished = true;
            continue;
        };
        let is_of_it = |stat: &Stat| match root {
            Root::From(first) if first.pid == pid => stat.started_ticks == first.started_ticks,
            _ => known.contains(&stat.parent),
        };
        let Some(stat) = stat_of(pid).filter(is_of_it) else {
            look.vanished = true;
            continue;
        };
        known.insert(pid);
        let identity = Identity { pid, started_ticks: stat.started_ticks };
        // A process whose first thread has ended lives on in the others.
        let zombie =
            stat.state == 'Z' && thread_states(pid).iter().all(|state| matches!(state, 'Z' | 'X'));
        let member = Member { identity, name: stat.name, zombie };
        if !zombie {
            visit(&member, &handle);
        }
        waiting.extend(children_of(pid));
        look.members.push(member);
    }
    look
}

/// Sends a signal through a handle. That the process is gone by now is no failure.
pub(crate) fn send(handle: &OwnedFd, signal: Signal) -> Result<(), rustix::io::Errno> {
    match pidfd_send_signal(handle, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        sent => sent,
    }
}

/// Sends a signal to every member that a look finds, once the look is over: a member that goes on, or ends, at its signal
/// hands its children to the guard, whose list was read by then. Complete if everybody is stopped.
pub(super) fn signal_all(root: Root, signal: Signal) -> Result<Look, String> {
    let look = look(root, |_, _| {});
    let mut refused = None;
    for member in look.members.iter().filter(|member| !member.zombie) {
        let Identity { pid, started_ticks } = member.identity;
        let Some(handle) = handle_of(pid) else { continue };
        if stat_of(pid).is_some_and(|stat| stat.started_ticks == started_ticks) {
            refused = refusal(member, send(&handle, signal)).or(refused);
        }
    }
    refused.map_or(Ok(look), Err)
}

/// Sends SIGKILL to every member as soon as a look meets it, so that one that comes and goes is met in time. Others may be
/// missed meanwhile, and are met by the next look.
pub(super) fn kill_met(root: Root) -> Result<Look, String> {
    let mut refused = None;
    let look = look(root, |member, handle| {
        refused = refusal(member, send(handle, Signal::KILL)).or(refused.take());
    });
    refused.map_or(Ok(look), Err)
}

fn refusal(member: &Member, sent: Result<(), rustix::io::Errno>) -> Option<String> {
    let error = sent.err()?;
    Some(format!("pid {} ({}): {error}", member.identity.pid, member.name))
}

/// Stops everybody. A stopped process starts no other, so two equal looks at nothing but stopped ones, with nobody gone
/// while they were taken, prove that there is no other.
///
/// # Errors
/// Who is not stopped `within`, or why nobody could be signalled.
pub(super) fn stop_all(
    root: Root,
    within: Duration,
    emptied: impl Fn() -> bool,
) -> Result<(), String> {
    let deadline = Instant::now() + within;
    let mut told = BTreeSet::new();
    let mut before = Vec::new();
    loop {
        let mut refused = None;
        let now = look(root, |member, handle| {
            if told.insert(member.identity) {
                refused = refusal(member, send(handle, Signal::STOP)).or(refused.take());
            }
        });
        let living = || now.members.iter().filter(|member| !member.zombie);
        let running: Vec<_> = living().filter(|member| !is_stopped(member.identity.pid)).collect();
        let stable = !now.vanished && now.members == before && running.is_empty();
        if stable && living().next().is_some() {
            return refused.map_or(Ok(()), Err);
        }
        if emptied() {
            return Err("nothing of it is left".to_owned());
        }
        if Instant::now() >= deadline {
            return Err(refused.unwrap_or_else(|| match running.as_slice() {
                [] => "its processes come and go faster than they can be stopped".to_owned(),
                running => format!("not stopped: {}", named(running.iter().copied())),
            }));
        }
        // Who is stopping needs a moment. Who comes and goes must be met at once.
        if now.members == before && !now.vanished {
            thread::sleep(LOOK_AGAIN);
        }
        before = now.members;
    }
}

/// Whether everybody is stopped now.
///
/// # Errors
/// Who is not.
pub(super) fn all_stopped(root: Root) -> Result<(), String> {
    let now = look(root, |_, _| {});
    let running: Vec<_> = now
        .members
        .iter()
        .filter(|member| !member.zombie && !is_stopped(member.identity.pid))
        .collect();
    if running.is_empty() { Ok(()) } else { Err(format!("not stopped: {}", named(running))) }
}

/// Continues everybody, until nobody is stopped.
///
/// # Errors
/// Who is still stopped after `within`, or why nobody could be signalled.
pub(super) fn continue_all(root: Root, within: Duration) -> Result<(), String> {
    let deadline = Instant::now() + within;
    loop {
        let now = signal_all(root, Signal::CONT)?;
        let living = now.members.iter().filter(|member| !member.zombie);
        let stopped: Vec<_> =
            living.filter(|member| has_stopped_thread(member.identity.pid)).collect();
        if stopped.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(format!("still stopped: {}", named(stopped)));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

/// Some members, for a message.
pub(super) fn named<'a>(members: impl IntoIterator<Item = &'a Member>) -> String {
    let mut names: Vec<_> = members
        .into_iter()
        .map(|member| format!("pid {} ({})", member.identity.pid, member.name))
        .collect();
    let more = names.len().saturating_sub(MAX_NAMED);
    names.truncate(MAX_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

/// The memory that is a process's own, in bytes: what is resident, without what is shared with files and others.
/// Memory shared between the members of a tree counts for none, lest a pool of workers count it many times.
pub(super) fn own_memory_bytes(pid: i32) -> u64 {
    let Ok(line) = fs::read_to_string(format!("/proc/{pid}/statm")) else { return 0 };
    let mut pages = line.split_ascii_whitespace().filter_map(|field| field.parse::<u64>().ok());
    let (Some(_), Some(resident), Some(shared)) = (pages.next(), pages.next(), pages.next()) else {
        return 0;
    };
    let page_bytes = rustix::param::page_size() as u64;
    resident.saturating_sub(shared).saturating_mul(page_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_behind_the_name() {
        let line = "12 (a) R (b)) T 7 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2";
        let stat = Stat { name: "a) R (b)".to_owned(), state: 'T', parent: 7, started_ticks: 4711 };
        assert_eq!(parse_stat(line), Some(stat));
        assert_eq!(parse_stat("nonsense"), None);
        assert_eq!(parse_stat("12 (cut) S 1 2"), None);
    }

    #[test]
    fn a_message_names_a_few_and_counts_the_rest() {
        let member = |pid| Member {
            identity: Identity { pid, started_ticks: 0 },
            name: "sh".to_owned(),
            zombie: false,
        };
        let members: Vec<_> = (1..=7).map(member).collect();
        assert!(named(&members).ends_with("pid 5 (sh), and 2 more"));
        assert_eq!(named(&members[..1]), "pid 1 (sh)");
    }

    #[test]
    fn our_own_memory_is_more_than_nothing() {
        assert!(own_memory_bytes(i32::try_from(std::process::id()).unwrap()) > 0);
        assert_eq!(own_memory_bytes(0), 0);
    }
}
