//! What a plan's faults mean, as a pure function.

use serde::{Deserialize, Serialize};
use wire::ids::ReplicaId;

/// What to do to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Pause,
    /// SIGCONT, which ends a pause.
    Resume,
    /// A new process, which ends a kill.
    Restart,
}

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// Whoever leads when the fault fires.
    Leader,
    /// When the fault fires, the in-sync replica with the highest id that runs and does not lead.
    Follower,
    /// An order replica.
    Order(ReplicaId),
    /// The catalog.
    Catalog,
    /// The front-end.
    FrontEnd,
}

impl TryFrom<String> for Target {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let _ = text;
        todo!()
    }
}
impl From<Target> for String {
    fn from(target: Target) -> Self {
        let _ = target;
        todo!()
    }
}

/// A fault as a plan's `[[faults]]` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When, in milliseconds after the load began.
    pub at_ms: u64,
    /// What.
    pub action: Action,
    /// To whom.
    pub target: Target,
    /// For a kill: restart it that much later. For a pause: resume it that much later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

/// A plan's faults make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ScheduleError {
    /// The field, for example `faults[2].target`; counted from 0 as everywhere in TOML tools.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// One kill or pause, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number, from 1 in the order of the plan. Its restart or resume carries the same.
    pub number: u32,
}

/// The faults of one trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    faults: Vec<Fault>,
}

impl Schedule {
    /// Checks a plan's faults for a bazaar with `replicas` order replicas, and pairs every
    /// restart and resume with the kill or pause that it ends. All problems at once.
    pub fn expand(plan: &[PlannedFault], replicas: u8) -> Result<Self, Vec<ScheduleError>> {
        let _ = (plan, replicas);
        todo!()
    }

    /// Every kill and pause, in the order of the plan. Their count is the manifest's
    /// `planned_faults`.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// When the last act is due, in milliseconds after the load began; 0 without faults.
    #[must_use]
    pub fn ends_at_ms(&self) -> u64 {
        0
    }
}
