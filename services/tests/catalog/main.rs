//! The catalog over real HTTP, in-process on free ports, beside a front-end that does as it is told.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod admission;
mod bad_input;
mod coherence;
mod exactly_once;
mod fake_front_end;
mod interface;
mod paging;
#[path = "../shared/panics.rs"]
mod panics;
mod running;
mod start_up;
