//! What the bazaar's processes are called, in events, logs and messages alike.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wire::ids::ReplicaId;

/// One process of the bazaar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ProcessName {
    /// The front-end.
    FrontEnd,
    /// The catalog.
    Catalog,
    /// An order replica.
    Order(ReplicaId),
}

impl ProcessName {
    /// An order replica, by its id.
    #[must_use]
    pub fn order(id: u8) -> Self {
        Self::Order(ReplicaId(id))
    }

    /// The replica's id, if it is one.
    #[must_use]
    pub fn replica(self) -> Option<u8> {
        match self {
            Self::Order(id) => Some(id.0),
            Self::FrontEnd | Self::Catalog => None,
        }
    }
}

impl fmt::Display for ProcessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrontEnd => f.pad("front-end"),
            Self::Catalog => f.pad("catalog"),
            Self::Order(id) => f.pad(&format!("order-{id}")),
        }
    }
}

/// The text names no process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be \"front-end\", \"catalog\", or \"order-\" and a replica's id from 1 up")]
pub struct UnknownProcess;

impl FromStr for ProcessName {
    type Err = UnknownProcess;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "front-end" => Ok(Self::FrontEnd),
            "catalog" => Ok(Self::Catalog),
            _ => {
                let id = text.strip_prefix("order-").ok_or(UnknownProcess)?;
                let id: ReplicaId = id.parse().map_err(|_| UnknownProcess)?;
                // One spelling per process: no "order-+2", no "order-02".
                let canonical = Self::Order(id);
                let known = id.0 > 0 && canonical.to_string() == text;
                known.then_some(canonical).ok_or(UnknownProcess)
            }
        }
    }
}

impl TryFrom<String> for ProcessName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map_err(|error: UnknownProcess| format!("process \"{text}\" {error}"))
    }
}

impl From<ProcessName> for String {
    fn from(name: ProcessName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_are_written() {
        for name in ["front-end", "catalog", "order-1", "order-255"] {
            assert_eq!(name.parse::<ProcessName>().unwrap().to_string(), name);
        }
        for refused in ["", "order", "order-", "order-0", "order-02", "order-+2", "order-256", "db"]
        {
            assert_eq!(refused.parse::<ProcessName>(), Err(UnknownProcess), "{refused}");
        }
    }
}
