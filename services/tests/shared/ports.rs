//! Ports that belong to a test until its process ends, though nobody listens at them for a while: those of
//! processes that are killed and started again, and of programs that bind theirs themselves.
//!
//! A port that the system has chosen is in the range from which outgoing connections get theirs, too: once
//! let go of, it may be the end of another test's connection, and nobody can listen there before that is over.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

/// Ports that the system gives to no outgoing connection.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// As many addresses of this host in a row as are asked for, at which nobody listens.
pub(crate) fn reserved<const N: usize>(host: impl Into<IpAddr>) -> [SocketAddr; N] {
    let host = host.into();
    let wanted = u16::try_from(N).unwrap();
    let choices = u64::from((PORTS.end - PORTS.start) / wanted);
    let begin = uuid::Uuid::new_v4().as_u64_pair().0 % choices;
    for step in 0..choices {
        let choice = u16::try_from((begin + step) % choices).unwrap();
        let base = PORTS.start + wanted * choice;
        let addresses = std::array::from_fn(|index| {
            SocketAddr::new(host, base + u16::try_from(index).unwrap())
        });
        if are_reserved(&addresses) {
            return addresses;
        }
    }
    panic!("no {N} free ports in {PORTS:?}");
}

/// Whether nobody else has these ports from now on. A test has a port if it holds the one for UDP of the
/// same number, which nobody uses; it is held until the process ends, and leaves nothing behind.
fn are_reserved(addresses: &[SocketAddr]) -> bool {
    let twins: Result<Vec<_>, _> = addresses.iter().map(UdpSocket::bind).collect();
    let Ok(twins) = twins else { return false };
    let is_free = |address: &SocketAddr| TcpListener::bind(address).is_ok();
    let are_free = addresses.iter().all(is_free);
    if are_free {
        twins.into_iter().for_each(std::mem::forget);
    }
    are_free
}
