//! Whom something was done to: a process, or the link between two.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ProcessName;

/// A link between two processes as it was found to be: the direction from one to the other, or
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// Who sends.
    pub from: ProcessName,
    /// Who receives.
    pub to: ProcessName,
    /// Whether the other direction is meant, too.
    pub both_ways: bool,
}

impl Route {
    /// The directions that are meant: from whom to whom.
    pub fn directions(self) -> impl Iterator<Item = (ProcessName, ProcessName)> {
        let back = self.both_ways.then_some((self.to, self.from));
        std::iter::once((self.from, self.to)).chain(back)
    }

    /// Whether it is between these two, in whichever direction.
    #[must_use]
    pub fn is_between(self, one: ProcessName, other: ProcessName) -> bool {
        [self.from, self.to] == [one, other] || [self.from, self.to] == [other, one]
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = if self.both_ways { "<->" } else { "->" };
        f.pad(&format!("{} {arrow} {}", self.from, self.to))
    }
}

/// A process or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A process.
    Process(ProcessName),
    /// A link.
    Link(Route),
}

impl Subject {
    /// The process, if it is one.
    #[must_use]
    pub fn process(self) -> Option<ProcessName> {
        match self {
            Self::Process(name) => Some(name),
            Self::Link(_) => None,
        }
    }

    /// The link, if it is one.
    #[must_use]
    pub fn link(self) -> Option<Route> {
        match self {
            Self::Process(_) => None,
            Self::Link(route) => Some(route),
        }
    }
}

impl From<ProcessName> for Subject {
    fn from(name: ProcessName) -> Self {
        Self::Process(name)
    }
}

impl From<Route> for Subject {
    fn from(route: Route) -> Self {
        Self::Link(route)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(name) => name.fmt(f),
            Self::Link(route) => route.fmt(f),
        }
    }
}

/// The text names neither a process nor a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither a process, such as \"order-3\", nor a link, such as \"order-3 -> catalog\""
)]
pub struct UnknownSubject(String);

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |name: &str| name.trim().parse().map_err(|_| UnknownSubject(text.to_owned()));
        let (from, to, both_ways) = match (text.split_once("<->"), text.split_once("->")) {
            (Some((from, to)), _) => (from, to, true),
            (None, Some((from, to))) => (from, to, false),
            (None, None) => return named(text).map(Self::Process),
        };
        Ok(Self::Link(Route { from: named(from)?, to: named(to)?, both_ways }))
    }
}

impl TryFrom<String> for Subject {
    type Error = UnknownSubject;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_read_as_they_are_written() {
        for text in ["order-3", "front-end", "order-3 -> order-1", "front-end <-> catalog"] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
        for refused in ["", "leader", "order-3 ->", "-> catalog", "order-3 - catalog"] {
            let error = refused.parse::<Subject>().unwrap_err().to_string();
            assert!(error.contains("neither a process"), "{error}");
        }
    }

    #[test]
    fn a_link_is_between_its_ends_in_both_directions() {
        let link: Subject = "catalog -> order-2".parse().unwrap();
        let link = link.link().unwrap();
        let (catalog, replica) = (ProcessName::Catalog, ProcessName::order(2));
        assert!(link.is_between(catalog, replica) && link.is_between(replica, catalog));
        assert!(!link.is_between(catalog, ProcessName::order(3)));
    }
}
