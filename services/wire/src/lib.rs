//! What travels between the processes of the bazaar, and between the bazaar and the harness.
//!
//! Types, and their form as JSON: this crate knows no socket, no disk and no clock, and it depends on
//! nothing but serde. The services and the harness share it, and it is all that they share: the harness
//! never links the services, so every check stays black-box.
//!
//! * [`ids`]: newtypes for everything that is counted or named.
//! * [`bazaar`]: the bodies of the public interface, with the leniencies that existing clients rely on.
//! * [`configuration`]: who leads, in which epoch, with which in-sync set.
//! * [`internal`]: replication, takeover, invalidation, membership changes and dumps.
//! * [`dump`]: everything that a replica or the catalog holds, in pages.
//! * [`json`]: how all of these are read from JSON and written as JSON.
//! * [`headers`]: the names of the headers that the protocols add.
//! * [`planted`]: bounds that can be left out, to prove that tests notice.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "Double Trouble needs Linux: its processes follow each other through prctl and waitid"
);

pub mod bazaar;
pub mod configuration;
pub mod dump;
pub mod headers;
pub mod ids;
pub mod internal;
pub mod json;
pub mod planted;
pub mod stock_name;
