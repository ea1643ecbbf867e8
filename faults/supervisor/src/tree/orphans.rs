//! What is done when a guard was killed, with whom it kept: they are nobody's children now.
//!
//! The process that the guard started ends with it, by the kernel. The others are known by a variable in their
//! environment, which processes hand down, and by the guard's last list of them; their descendants are found from
//! there. Not covered: a process that wiped its environment and left its parent after that list.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::members::{all_pids, handle_of, send, stat_of};
use super::protocol::Identity;

/// Names the tree that a process belongs to, in its environment.
pub(super) const TREE_VARIABLE: &str = "SUPERVISOR_TREE";
/// How long they are looked for. Each look takes milliseconds, and two in a row must find nobody.
const KILL_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks: a process that is being killed needs a moment.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Kills everybody who belonged to a tree. Says whether nobody is left.
pub(super) fn kill(mark: &str, listed: &[Identity]) -> bool {
    kill_all(Some(format!("{TREE_VARIABLE}={mark}").into_bytes()), listed)
}

/// Kills everybody of the tree of this name, as far as that shows in their environment. Says whether nobody is left.
pub(crate) fn end_marked(mark: &str) -> bool {
    kill(mark, &[])
}

/// Kills these and all that they have started, and nobody else. Says whether nobody is left.
pub(super) fn kill_listed(listed: &[Identity]) -> bool {
    kill_all(None, listed)
}

/// Lets these go on, of a process that something else keeps: it is as it was found then.
pub(super) fn let_go_on(listed: &[Identity]) {
    for member in listed {
        let Some(handle) = handle_of(member.pid) else { continue };
        if stat_of(member.pid).is_some_and(|stat| stat.started_ticks == member.started_ticks) {
            // Who cannot be signalled was not stopped by us.
            let _ = send(&handle, Signal::CONT);
        }
    }
}

fn kill_all(entry: Option<Vec<u8>>, listed: &[Identity]) -> bool {
    let deadline = Instant::now() + KILL_WITHIN;
    let mut members: BTreeSet<Identity> = listed.iter().copied().collect();
    let mut nobody_before = false;
    loop {
        let nobody = round(entry.as_deref(), &mut members);
        if nobody && nobody_before {
            return true;
        }
        if Instant::now() >= deadline {
            return nobody;
        }
        nobody_before = nobody;
        thread::sleep(LOOK_AGAIN);
    }
}

/// Kills whom a look finds; says whether there was nobody.
fn round(entry: Option<&[u8]>, members: &mut BTreeSet<Identity>) -> bool {
    let mut nobody = true;
    for pid in all_pids() {
        // Opened first: the process whose life is looked at now is the one that the signal reaches.
        let Some(handle) = handle_of(pid) else { continue };
        let Some(stat) = stat_of(pid).filter(|stat| stat.state != 'Z') else { continue };
        let identity = Identity { pid, started_ticks: stat.started_ticks };
        let child_of_member = members.iter().any(|member| member.pid == stat.parent)
            && stat_of(stat.parent).is_some_and(|parent| {
                members
                    .contains(&Identity { pid: stat.parent, started_ticks: parent.started_ticks })
            });
        let is_marked = entry.is_some_and(|entry| has_entry(pid, entry));
        if members.contains(&identity) || child_of_member || is_marked {
            members.insert(identity);
            nobody = false;
            // Who cannot be killed is found again, and counts as left.
            let _ = send(&handle, Signal::KILL);
        }
    }
    nobody
}

fn has_entry(pid: i32, entry: &[u8]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).any(|variable| variable == entry)
}
