//! All processes of a target: started in the order of their dependencies, signalled, restarted, stopped.
//!
//! A process is its whole [tree](crate::tree): it is paused when every member is stopped, killed when none is left. The
//! invariant: an act that is returned was seen to have worked. When a [`System`] is dropped nothing of it is left.
//!
//! * `program`: what a system is made of.
//! * `start`: who waits for whom.
//! * `stop`: the end, in reverse order.
//! * `error`: why something did not happen.

mod error;
mod program;
mod start;
mod stop;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use crate::clock::monotonic_us;
use crate::locked::locked;
use crate::tree::{End, SignalError, Tree};
pub use error::{ActError, Action, ProcessState, StartError};
pub use program::{Condition, Program, Restart, Shutdown, SystemPlan};

/// Something that was done to a process, and was seen to have worked. Times are microseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub action: Action,
    /// To whom.
    pub name: String,
    /// The pid of that process; of the new one, for a restart.
    pub pid: u32,
    /// Just before it was done.
    pub at_monotonic_us: u64,
    /// When it was seen to have worked on the whole tree.
    pub confirmed_monotonic_us: u64,
}

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
    /// When it was started, on `CLOCK_MONOTONIC`.
    pub started_monotonic_us: u64,
    /// When it was first seen ready, on `CLOCK_MONOTONIC`, if it was.
    pub ready_monotonic_us: Option<u64>,
    /// Its log.
    pub log: PathBuf,
}

/// One run of a process, from its start to its end.
#[derive(Debug)]
struct Incarnation {
    tree: Tree,
    /// Where in the log it begins, in bytes.
    log_begin: u64,
    paused: AtomicBool,
    ready_monotonic_us: OnceLock<u64>,
    death_told: AtomicBool,
}

impl Incarnation {
    fn state(&self) -> ProcessState {
        if self.tree.end().is_some() {
            ProcessState::Down
        } else if self.paused.load(Ordering::SeqCst) {
            ProcessState::Paused
        } else {
            ProcessState::Running
        }
    }

    /// An end that nobody asked for, told once.
    fn take_death(&self, name: &str) -> Option<Death> {
        let end = self.tree.end().filter(|end| !end.asked)?;
        let End { at_monotonic_us, .. } = end;
        (!self.death_told.swap(true, Ordering::SeqCst)).then(|| Death {
            name: name.to_owned(),
            pid: self.tree.pid(),
            at_monotonic_us,
            status: end.describe(),
        })
    }
}

#[derive(Debug)]
struct Slot {
    program: Program,
    log: PathBuf,
    stage: usize,
    /// The last one; none before the first was started.
    incarnation: Mutex<Option<Arc<Incarnation>>>,
    /// Held during an act, so that two of them come one after another.
    acting: tokio::sync::Mutex<()>,
}

impl Slot {
    fn incarnation(&self) -> Option<Arc<Incarnation>> {
        locked(&self.incarnation).clone()
    }
}

/// The processes of a target. Dropping it kills them all.
#[derive(Debug)]
pub struct System {
    plan: SystemPlan,
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
                pid: incarnation.tree.pid(),
                state: incarnation.state(),
                started_monotonic_us: incarnation.tree.started_monotonic_us(),
                ready_monotonic_us: incarnation.ready_monotonic_us.get().copied(),
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

    /// Kills a process, running or paused, with its whole tree.
    ///
    /// # Errors
    /// If it is down, ends by itself, or something is left of it.
    pub async fn kill(&self, name: &str) -> Result<Act, ActError> {
        self.signal(name, Action::Kill).await
    }

    /// Stops a running process with its whole tree.
    ///
    /// # Errors
    /// If it is not running, ends by itself, or a process of its tree is not stopped.
    pub async fn pause(&self, name: &str) -> Result<Act, ActError> {
        self.signal(name, Action::Pause).await
    }

    /// Lets a paused process go on, with its whole tree.
    ///
    /// # Errors
    /// If it is not paused, ends by itself, or a process of its tree is still stopped.
    pub async fn resume(&self, name: &str) -> Result<Act, ActError> {
        self.signal(name, Action::Resume).await
    }

    async fn signal(&self, name: &str, action: Action) -> Result<Act, ActError> {
        let (slot, _acting) = self.acting(name).await?;
        let (incarnation, is) = state_of(slot, name)?;
        let fits = match action {
            Action::Kill => is != ProcessState::Down,
            Action::Resume => is == ProcessState::Paused,
            _ => is == ProcessState::Running,
        };
        let name = name.to_owned();
        if !fits {
            return Err(ActError::State { name, action, is });
        }
        let tree = &incarnation.tree;
        let done = match action {
            Action::Kill => tree.kill().await,
            Action::Resume => tree.resume().await,
            _ => {
                // Also if it is not confirmed: some members may be stopped, which a resume mends.
                incarnation.paused.store(true, Ordering::SeqCst);
                tree.pause().await
            }
        };
        match (done, tree.end()) {
            (_, Some(end)) if !end.asked => {
                let at_monotonic_us = end.at_monotonic_us;
                Err(ActError::EndedItself { name, status: end.describe(), at_monotonic_us })
            }
            (Ok(done), _) => {
                if action == Action::Resume {
                    incarnation.paused.store(false, Ordering::SeqCst);
                }
                let (at_monotonic_us, confirmed_monotonic_us) =
                    (done.at_monotonic_us, done.confirmed_monotonic_us);
                Ok(Act { action, name, pid: tree.pid(), at_monotonic_us, confirmed_monotonic_us })
            }
            (Err(source), _) => Err(ActError::Unconfirmed { name, action, source }),
        }
    }

    /// Starts a process that is down again. Whether it is ready is for [`wait_ready`](Self::wait_ready) to say.
    ///
    /// # Errors
    /// If it is not down, something is left of it, or it does not start.
    pub async fn restart(&self, name: &str) -> Result<Act, ActError> {
        let (slot, _acting) = self.acting(name).await?;
        let (old, is) = state_of(slot, name)?;
        let action = Action::Restart;
        if is != ProcessState::Down {
            return Err(ActError::State { name: name.to_owned(), action, is });
        }
        if self.stopping.load(Ordering::SeqCst) {
            return Err(ActError::Stopping);
        }
        // A process that failed may have left others, which hold its port.
        match old.tree.kill().await {
            Ok(_) | Err(SignalError::Ended) => {}
            Err(source) => {
                return Err(ActError::Unconfirmed { name: name.to_owned(), action, source });
            }
        }
        let new = self.begin_incarnation(slot, true).await?;
        self.past_deaths().extend(old.take_death(name));
        Ok(Act {
            action,
            name: name.to_owned(),
            pid: new.tree.pid(),
            at_monotonic_us: new.tree.started_monotonic_us(),
            confirmed_monotonic_us: monotonic_us(),
        })
    }

    /// The deaths that nobody asked for and nobody was told of yet.
    #[must_use]
    pub fn take_deaths(&self) -> Vec<Death> {
        let mut deaths = std::mem::take(&mut *self.past_deaths());
        let present = |(name, slot): (&String, &Slot)| slot.incarnation()?.take_death(name);
        deaths.extend(self.slots.iter().filter_map(present));
        deaths
    }

    fn slot(&self, name: &str) -> Result<&Slot, ActError> {
        self.slots.get(name).ok_or_else(|| ActError::Unknown(name.to_owned()))
    }

    async fn acting(
        &self,
        name: &str,
    ) -> Result<(&Slot, tokio::sync::MutexGuard<'_, ()>), ActError> {
        let slot = self.slot(name)?;
        Ok((slot, slot.acting.lock().await))
    }

    fn past_deaths(&self) -> MutexGuard<'_, Vec<Death>> {
        locked(&self.past_deaths)
    }
}

fn state_of(slot: &Slot, name: &str) -> Result<(Arc<Incarnation>, ProcessState), ActError> {
    let incarnation = slot.incarnation().ok_or_else(|| ActError::Unknown(name.to_owned()))?;
    let state = incarnation.state();
    Ok((incarnation, state))
}
