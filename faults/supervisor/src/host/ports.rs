//! Ports that are free on a host, found there.
//!
//! They are not held until the process listens that they are for, so another program may take one meanwhile; it is looked for where the
//! system gives out none by itself.

use std::net::{IpAddr, Ipv4Addr, TcpListener, ToSocketAddrs};

use crate::clock::monotonic_us;

/// Where is looked: above those that need rights, and below those that systems give to whoever connects (32768 on).
const FIRST: u16 = 10_000;
const LAST: u16 = 32_000;

/// So many ports that are free at `address`, or, if that is none of this host's (one that is translated on the way), everywhere.
pub(super) fn free(count: usize, address: &str) -> Result<Vec<u16>, String> {
    let place = own(address).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let span = u64::from(LAST - FIRST);
    // Another place for each agent, so that two of one machine seldom meet.
    let begin = monotonic_us().wrapping_mul(2_654_435_761) ^ u64::from(std::process::id());
    let mut held = Vec::new();
    for step in 0..span {
        if held.len() == count {
            break;
        }
        let port = FIRST + u16::try_from(begin.wrapping_add(step) % span).unwrap_or(0);
        // All are held until all are found.
        held.extend(TcpListener::bind((place, port)).ok().map(|listener| (port, listener)));
    }
    if held.len() < count {
        return Err(format!("{count} ports are needed, and {} are free", held.len()));
    }
    Ok(held.into_iter().map(|(port, _)| port).collect())
}

/// The address, if somebody can listen there.
fn own(address: &str) -> Option<IpAddr> {
    let mut addresses = (address, 0).to_socket_addrs().ok()?.map(|address| address.ip());
    addresses.find(|address| TcpListener::bind((*address, 0)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ_whether_the_address_is_ours_or_not() {
        for address in ["127.0.0.2", "192.0.2.1", "no such name"] {
            let mut ports = free(20, address).unwrap();
            ports.sort_unstable();
            ports.dedup();
            assert_eq!(ports.len(), 20, "{address}");
        }
    }
}
