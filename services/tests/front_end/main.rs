//! The front-end over real HTTP, in-process on free ports, beside a catalog and order replicas
//! that do as they are told.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on is a test that fails")]

mod bad_input;
mod bulkhead;
mod coherence;
mod failover;
mod fake_catalog;
mod fake_replica;
mod gray_failure;
mod interface;
mod membership;
#[path = "../shared/panics.rs"]
mod panics;
#[path = "../shared/ports.rs"]
mod ports;
mod process;
mod running;
mod start_up;
