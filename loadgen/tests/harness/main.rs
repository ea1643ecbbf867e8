//! The harness as its users run it: one program, since each that links the whole harness takes a
//! quarter of a minute to link, and a hundred megabytes.
//!
//! * [`common`]: how the harness is started, watched and stopped.
//! * [`usage`], [`endings`], [`output`], [`progress`]: what a command says, whatever it is.
//! * [`documents`]: that the pages for people are true where a program can tell.
//! * [`runs`], [`disks`], [`open_loop`], [`stages`], [`compare`]: whole runs, and comparisons of them.
//! * [`page`]: the console's page in a real browser, which [`browser`] starts.
//! * [`lab`]: exercises, of which nobody says what the bug is.
//! * [`target`]: somebody else's service, described in a file; [`target_links`]: its links; [`target_clients`]: its client program; [`adopted`]: one that runs already; [`own_faults`]: its own faults, and variants; [`zoo`]: services with one
//!   peculiarity each; [`keys`]: those of them that keep registers or a log.
//! * [`hosts`]: processes on other hosts; [`load_from`]: clients on other hosts; [`host_networks`]: hosts that are network namespaces, and faults of their network.
//! * [`engines`]: systems beside each other, and their runs over time.
//! * [`serve`], [`console`], [`soak`]: commands that go on until they are told to stop.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod adopted;
mod browser;
mod common;
mod compare;
mod console;
mod disks;
mod documents;
mod endings;
mod engines;
mod files;
mod host_networks;
mod hosts;
mod keys;
mod lab;
mod load_from;
mod open_loop;
mod output;
mod own_faults;
mod page;
#[path = "../../../services/tests/shared/ports.rs"]
mod ports;
mod progress;
mod runs;
mod serve;
mod serve_target;
mod soak;
mod speed;
mod stages;
mod target;
mod target_clients;
mod target_links;
mod usage;
mod zoo;
