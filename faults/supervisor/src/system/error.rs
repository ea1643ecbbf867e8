//! Why a system did not start, and why something could not be done to one of its processes.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::probe::ProbeError;
use crate::tree::{SignalError, TreeError};

/// What can be done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Pause,
    /// SIGCONT.
    Resume,
    /// A start of one that is down.
    Restart,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Restart => "restart",
        })
    }
}

/// What is known of a process without asking it anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, as far as signals go.
    Running,
    /// It was stopped by SIGSTOP.
    Paused,
    /// It has ended.
    Down,
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Down => "down",
        })
    }
}

/// Why a system, or one process of it, did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The plan makes no sense.
    #[error("the processes cannot be started: {}", .0.join("; "))]
    Plan(Vec<String>),
    /// The folder of the logs cannot be made.
    #[error("cannot make the folder {path}: {source}")]
    Logs {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What accompanies a process could not be prepared for it.
    #[error("{name} did not start: {source}")]
    Companion {
        /// Which process.
        name: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A process did not start.
    #[error("{name} did not start: {source}")]
    Tree {
        /// Which.
        name: String,
        /// Why.
        source: TreeError,
    },
    /// A process is not ready.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The system was stopped meanwhile.
    #[error("the system was stopped while it was being started")]
    Stopped,
}

/// Why something could not be done to a process, or was not seen to have worked.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The system has no such process.
    #[error("there is no process {0}")]
    Unknown(String),
    /// The process is not in the state that the act is for.
    #[error("cannot {action} {name}, which is {is}")]
    State {
        /// Which process.
        name: String,
        /// What was to be done.
        action: Action,
        /// The state it is in.
        is: ProcessState,
    },
    /// Something else keeps the process, and nobody has said how to start it.
    #[error("cannot kill {name}: something else keeps it, and nothing says how to start it again")]
    NoStart {
        /// Which process.
        name: String,
    },
    /// The process ended, but not of what was done to it.
    #[error("{name} had ended by itself: {status}")]
    EndedItself {
        /// Which process.
        name: String,
        /// How it ended.
        status: String,
        /// When, on `CLOCK_MONOTONIC`.
        at_monotonic_us: u64,
    },
    /// No effect was seen on the whole tree of the process.
    #[error("cannot {action} {name}: {source}")]
    Unconfirmed {
        /// Which process.
        name: String,
        /// What was done.
        action: Action,
        /// What was seen.
        source: SignalError,
    },
    /// The system is being stopped, or was.
    #[error("the system is being stopped; nothing is started any more")]
    Stopping,
    /// The process did not start again.
    #[error(transparent)]
    Start(#[from] StartError),
}
