//! Addresses for a whole target: free, chosen together, and reserved for as long as it runs.
//!
//! A killed process leaves its port free until it is restarted. Two things could take it: an
//! outgoing connection of anybody, so ports below the ephemeral range are chosen; and another
//! harness that looks for ports just then, so every harness holds the UDP twin (the same number,
//! which the services do not use) of each of its ports and stays away from ports whose twin is
//! held. The kernel gives the twins back however the harness ends.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use rand::RngExt;
use tokio::net::TcpSocket;

/// Below are the ports that people give to services by hand.
const LOWEST_FREE: u16 = 11_000;
/// Where the range of Linux begins unless it was changed.
const USUAL_EPHEMERAL_BEGIN: u16 = 32_768;
/// Below this many candidates the machine's ephemeral range begins too low to stay below it.
const MIN_CANDIDATES: u16 = 1_000;
/// Ports that are tried for one process before it is concluded that none is free.
const MAX_TRIES: u32 = 1_000;
/// The documented ports of the bazaar that is served.
const FRONT_END_PORT: u16 = 30_001;
const CATALOG_PORT: u16 = 10_001;
const ORDER_BASE_PORT: u16 = 20_000;

/// No addresses could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
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

/// Chooses so many addresses.
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

    #[test]
    fn the_documented_ports_are_known() {
        for port in [30_001, 10_001, 20_001, 20_255] {
            assert!(is_documented(port), "{port}");
        }
        assert!(!is_documented(19_999));
    }

    #[test]
    fn free_ports_differ_and_can_be_listened_on() {
        let (addresses, _reservation) = choose_more(5).unwrap();
        let listeners = addresses.iter().map(|address| TcpListener::bind(address).unwrap());
        assert_eq!(listeners.collect::<Vec<_>>().len(), 5);
        assert!(addresses.iter().all(|address| address.port() < ephemeral_begin()));
    }

    #[test]
    fn a_port_is_not_given_twice_while_it_is_reserved() {
        let (addresses, reservation) = choose_more(1).unwrap();
        let port = addresses[0].port();
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
