//! Processes of any target: whole trees are started, watched, signalled and ended, and nothing of them is left.
//!
//! A target is somebody else's. Its processes daemonise, leave their parents, ignore SIGTERM, flood their logs and fork
//! without end; a process group or a pid file would lose them. Here each process of a target has a guard of its own, which
//! its descendants cannot leave, and whatever ends (the harness, the guard, the process), its tree ends too. Nothing here
//! knows a target's file, an expression or a fault's schedule: callers hand in plain types.
//!
//! * [`tree`]: one process with everything that it starts, and its guard.
//! * [`probe`]: whether a process is ready.
//! * [`system`]: all processes of a target: start, signal, restart, stop.
//! * [`command`]: what is run to its end: setup, reset, prepare.
//! * [`host`]: another host, and the way there.
//! * [`folder`]: a workspace, and changes that stay below it.
//! * [`log_lines`]: what a process writes, line by line.
//! * [`clock`], [`locked`]: what everybody who handles processes needs, the crate `faults` too.

pub mod clock;
pub mod command;
pub mod folder;
pub mod host;
mod lines;
pub mod locked;
pub mod log_lines;
mod log_tail;
pub mod probe;
pub mod system;
pub mod tree;

pub use nix::sys::signal::Signal;
