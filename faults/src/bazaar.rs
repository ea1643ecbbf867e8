//! The whole bazaar as child processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use wire::ids::ReplicaId;

use crate::events::EventSink;
use crate::http::HttpClient;
pub use crate::ports::Ports;
use crate::process::{ProcessInfo, ProcessName};

/// When the services call a commit done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on disk.
    #[default]
    Flush,
    /// Once the operating system has it.
    Os,
}

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct BazaarConfig {
    /// The folder with the binaries `front-end`, `catalog` and `order`.
    pub bin_dir: PathBuf,
    /// Where the services keep their databases; made if it is not there.
    pub data_dir: PathBuf,
    /// Where each process's output goes, as `NAME.log`; made if it is not there.
    pub log_dir: PathBuf,
    /// How many order replicas, 1 and up.
    pub replicas: u8,
    /// Whether the front-end caches.
    pub cache: bool,
    /// When a commit counts.
    pub durability: Durability,
    /// How often the front-end pings.
    pub ping_period_ms: u64,
    /// After how long a ping has failed.
    pub ping_timeout_ms: u64,
    /// Which ports.
    pub ports: Ports,
    /// The catalog's stocks, instead of its built-in ten.
    pub stocks: Option<PathBuf>,
    /// How many of each stock there may be, instead of the catalog's default.
    pub cap: Option<u32>,
}

/// Where everything listens. The same for the whole life of a bazaar, restarts included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The front-end.
    pub front_end: SocketAddr,
    /// The catalog.
    pub catalog: SocketAddr,
    /// The order replicas.
    pub orders: BTreeMap<ReplicaId, SocketAddr>,
}

/// Why a bazaar, or one process of it, did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A process ended before it was ready.
    #[error("{name} did not start: {reason}")]
    Ended {
        /// Which.
        name: ProcessName,
        /// The last line of its log, or its exit status.
        reason: String,
    },
}

/// A running bazaar. Dropping it kills everything.
#[derive(Debug)]
pub struct Bazaar {
    addresses: Addresses,
}

impl Bazaar {
    /// Starts everything and returns once every service says that it is ready. On failure
    /// whatever was started is killed.
    pub async fn start(config: BazaarConfig) -> Result<Self, StartError> {
        let _ = config;
        todo!()
    }

    /// Where everything listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Every process, front-end first, then the catalog, then the replicas.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessInfo> {
        todo!()
    }

    /// The client that the harness asks services with.
    #[must_use]
    pub fn http(&self) -> &HttpClient {
        todo!()
    }

    /// Emits `Started` and `Ready` of every process, with the times at which that happened.
    pub fn report_start(&self, events: &EventSink) {
        let _ = events;
    }

    /// Stops everything: lets paused processes go on, SIGTERM, a bounded wait, SIGKILL.
    /// Afterwards nothing can be restarted.
    pub async fn stop(&self) {}
}
