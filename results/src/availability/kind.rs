//! What was done to whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::records::Event;

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
    /// What the event did, if that is a fault.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match event.action.as_deref()? {
            "kill" => Some(Self::Kill),
            "pause" => Some(Self::Pause),
            "cut" => Some(Self::Cut),
            "delay" => Some(Self::Delay),
            "throttle" => Some(Self::Throttle),
            _ => None,
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
    /// The role of the process that `injected` names. The plan's `leader` was looked up when the
    /// fault fired, so it is believed; otherwise `leader`, who led just before, decides.
    #[must_use]
    pub fn of(injected: &Event, leader: Option<u8>) -> Self {
        if FaultKind::of(injected).is_some_and(FaultKind::is_of_links) {
            return Self::Link;
        }
        let process = injected.process.as_deref().unwrap_or_default();
        let Some(replica) = process.strip_prefix("order-") else {
            return match process {
                "catalog" => Self::Catalog,
                "front-end" => Self::FrontEnd,
                _ => Self::Other,
            };
        };
        let led = leader.is_some_and(|leader| replica.parse() == Ok(leader));
        if led || injected.target.as_deref() == Some("leader") {
            Self::Leader
        } else {
            Self::Follower
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
