//! Strangers: anybody who can send requests to loopback and is none of the bazaar's own (rules S1 to S4).
//!
//! Every story is told on real sockets, to services that run in this process. Where limits matter they
//! are made small, and what is waited for is an effect, never a time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
#[cfg(feature = "planted-bugs")]
mod bugs;
mod connections;
mod desk;
mod epochs;
mod numbers;
mod origin;
mod services_under_test;
mod talk;
mod token;
