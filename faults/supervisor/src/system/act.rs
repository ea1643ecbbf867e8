//! What is done to a process: in two steps, so that a caller can tell of it when it is done, and again when it was seen to
//! have worked.

use std::sync::Arc;

use super::{ActError, Action, Incarnation, ProcessState, System};
use crate::clock::monotonic_us;
use crate::locked::locked;
use crate::tree::{Sent, SignalError};

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

/// Something that was done to a process, and was not yet seen to have worked.
#[derive(Debug)]
#[must_use = "an act counts once it is confirmed"]
pub struct Begun {
    /// What.
    pub action: Action,
    /// To whom.
    pub name: String,
    /// The pid of that process; of the new one, for a restart.
    pub pid: u32,
    /// Just before it was done, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    incarnation: Arc<Incarnation>,
    /// `None` of a process that had ended before anything reached it, and of a start.
    sent: Option<Sent>,
}

impl Begun {
    /// Waits until it was seen to have worked on the whole tree. A process that was ended by another order before that was
    /// seen has obeyed, too. Returns when that was, on `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// If the process ended by itself, or something is left undone.
    pub async fn confirmed(&self) -> Result<u64, ActError> {
        let Self { action, incarnation, sent, .. } = self;
        let seen = match sent {
            Some(sent) => sent.confirmed().await.map(|done| done.confirmed_monotonic_us),
            None if *action == Action::Restart && incarnation.end().is_none() => Ok(monotonic_us()),
            None => Err(SignalError::Ended),
        };
        let is_end = *action == Action::Kill;
        let (name, action) = (self.name.clone(), *action);
        match (seen, incarnation.end()) {
            (Ok(at_us), end) if !is_end || end.as_ref().is_none_or(|end| end.asked) => Ok(at_us),
            (Err(SignalError::Ended), Some(end)) if end.asked => Ok(end.at_monotonic_us),
            (_, Some(end)) if !end.asked => {
                let at_monotonic_us = end.at_monotonic_us;
                Err(ActError::EndedItself { name, status: end.describe(), at_monotonic_us })
            }
            (Ok(at_us), _) => Ok(at_us),
            (Err(source), _) => Err(ActError::Unconfirmed { name, action, source }),
        }
    }

    async fn act(self) -> Result<Act, ActError> {
        let confirmed_monotonic_us = self.confirmed().await?;
        let Self { action, name, pid, at_monotonic_us, .. } = self;
        Ok(Act { action, name, pid, at_monotonic_us, confirmed_monotonic_us })
    }
}

impl System {
    /// Kills a process, running or paused, with its whole tree.
    ///
    /// # Errors
    /// If it is adopted and could not be started again, is down, ends by itself, or something is left of it.
    pub async fn kill(&self, name: &str) -> Result<Act, ActError> {
        self.begin_kill(name).await?.act().await
    }

    /// Stops a running process with its whole tree.
    ///
    /// # Errors
    /// If it is not running, ends by itself, or a process of its tree is not stopped.
    pub async fn pause(&self, name: &str) -> Result<Act, ActError> {
        self.begin_pause(name).await?.act().await
    }

    /// Lets a paused process go on, with its whole tree.
    ///
    /// # Errors
    /// If it is not paused, ends by itself, or a process of its tree is still stopped.
    pub async fn resume(&self, name: &str) -> Result<Act, ActError> {
        self.begin_resume(name).await?.act().await
    }

    /// Starts a process that is down again. Whether it is ready is for [`wait_ready`](Self::wait_ready) to say.
    ///
    /// # Errors
    /// If it is not down, something is left of it, or it does not start.
    pub async fn restart(&self, name: &str) -> Result<Act, ActError> {
        self.begin_restart(name).await?.act().await
    }

    /// The first step of a [`kill`](Self::kill): SIGKILL was sent to the process that was started.
    ///
    /// # Errors
    /// If it is down, or its guard says nothing.
    pub async fn begin_kill(&self, name: &str) -> Result<Begun, ActError> {
        self.begin(name, Action::Kill).await
    }

    /// The first step of a [`pause`](Self::pause).
    ///
    /// # Errors
    /// If it is not running, or its guard says nothing.
    pub async fn begin_pause(&self, name: &str) -> Result<Begun, ActError> {
        self.begin(name, Action::Pause).await
    }

    /// The first step of a [`resume`](Self::resume).
    ///
    /// # Errors
    /// If it is not paused, or its guard says nothing.
    pub async fn begin_resume(&self, name: &str) -> Result<Begun, ActError> {
        self.begin(name, Action::Resume).await
    }

    async fn begin(&self, name: &str, action: Action) -> Result<Begun, ActError> {
        let incarnation = self.incarnation(name)?;
        let name = name.to_owned();
        let told_us = monotonic_us();
        let sent = {
            // Orders reach the guard in the order in which the state changes.
            let mut paused = locked(&incarnation.paused);
            let is = incarnation.state_if(*paused);
            let fits = match action {
                Action::Kill => is != ProcessState::Down,
                Action::Resume => is == ProcessState::Paused,
                _ => is == ProcessState::Running,
            };
            if !fits {
                return Err(ActError::State { name, action, is });
            }
            let adopt = self.slot(&name)?.program.adopt.as_ref();
            if action == Action::Kill && adopt.is_some_and(|adopt| adopt.start.is_none()) {
                return Err(ActError::NoStart { name });
            }
            match action {
                Action::Kill => incarnation.tree.send_kill(),
                Action::Resume => {
                    *paused = false;
                    incarnation.tree.send_resume()
                }
                _ => {
                    // Also if it is not confirmed: some members may be stopped, which a resume mends.
                    *paused = true;
                    incarnation.tree.send_pause()
                }
            }
        };
        let pid = incarnation.pid();
        let (at_monotonic_us, sent) = match sent.begun().await {
            Ok(at_us) => (at_us, Some(sent)),
            Err(SignalError::Ended) => (told_us, None),
            Err(source) => return Err(ActError::Unconfirmed { name, action, source }),
        };
        Ok(Begun { action, name, pid, at_monotonic_us, incarnation, sent })
    }

    /// The first step of a [`restart`](Self::restart): the new process was started.
    ///
    /// # Errors
    /// As there.
    pub async fn begin_restart(&self, name: &str) -> Result<Begun, ActError> {
        let slot = self.slot(name)?;
        let _beginning = slot.beginning.lock().await;
        let old = self.incarnation(name)?;
        let (name, action, is) = (name.to_owned(), Action::Restart, old.state());
        if is != ProcessState::Down {
            return Err(ActError::State { name, action, is });
        }
        if self.is_stopping() {
            return Err(ActError::Stopping);
        }
        // A process that failed may have left others, which hold its port. Of one that is adopted they are somebody else's.
        if !slot.is_adopted() {
            match old.tree.kill().await {
                Ok(_) | Err(SignalError::Ended) => {}
                Err(source) => return Err(ActError::Unconfirmed { name, action, source }),
            }
        }
        let incarnation = self.begin_incarnation(slot, true).await?;
        self.keep_death(old.take_death(&name));
        let (pid, at_monotonic_us) = (incarnation.pid(), incarnation.started_monotonic_us());
        Ok(Begun { action, name, pid, at_monotonic_us, incarnation, sent: None })
    }
}
