//! Why a bazaar did not start: one clear line each, with the path or the process, its own last
//! words, and the way out where there is one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use supervisor::probe::ProbeError;
use supervisor::system;
use supervisor::tree::Limit;

use crate::process::ProcessName;

/// Why a bazaar, or one process of it, did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The processes do not fit together.
    #[error(transparent)]
    System(system::StartError),
    /// A relay to a process cannot listen.
    #[error("a relay to {name} cannot listen: {source}")]
    Relay {
        /// To which process.
        name: ProcessName,
        /// Why.
        source: io::Error,
    },
    /// What breaks disks could not be prepared.
    #[error("what breaks disks cannot be prepared: {0}")]
    Disks(#[source] io::Error),
    /// A fault of a disk cannot reach a process.
    #[error(
        "no fault of a disk can reach {name} ({program}): {reason}; leave its disk faults out of the plan"
    )]
    OutOfReach {
        /// Which process.
        name: ProcessName,
        /// Its program.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// A plan's floods need more open files than a process may have here.
    #[error(
        "floods of {connections} connections at a time need {needed} open files, and {allowed} are allowed: raise the \
         limit (ulimit -Hn) or lower connections in the plan"
    )]
    TooFewFiles {
        /// How many connections there are at a time.
        connections: u32,
        /// How many files that takes.
        needed: u64,
        /// How many this process may have open.
        allowed: u64,
    },
    /// The limit on open files cannot be looked up or raised.
    #[error("the limit on open files cannot be raised for floods: {0}")]
    OpenFiles(#[source] io::Error),
    /// A process could not be started at all.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// Which.
        name: ProcessName,
        /// Why.
        source: io::Error,
    },
    /// A process ended before it was ready.
    #[error("{name} did not start: {reason} ({status}; its log is {log})")]
    Ended {
        /// Which.
        name: ProcessName,
        /// The last line that it wrote.
        reason: String,
        /// How it ended.
        status: String,
        /// What it was killed for taking too much of, if it was.
        over_limit: Option<Limit>,
        /// Its log.
        log: PathBuf,
    },
    /// A process lives, but does not become ready.
    #[error("{name} is not ready after {} ms: {reason} (its log is {log})", .within.as_millis())]
    NotReady {
        /// Which.
        name: ProcessName,
        /// How long it was waited for.
        within: Duration,
        /// What it says, or why it says nothing.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
}

impl StartError {
    /// The same in the words of this crate. `logs` is the folder of the logs as the caller knows it.
    pub(crate) fn of(error: system::StartError, logs: &Path) -> Self {
        use system::StartError::{Companion, Logs, Probe, Tree};
        let name = match &error {
            Companion { name, .. }
            | Tree { name, .. }
            | Probe(ProbeError::Ended { name, .. } | ProbeError::NotReady { name, .. }) => {
                name.parse().ok()
            }
            _ => None,
        };
        let Some(name): Option<ProcessName> = name else {
            return match error {
                Logs { path, source } => Self::Folder { path, source },
                other => Self::System(other),
            };
        };
        let log = logs.join(format!("{name}.log"));
        match error {
            Companion { source, .. } => match source.downcast() {
                Ok(own) => *own,
                Err(source) => Self::Spawn { name, source: io::Error::other(source) },
            },
            Tree { source, .. } => Self::Spawn { name, source: io::Error::other(source) },
            Probe(ProbeError::Ended { status, over_limit, lines, .. }) => {
                let last = lines.last().map(|line| line.trim().to_owned());
                let reason = last.unwrap_or_else(|| "it ended without a word".to_owned());
                Self::Ended { name, reason, status, over_limit, log }
            }
            Probe(ProbeError::NotReady { within, answer: reason, .. }) => {
                Self::NotReady { name, within, reason, log }
            }
            other => Self::System(other),
        }
    }

    /// What a process was killed for taking too much of, before it was ready.
    #[must_use]
    pub fn over_limit(&self) -> Option<Limit> {
        match self {
            Self::Ended { over_limit, .. } => *over_limit,
            _ => None,
        }
    }

    /// Whether other ports might help.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        match self {
            Self::Ended { reason, .. } => reason.contains("in use"),
            Self::Relay { source, .. } => source.kind() == io::ErrorKind::AddrInUse,
            _ => false,
        }
    }
}
