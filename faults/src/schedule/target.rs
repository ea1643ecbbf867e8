//! Whom a fault is for: a process, a role that a process has at the moment, the link between
//! two of them, or all links of one.

use std::fmt;
use std::str::FromStr;

use records::{ANY, BadName, CLIENTS, End, REPLICAS};
use serde::{Deserialize, Serialize};

use crate::process::ProcessName;

/// A process, or the process that has a role when the fault fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The process that leads when the fault fires.
    Leader,
    /// When the fault fires, of the in-sync replicas that run and do not lead the last by name.
    Follower,
    /// The process of this name. Whether there is one, the [`Schedule`](super::Schedule) says.
    Process(ProcessName),
}

impl Target {
    /// The process, if that is known before the fault fires.
    #[must_use]
    pub fn process(self) -> Option<ProcessName> {
        match self {
            Self::Leader | Self::Follower => None,
            Self::Process(name) => Some(name),
        }
    }
}

impl From<ProcessName> for Target {
    fn from(name: ProcessName) -> Self {
        Self::Process(name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leader => f.pad("leader"),
            Self::Follower => f.pad("follower"),
            Self::Process(name) => name.fmt(f),
        }
    }
}

impl FromStr for Target {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "leader" => Ok(Self::Leader),
            "follower" => Ok(Self::Follower),
            _ => text.parse().map(Self::Process),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|error: BadName| format!("target \"{text}\" {error}"))
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkEnd {
    /// A process, or the process that has a role.
    Target(Target),
    /// Every process but the one at the other end.
    Any,
    /// Every replica but the one at the other end.
    Replicas,
    /// Whoever is none of the processes.
    Clients,
}

impl From<Target> for LinkEnd {
    fn from(target: Target) -> Self {
        Self::Target(target)
    }
}

impl fmt::Display for LinkEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(target) => target.fmt(f),
            Self::Any => End::Any.fmt(f),
            Self::Replicas => End::Replicas.fmt(f),
            Self::Clients => End::Clients.fmt(f),
        }
    }
}

/// A link between two processes, or all those between one and the others or clients: the direction from one end to the
/// other, or both.
///
/// A direction is everything that one process sends to the other, no matter who opened the connection:
/// "order-3 -> order-1" concerns the requests that order-3 sends to order-1, and its answers to
/// order-1's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link {
    /// Who sends.
    pub from: LinkEnd,
    /// Who receives.
    pub to: LinkEnd,
    /// Whether the other direction is meant, too.
    pub both_ways: bool,
}

impl Link {
    /// The two ends.
    #[must_use]
    pub fn ends(self) -> [LinkEnd; 2] {
        [self.from, self.to]
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.both_ways { "<->" } else { "->" };
        write!(f, "{} {arrow} {}", self.from, self.to)
    }
}

/// The text is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be two targets with -> or <-> in between, one of which may be \"any\", \"replicas\" or \"clients\", for \
     example \"order-3 -> order-1\" or \"front-end <-> any\"{reason}"
)]
pub struct UnknownLink {
    reason: String,
}

impl FromStr for Link {
    type Err = UnknownLink;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, to, both_ways) = match (text.split_once("<->"), text.split_once("->")) {
            (Some((from, to)), _) => (from, to, true),
            (None, Some((from, to))) => (from, to, false),
            (None, None) => return Err(UnknownLink { reason: String::new() }),
        };
        let end = |text: &str| {
            let text = text.trim();
            match text {
                ANY => return Ok(LinkEnd::Any),
                REPLICAS => return Ok(LinkEnd::Replicas),
                CLIENTS => return Ok(LinkEnd::Clients),
                _ => {}
            }
            let reason = |error| format!("; \"{text}\" {error}");
            let target = text.parse().map(LinkEnd::Target);
            target.map_err(|error: BadName| UnknownLink { reason: reason(error) })
        };
        Ok(Self { from: end(from)?, to: end(to)?, both_ways })
    }
}

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|error: UnknownLink| format!("link \"{text}\" {error}"))
    }
}

impl From<Link> for String {
    fn from(link: Link) -> Self {
        link.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_they_are_written() {
        for text in ["leader", "follower", "order-2", "catalog", "front-end"] {
            let json = format!("\"{text}\"");
            let target: Target = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&target).unwrap(), json);
        }
        let error = serde_json::from_str::<Target>("\"order 2\"").unwrap_err().to_string();
        assert!(error.starts_with("target \"order 2\" must be 1 to 64 of letters"), "{error}");
    }

    #[test]
    fn links_read_as_they_are_written() {
        for text in [
            "order-3 -> order-1",
            "leader <-> catalog",
            "front-end -> follower",
            "front-end <-> any",
            "any -> leader",
            "leader <-> replicas",
            "clients -> leader",
        ] {
            assert_eq!(text.parse::<Link>().unwrap().to_string(), text);
        }
        let tight: Link = "order-3<->order-1".parse().unwrap();
        assert_eq!(tight.to_string(), "order-3 <-> order-1");
        for (text, hint) in [("order-3", "for example"), ("order-3 -> a b", "\"a b\" must")] {
            let error = text.parse::<Link>().unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
