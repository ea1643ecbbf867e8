//! A process that something else keeps (systemd, a container engine, somebody's shell), as the harness sees it: a tree that can
//! be paused, killed and found again, and is left as it was found: running, or down.
//!
//! The invariant: nothing ends a process that ran before but a kill that was ordered. When the tree is dropped, or the harness or
//! the guard is killed, it goes on; what was paused is resumed first. Only what was down, and was started here, is ended then.
//!
//! Not covered: a pause by a command whose guard is killed, which nobody takes back; children of the process that have lost their
//! parent, which nobody can tell from others.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::protocol::Part;
use super::{GuardProgram, Surroundings, Tree, TreeError, new_mark};
use crate::locked::locked;

/// How long it may take until it runs: its start's bound, that of being found then, and some more.
const ADOPT_WITHIN: Duration = Duration::from_secs(60);
/// How long what is handed back may take for it: a bound of its guard, and some more.
const RELEASE_WITHIN: Duration = Duration::from_secs(15);

/// How a process is reached that something else keeps: commands, without a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopt {
    /// Prints its process id; nothing, or 0, while it is down.
    pub pid: Vec<OsString>,
    /// Starts it, and ends; without one it cannot be started.
    pub start: Option<Vec<OsString>>,
    /// Kills it; without one its whole tree gets SIGKILL.
    pub kill: Option<Vec<OsString>>,
    /// Stops it from running; without one its whole tree gets SIGSTOP.
    pub pause: Option<Vec<OsString>>,
    /// Lets it run again; without one its whole tree gets SIGCONT.
    pub resume: Option<Vec<OsString>>,
}

/// A process to adopt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdoptCommand {
    /// How it is reached.
    pub adopt: Adopt,
    /// Whether it was down when the harness came, so that it is to be down at the end; `None`: it has just come.
    pub was_down: Option<bool>,
    /// What the commands find around them. The process's own output is elsewhere.
    pub surroundings: Surroundings,
}

impl Tree {
    /// Finds the process, and starts it if it is down. It runs when this returns.
    ///
    /// # Errors
    /// If it is down and cannot be started, or cannot be found.
    pub async fn adopt(program: &GuardProgram, command: AdoptCommand) -> Result<Self, TreeError> {
        Self::under_guard(program, new_mark(), Part::Adopter(command), ADOPT_WITHIN).await
    }

    /// Whether it is adopted, and ran when the harness came.
    #[must_use]
    pub fn was_found(&self) -> bool {
        self.shared.was_found()
    }

    /// Leaves an adopted process as it was found: resumed if it is paused, and otherwise alone; ended if it was down. Says whether
    /// that is done within a bound.
    pub async fn release(&self) -> bool {
        self.begin_release();
        self.gone(RELEASE_WITHIN).await
    }

    /// Orders the same, and does not wait for it.
    pub(crate) fn begin_release(&self) {
        // The end of its input tells the guard.
        drop(locked(&self.orders).take());
    }
}
