//! Connections that waste what a process has: idle ones, bodies that hardly come, answers that nobody reads.
//!
//! A flood runs on a thread with a runtime of its own, so that the clients whose times are measured do not wait for
//! it, and goes to the process itself, past relays. A connection that the process closes or refuses is opened
//! again after a while: a flood goes on for as long as it lasts, but it is no storm of connections.
//!
//! * `flooding`: one flood.
//! * `connection`: what each kind does with a connection.
//! * `open_files`: whether this process may have that many.

mod connection;
mod flooding;
mod open_files;

pub(crate) use flooding::Flooding;
pub use flooding::Tally;
pub(crate) use open_files::make_room;
