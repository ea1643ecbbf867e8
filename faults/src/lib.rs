//! Starts the processes of a target, the bazaar's or any other's, breaks it on schedule, watches it, and heals it.
//!
//! The harness sees the bazaar from outside only: processes, signals, HTTP. Nothing here knows
//! goose or a chart; the code that runs a trial hands in where events go and when the load began.
//!
//! * [`clock`]: the one origin that stamps everything.
//! * [`http`]: a small client for the services' endpoints.
//! * [`process`]: what the bazaar's processes are called.
//! * [`ports`]: addresses for a whole bazaar, free and reserved.
//! * [`bazaar`]: the processes of the bazaar, or of any other target: start, signal, restart, stop. They are the crate
//!   `supervisor`'s.
//! * [`relay`]: the network between the services, which can be cut, delayed and throttled.
//! * [`host_network`]: the network between hosts of a target: partitions, delays and rates there, through `nft` and `tc`.
//! * `slowing`: a process that gets a part of its time.
//! * [`flood`]: connections that waste what a process has.
//! * [`disk`]: disks that hang, are slow, are full, or forget what was not flushed.
//! * [`schedule`]: what a plan's faults mean, as a pure function.
//! * [`events`]: where what happened is told.
//! * [`leadership`]: who leads right now.
//! * [`injector`]: does what the schedule says; `lasting` knows which faults an act ends.
//! * [`probes`]: watches the front-end's configuration and the children's lives.
//! * [`dump`]: what processes tell that they hold, page by page.
//! * [`heal`], [`converge`]: everything up again, and then everything equal.

mod act;
pub mod bazaar;
pub mod clock;
pub mod converge;
pub mod disk;
pub mod dump;
pub mod events;
pub mod flood;
pub mod folder;
pub mod heal;
pub mod host_network;
pub mod http;
pub mod injector;
mod lasting;
pub mod leadership;
mod memberships;
pub mod ports;
pub mod probes;
pub mod process;
pub mod relay;
pub mod schedule;
mod slowing;
mod start_error;
#[cfg(test)]
mod testing;
