//! Order replicas over real HTTP, in-process, with a front-end and a catalog that do as told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bazaar;
mod data_files;
mod gray_failure;
mod interface;
mod others;
#[path = "../shared/panics.rs"]
mod panics;
#[path = "../shared/ports.rs"]
mod ports;
mod replication;
mod waiting_trades;
