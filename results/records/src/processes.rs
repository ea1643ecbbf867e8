//! Which processes a system under test has, and which role does what that checks, faults and figures ask for.
//!
//! Whoever wants to know whether a process may lead, keeps the stocks or has a cache asks here, and looks at no
//! name. So a system with other names, or more or fewer processes, is read in the same way.
//!
//! Files name replicas by numbers, where they say who leads and who is in sync: the replica's place, from 1, among
//! those of its role, by their names ([`Processes::replica`]).

use serde::{Deserialize, Serialize};

use super::{Process, ProcessName, RoleName};

/// Which role does what. Of a system that has no such part nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Of whose processes one leads and the others follow: the replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<RoleName>,
    /// Whose processes answer queries from a cache, without asking anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<RoleName>,
    /// Whose processes keep the stocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stocks: Option<RoleName>,
}

impl Roles {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The processes of a system under test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    list: Vec<Process>,
    roles: Roles,
    replicas: Vec<ProcessName>,
}

impl Processes {
    /// These processes, in the order in which pages list them.
    #[must_use]
    pub fn new(list: Vec<Process>, roles: Roles) -> Self {
        let of_leaders = list.iter().filter(|process| Some(process.role) == roles.leader);
        let mut replicas: Vec<ProcessName> = of_leaders.map(|process| process.name).collect();
        replicas.sort_unstable();
        Self { list, roles, replicas }
    }

    /// Every process, in the order in which pages list them.
    #[must_use]
    pub fn list(&self) -> &[Process] {
        &self.list
    }

    /// Which role does what.
    #[must_use]
    pub fn roles(&self) -> Roles {
        self.roles
    }

    /// The names of all, in the same order.
    pub fn names(&self) -> impl Iterator<Item = ProcessName> + Clone + '_ {
        self.list.iter().map(|process| process.name)
    }

    /// Whether there is such a process.
    #[must_use]
    pub fn contains(&self, name: ProcessName) -> bool {
        self.names().any(|one| one == name)
    }

    /// What a process is there for; `None` if there is no such process.
    #[must_use]
    pub fn role_of(&self, name: ProcessName) -> Option<RoleName> {
        self.list.iter().find(|process| process.name == name).map(|process| process.role)
    }

    /// Those of which one leads, by their names.
    #[must_use]
    pub fn replicas(&self) -> &[ProcessName] {
        &self.replicas
    }

    /// Whether a process is one of those of which one leads.
    #[must_use]
    pub fn is_replica(&self, name: ProcessName) -> bool {
        self.replicas.contains(&name)
    }

    /// The replica that files mean by this number, from 1.
    #[must_use]
    pub fn replica(&self, number: u8) -> Option<ProcessName> {
        self.replicas.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// By which number files mean this replica; `None` if it is none, or one that has no number, beyond 255.
    #[must_use]
    pub fn number_of(&self, name: ProcessName) -> Option<u8> {
        let place = self.replicas.iter().position(|replica| *replica == name)?;
        u8::try_from(place + 1).ok()
    }

    /// The numbers of all replicas.
    pub fn numbers(&self) -> impl Iterator<Item = u8> + '_ {
        self.replicas.iter().filter_map(|name| self.number_of(*name))
    }

    /// Those that neither lead nor follow: each of them is there for all.
    pub fn others(&self) -> impl Iterator<Item = ProcessName> + Clone + '_ {
        self.names().filter(|name| !self.is_replica(*name))
    }

    /// Those that keep the stocks.
    pub fn stock_keepers(&self) -> impl Iterator<Item = ProcessName> + Clone + '_ {
        let keeps = |process: &&Process| Some(process.role) == self.roles.stocks;
        self.list.iter().filter(keeps).map(|process| process.name)
    }

    /// What those who keep the stocks are called, after "the": by their role, or `service` where nobody says who does.
    #[must_use]
    pub fn stock_keeper(&self) -> &'static str {
        self.roles.stocks.map_or("service", RoleName::as_str)
    }

    /// Whether a process keeps the stocks.
    #[must_use]
    pub fn keeps_stocks(&self, name: ProcessName) -> bool {
        self.stock_keepers().any(|keeper| keeper == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in;

    fn name(text: &str) -> ProcessName {
        text.parse().unwrap()
    }

    fn words(names: impl Iterator<Item = ProcessName>) -> Vec<&'static str> {
        names.map(ProcessName::as_str).collect()
    }

    fn keyed() -> Processes {
        let process = |(name, role): (&str, &str)| Process {
            name: name.parse().unwrap(),
            role: role.parse().unwrap(),
        };
        let list = [("kv-10", "store"), ("gate", "proxy"), ("kv-9", "store"), ("kv-b", "store")];
        let roles = Roles { leader: Some("store".parse().unwrap()), ..Roles::default() };
        Processes::new(list.map(process).into(), roles)
    }

    #[test]
    fn replicas_are_numbered_by_their_names_whatever_those_are() {
        let processes = keyed();
        assert_eq!(words(processes.replicas().iter().copied()), ["kv-9", "kv-10", "kv-b"]);
        let numbers = ["kv-9", "kv-10", "kv-b", "gate", "kv-1"].map(name);
        let numbers = numbers.map(|name| processes.number_of(name));
        assert_eq!(numbers, [Some(1), Some(2), Some(3), None, None]);
        assert_eq!(processes.replica(2), Some(name("kv-10")));
        assert_eq!([0, 4].map(|number| processes.replica(number)), [None, None]);
        assert_eq!(words(processes.others()), ["gate"]);
        assert_eq!(processes.stock_keepers().count(), 0, "nobody says who does");
        assert_eq!(processes.stock_keeper(), "service");
        assert_eq!(built_in::processes(1).stock_keeper(), "catalog");
    }

    #[test]
    fn a_system_without_a_leaders_role_has_no_replicas() {
        let Processes { list, .. } = keyed();
        let processes = Processes::new(list, Roles::default());
        assert!(processes.replicas().is_empty() && !processes.is_replica(name("kv-9")));
        assert_eq!(words(processes.others()), ["kv-10", "gate", "kv-9", "kv-b"]);
    }

    #[test]
    fn a_replica_of_the_bazaar_has_its_own_id_as_its_number() {
        let processes = built_in::processes(12);
        for id in 1..=12 {
            assert_eq!(processes.replica(id), Some(built_in::order(id)));
        }
        assert_eq!(words(processes.others()), ["front-end", "catalog"]);
        assert!(processes.keeps_stocks(built_in::catalog()));
        assert_eq!(processes.role_of(built_in::order(13)), None);
    }
}
