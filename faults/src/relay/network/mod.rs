//! All paths and relays of one bazaar.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use records::{Processes, Route};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connection::Directions;
use super::direction::Direction;
use super::listener::RelayListener;
use crate::act::ActError;
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
    /// Which processes there are: who the replicas are, say.
    processes: Processes,
    /// Whether it is known that every link is in use. Otherwise that has to be seen, or a fault would be told of that nobody
    /// could notice.
    all_in_use: bool,
    faulty: Mutex<Vec<FaultyLink>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Network {
    /// A network that these relays make between `processes`. `all_in_use`: a fault of a link is noticed even if nothing has
    /// passed it yet.
    pub(crate) fn new(relays: Vec<Relay>, processes: Processes, all_in_use: bool) -> Self {
        let mut paths: BTreeMap<_, Arc<Direction>> = BTreeMap::new();
        for Relay { from, to, .. } in &relays {
            for ends in [(*from, *to), (*to, *from)] {
                paths.entry(ends).or_default();
            }
        }
        let (faulty, tasks) = (Mutex::default(), Mutex::default());
        Self { paths, relays, processes, all_in_use, faulty, tasks }
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

    /// Makes a link worse. Refused if no relay is on it, if nothing has passed any of those that are, or of what no relay can
    /// do.
    pub(crate) fn inject(&self, fault: u32, route: Route, kind: LinkFault) -> Result<(), ActError> {
        if matches!(kind, LinkFault::Lose(_) | LinkFault::Duplicate(_)) {
            return Err(ActError::NotByRelays(route));
        }
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
        let taken = self
            .paths
            .iter()
            .filter(move |((from, to), _)| route.carries(*from, *to, &self.processes));
        taken.map(|(_, path)| path)
    }
}

#[cfg(test)]
mod tests;
