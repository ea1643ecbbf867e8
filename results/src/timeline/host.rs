//! The hosts of a trial, and what became of each.

use std::collections::BTreeMap;

use crate::records::{Event, EventKind};

/// What is known of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Where it is, who runs there, and how its wall clock goes.
    pub reached: String,
    /// How far times of its clock may be off at the most, in microseconds.
    pub bound_us: u64,
    /// When it was lost, and why, if it was.
    pub lost: Option<(u64, String)>,
    /// When it could be reached again.
    pub back_us: Option<u64>,
}

/// Every host by its name, from events in the order of time.
pub(super) fn hosts(events: &[&Event]) -> BTreeMap<String, Host> {
    let mut hosts = BTreeMap::<String, Host>::new();
    for event in events {
        let Some(name) = &event.target else { continue };
        let detail = || event.detail.clone().unwrap_or_default();
        match event.event {
            EventKind::HostReached => {
                let host = hosts.entry(name.clone()).or_default();
                host.reached = detail();
                host.bound_us = event.bound_us.unwrap_or(0);
            }
            EventKind::HostLost => {
                let host = hosts.entry(name.clone()).or_default();
                host.lost.get_or_insert_with(|| (event.at_us, detail()));
            }
            EventKind::HostBack => {
                hosts.entry(name.clone()).or_default().back_us.get_or_insert(event.at_us);
            }
            _ => {}
        }
    }
    // Clocks drift between exchanges, so bounds grow.
    let largest = events.iter().filter_map(|event| event.bound_us).max().unwrap_or(0);
    for host in hosts.values_mut().filter(|host| host.bound_us > 0) {
        host.bound_us = host.bound_us.max(largest);
    }
    hosts
}
