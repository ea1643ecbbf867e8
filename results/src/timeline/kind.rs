//! What was done to whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Act;
use crate::records::{Action, ProcessName};

/// A fault. What undoes one (restart, resume, heal) is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// SIGKILL, to a process.
    Kill,
    /// SIGSTOP, to a process.
    Pause,
    /// Nothing passes a link any more.
    Cut,
    /// Everything passes a link later.
    Delay,
    /// Everything passes a link slowly.
    Throttle,
}

impl FaultKind {
    /// What the action begins, if it begins a fault.
    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        match action {
            Action::Kill => Some(Self::Kill),
            Action::Pause => Some(Self::Pause),
            Action::Cut => Some(Self::Cut),
            Action::Delay => Some(Self::Delay),
            Action::Throttle => Some(Self::Throttle),
            Action::Restart | Action::Resume | Action::Heal => None,
        }
    }

    /// Whether it is done to a link; otherwise it is done to a process.
    #[must_use]
    pub fn is_of_links(self) -> bool {
        matches!(self, Self::Cut | Self::Delay | Self::Throttle)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Cut => "cut",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
        })
    }
}

/// What the process was when the fault hit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The leading order replica.
    Leader,
    /// Another order replica.
    Follower,
    /// The catalog.
    Catalog,
    /// The front-end.
    FrontEnd,
    /// No process, but the link between two.
    Link,
    /// A process that is none of these.
    Other,
}

impl Role {
    /// The role of what was hit. The plan's `leader` was looked up when the fault fired, so it is
    /// believed; otherwise `leader`, who led just before, decides.
    pub(super) fn of(kind: FaultKind, injected: &Act, leader: Option<u8>) -> Self {
        if kind.is_of_links() {
            return Self::Link;
        }
        match injected.subject.and_then(|subject| subject.process()) {
            Some(ProcessName::Catalog) => Self::Catalog,
            Some(ProcessName::FrontEnd) => Self::FrontEnd,
            Some(ProcessName::Order(id)) => {
                let led = leader == Some(id.0) || injected.target.as_deref() == Some("leader");
                if led { Self::Leader } else { Self::Follower }
            }
            None => Self::Other,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Catalog => "catalog",
            Self::FrontEnd => "front-end",
            Self::Link => "link",
            Self::Other => "other",
        })
    }
}
