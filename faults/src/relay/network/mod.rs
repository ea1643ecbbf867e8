//! All paths and relays of one bazaar.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use records::Route;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connection::Directions;
use super::direction::Direction;
use super::listener::RelayListener;
use crate::ports::Addresses;
use crate::process::ProcessName;
use crate::schedule::LinkFault;
use supervisor::locked::locked;

/// Something that is wrong with a link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FaultyLink {
    pub(crate) fault: u32,
    pub(crate) route: Route,
}

/// The relays towards one process, listening and not yet answering.
#[derive(Debug)]
pub(crate) struct Listening(Vec<(RelayListener, TcpListener)>);

/// All paths and relays of one bazaar. Dropping it closes every relay and every connection.
#[derive(Debug)]
pub(crate) struct Network {
    addresses: Addresses,
    paths: BTreeMap<(ProcessName, ProcessName), Arc<Direction>>,
    /// By who connects to whom.
    gates: BTreeMap<(ProcessName, ProcessName), RelayListener>,
    faulty: Mutex<Vec<FaultyLink>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Every pair of processes of which the first connects to the second.
fn diallers(addresses: &Addresses) -> Vec<(ProcessName, ProcessName)> {
    let parts: Vec<_> = addresses.parts().map(|(part, _)| part).collect();
    let pairs = parts.iter().flat_map(|from| parts.iter().map(move |to| (*from, *to)));
    let connecting = pairs.filter(|(from, to)| from.connects_to(*to));
    connecting.map(|(from, to)| (from.name(), to.name())).collect()
}

/// How many addresses the relays of a bazaar need.
pub(crate) fn addresses_needed(addresses: &Addresses) -> usize {
    diallers(addresses).len()
}

impl Network {
    /// A whole network between the processes at `addresses`, whose relays are going to listen at
    /// `own`, as many as [`addresses_needed`] says.
    pub(crate) fn new(addresses: &Addresses, own: Vec<SocketAddr>) -> Self {
        let mut paths: BTreeMap<_, Arc<Direction>> = BTreeMap::new();
        let names: Vec<_> = addresses.processes().collect();
        for (from, _) in &names {
            for (to, _) in names.iter().filter(|(to, _)| to != from) {
                paths.insert((*from, *to), Arc::default());
            }
        }
        let targets: BTreeMap<_, _> = names.into_iter().collect();
        let mut gates = BTreeMap::new();
        for ((from, to), address) in diallers(addresses).into_iter().zip(own) {
            let out = Arc::clone(&paths[&(from, to)]);
            let back = Arc::clone(&paths[&(to, from)]);
            let gate =
                RelayListener { address, target: targets[&to], paths: Directions { out, back } };
            gates.insert((from, to), gate);
        }
        let (faulty, tasks) = (Mutex::default(), Mutex::default());
        Self { addresses: addresses.clone(), paths, gates, faulty, tasks }
    }

    /// What `name` is to be told: its own address, and its peers' relays.
    pub(crate) fn seen_by(&self, name: ProcessName) -> Addresses {
        let mut seen = self.addresses.clone();
        for ((_, to), gate) in self.gates.iter().filter(|((from, _), _)| *from == name) {
            if let Some(part) = self.addresses.part(*to) {
                seen.replace(part, gate.address);
            }
        }
        seen
    }

    /// Begins to listen for `name`, which is about to be started.
    pub(crate) async fn listen(&self, name: ProcessName) -> io::Result<Listening> {
        let mut listening = Vec::new();
        for ((_, to), gate) in &self.gates {
            if *to == name {
                listening.push((gate.clone(), gate.listen().await?));
            }
        }
        Ok(Listening(listening))
    }

    /// Carries connections to a process that was started, until `death` completes.
    pub(crate) fn serve<D>(&self, listening: Listening, death: impl Fn() -> D)
    where
        D: Future<Output = ()> + Send + 'static,
    {
        let mut tasks = locked(&self.tasks);
        // What is left of earlier incarnations.
        while tasks.try_join_next().is_some() {}
        for (gate, listener) in listening.0 {
            tasks.spawn(gate.serve(listener, death()));
        }
    }

    /// Makes a link worse.
    pub(crate) fn inject(&self, fault: u32, route: Route, kind: LinkFault) {
        locked(&self.faulty).push(FaultyLink { fault, route });
        for path in self.paths_of(route) {
            path.inject(fault, kind);
        }
    }

    /// Ends one fault. `None` if there is none of that number.
    pub(crate) fn heal(&self, fault: u32) -> Option<FaultyLink> {
        let mut faulty = locked(&self.faulty);
        let position = faulty.iter().position(|link| link.fault == fault)?;
        let healed = faulty.remove(position);
        for path in self.paths_of(healed.route) {
            path.heal(fault);
        }
        Some(healed)
    }

    /// Everything that is wrong with the links now.
    pub(crate) fn faulty(&self) -> Vec<FaultyLink> {
        locked(&self.faulty).clone()
    }

    fn paths_of(&self, route: Route) -> impl Iterator<Item = &Arc<Direction>> {
        let taken = self.paths.iter().filter(move |((from, to), _)| route.carries(*from, *to));
        taken.map(|(_, path)| path)
    }
}

#[cfg(test)]
mod tests;
