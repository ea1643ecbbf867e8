//! Which processes are on which hosts, and how those are reached.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use supervisor::host::Host;

use crate::process::ProcessName;

/// How a holder is started on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The host.
    pub host: Host,
    /// What is run there: this program, as that host knows it, and the argument that makes it call [`hold`](super::hold).
    pub holder: Vec<String>,
}

/// Where a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The host's name.
    pub host: String,
    /// The ports that it listens on there.
    pub ports: BTreeSet<u16>,
}

/// Who has which address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    /// The hosts, by their names: a name may lead to several, of which nobody knows who uses which.
    pub(super) hosts: BTreeMap<String, BTreeSet<IpAddr>>,
    /// The harness itself, as the hosts see it.
    pub(super) ours: BTreeSet<IpAddr>,
}

/// This machine's own address on the way to somebody. Nothing is sent for that.
///
/// # Errors
/// There is no way there.
pub fn own_address_towards(other: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = match other {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(other)?;
    socket.local_addr().map(|address| address.ip())
}

/// The hosts of a target and who is where. A process that is on none of them is on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostLayout {
    /// Every host that a process is on, by its name.
    pub ways: BTreeMap<String, Way>,
    /// The processes that are on hosts.
    pub placed: BTreeMap<ProcessName, Placement>,
    /// The hosts that clients are on, whoever else is.
    pub load: BTreeSet<String>,
}

impl HostLayout {
    /// The addresses of every host: names are looked up each time, for whoever renames a host does so for a reason.
    pub(super) async fn resolve(&self) -> Result<Addresses, String> {
        let mut addresses = Addresses::default();
        for (name, way) in &self.ways {
            let told = way.host.address.as_str();
            let found = match told.parse::<IpAddr>() {
                Ok(address) => Ok(BTreeSet::from([address])),
                // The port is of no consequence.
                Err(_) => tokio::net::lookup_host((told, 0))
                    .await
                    .map(|found| found.map(|address| address.ip()).collect()),
            };
            let found: BTreeSet<IpAddr> = found.map_err(|error| {
                format!("the address of host {name} is not known: {told}: {error}")
            })?;
            if found.is_empty() {
                return Err(format!("host {name} has no address: {told} names nobody"));
            }
            // Who cannot be reached has no connection of ours that could be cut.
            let ours = found.iter().map(|one| own_address_towards(SocketAddr::new(*one, 1)));
            addresses.ours.extend(ours.flatten());
            addresses.hosts.insert(name.clone(), found);
        }
        Ok(addresses)
    }

    /// Whether a host has this process alone, and no clients, so that its packets are the host's.
    pub(super) fn is_alone(&self, host: &str) -> bool {
        let count = self.placed.values().filter(|placement| placement.host == host).count();
        count == 1 && !self.load.contains(host)
    }
}
