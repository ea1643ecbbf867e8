//! A target that a file describes, on this machine and the hosts that it names, for `target check` and for each trial of a run.
//!
//! What the file means is known by the crate `targets`, which starts nothing and asks nobody. Before it runs:
//!
//! * `ports`: free ones are chosen, given ones must be free.
//! * `hosts`: agents where processes are on other hosts, and what a trial has there.
//! * `isolated`: a copy of its own folder, where a stranger's programs must not change that.
//! * `trial`: its folders, and the commands that are run in them.
//! * `programs`: its processes as the supervisor starts them. `running`: all of that, in its order. [`resumed`]: the processes alone, over
//!   files that are there.
//! * `relays`: where links between them can be broken, and what each process is told for that.
//! * `host_links`: where they are on hosts, whose own network is broken instead.
//! * `dumps`: where they tell what they hold.
//! * `needed`: the ports that clients must be told. `clients`: programs of its own that clients speak through. `senders`: what sends their
//!   requests from other hosts.
//!
//! While it runs, what is asked besides what clients do:
//!
//! * `http`: one request, and how far it got. `asking`: requests, commands and paths of the file.
//! * [`leaders`]: who leads.
//! * [`state`]: what its places hold. `sqlite`: those that are databases, and copies of those on hosts.

pub mod asking;
pub(crate) mod clients;
mod dumps;
mod host_links;
pub(crate) mod hosts;
pub(crate) mod http;
mod isolated;
pub mod leaders;
pub(crate) mod needed;
pub(crate) mod ports;
mod programs;
pub(crate) mod relays;
mod resumed;
pub(crate) mod running;
pub(crate) mod senders;
mod sqlite;
pub mod state;
#[cfg(test)]
mod testing;
mod trial;

pub(crate) use isolated::isolated;
use programs::service_plan;
pub(crate) use programs::system_plan;
pub use resumed::resumed;
pub use trial::Places;
pub(crate) use trial::{TargetTrial, home_of};
