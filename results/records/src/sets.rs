//! Fields that hold several values, separated by spaces: replicas, and faults.

use std::collections::BTreeSet;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Order replicas, by their ids: `1 2 3`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReplicaSet(BTreeSet<u8>);

impl ReplicaSet {
    /// Whether the replica is one of them.
    #[must_use]
    pub fn contains(&self, id: u8) -> bool {
        self.0.contains(&id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their ids, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<u8> for ReplicaSet {
    fn from_iter<I: IntoIterator<Item = u8>>(ids: I) -> Self {
        Self(ids.into_iter().collect())
    }
}

/// Faults of a trial, by their numbers: `1 4`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultSet(BTreeSet<u32>);

impl FaultSet {
    /// Whether the fault is one of them.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.contains(&number)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<u32> for FaultSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

macro_rules! separated_by_spaces {
    ($set:ty) => {
        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let members: Vec<String> = self.0.iter().map(ToString::to_string).collect();
                f.pad(&members.join(" "))
            }
        }

        impl FromStr for $set {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
            }
        }

        impl TryFrom<String> for $set {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let separated = |error| {
                    format!("\"{text}\" must be whole numbers with spaces in between: {error}")
                };
                text.parse().map_err(separated)
            }
        }

        impl From<$set> for String {
            fn from(set: $set) -> Self {
                set.to_string()
            }
        }
    };
}

separated_by_spaces!(ReplicaSet);
separated_by_spaces!(FaultSet);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_read_as_they_are_written() {
        for text in ["", "2", "1 2 3"] {
            let set: ReplicaSet = text.parse().unwrap();
            assert_eq!((set.to_string().as_str(), set.is_empty()), (text, text.is_empty()));
        }
        assert_eq!("7 3".parse::<FaultSet>().unwrap().to_string(), "3 7");
        let error = ReplicaSet::try_from("1 two".to_owned()).unwrap_err();
        assert!(error.starts_with("\"1 two\" must be whole numbers"), "{error}");
    }
}
