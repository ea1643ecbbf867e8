//! Whom something was done to: a process, or the link between two, or all links of one; or whatever a fault of the target's own
//! does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FaultName, ProcessName, Processes};

/// The word for [`End::Any`].
pub const ANY: &str = "any";
/// The word for [`End::Replicas`].
pub const REPLICAS: &str = "replicas";
/// The word for [`End::Clients`].
pub const CLIENTS: &str = "clients";

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A process.
    Process(ProcessName),
    /// Every process but the one at the other end.
    Any,
    /// Every process of which one leads, but the one at the other end.
    Replicas,
    /// Whoever speaks to the process at the other end and is none of the system's processes.
    Clients,
}

impl End {
    /// The process, if it is one.
    #[must_use]
    pub fn process(self) -> Option<ProcessName> {
        match self {
            Self::Process(name) => Some(name),
            Self::Any | Self::Replicas | Self::Clients => None,
        }
    }

    fn is(self, name: ProcessName, processes: &Processes) -> bool {
        match self {
            Self::Process(process) => process == name,
            Self::Any => true,
            Self::Replicas => processes.is_replica(name),
            Self::Clients => false,
        }
    }
}

impl From<ProcessName> for End {
    fn from(name: ProcessName) -> Self {
        Self::Process(name)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(name) => name.fmt(f),
            Self::Any => f.pad(ANY),
            Self::Replicas => f.pad(REPLICAS),
            Self::Clients => f.pad(CLIENTS),
        }
    }
}

/// A link between two processes, or all those between one and the others or clients, as it was found to be: the direction
/// from one end to the other, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// Who sends.
    pub from: End,
    /// Who receives.
    pub to: End,
    /// Whether the other direction is meant, too.
    pub both_ways: bool,
}

impl Route {
    /// Whether what one of a system's processes sends to another, `from` to `to`, takes it.
    #[must_use]
    pub fn carries(self, from: ProcessName, to: ProcessName, processes: &Processes) -> bool {
        let is = |end: End, name| end.is(name, processes);
        let there = is(self.from, from) && is(self.to, to);
        let back = self.both_ways && is(self.from, to) && is(self.to, from);
        from != to && (there || back)
    }

    /// Whether it is between these two of a system's processes, in whichever direction.
    #[must_use]
    pub fn is_between(self, one: ProcessName, other: ProcessName, processes: &Processes) -> bool {
        self.carries(one, other, processes) || self.carries(other, one, processes)
    }

    /// Its ends, called as `name` calls them, with an arrow between.
    #[must_use]
    pub fn in_words(self, name: impl Fn(End) -> String) -> String {
        let arrow = if self.both_ways { "<->" } else { "->" };
        format!("{} {arrow} {}", name(self.from), name(self.to))
    }

    /// Whose link with clients it is, in whichever direction, if it is one.
    #[must_use]
    pub fn with_clients(self) -> Option<ProcessName> {
        match [self.from, self.to] {
            [End::Clients, other] | [other, End::Clients] => other.process(),
            _ => None,
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.in_words(|end| end.to_string()))
    }
}

/// What a fault of the target's own is called after: its table in the target's file.
const OWN: &str = "faults.";

/// A process, a link, or what a fault of the target's own does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A process.
    Process(ProcessName),
    /// A link.
    Link(Route),
    /// Whatever this fault of the target's own does.
    Own(FaultName),
}

impl Subject {
    /// The process, if it is one.
    #[must_use]
    pub fn process(self) -> Option<ProcessName> {
        match self {
            Self::Process(name) => Some(name),
            Self::Link(_) | Self::Own(_) => None,
        }
    }

    /// Every process that it names.
    pub fn names(self) -> impl Iterator<Item = ProcessName> {
        let ends = self.link().map(|link| [link.from.process(), link.to.process()]);
        self.process().into_iter().chain(ends.into_iter().flatten().flatten())
    }

    /// The link, if it is one.
    #[must_use]
    pub fn link(self) -> Option<Route> {
        match self {
            Self::Process(_) | Self::Own(_) => None,
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

impl From<FaultName> for Subject {
    fn from(name: FaultName) -> Self {
        Self::Own(name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(name) => name.fmt(f),
            Self::Link(route) => route.fmt(f),
            Self::Own(name) => f.pad(&format!("{OWN}{name}")),
        }
    }
}

/// The text names neither a process nor a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither a process, such as \"order-3\", nor a link, such as \"order-3 -> catalog\" or \
     \"order-3 <-> any\""
)]
pub struct UnknownSubject(String);

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |name: &str| -> Result<ProcessName, UnknownSubject> {
            name.trim().parse().map_err(|_| UnknownSubject(text.to_owned()))
        };
        let end = |name: &str| match name.trim() {
            ANY => Ok(End::Any),
            REPLICAS => Ok(End::Replicas),
            CLIENTS => Ok(End::Clients),
            name => named(name).map(End::Process),
        };
        let (from, to, both_ways) = match (text.split_once("<->"), text.split_once("->")) {
            (Some((from, to)), _) => (end(from)?, end(to)?, true),
            (None, Some((from, to))) => (end(from)?, end(to)?, false),
            (None, None) => {
                let own = text.strip_prefix(OWN).and_then(|name| name.parse().ok());
                return own
                    .map_or_else(|| named(text).map(Self::Process), |name| Ok(Self::Own(name)));
            }
        };
        // One end is somebody, and the other somebody else.
        if from == to || (from.process(), to.process()) == (None, None) {
            return Err(UnknownSubject(text.to_owned()));
        }
        Ok(Self::Link(Route { from, to, both_ways }))
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
    use crate::built_in;

    #[test]
    fn subjects_read_as_they_are_written() {
        for text in [
            "order-3",
            "front-end",
            "order-3 -> order-1",
            "front-end <-> catalog",
            "front-end <-> any",
            "any -> order-2",
            "order-3 <-> replicas",
            "clients -> order-1",
        ] {
            let subject = text.parse::<Subject>().unwrap();
            assert_eq!(subject.to_string(), text);
            let names: Vec<_> = subject.names().map(|name| name.to_string()).collect();
            let others = ["->", "<->", ANY, REPLICAS, CLIENTS];
            let words = text.split(' ').filter(|word| !others.contains(word));
            assert_eq!(names, words.collect::<Vec<_>>());
        }
        let own = "faults.partition-n1".parse::<Subject>().unwrap();
        assert_eq!((own.to_string().as_str(), own.names().count()), ("faults.partition-n1", 0));
        assert!(own.process().is_none() && own.link().is_none());
        let refused = [
            "",
            "leader",
            "any",
            "order-3 ->",
            "-> catalog",
            "order-3 - catalog",
            "any -> any",
            "any <-> replicas",
            "clients -> replicas",
        ];
        for refused in refused {
            let error = refused.parse::<Subject>().unwrap_err().to_string();
            assert!(error.contains("neither a process"), "{error}");
        }
    }

    fn link(text: &str) -> Route {
        text.parse::<Subject>().unwrap().link().unwrap()
    }

    #[test]
    fn a_link_is_between_its_ends_in_both_directions() {
        let (link, processes) = (link("catalog -> order-2"), built_in::processes(3));
        let (catalog, replica) = (built_in::catalog(), built_in::order(2));
        assert!(link.is_between(catalog, replica, &processes));
        assert!(link.is_between(replica, catalog, &processes));
        assert!(!link.is_between(catalog, built_in::order(3), &processes));
    }

    #[test]
    fn a_link_to_any_process_is_every_link_of_its_other_end_in_the_direction_that_is_meant() {
        let (front_end, catalog) = (built_in::front_end(), built_in::catalog());
        let (order, processes) = (built_in::order(1), built_in::processes(3));
        let carries = |link: Route, from, to| link.carries(from, to, &processes);
        let (all, from, to) =
            (link("front-end <-> any"), link("front-end -> any"), link("any -> front-end"));
        for other in [catalog, order] {
            assert!(carries(all, front_end, other) && carries(all, other, front_end));
            assert!(carries(from, front_end, other) && !carries(from, other, front_end));
            assert!(!carries(to, front_end, other) && carries(to, other, front_end));
            let all = [all, from, to];
            assert!(all.iter().all(|link| link.is_between(other, front_end, &processes)));
        }
        for link in [all, from, to] {
            assert!(!link.is_between(catalog, order, &processes));
            assert!(!carries(link, front_end, front_end));
        }
    }

    #[test]
    fn a_link_to_the_replicas_leaves_everybody_else_alone_and_one_to_clients_all_processes() {
        let processes = built_in::processes(3);
        let [one, two] = [1, 2].map(built_in::order);
        let replicas = link("order-1 <-> replicas");
        assert!(replicas.carries(one, two, &processes) && replicas.carries(two, one, &processes));
        for other in [built_in::catalog(), built_in::front_end(), one] {
            assert!(!replicas.is_between(one, other, &processes), "{other}");
        }
        assert!(!replicas.is_between(two, built_in::order(3), &processes));
        let clients = link("clients -> order-1");
        assert!(processes.names().all(|other| !clients.is_between(one, other, &processes)));
        assert_eq!((clients.with_clients(), replicas.with_clients()), (Some(one), None));
    }
}
