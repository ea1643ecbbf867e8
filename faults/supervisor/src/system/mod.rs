//! All processes of a target: started in the order of their dependencies, signalled, restarted, stopped.
//!
//! A process is its whole [tree](crate::tree): it is paused when every member is stopped, killed when none is left. The
//! invariant: an act that is returned was seen to have worked. When a [`System`] is dropped nothing of it is left, and what is
//! adopted, which something else keeps, is as it was found.
//!
//! * `program`: what a system is made of; `companion`: what goes with it.
//! * `incarnation`: one run of a process; `act`: what is done to it.
//! * `start`: who waits for whom.
//! * `stop`: the end, in reverse order.
//! * `error`: why something did not happen.

mod act;
mod companion;
mod error;
mod incarnation;
mod program;
mod start;
mod stop;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::locked::locked;
use crate::tree::Limit;
pub use act::{Act, Begun};
pub use companion::{Companion, Prepared, Preparing};
pub use error::{ActError, Action, ProcessState, StartError};
pub use incarnation::Incarnation;
pub use program::{Condition, Program, Restart, Shutdown, SystemPlan};

/// An end of a process that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Of which process.
    pub name: String,
    /// Its pid.
    pub pid: u32,
    /// When, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// How.
    pub status: String,
    /// What it was killed for taking too much of, if it was.
    pub over_limit: Option<Limit>,
}

/// A process of a system, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// What it is called.
    pub name: String,
    /// What it does, in the target's words.
    pub role: String,
    /// The pid of the process that was started last.
    pub pid: u32,
    /// Whether it runs.
    pub state: ProcessState,
    /// Whether something else keeps it, and it ran when the harness came.
    pub was_found: bool,
    /// When it was started, on `CLOCK_MONOTONIC`.
    pub started_monotonic_us: u64,
    /// When it was first seen ready, on `CLOCK_MONOTONIC`, if it was.
    pub ready_monotonic_us: Option<u64>,
    /// Its log.
    pub log: PathBuf,
}

#[derive(Debug)]
struct Slot {
    program: Program,
    log: PathBuf,
    stage: usize,
    /// The last one; none before the first was started.
    incarnation: Mutex<Option<Arc<Incarnation>>>,
    /// Its command from the next start on, if that was changed.
    command: Mutex<Option<Vec<OsString>>>,
    /// Of one that is adopted: whether it was down at first, so that it is to be down at the end.
    was_down: OnceLock<bool>,
    /// Held while a new incarnation begins, so that there is never more than one.
    beginning: tokio::sync::Mutex<()>,
}

impl Slot {
    /// Whether something else keeps the process.
    fn is_adopted(&self) -> bool {
        self.program.adopt.is_some()
    }

    fn incarnation(&self) -> Option<Arc<Incarnation>> {
        locked(&self.incarnation).clone()
    }
}

/// The processes of a target. Dropping it kills them all, but for those that are adopted.
#[derive(Debug)]
pub struct System {
    plan: SystemPlan,
    companion: Option<Arc<dyn Companion>>,
    slots: BTreeMap<String, Slot>,
    past_deaths: Mutex<Vec<Death>>,
    stopping: AtomicBool,
}

impl System {
    /// Every process, by name.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        let info = |(name, slot): (&String, &Slot)| {
            let incarnation = slot.incarnation()?;
            Some(ProcessInfo {
                name: name.clone(),
                role: slot.program.role.clone(),
                pid: incarnation.pid(),
                state: incarnation.state(),
                was_found: incarnation.was_found(),
                started_monotonic_us: incarnation.started_monotonic_us(),
                ready_monotonic_us: incarnation.ready_monotonic_us(),
                log: slot.log.clone(),
            })
        };
        self.slots.iter().filter_map(info).collect()
    }

    /// One process.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<ProcessInfo> {
        self.processes().into_iter().find(|process| process.name == name)
    }

    /// The last run of a process.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn incarnation(&self, name: &str) -> Result<Arc<Incarnation>, ActError> {
        self.slot(name)?.incarnation().ok_or_else(|| ActError::Unknown(name.to_owned()))
    }

    /// Has a process start with another command from its next start on, the first or any later.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn set_command(&self, name: &str, command: Vec<OsString>) -> Result<(), ActError> {
        *locked(&self.slot(name)?.command) = Some(command);
        Ok(())
    }

    /// The deaths that nobody asked for and nobody was told of yet.
    #[must_use]
    pub fn take_deaths(&self) -> Vec<Death> {
        let mut deaths = std::mem::take(&mut *locked(&self.past_deaths));
        let present = |(name, slot): (&String, &Slot)| slot.incarnation()?.take_death(name);
        deaths.extend(self.slots.iter().filter_map(present));
        deaths
    }

    fn slot(&self, name: &str) -> Result<&Slot, ActError> {
        self.slots.get(name).ok_or_else(|| ActError::Unknown(name.to_owned()))
    }

    fn keep_death(&self, death: Option<Death>) {
        locked(&self.past_deaths).extend(death);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // All at once, and then each is waited for.
        self.order_kills();
        for slot in self.slots.values() {
            if let Some(incarnation) = slot.incarnation() {
                incarnation.tree.wait_gone();
            }
        }
    }
}
