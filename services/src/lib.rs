//! The system under test: a front-end with a cache, a catalog and a replicated order service.
//!
//! Each service is a `run(listener, config, shutdown)`: everything it touches is an argument, so
//! tests start it in-process on port 0. What it decides lives in modules that know no socket, disk
//! or clock ([`front_end::cache`], [`front_end::configuration`], [`catalog::ledger`],
//! [`catalog::reveal`], [`order::log`], [`order::replica`]); the shells around them do the rest.
//!
//! * [`process`]: arguments, logging, signals and exit codes, the same for all three.
//! * [`http`]: server, client, and the form of requests and answers.
//! * [`storage`]: opening a SQLite file so that nothing is lost or overwritten.
//! * [`metrics`]: what `GET /metrics` shows.
//! * [`planted`]: rules that can be left out on purpose, to prove that the checks notice.

pub mod catalog;
pub mod front_end;
pub mod http;
pub mod metrics;
pub mod order;
pub mod planted;
pub mod process;
pub mod storage;
