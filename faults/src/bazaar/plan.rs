//! What a target is started with: its processes, and what faults may be done to each.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use records::{FaultName, Processes};
use supervisor::host::HostLink;
use supervisor::system::Program;
use supervisor::tree::GuardProgram;

use super::OwnFault;
use crate::disk::DiskFaults;
use crate::dump::DumpSource;
use crate::host_network::HostLinks;
use crate::leadership::Leaders;
use crate::process::ProcessName;
use crate::relay::Relay;

/// A target to start.
#[derive(Clone, Debug)]
pub struct ServicePlan {
    /// Its processes, and which role does what.
    pub processes: Processes,
    /// How each of them is started, by the same names.
    pub programs: Vec<Program>,
    /// The folder of their logs, `NAME.log` each. It is made.
    pub logs: PathBuf,
    /// How large each log may become, in bytes.
    pub log_bytes: u64,
    /// How their guards are started.
    pub guard: GuardProgram,
    /// Knows who leads.
    pub leaders: Arc<dyn Leaders>,
    /// Where a process listens, as far as the target says. Another one cannot be flooded.
    pub addresses: BTreeMap<ProcessName, SocketAddr>,
    /// Those that are not on this host, and the host of each. Their programs say the same.
    pub hosts: BTreeMap<ProcessName, Arc<HostLink>>,
    /// What faults of files take, and where calls are hit by faults of disks: folders with all that is below them, and files
    /// with what is called after them (`x.db-wal` after `x.db`). Nothing of another process can be lost or put back.
    pub data: BTreeMap<ProcessName, Vec<PathBuf>>,
    /// How many connections floods have at a time: room is made for them, or the start refused.
    pub flood_connections: u32,
    /// Whose disks can be broken: a library is preloaded into these processes.
    pub disk_faults: DiskFaults,
    /// What the target can break by commands of its own.
    pub own_faults: BTreeMap<FaultName, OwnFault>,
    /// The relays that its processes were told of, each instead of where another one listens. Without them no link can be
    /// broken.
    pub relays: Option<Vec<Relay>>,
    /// How links of processes on hosts are broken.
    pub host_links: HostLinks,
    /// Whether every link is known to be in use: otherwise one that nothing has passed yet cannot be broken, for nobody would
    /// notice.
    pub uses_all_links: bool,
    /// Where its processes tell what they hold; empty if they do not.
    pub dumps: Vec<DumpSource>,
    /// To which path of a process anybody may send a body; `/` of the others.
    pub body_paths: BTreeMap<ProcessName, String>,
    /// How its cache is switched, if it has one that can be.
    pub cache: Option<CacheSwitch>,
    /// Where copies of files are kept: nowhere where a process looks.
    pub copies: PathBuf,
}

/// A process that is started in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheSwitch {
    /// Whose cache it is.
    pub process: ProcessName,
    /// Its command with the cache on.
    pub on: Vec<OsString>,
    /// Its command with the cache off.
    pub off: Vec<OsString>,
}
