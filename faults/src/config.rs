//! What a bazaar is started with.

use std::path::PathBuf;

use supervisor::tree::GuardProgram;

use crate::disk::DiskFaults;
use crate::ports::Ports;

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
    /// Whether the services reach each other through relays, which can be cut, delayed and
    /// throttled. Otherwise they speak to each other directly.
    pub relays: bool,
    /// Whose disks can be broken: a library is preloaded into these processes.
    pub disk_faults: DiskFaults,
    /// How many connections floods have at a time: room is made for them, or the start refused.
    pub flood_connections: u32,
    /// How the guards of its processes are started.
    pub guard: GuardProgram,
    /// Further flags of every service, after all others.
    pub flags: Vec<String>,
    /// Further variables in every service's environment: what must not stand on a command line.
    pub environment: Vec<(String, String)>,
}
