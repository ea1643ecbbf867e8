//! What every service stands on. Nothing here knows a service.
//!
//! * [`process`]: arguments, logging, signals and exit codes, the same for all three.
//! * [`http`]: server, client, and the form of requests and answers.
//! * [`storage`]: opening a SQLite file so that nothing is lost or overwritten.
//! * [`metrics`]: what `GET /metrics` shows.
//! * [`spans`]: when a trade reached which stage, where somebody wants to know.
//! * [`tasks`]: spawning, so that little of it is compiled.
//! * [`planted`]: rules that can be left out on purpose, to prove that the checks notice.

pub mod http;
pub mod metrics;
pub mod planted;
pub mod process;
pub mod spans;
pub mod storage;
pub mod tasks;
