//! The bazaar's processes: what they are called, and what is known of them without asking.

use std::net::SocketAddr;

pub use records::ProcessName;
pub use supervisor::system::ProcessState;

/// A process of the bazaar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// What it is called.
    pub name: ProcessName,
    /// Its process id; that of its last incarnation if it is down.
    pub pid: u32,
    /// Where it listens, as far as its target says.
    pub address: Option<SocketAddr>,
    /// Whether it runs.
    pub state: ProcessState,
}
