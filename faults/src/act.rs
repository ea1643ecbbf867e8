//! What was done to a process, and how it is seen to have worked.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use records::End;

use crate::child::{Child, Exit, Unsent};
use crate::clock::monotonic_us;
use crate::process::{ProcessName, ProcessState};
use crate::schedule::Action;
use crate::start_error::StartError;

/// How long an act may take to be seen. Signals work in milliseconds; the bound allows for a
/// machine that is loaded to the brim and a process that hangs in the disk.
pub(crate) const CONFIRM_WITHIN: Duration = Duration::from_secs(5);

/// Why something could not be done to a process, or was not seen to have worked.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The bazaar has no such process.
    #[error("there is no {0}")]
    Unknown(ProcessName),
    /// The process is not in the state that the act is for.
    #[error("cannot {action} {name}, which is {}", describe(*.is))]
    State {
        /// Which process.
        name: ProcessName,
        /// What was to be done.
        action: Action,
        /// The state it is in.
        is: ProcessState,
    },
    /// The system refused the signal.
    #[error("cannot {action} {name}: {errno}")]
    Refused {
        /// Which process.
        name: ProcessName,
        /// What was to be done.
        action: Action,
        /// Why.
        errno: Errno,
    },
    /// It was done, and no effect was seen.
    #[error("no effect of {action} on {name} was seen within {} ms", CONFIRM_WITHIN.as_millis())]
    Unconfirmed {
        /// Which process.
        name: ProcessName,
        /// What was done.
        action: Action,
    },
    /// The process ended, but not of what was done to it.
    #[error("{name} had ended by itself: {status}")]
    EndedItself {
        /// Which process.
        name: ProcessName,
        /// How it ended.
        status: String,
        /// When, on `CLOCK_MONOTONIC`.
        at_monotonic_us: u64,
    },
    /// Links can be broken only in a bazaar with relays.
    #[error("the bazaar has no relays; start it with them to break links")]
    NoRelays,
    /// A link has two ends.
    #[error("both ends of the link are {0}")]
    OneEnd(End),
    /// A disk can be broken only if the bazaar was started for that.
    #[error("the bazaar was not started with faults of the disk of {0}")]
    NoDiskFaults(ProcessName),
    /// A process is made slow by one fault at a time.
    #[error("{0} is slow already")]
    SlowAlready(ProcessName),
    /// The process was paused or ended before it could be seen to be slow.
    #[error("{name} was {} before it was seen stopped and running in turns", describe(*.is))]
    NotSeenSlow {
        /// Which process.
        name: ProcessName,
        /// The state it is in.
        is: ProcessState,
    },
    /// The thread that does it could not be started.
    #[error("cannot {action} {name}: {source}")]
    Thread {
        /// Which process.
        name: ProcessName,
        /// What was to be done.
        action: Action,
        /// Why.
        source: io::Error,
    },
    /// The preloaded library does not answer from a process.
    #[error("no fault of a disk can reach {name}: {reason}")]
    OutOfReach {
        /// Which process.
        name: ProcessName,
        /// Why.
        reason: String,
    },
    /// What the harness shares with the preloaded library cannot be used, or files cannot be changed back.
    #[error("the disk of {name}: {source}")]
    Disk {
        /// Whose disk.
        name: ProcessName,
        /// Why.
        source: io::Error,
    },
    /// Files cannot be copied, removed or put back.
    #[error("the files of {name}: {source}")]
    Files {
        /// Whose files.
        name: ProcessName,
        /// Why.
        source: io::Error,
    },
    /// The bazaar is being stopped; nothing is started any more.
    #[error("the bazaar is being stopped")]
    Stopping,
    /// A restarted process did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

fn describe(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Running => "running",
        ProcessState::Paused => "paused",
        ProcessState::Down => "down",
    }
}

/// Something that was done to a process, not yet seen to have worked.
#[derive(Debug)]
#[must_use = "an act counts once it is confirmed"]
pub struct Act {
    /// What.
    pub action: Action,
    /// To whom.
    pub name: ProcessName,
    /// The pid of that process; of the new one, for a restart.
    pub pid: u32,
    /// Just before it was done, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    child: Arc<Child>,
}

impl Act {
    pub(crate) fn new(action: Action, at_monotonic_us: u64, child: Arc<Child>) -> Self {
        Self { action, name: child.name(), pid: child.pid(), at_monotonic_us, child }
    }

    /// Sends the signal that `action` stands for.
    pub(crate) fn signal(
        action: Action,
        child: &Arc<Child>,
        send: impl FnOnce(&Child) -> Result<u64, Unsent>,
    ) -> Result<Self, ActError> {
        let name = child.name();
        match send(child) {
            Ok(at_monotonic_us) => Ok(Self::new(action, at_monotonic_us, Arc::clone(child))),
            Err(Unsent::Is(is)) => Err(ActError::State { name, action, is }),
            Err(Unsent::Refused(errno)) => Err(ActError::Refused { name, action, errno }),
        }
    }

    /// Waits until the act is seen to have worked: a killed process is reaped, every thread of
    /// a paused one is stopped, a resumed one is not, a restarted one lives. One that another fault ended before that was
    /// seen has been seen to obey, too. Returns when that was, on `CLOCK_MONOTONIC`.
    pub async fn confirm(&self) -> Result<u64, ActError> {
        let Self { action, name, child, .. } = self;
        let (action, name) = (*action, *name);
        let seen = match action {
            Action::Kill | Action::PowerCut => match child.ended(CONFIRM_WITHIN).await {
                Some(exit) if exit.asked => Some(exit.at_monotonic_us),
                Some(exit) => return Err(ended_itself(name, exit)),
                None => None,
            },
            Action::Pause => child.seen_stopped(true, CONFIRM_WITHIN).await,
            Action::Resume => child.seen_stopped(false, CONFIRM_WITHIN).await,
            Action::Restart => child.exit().is_none().then(monotonic_us),
            // No act on a process, and seen at once or by the part that did it.
            Action::LoseFiles
            | Action::OldFiles
            | Action::StallDisk
            | Action::SlowDisk
            | Action::FullDisk
            | Action::Slow
            | Action::Flood
            | Action::Recover
            | Action::Cut
            | Action::Delay
            | Action::Throttle
            | Action::Heal => Some(monotonic_us()),
        };
        match (seen, child.exit()) {
            (Some(at_monotonic_us), _) => Ok(at_monotonic_us),
            (None, Some(exit)) if exit.asked => Ok(exit.at_monotonic_us),
            (None, Some(exit)) => Err(ended_itself(name, exit)),
            (None, None) => Err(ActError::Unconfirmed { name, action }),
        }
    }
}

fn ended_itself(name: ProcessName, exit: Exit) -> ActError {
    let at_monotonic_us = exit.at_monotonic_us;
    ActError::EndedItself { name, status: exit.describe(), at_monotonic_us }
}

#[cfg(test)]
mod tests {
    use records::built_in;
    use std::process::{Command, Stdio};

    use super::*;

    /// Two faults of one moment: each did what it was to do.
    #[tokio::test]
    async fn a_process_that_another_fault_killed_before_it_was_seen_stopped_did_not_end_by_itself()
    {
        let mut command = Command::new("sleep");
        command.arg("1000").stdout(Stdio::null());
        let child = Arc::new(Child::start(built_in::catalog(), command).unwrap());
        let paused = Act::signal(Action::Pause, &child, Child::pause).unwrap();
        let killed = Act::signal(Action::Kill, &child, Child::kill).unwrap();
        let ended_us = killed.confirm().await.unwrap();
        assert_eq!(paused.confirm().await.unwrap(), ended_us);
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_was_not_paused() {
        let child = Arc::new(Child::start(built_in::catalog(), Command::new("true")).unwrap());
        let paused = Act::new(Action::Pause, monotonic_us(), Arc::clone(&child));
        assert!(matches!(paused.confirm().await, Err(ActError::EndedItself { .. })));
    }
}
