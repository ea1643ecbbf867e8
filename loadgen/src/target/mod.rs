//! A target that a file describes, while it runs: what is asked of it besides what clients do.
//!
//! What the file means is known by the crate `targets`, which asks nobody. Here is the asking.
//!
//! * `http`: one request, and how far it got. `asking`: requests, commands and paths of the file.
//! * [`leaders`]: who leads. `log_tail`: the last line of a log that says so.
//! * [`state`]: what its places hold. `sqlite`: those that are databases.

pub mod asking;
pub(crate) mod http;
pub mod leaders;
mod log_tail;
mod sqlite;
pub mod state;
#[cfg(test)]
mod testing;
