//! The built-in system under test: what its processes are called, and what they are there for.
//!
//! For whoever starts it or speaks its own protocols, and for runs that were made before a manifest listed the
//! processes: those are all of the bazaar. Whoever else asks what a process is, asks [`Processes`].

use super::{Process, ProcessName, Processes, RoleName, Roles};

/// The front-end.
#[must_use]
pub fn front_end() -> ProcessName {
    ProcessName::known("front-end")
}

/// The catalog.
#[must_use]
pub fn catalog() -> ProcessName {
    ProcessName::known("catalog")
}

/// An order replica, by its id.
#[must_use]
pub fn order(id: u8) -> ProcessName {
    ProcessName::known(&format!("order-{id}"))
}

/// All of a bazaar with so many order replicas.
#[must_use]
pub fn processes(replicas: u8) -> Processes {
    let [front, stocks, orders] = ["front-end", "catalog", "order"].map(RoleName::known);
    let [first, second] = [(front_end(), front), (catalog(), stocks)];
    let list = [first, second].into_iter().chain((1..=replicas).map(|id| (order(id), orders)));
    let list = list.map(|(name, role)| Process { name, role }).collect();
    let roles = Roles { leader: Some(orders), cache: Some(front), stocks: Some(stocks) };
    Processes::new(list, roles)
}
