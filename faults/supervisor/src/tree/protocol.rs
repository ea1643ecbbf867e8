//! What harness, guard and launcher tell each other: JSON, one message a line.
//!
//! The first line on a guard's standard input says which part the program plays; orders follow. Reports come on its
//! standard output. The end of its input is the end of the harness.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use super::talk::Ends;
use super::{AdoptCommand, Limit, Limits, Surroundings};

/// The longest message that is read: an environment and a command line, which the kernel bounds to less.
pub(super) const MAX_MESSAGE_BYTES: u64 = 4 * 1024 * 1024;

/// The first message: which part the program plays.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// It starts a tree, keeps it together, and ends it.
    Guard(Start),
    /// It finds a process that something else keeps, and hands it back as it was.
    Adopter(AdoptCommand),
    /// It waits for the end of its input, and takes something back then.
    Undoer(Undoing),
    /// It becomes the target's process, as a child of the guard with this pid.
    Launcher { start: Start, guard_pid: i32 },
}

impl Part {
    /// Whether something else keeps the process: it outlives its guard then.
    pub(super) fn is_kept_elsewhere(&self) -> bool {
        matches!(self, Self::Adopter(_) | Self::Undoer(_))
    }

    /// What its process or its commands find around them.
    pub(super) fn surroundings(&mut self) -> &mut Surroundings {
        match self {
            Self::Guard(start) | Self::Launcher { start, .. } => &mut start.surroundings,
            Self::Adopter(adoption) => &mut adoption.surroundings,
            Self::Undoer(undoing) => &mut undoing.surroundings,
        }
    }
}

/// What is started, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Start {
    // Words need not be UTF-8.
    pub(super) command: Vec<OsString>,
    pub(super) surroundings: Surroundings,
    pub(super) limits: Limits,
    /// What its standard input and output are, if the harness talks to it.
    pub(super) talk: Option<Ends>,
}

/// What is taken back, and how long that may take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Undoing {
    pub(super) command: Vec<OsString>,
    pub(super) within_ms: u64,
    pub(super) surroundings: Surroundings,
}

/// An order to a guard; its report has the same number.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) act: TreeAct,
}

/// What is done to a whole tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TreeAct {
    /// SIGKILL, first to the process that was started, until nothing is left.
    Kill,
    /// SIGSTOP, until every thread is stopped.
    Pause,
    /// SIGCONT, until no process is stopped.
    Resume,
    /// As a pause, for a moment: nothing is done to a tree that is paused.
    Halt,
    /// The end of such a moment: nothing is done to a tree that is paused.
    Go,
    /// No signal: whether every thread is stopped.
    Look,
    /// A signal that asks for the end, and SIGKILL for what is left after a time.
    Terminate { signal: i32, within_ms: u64 },
}

/// A process of a tree: its pid, and when it started in the kernel's ticks, which together are nobody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    pub(super) started_ticks: u64,
}

/// What a guard tells. Times are microseconds of `CLOCK_MONOTONIC`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The target's process runs.
    Started { pid: u32, at_us: u64 },
    /// A process runs that ran already when the harness came.
    Found { pid: u32, at_us: u64 },
    /// It could not be started.
    NotStarted { reason: String },
    /// The process that was started has ended; `asked` if that was ordered. What it started may live on.
    Ended { status: i32, at_us: u64, asked: bool },
    /// Nothing of the tree is left; of one that was adopted: it has ended, or was handed back.
    Empty { at_us: u64, asked: bool },
    /// The first signal of an order was sent, just after `at_us`.
    Begun { id: u64, at_us: u64 },
    /// An order was carried out and seen to have worked; `forced` if SIGKILL was needed.
    Done { id: u64, at_us: u64, confirmed_us: u64, forced: bool },
    /// An order was not seen to have worked.
    NotDone { id: u64, reason: String },
    /// Nothing was done, for the tree is paused.
    Held { id: u64 },
    /// Who is in the tree, for whoever must end it should the guard be killed.
    Members { members: Vec<Identity> },
    /// The tree took more than it may, and is being killed.
    OverLimit { limit: Limit, reason: String },
}
