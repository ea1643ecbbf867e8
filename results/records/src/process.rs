//! What a process of a system under test is called, in events, logs and messages alike, and what it is there for.

use serde::{Deserialize, Serialize};

use super::name::{Name, names};

/// The words for a process that is whichever fits at the moment, and for all of them: no process may be called so.
const NO_PROCESS: [&str; 5] = ["leader", "follower", super::ANY, super::REPLICAS, super::CLIENTS];
/// The words for what is hit by a fault besides processes of a role: no role may be called so, or figures would mix
/// the two.
const NO_ROLE: [&str; 6] = ["leader", "follower", "link", "flood", "own", "other"];

/// A process's name: any word of up to 64 letters, digits, `_`, `.` and `-`. Ordered as people count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProcessName(Name);

impl ProcessName {
    /// A name that the program itself gives.
    pub(super) fn known(text: &str) -> Self {
        Self(Name::known(text))
    }
}

names!(ProcessName, "process", NO_PROCESS);

/// What processes are there for, in a word of the system's own: `order`, `database`. Processes of one role do the
/// same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleName(Name);

impl RoleName {
    /// A word that the program itself gives.
    pub(super) fn known(text: &str) -> Self {
        Self(Name::known(text))
    }
}

names!(RoleName, "role", NO_ROLE);

/// What a target calls a fault of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultName(Name);

names!(FaultName, "fault", NO_PROCESS);

/// A process, and what it is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// What it is called.
    pub name: ProcessName,
    /// What it is there for.
    pub role: RoleName,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BadName;

    #[test]
    fn names_read_as_they_are_written() {
        for name in ["front-end", "catalog", "order-1", "order-255", "redis_1.local"] {
            assert_eq!(name.parse::<ProcessName>().unwrap().to_string(), name);
        }
        let error = serde_json::from_str::<ProcessName>("\"a b\"").unwrap_err().to_string();
        assert!(error.starts_with("process \"a b\" must be 1 to 64 of letters"), "{error}");
    }

    #[test]
    fn words_with_a_meaning_of_their_own_are_no_names() {
        for word in ["leader", "follower", "any"] {
            assert_eq!(word.parse::<ProcessName>(), Err(BadName::Reserved), "{word}");
        }
        for word in ["leader", "follower", "link", "flood", "other"] {
            assert_eq!(word.parse::<RoleName>(), Err(BadName::Reserved), "{word}");
        }
        assert!("link".parse::<ProcessName>().is_ok() && "any".parse::<RoleName>().is_ok());
    }
}
