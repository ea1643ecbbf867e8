//! The kinds of fault whose outages are compared, each for itself: a median over kills and pauses together would change with their numbers.
//!
//! They are those that a system is expected to need a moment for, and that are the same from run to run: its leader is gone, or silent, or a
//! link is. How long slowness, floods, bad disks and faults of other processes are felt depends on more than the system, so no change of it is
//! called one.

use crate::availability::AvailabilityRow;
use crate::timeline::{FaultKind, Role};

/// A kind of fault whose outages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A leader was killed.
    LeaderKilled,
    /// A leader was paused.
    LeaderPaused,
    /// A link was cut, whoever stood at its ends.
    LinkCut,
}

impl Broken {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 3] = [Self::LeaderKilled, Self::LeaderPaused, Self::LinkCut];

    /// Which of them a fault was, if any.
    #[must_use]
    pub fn of(fault: &AvailabilityRow) -> Option<Self> {
        match (fault.role, fault.action) {
            (Role::Leader, FaultKind::Kill) => Some(Self::LeaderKilled),
            (Role::Leader, FaultKind::Pause) => Some(Self::LeaderPaused),
            (Role::Link, FaultKind::Cut) => Some(Self::LinkCut),
            _ => None,
        }
    }

    /// What came first, as a sentence goes on behind *after*.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LeaderKilled => "a leader's kill",
            Self::LeaderPaused => "a leader's pause",
            Self::LinkCut => "a cut of links",
        }
    }

    /// The name of an outage's median among the figures that are compared, of a column of `availability.csv`.
    #[must_use]
    pub fn metric(self, column: &str) -> String {
        let action = match self {
            Self::LeaderKilled => "kill",
            Self::LeaderPaused => "pause",
            Self::LinkCut => "cut",
        };
        format!("failover.{action}.{column}.median")
    }
}
