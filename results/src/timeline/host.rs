//! The hosts of a trial, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use crate::records::{Event, EventKind, ProcessName};

/// What is known of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Where it is, who runs there, and how its wall clock goes.
    pub reached: String,
    /// The processes that were there when the trial began.
    pub processes: BTreeSet<ProcessName>,
    /// How far times of its clock may be off at the most, in microseconds.
    pub bound_us: u64,
    /// When it was lost, and why, if it was.
    pub lost: Option<(u64, String)>,
    /// When it could be reached again.
    pub back_us: Option<u64>,
    /// The clients whose requests left from there, if any did.
    pub clients: Option<HostClients>,
}

/// Clients whose requests left from a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostClients {
    /// Which, and where that is.
    pub who: String,
    /// When nothing was sent any more before the load was over, and why, if that was so.
    pub lost: Option<(u64, String)>,
}

impl Host {
    /// When it was lost, and why: all of it, or what its clients asked through.
    #[must_use]
    pub fn first_loss(&self) -> Option<&(u64, String)> {
        let of_clients = self.clients.as_ref().and_then(|clients| clients.lost.as_ref());
        self.lost.iter().chain(of_clients).min_by_key(|(at_us, _)| *at_us)
    }

    /// Where it is, who runs there, whose requests left from there, and how its clock goes.
    #[must_use]
    pub fn describe(&self) -> String {
        let who = self.clients.as_ref().map(|clients| clients.who.as_str());
        let parts = [self.reached.as_str(), who.unwrap_or_default()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
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
                host.bound_us = host.bound_us.max(event.bound_us.unwrap_or(0));
                host.processes.extend(event.process.and_then(|subject| subject.process()));
            }
            EventKind::HostLost => {
                let host = hosts.entry(name.clone()).or_default();
                host.lost.get_or_insert_with(|| (event.at_us, detail()));
            }
            EventKind::SenderReady | EventKind::SenderEnded | EventKind::SenderLost => {
                let host = hosts.entry(name.clone()).or_default();
                host.bound_us = host.bound_us.max(event.bound_us.unwrap_or(0));
                let clients = host.clients.get_or_insert_default();
                match event.event {
                    EventKind::SenderReady => clients.who = detail(),
                    EventKind::SenderLost => {
                        clients.lost.get_or_insert_with(|| (event.at_us, detail()));
                    }
                    _ => {}
                }
            }
            EventKind::HostBack => {
                hosts.entry(name.clone()).or_default().back_us.get_or_insert(event.at_us);
            }
            _ => {}
        }
    }
    // Clocks drift between exchanges, so bounds grow.
    for host in hosts.values_mut() {
        let of_host = |event: &&&Event| {
            let process = event.process.and_then(|subject| subject.process());
            process.is_some_and(|process| host.processes.contains(&process))
        };
        let seen_there = events.iter().filter(of_host).filter_map(|event| event.bound_us);
        host.bound_us = seen_there.max().unwrap_or(0).max(host.bound_us);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(name: &str, process: &str, bound_us: u64) -> Event {
        let mut event = Event::new("cell", 1, 0, EventKind::HostReached);
        event.target = Some(name.to_owned());
        event.process = Some(process.parse().unwrap());
        event.bound_us = Some(bound_us);
        event
    }

    #[test]
    fn a_host_that_clients_asked_from_says_so_and_what_became_of_them() {
        let sender = |kind, name: &str, detail: &str, bound_us| {
            let mut event = Event::new("cell", 1, 7, kind);
            (event.target, event.detail) = (Some(name.to_owned()), Some(detail.to_owned()));
            event.bound_us = Some(bound_us);
            event
        };
        let mut shared = reached("n1", "catalog", 40);
        shared.detail = Some("10.0.0.1: catalog".to_owned());
        let events = [
            shared,
            sender(EventKind::SenderReady, "n1", "clients 1, 3", 20),
            sender(EventKind::SenderReady, "n6", "10.0.0.6: client 2", 30),
            sender(EventKind::SenderEnded, "n1", "5 requests", 90),
            sender(EventKind::SenderLost, "n6", "its host was lost", 31),
        ];
        let hosts = hosts(&events.iter().collect::<Vec<_>>());
        assert_eq!(hosts["n1"].describe(), "10.0.0.1: catalog; clients 1, 3");
        assert_eq!((hosts["n1"].bound_us, hosts["n1"].first_loss()), (90, None));
        assert_eq!(hosts["n6"].describe(), "10.0.0.6: client 2");
        assert_eq!(hosts["n6"].first_loss(), Some(&(7, "its host was lost".to_owned())));
        assert_eq!((hosts["n6"].bound_us, &hosts["n6"].lost), (31, &None));
    }

    #[test]
    fn each_host_has_the_largest_bound_of_its_own_clock_and_of_no_other() {
        let mut far = Event::new("cell", 1, 5, EventKind::Confirmed);
        far.process = Some("order-2".parse().unwrap());
        far.bound_us = Some(900);
        let events = [
            reached("n1", "catalog", 40),
            reached("n1", "order-1", 50),
            reached("n2", "order-2", 70),
            reached("n3", "order-3", 0),
            far,
        ];
        let hosts = hosts(&events.iter().collect::<Vec<_>>());
        let bounds: Vec<_> =
            hosts.iter().map(|(name, host)| (name.as_str(), host.bound_us)).collect();
        assert_eq!(bounds, [("n1", 50), ("n2", 900), ("n3", 0)]);
        assert_eq!(hosts["n1"].processes.len(), 2);
    }
}
