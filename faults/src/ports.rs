//! Addresses for a whole bazaar: free, chosen together, and reserved for as long as it runs.
//!
//! A killed process leaves its port free until it is restarted. Two things could take it: an
//! outgoing connection of anybody, so ports below the ephemeral range are chosen; and another
//! harness that looks for ports just then, so every harness holds the UDP twin (the same number,
//! which the services do not use) of each of its ports and stays away from ports whose twin is
//! held. The kernel gives the twins back however the harness ends.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use rand::RngExt;
use tokio::net::TcpSocket;
use wire::ids::ReplicaId;

use crate::part::Part;
use crate::process::ProcessName;

/// Below are the ports that people give to services by hand.
const LOWEST_FREE: u16 = 11_000;
/// Where the range of Linux begins unless it was changed.
const USUAL_EPHEMERAL_BEGIN: u16 = 32_768;
/// Below this many candidates the machine's ephemeral range begins too low to stay below it.
const MIN_CANDIDATES: u16 = 1_000;
/// Ports that are tried for one process before it is concluded that none is free.
const MAX_TRIES: u32 = 1_000;
/// The documented ports.
const FRONT_END_PORT: u16 = 30_001;
const CATALOG_PORT: u16 = 10_001;
const ORDER_BASE_PORT: u16 = 20_000;

/// Which ports a bazaar listens on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Free ones, so that several bazaars can run on one machine at once.
    #[default]
    Free,
    /// `base` for the front-end, `base + 1` for the catalog, `base + 1 + ID` for order replica ID.
    Base(u16),
    /// The documented ones: 30001 for the front-end, 10001 for the catalog, 20000 + ID for order
    /// replica ID.
    Default,
}

/// Where everything listens. The same as long as a bazaar runs, restarts included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The front-end.
    pub front_end: SocketAddr,
    /// The catalog.
    pub catalog: SocketAddr,
    /// The order replicas.
    pub orders: BTreeMap<ReplicaId, SocketAddr>,
}

impl Addresses {
    /// Those of a target, which has none of these processes: who connects there is refused.
    pub(crate) fn nowhere() -> Self {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { front_end: nowhere, catalog: nowhere, orders: BTreeMap::new() }
    }

    /// Every process, front-end first, then the catalog, then the replicas by id.
    pub fn processes(&self) -> impl Iterator<Item = (ProcessName, SocketAddr)> + '_ {
        self.parts().map(|(part, address)| (part.name(), address))
    }

    /// The same, by what they are.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, SocketAddr)> + '_ {
        let orders = self.orders.iter().map(|(id, address)| (Part::Order(*id), *address));
        [(Part::FrontEnd, self.front_end), (Part::Catalog, self.catalog)].into_iter().chain(orders)
    }

    /// What the process of this name is; `None` if there is no such process.
    pub(crate) fn part(&self, name: ProcessName) -> Option<Part> {
        self.parts().map(|(part, _)| part).find(|part| part.name() == name)
    }

    /// Has a process elsewhere.
    pub(crate) fn replace(&mut self, part: Part, address: SocketAddr) {
        match part {
            Part::FrontEnd => self.front_end = address,
            Part::Catalog => self.catalog = address,
            Part::Order(id) => _ = self.orders.insert(id, address),
        }
    }
}

/// No addresses could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// The base leaves too few ports above it.
    #[error("base port {base} leaves no room for {needed} ports up to 65535; choose a lower one")]
    BaseTooHigh {
        /// The base.
        base: u16,
        /// How many ports are needed from there on.
        needed: u16,
    },
    /// Somebody listens on a port that was asked for.
    #[error(
        "the {name} cannot listen on {address}: {source}; stop what does, or choose other ports"
    )]
    Taken {
        /// Whose port.
        name: ProcessName,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// None of many ports was free.
    #[error("found no free port on 127.0.0.1 in {MAX_TRIES} tries: {source}")]
    NoneFree {
        /// Why the last one was not.
        source: io::Error,
    },
}

/// Holds chosen ports against other harnesses.
#[derive(Debug, Default)]
pub struct Reservation {
    _twins: Vec<UdpSocket>,
}

/// Chooses addresses for a front-end, a catalog and `replicas` order replicas.
pub(crate) fn choose(ports: Ports, replicas: u8) -> Result<(Addresses, Reservation), PortsError> {
    match ports {
        Ports::Free => choose_free(replicas),
        Ports::Default => {
            let order = |id| ORDER_BASE_PORT + u16::from(id);
            claim(addresses(FRONT_END_PORT, CATALOG_PORT, replicas, order))
        }
        Ports::Base(base) => {
            let needed = 2 + u16::from(replicas);
            if base == 0 || base.checked_add(needed - 1).is_none() {
                return Err(PortsError::BaseTooHigh { base, needed });
            }
            let order = |id| base + 1 + u16::from(id);
            claim(addresses(base, base + 1, replicas, order))
        }
    }
}

/// Checks that nobody listens on addresses that were not chosen for being free. Without that a
/// bazaar that is already there would be taken for the new one: it answers that it is ready.
fn claim(addresses: Addresses) -> Result<(Addresses, Reservation), PortsError> {
    for (name, address) in addresses.processes() {
        check_free(address).map_err(|source| PortsError::Taken { name, address, source })?;
    }
    // A twin that is taken belongs to something that has nothing to do with bazaars.
    let twins = addresses.processes().filter_map(|(_, address)| UdpSocket::bind(address).ok());
    let reservation = Reservation { _twins: twins.collect() };
    Ok((addresses, reservation))
}

fn addresses(front_end: u16, catalog: u16, replicas: u8, order: impl Fn(u8) -> u16) -> Addresses {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Addresses {
        front_end: at(front_end),
        catalog: at(catalog),
        orders: (1..=replicas).map(|id| (ReplicaId(id), at(order(id)))).collect(),
    }
}

fn choose_free(replicas: u8) -> Result<(Addresses, Reservation), PortsError> {
    let (ports, reservation) = free_ports(2 + usize::from(replicas))?;
    let order = |id| ports[1 + usize::from(id)];
    Ok((addresses(ports[0], ports[1], replicas, order), reservation))
}

/// Chooses `needed` addresses for something that is not a process of a bazaar.
///
/// # Errors
/// None was found.
pub fn choose_more(needed: usize) -> Result<(Vec<SocketAddr>, Reservation), PortsError> {
    let (ports, reservation) = free_ports(needed)?;
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok((ports.into_iter().map(at).collect(), reservation))
}

fn free_ports(needed: usize) -> Result<(Vec<u16>, Reservation), PortsError> {
    let candidates = candidates(ephemeral_begin());
    let mut rng = rand::rng();
    let (mut ports, mut twins) = (Vec::with_capacity(needed), Vec::with_capacity(needed));
    while ports.len() < needed {
        let mut tries = 0;
        let (port, twin) = loop {
            let port = rng.random_range(candidates.clone());
            match reserve(port) {
                Ok(twin) if !is_documented(port) => break (port, twin),
                Err(source) if tries == MAX_TRIES => return Err(PortsError::NoneFree { source }),
                Ok(_) | Err(_) => tries += 1,
            }
        };
        ports.push(port);
        twins.push(twin);
    }
    Ok((ports, Reservation { _twins: twins }))
}

/// Takes the port's twin, and checks that nobody listens on the port itself.
fn reserve(port: u16) -> io::Result<UdpSocket> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let twin = UdpSocket::bind(address)?;
    check_free(address)?;
    Ok(twin)
}

/// Binds as the services do, and does not listen: a process that is forked just now inherits the
/// socket for a moment, and only a listening one would keep the service from its address.
fn check_free(address: SocketAddr) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

fn candidates(ephemeral_begin: u16) -> std::ops::Range<u16> {
    if ephemeral_begin >= LOWEST_FREE + MIN_CANDIDATES {
        LOWEST_FREE..ephemeral_begin
    } else {
        LOWEST_FREE..u16::MAX
    }
}

/// The documented ports are left to a bazaar that may yet be served on them.
fn is_documented(port: u16) -> bool {
    let order_ports = ORDER_BASE_PORT..=ORDER_BASE_PORT + u16::from(u8::MAX);
    port == FRONT_END_PORT || port == CATALOG_PORT || order_ports.contains(&port)
}

fn ephemeral_begin() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(USUAL_EPHEMERAL_BEGIN)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use super::*;

    fn port_list(addresses: &Addresses) -> Vec<u16> {
        addresses.processes().map(|(_, address)| address.port()).collect()
    }

    #[test]
    fn the_documented_ports_are_known() {
        let order = |id| ORDER_BASE_PORT + u16::from(id);
        let addresses = addresses(FRONT_END_PORT, CATALOG_PORT, 3, order);
        assert_eq!(port_list(&addresses), [30001, 10001, 20001, 20002, 20003]);
        assert!(port_list(&addresses).into_iter().all(is_documented));
        assert!(!is_documented(19_999));
    }

    #[test]
    fn a_base_port_counts_up() {
        let (free, reservation) = choose(Ports::Free, 1).unwrap();
        let base = free.front_end.port();
        drop(reservation);
        // The ports above a free one may be taken; then the error must say which.
        match choose(Ports::Base(base), 2) {
            Ok((addresses, _)) => {
                assert_eq!(port_list(&addresses), [base, base + 1, base + 2, base + 3]);
            }
            Err(error) => assert!(matches!(error, PortsError::Taken { .. }), "{error}"),
        }
    }

    #[test]
    fn a_base_port_leaves_room_above_it() {
        for base in [0, 65_532, 65_535] {
            let error = choose(Ports::Base(base), 3).unwrap_err();
            assert!(error.to_string().contains("5 ports"), "{error}");
        }
    }

    #[test]
    fn a_port_that_was_asked_for_and_is_taken_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap();
        let error = choose(Ports::Base(taken.port()), 1).unwrap_err().to_string();
        let begin = format!("the front-end cannot listen on {taken}: ");
        assert!(error.starts_with(&begin), "{error}");
    }

    #[test]
    fn free_ports_differ_and_can_be_listened_on() {
        let (addresses, _reservation) = choose(Ports::Free, 3).unwrap();
        let listeners: Vec<_> =
            addresses.processes().map(|(_, address)| TcpListener::bind(address).unwrap()).collect();
        assert_eq!(listeners.len(), 5);
        assert!(port_list(&addresses).iter().all(|port| *port < ephemeral_begin()));
    }

    #[test]
    fn a_port_is_not_given_twice_while_it_is_reserved() {
        let (addresses, reservation) = choose(Ports::Free, 1).unwrap();
        let port = addresses.front_end.port();
        assert!(reserve(port).is_err());
        drop(reservation);
        // A process that was forked just now may hold the twin until it runs its own program.
        let begun = Instant::now();
        while let Err(error) = reserve(port) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_taken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(reserve(listener.local_addr().unwrap().port()).is_err());
    }

    #[test]
    fn an_ephemeral_range_that_begins_low_leaves_ports_all_the_same() {
        assert_eq!(candidates(32_768), LOWEST_FREE..32_768);
        assert_eq!(candidates(1024), LOWEST_FREE..u16::MAX);
    }
}
