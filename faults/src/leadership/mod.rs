//! Who leads right now, asked from outside.
//!
//! Each target tells it in a way of its own: in an answer, a log or not at all. Faults, probes and pages know [`Leaders`] alone, and processes by their names.
//!
//! The invariant: a process that is dead is no leader, whatever anybody says. A front-end goes on naming a leader that was
//! killed until it notices. So whoever asks hands in who is alive, and looks whether the answer is.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use records::{Processes, ReplicaSet};
use wire::configuration::History;

use crate::bazaar::Bazaar;
use crate::process::{ProcessName, ProcessState};

/// The processes that have not ended, each with its pid, which tells a process from the one before of its name. One that
/// is paused is alive.
pub type Alive = BTreeMap<ProcessName, u32>;

/// What is being asked.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who leads, as somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// Who.
    pub leader: ProcessName,
    /// In which epoch, where the target has such.
    pub epoch: Option<u64>,
    /// Those that hold everything that is committed, where the target says so.
    pub in_sync: Option<Vec<ProcessName>>,
    /// Others that say at the same time that they lead.
    pub rivals: Vec<ProcessName>,
}

impl Leadership {
    /// The replicas that do not lead and are in sync, as far as is said.
    #[must_use]
    pub fn followers(&self, processes: &Processes) -> Vec<ProcessName> {
        let replicas = processes.replicas().iter().copied();
        replicas.filter(|name| *name != self.leader && self.is_in_sync(*name)).collect()
    }

    /// Whether a replica is in sync: where nobody says who is, each may be.
    #[must_use]
    pub fn is_in_sync(&self, name: ProcessName) -> bool {
        name == self.leader || self.in_sync.as_ref().is_none_or(|members| members.contains(&name))
    }

    /// Those that are in sync, by the numbers that files have for them.
    #[must_use]
    pub fn in_sync_numbers(&self, processes: &Processes) -> Option<ReplicaSet> {
        let members = self.in_sync.as_ref()?;
        Some(members.iter().filter_map(|name| processes.number_of(*name)).collect())
    }
}

/// Why it is not known who leads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLeader {
    /// Nobody ever says.
    #[error("the target does not say who leads")]
    Untold,
    /// Who was asked says that nobody does, or names somebody who is dead: there may be a leader soon.
    #[error("nobody leads: {0}")]
    Nobody(String),
    /// Nobody answers.
    #[error("nobody could say who leads: {0}")]
    Unanswered(String),
}

/// What a target remembers of its changes of leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// These changes, each with its own time. A number stands for a replica as in a run's files.
    Changes(History),
    /// Nothing: it is known only who leads now.
    Nothing,
    /// It does not answer just now.
    NoAnswer,
}

/// Knows who leads a target.
pub trait Leaders: fmt::Debug + Send + Sync {
    /// Finds out who leads now, in whatever way there is.
    fn look_up<'a>(&'a self, alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>>;

    /// Asks whoever keeps the configuration, and nobody else: who is in sync is its to say.
    fn ask<'a>(&'a self, alive: &'a Alive) -> Asking<'a, Result<Leadership, NoLeader>> {
        self.look_up(alive)
    }

    /// The changes so far, of a target that remembers them with their times.
    fn history(&self) -> Asking<'_, Remembered> {
        Box::pin(std::future::ready(Remembered::Nothing))
    }

    /// How often who watches had better ask.
    fn period(&self) -> Duration;
}

/// Who is alive of a bazaar.
#[must_use]
pub fn alive(bazaar: &Bazaar) -> Alive {
    let processes = bazaar.processes().into_iter();
    let living = processes.filter(|process| process.state != ProcessState::Down);
    living.map(|process| (process.name, process.pid)).collect()
}

/// Who leads a bazaar now. Just after a leader's death that may still be the dead one.
///
/// # Errors
/// Why that is not known.
pub async fn look_up(bazaar: &Bazaar) -> Result<Leadership, NoLeader> {
    bazaar.leaders().look_up(&alive(bazaar)).await
}

/// The same, as whoever keeps the configuration says.
///
/// # Errors
/// Why that is not known.
pub async fn ask(bazaar: &Bazaar) -> Result<Leadership, NoLeader> {
    bazaar.leaders().ask(&alive(bazaar)).await
}

#[cfg(test)]
mod tests {
    use records::built_in;

    use super::*;

    fn led_by_3(in_sync: Option<&[u8]>) -> Leadership {
        let in_sync = in_sync.map(|ids| ids.iter().map(|id| built_in::order(*id)).collect());
        Leadership { leader: built_in::order(3), epoch: None, in_sync, rivals: Vec::new() }
    }

    #[test]
    fn followers_are_in_sync_where_that_is_said_and_all_others_where_it_is_not() {
        let processes = built_in::processes(4);
        let [one, two, four] = [1, 2, 4].map(built_in::order);
        let said = led_by_3(Some(&[1, 3]));
        assert_eq!(said.followers(&processes), [one]);
        assert!(said.is_in_sync(built_in::order(3)) && !said.is_in_sync(two));
        assert_eq!(said.in_sync_numbers(&processes).unwrap().to_string(), "1 3");
        let unsaid = led_by_3(None);
        assert_eq!(unsaid.followers(&processes), [one, two, four]);
        assert_eq!(unsaid.in_sync_numbers(&processes), None);
    }
}
