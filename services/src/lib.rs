//! The system under test: a front-end with a cache, a catalog and a replicated order service.
//!
//! Each service is a crate of its own with a `run(listener, config, shutdown)`: everything it touches
//! is an argument, so tests start it in-process on port 0. What it decides lives in modules that know
//! no socket, disk or clock ([`front_end::cache`], [`front_end::configuration`], [`catalog::ledger`],
//! [`catalog::visibility`], [`order::log`], [`order::replica`]); the shells around them do the rest. No
//! service knows another: they share what is in [`base`] and the types on the [`wire`].
//!
//! Here are [`programs`], the three of them in one binary, the binaries themselves, and the tests, which
//! name the crates below as modules of this one.

pub mod programs;

pub use base::{http, metrics, planted, process, storage};
pub use {catalog, front_end, order};
