//! What was done to whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::records::Event;

/// A fault. What undoes one (restart, resume) is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// SIGKILL.
    Kill,
    /// SIGSTOP.
    Pause,
}

impl FaultKind {
    /// What the event did, if that is a fault.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        match event.action.as_deref()? {
            "kill" => Some(Self::Kill),
            "pause" => Some(Self::Pause),
            _ => None,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
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
    /// The catalog, the front-end, or anything else.
    Other,
}

impl Role {
    /// The role of the process that `injected` names. The plan's `leader` was looked up when the
    /// fault fired, so it is believed; otherwise `leader`, who led just before, decides.
    #[must_use]
    pub fn of(injected: &Event, leader: Option<u8>) -> Self {
        let process = injected.process.as_deref().unwrap_or_default();
        let Some(replica) = process.strip_prefix("order-") else { return Self::Other };
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
            Self::Other => "other",
        })
    }
}
