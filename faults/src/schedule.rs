//! What a plan's faults mean, as a pure function: checked, numbered, and every restart and
//! resume paired with the kill or pause that it ends.
//!
//! A leader's process is known only when the fault fires. So whatever ends the fault must belong
//! to it and not name a process of its own: "restart order-3" after "kill the leader" would
//! start a process that runs, if the leader had been order-2.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wire::ids::ReplicaId;

use crate::process::ProcessName;

/// The latest that anything may be planned for: a day, so that no sum of times can overflow.
const MAX_MS: u64 = 24 * 60 * 60 * 1000;

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

impl Action {
    /// The word that plans and events use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Restart => "restart",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
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

impl Target {
    /// The process, if that is known before the fault fires.
    #[must_use]
    pub fn process(self) -> Option<ProcessName> {
        match self {
            Self::Leader | Self::Follower => None,
            Self::Order(id) => Some(ProcessName::Order(id)),
            Self::Catalog => Some(ProcessName::Catalog),
            Self::FrontEnd => Some(ProcessName::FrontEnd),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process() {
            Some(process) => process.fmt(f),
            None if *self == Self::Leader => f.pad("leader"),
            None => f.pad("follower"),
        }
    }
}

/// The text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"leader\", \"follower\", \"order-\" and an id, \"catalog\" or \"front-end\"")]
pub struct UnknownTarget;

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "leader" => Ok(Self::Leader),
            "follower" => Ok(Self::Follower),
            _ => match text.parse().map_err(|_| UnknownTarget)? {
                ProcessName::Order(id) => Ok(Self::Order(id)),
                ProcessName::Catalog => Ok(Self::Catalog),
                ProcessName::FrontEnd => Ok(Self::FrontEnd),
            },
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|error: UnknownTarget| format!("target \"{text}\" {error}"))
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// A fault as an element of a plan's `faults` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When, in milliseconds after the load began.
    pub at_ms: u64,
    /// What.
    pub action: Action,
    /// To whom. A resume or restart names the target of the pause or kill that it ends.
    pub target: Target,
    /// For a kill: restart it that much later. For a pause: resume it that much later. Without
    /// it, and without a later restart or resume, the process stays as it is until the trial's
    /// end, when everything is healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

/// Something in a plan's faults makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ScheduleError {
    /// The field, for example `faults[2].target`, where `faults[0]` is the plan's first.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

/// How a fault breaks a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Harm {
    /// It is killed, and a restart ends it.
    Kill,
    /// It is paused, and a resume ends it.
    Pause,
}

impl Harm {
    /// What begins it.
    #[must_use]
    pub fn begin(self) -> Action {
        match self {
            Self::Kill => Action::Kill,
            Self::Pause => Action::Pause,
        }
    }

    /// What ends it.
    #[must_use]
    pub fn end(self) -> Action {
        match self {
            Self::Kill => Action::Restart,
            Self::Pause => Action::Resume,
        }
    }
}

/// One kill or pause, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number: kills and pauses are counted from 1 in the order of the plan. The restart or
    /// resume that ends it carries the same number.
    pub number: u32,
    /// What it does.
    pub harm: Harm,
    /// To whom.
    pub target: Target,
    /// When it begins, in milliseconds after the load began.
    pub at_ms: u64,
    /// When it ends; `None` if the plan leaves that to the healing at the trial's end.
    pub ends_at_ms: Option<u64>,
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
        let mut expansion = Expansion::default();
        let mut latest_ms = 0;
        for (index, planned) in plan.iter().enumerate() {
            expansion.check_fields(index, planned, latest_ms, replicas);
            expansion.add(index, planned);
            latest_ms = latest_ms.max(planned.at_ms);
        }
        expansion.check_overlaps();
        if expansion.errors.is_empty() {
            let faults = expansion.begun.into_iter().map(|begun| begun.fault).collect();
            Ok(Self { faults })
        } else {
            Err(expansion.errors)
        }
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
        self.faults.iter().map(|fault| fault.ends_at_ms.unwrap_or(fault.at_ms)).max().unwrap_or(0)
    }
}

/// A fault and the plan's element that began it.
struct Begun {
    index: usize,
    fault: Fault,
}

#[derive(Default)]
struct Expansion {
    begun: Vec<Begun>,
    errors: Vec<ScheduleError>,
}

impl Expansion {
    fn refuse(&mut self, index: usize, field: &str, problem: impl Into<String>) {
        let field = format!("faults[{index}].{field}");
        self.errors.push(ScheduleError { field, problem: problem.into() });
    }

    fn check_fields(&mut self, index: usize, planned: &PlannedFault, latest_ms: u64, replicas: u8) {
        if planned.at_ms < latest_ms {
            let at_ms = planned.at_ms;
            let problem = format!(
                "{at_ms} is before the fault above it, at {latest_ms}; write faults in the order \
                 of their times"
            );
            self.refuse(index, "at_ms", problem);
        }
        if planned.at_ms > MAX_MS {
            self.refuse(index, "at_ms", format!("must be at most {MAX_MS}, which is a day"));
        }
        match planned.target {
            Target::Order(id) if id.0 == 0 || id.0 > replicas => {
                let problem =
                    format!("there is no order-{id}: the replicas are order-1 to order-{replicas}");
                self.refuse(index, "target", problem);
            }
            Target::Follower if replicas < 2 => {
                let problem = "a single replica has no follower; set replicas to 2 or more";
                self.refuse(index, "target", problem);
            }
            _ => {}
        }
        match (planned.action, planned.for_ms) {
            (_, None) => {}
            (Action::Kill | Action::Pause, Some(for_ms)) => {
                if for_ms == 0 || for_ms > MAX_MS {
                    let problem = format!("must be from 1 to {MAX_MS}, or left out");
                    self.refuse(index, "for_ms", problem);
                }
            }
            (action @ (Action::Resume | Action::Restart), Some(_)) => {
                let problem = format!("a {action} does not last; for_ms belongs to kill and pause");
                self.refuse(index, "for_ms", problem);
            }
        }
    }

    fn add(&mut self, index: usize, planned: &PlannedFault) {
        let harm = match planned.action {
            Action::Kill => Harm::Kill,
            Action::Pause => Harm::Pause,
            Action::Restart => return self.end(index, planned, Harm::Kill),
            Action::Resume => return self.end(index, planned, Harm::Pause),
        };
        let number = u32::try_from(self.begun.len() + 1).unwrap_or(u32::MAX);
        let ends_at_ms = planned.for_ms.map(|for_ms| planned.at_ms.saturating_add(for_ms));
        let fault =
            Fault { number, harm, target: planned.target, at_ms: planned.at_ms, ends_at_ms };
        self.begun.push(Begun { index, fault });
    }

    /// Ends the latest open fault of that kind with the same target.
    fn end(&mut self, index: usize, planned: &PlannedFault, harm: Harm) {
        let open = self.begun.iter_mut().rev().map(|begun| &mut begun.fault).find(|fault| {
            fault.harm == harm && fault.target == planned.target && fault.ends_at_ms.is_none()
        });
        match open {
            Some(fault) => fault.ends_at_ms = Some(planned.at_ms.max(fault.at_ms)),
            None => {
                let (action, begin, target) = (planned.action, harm.begin(), planned.target);
                let problem = format!(
                    "nothing to {action}: no earlier {begin} has target \"{target}\" and no for_ms"
                );
                self.refuse(index, "action", problem);
            }
        }
    }

    /// A process that is down cannot be killed. For leaders and followers only the moment tells.
    fn check_overlaps(&mut self) {
        let mut problems = Vec::new();
        for (position, later) in self.begun.iter().enumerate() {
            let clash = self.begun[..position].iter().find(|earlier| {
                let over = earlier.fault.ends_at_ms.is_some_and(|end| end <= later.fault.at_ms);
                later.fault.target.process().is_some()
                    && earlier.fault.target == later.fault.target
                    && !over
            });
            if let Some(earlier) = clash {
                let until = match earlier.fault.ends_at_ms {
                    Some(end) => format!("until {end}"),
                    None => "for the rest of the trial".to_owned(),
                };
                let problem = format!(
                    "{} is still broken by faults[{}], {until}",
                    later.fault.target, earlier.index
                );
                problems.push((later.index, problem));
            }
        }
        for (index, problem) in problems {
            self.refuse(index, "target", problem);
        }
    }
}

#[cfg(test)]
mod tests;
