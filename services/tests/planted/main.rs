//! Rules about single requests, left out in real processes: the promise is broken, and kept with the rule.
//!
//! No order of events makes a difference to these rules, so the explorer has no story for them. Needs
//! services in which bugs can be planted. What is awaited is asked for again until it is there; nothing
//! is timed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod epochs;
#[path = "../shared/ports.rs"]
mod ports;
mod processes;
mod stocks;
mod unlisted;
