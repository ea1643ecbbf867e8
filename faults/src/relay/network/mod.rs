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
use crate::act::ActError;
use crate::ports::Addresses;
use crate::process::ProcessName;
use crate::schedule::LinkFault;
use supervisor::locked::locked;

/// A relay: one process is told where it listens instead of where another one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Who is told of it.
    pub from: ProcessName,
    /// Who is behind it.
    pub to: ProcessName,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where who is behind it listens.
    pub target: SocketAddr,
}

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
    /// Both directions between every two processes between which there is a relay.
    paths: BTreeMap<(ProcessName, ProcessName), Arc<Direction>>,
    relays: Vec<Relay>,
    /// Of the built-in bazaar it is known that every link is in use. Of any other that has to be seen, or a fault would be
    /// told of that nobody could notice.
    all_in_use: bool,
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
    /// A network that these relays make.
    pub(crate) fn new(relays: Vec<Relay>) -> Self {
        let mut paths: BTreeMap<_, Arc<Direction>> = BTreeMap::new();
        for Relay { from, to, .. } in &relays {
            for ends in [(*from, *to), (*to, *from)] {
                paths.entry(ends).or_default();
            }
        }
        let (faulty, tasks) = (Mutex::default(), Mutex::default());
        Self { paths, relays, all_in_use: false, faulty, tasks }
    }

    /// A whole network between the processes of the built-in bazaar, whose relays are going to listen at
    /// `own`, as many as [`addresses_needed`] says.
    pub(crate) fn of_bazaar(addresses: &Addresses, own: Vec<SocketAddr>) -> Self {
        let targets: BTreeMap<_, _> = addresses.processes().collect();
        let relay = |((from, to), address)| Relay { from, to, address, target: targets[&to] };
        let relays = diallers(addresses).into_iter().zip(own).map(relay).collect();
        Self { all_in_use: true, ..Self::new(relays) }
    }

    /// What `name` is to be told, of those at `addresses`: its own address, and its peers' relays.
    pub(crate) fn seen_by(&self, name: ProcessName, addresses: &Addresses) -> Addresses {
        let mut seen = addresses.clone();
        for relay in self.relays.iter().filter(|relay| relay.from == name) {
            if let Some(part) = addresses.part(relay.to) {
                seen.replace(part, relay.address);
            }
        }
        seen
    }

    /// Begins to listen for `name`, which is about to be started.
    pub(crate) async fn listen(&self, name: ProcessName) -> io::Result<Listening> {
        let mut listening = Vec::new();
        for Relay { from, to, address, target } in self.relays.iter().copied() {
            if to == name {
                let out = Arc::clone(&self.paths[&(from, to)]);
                let back = Arc::clone(&self.paths[&(to, from)]);
                let gate = RelayListener { address, target, paths: Directions { out, back } };
                let listener = gate.listen().await?;
                listening.push((gate, listener));
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

    /// Makes a link worse. Refused if no relay is on it, or if nothing has passed any of those that are.
    pub(crate) fn inject(&self, fault: u32, route: Route, kind: LinkFault) -> Result<(), ActError> {
        if self.paths_of(route).next().is_none() {
            return Err(ActError::NoRelayOn(route));
        }
        if !self.all_in_use && !self.paths_of(route).any(|path| path.has_carried()) {
            return Err(ActError::UnusedLink(route));
        }
        locked(&self.faulty).push(FaultyLink { fault, route });
        for path in self.paths_of(route) {
            path.inject(fault, kind);
        }
        Ok(())
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
