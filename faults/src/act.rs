//! What was done to a process, and how it is seen to have worked.

use std::io;
use std::path::Path;
use std::time::Duration;

use records::{End, FaultName, Route};
use supervisor::system::{self, Begun};

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
    #[error("cannot {action} {name}, which is {is}")]
    State {
        /// Which process.
        name: ProcessName,
        /// What was to be done.
        action: Action,
        /// The state it is in.
        is: ProcessState,
    },
    /// It was done, and no effect was seen.
    #[error("no effect of {action} on {name} was seen within {} ms{}", CONFIRM_WITHIN.as_millis(), tail(.why.as_deref()))]
    Unconfirmed {
        /// Which process.
        name: ProcessName,
        /// What was done.
        action: Action,
        /// What was seen instead, if that is known.
        why: Option<String>,
    },
    /// A command of the target's own failed, or has not done what it is for.
    #[error("faults.{name}: {reason}")]
    Own {
        /// Which fault.
        name: FaultName,
        /// Why.
        reason: String,
    },
    /// Something else keeps the process, and the target does not say how to start it.
    #[error(
        "cannot kill {0}: something else keeps it, and its `adopt` has no `start`, so it could not be brought back"
    )]
    NoStart(ProcessName),
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
    /// Links can be broken only where relays stand.
    #[error(
        "no relay stands between the processes of this run, so no link of theirs can be broken"
    )]
    NoRelays,
    /// Only what passes a relay can be held back.
    #[error(
        "no relay is on {0}: the target's file must tell one of the two the other's port, in its command or environment, and \
         name that port in `listens` of the other"
    )]
    NoRelayOn(Route),
    /// A relay carries connections, not packets.
    #[error(
        "a relay carries the bytes of connections, none of which is lost or comes twice on {0}: that takes processes on hosts, \
         whose packets can"
    )]
    NotByRelays(Route),
    /// What breaks a link that nobody uses cannot be seen to have worked.
    #[error("nothing has passed {0} so far, so nobody would notice that it is broken")]
    UnusedLink(Route),
    /// Who is none of the target's processes has no relay.
    #[error(
        "clients can be cut off only from a process on a host: {0} would be a link of this machine's own; give the process a \
         `host`"
    )]
    NoHostFor(Route),
    /// A host has not done what was to be done to its network.
    #[error("{route}: {reason}")]
    HostNetwork {
        /// Which link.
        route: Route,
        /// Why.
        reason: String,
    },
    /// A link has two ends.
    #[error("both ends of the link are {0}")]
    OneEnd(End),
    /// A disk can be broken only if the bazaar was started for that.
    #[error("the bazaar was not started with faults of the disk of {0}")]
    NoDiskFaults(ProcessName),
    /// Only what listens somewhere can be flooded.
    #[error("cannot flood {0}: the target does not say where it listens")]
    NoAddress(ProcessName),
    /// Only files that are named can be copied, lost and put back.
    #[error("the target names no files of {0}, so none can be copied, lost or put back")]
    NoData(ProcessName),
    /// Some faults need the process beside the harness.
    #[error(
        "cannot {action} {name}, which runs on the host {host}: there it can be killed, paused, resumed, restarted and flooded"
    )]
    OnHost {
        /// Which process.
        name: ProcessName,
        /// What was to be done.
        action: Action,
        /// Where it runs.
        host: String,
    },
    /// Only a cache that there is can be switched.
    #[error("the target has no cache that can be switched")]
    NoCache,
    /// A process is made slow by one fault at a time.
    #[error("{0} is slow already")]
    SlowAlready(ProcessName),
    /// The process was paused or ended before it could be seen to be slow.
    #[error("{name} was {is} before it was seen stopped and running in turns")]
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

fn tail(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

impl ActError {
    /// The same in the words of this crate. `logs` is the folder of the logs as the caller knows it.
    pub(crate) fn of(
        error: system::ActError,
        name: ProcessName,
        action: Action,
        logs: &Path,
    ) -> Self {
        match error {
            system::ActError::Unknown(_) => Self::Unknown(name),
            system::ActError::State { is, .. } => Self::State { name, action, is },
            system::ActError::NoStart { .. } => Self::NoStart(name),
            system::ActError::EndedItself { status, at_monotonic_us, .. } => {
                Self::EndedItself { name, status, at_monotonic_us }
            }
            system::ActError::Unconfirmed { source, .. } => {
                Self::Unconfirmed { name, action, why: Some(source.to_string()) }
            }
            system::ActError::Stopping | system::ActError::Start(system::StartError::Stopped) => {
                Self::Stopping
            }
            system::ActError::Start(error) => Self::Start(StartError::of(error, logs)),
        }
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
    begun: Begun,
}

impl Act {
    pub(crate) fn new(action: Action, name: ProcessName, begun: Begun) -> Self {
        Self { action, name, pid: begun.pid, at_monotonic_us: begun.at_monotonic_us, begun }
    }

    /// Waits until the act is seen to have worked: of a killed process nothing is left, every thread of
    /// a paused one is stopped, none of a resumed one is, a restarted one lives. One that another fault ended before that was
    /// seen has been seen to obey, too. Returns when that was, on `CLOCK_MONOTONIC`.
    pub async fn confirm(&self) -> Result<u64, ActError> {
        let seen = self.begun.confirmed().await;
        // Nothing is started here, so no log is spoken of.
        seen.map_err(|error| ActError::of(error, self.name, self.action, Path::new("")))
    }
}
