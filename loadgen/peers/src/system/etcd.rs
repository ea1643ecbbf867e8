//! etcd: three members, spoken to over its HTTP gateway, every proposal flushed as it does by itself.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use faults::ports::{Reservation, choose_more};

use super::{Fleet, Process};
use crate::http::Connection;

/// How many members there are.
const MEMBERS: usize = 3;
/// How often members are asked who leads.
const POLL: Duration = Duration::from_millis(10);
/// How long an election may take.
const LEADER_WITHIN: Duration = Duration::from_secs(30);

/// A cluster that runs.
#[derive(Debug)]
pub(crate) struct Etcd {
    /// Its processes.
    pub(crate) fleet: Fleet,
    members: Vec<SocketAddr>,
    _ports: Reservation,
}

/// Who leads a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    /// Its process.
    pub(crate) name: String,
    /// Where it answers clients.
    pub(crate) address: SocketAddr,
}

impl Etcd {
    /// Starts one with no past in `folder`.
    ///
    /// # Errors
    /// If a member does not get healthy.
    pub(crate) async fn start(program: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (addresses, ports) = choose_more(2 * MEMBERS)?;
        let (members, between) = addresses.split_at(MEMBERS);
        let cluster = between.iter().enumerate();
        let cluster: Vec<String> =
            cluster.map(|(at, address)| format!("{}=http://{address}", name(at))).collect();
        let process = |at: usize| {
            let (client, peer) =
                (format!("http://{}", members[at]), format!("http://{}", between[at]));
            let data = folder.join(name(at)).display().to_string();
            let mut command = vec![program.display().to_string()];
            for (flag, value) in [
                ("name", name(at)),
                ("data-dir", data),
                ("listen-client-urls", client.clone()),
                ("advertise-client-urls", client),
                ("listen-peer-urls", peer.clone()),
                ("initial-advertise-peer-urls", peer),
                ("initial-cluster", cluster.join(",")),
                ("initial-cluster-state", "new".to_owned()),
                ("log-level", "error".to_owned()),
            ] {
                command.push(format!("--{flag}={value}"));
            }
            Process::new(name(at), command, members[at], "/health").saying("true")
        };
        std::fs::create_dir_all(folder)?;
        let fleet = Fleet::start(folder, (0..MEMBERS).map(process).collect()).await;
        let fleet = fleet.context("etcd")?;
        Ok(Self { fleet, members: members.to_vec(), _ports: ports })
    }

    /// Waits until one leads, by its own word.
    ///
    /// # Errors
    /// If none does in time.
    pub(crate) async fn leader(&self) -> anyhow::Result<Leader> {
        let begun = Instant::now();
        loop {
            for (at, &address) in self.members.iter().enumerate() {
                let mut connection = Connection::new(address);
                let asked = connection.post("/v3/maintenance/status", "{}".to_owned()).await;
                // A member that is down says nothing, and another one may lead.
                let Some(said) = asked.ok().and_then(|answer| answer.json().ok()) else { continue };
                let own = said["header"]["member_id"].as_str();
                if own.is_some() && own == said["leader"].as_str() {
                    return Ok(Leader { name: name(at), address });
                }
            }
            if begun.elapsed() > LEADER_WITHIN {
                bail!("no member of etcd leads within {} s", LEADER_WITHIN.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Where the others answer.
    pub(crate) fn others(&self, leader: &Leader) -> Vec<SocketAddr> {
        let members = self.members.iter().copied();
        members.filter(|address| *address != leader.address).collect()
    }
}

fn name(at: usize) -> String {
    format!("etcd-{}", at + 1)
}
