//! The bazaar's processes: what they are called, and what is known of them without asking.

use std::net::SocketAddr;

pub use records::ProcessName;

/// What is known of a process without asking it anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, as far as signals go.
    Running,
    /// It was stopped by SIGSTOP.
    Paused,
    /// It has ended.
    Down,
}

/// A process of the bazaar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// What it is called.
    pub name: ProcessName,
    /// Its process id; that of its last incarnation if it is down.
    pub pid: u32,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether it runs.
    pub state: ProcessState,
}
