//! What the bazaar's processes are called, in events, logs and messages alike.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use wire::ids::ReplicaId;

/// One process of the bazaar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessName {
    /// The front-end.
    FrontEnd,
    /// The catalog.
    Catalog,
    /// An order replica.
    Order(ReplicaId),
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

/// What is known of a process without asking it anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, as far as signals go.
    Running,
    /// It was stopped by SIGSTOP.
    Paused,
    /// It has ended.
    Down,
}

/// A process of the bazaar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// What it is called.
    pub name: ProcessName,
    /// Its process id; that of its last life if it is down.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it runs.
    pub state: ProcessState,
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
