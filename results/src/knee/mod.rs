//! Up to which rate a service holds what it is offered: the knee of latency against offered rate.
//!
//! Below the knee everything is answered as it comes; beyond it arrivals queue, and latency is no
//! property of the service any more but of how long the overload lasted (Jain, *The Art of Computer
//! Systems Performance Analysis*, 1991, §3.3: the knee of the throughput and response-time curves).
//! Here a rate counts as *held* if, over all trials of its cell,
//!
//! * at least [`MIN_ANSWERED`] of what was offered was answered while the schedule lasted, and
//! * the corrected 99th percentile of all operations is at most [`MAX_P99_FACTOR`] times what it is at
//!   the lowest rate. Where either is withheld, since the generator was late itself, nothing is asked of it,
//!   and the sentence says so.
//!
//! Answered is ok or rejected: the service kept up with either. The throughput that stands beside is what was
//! accepted (ok).
//!
//! The knee is the highest rate that was held with all rates below it. It lies between two rates that
//! were tried, so it is as exact as those are close.

mod sweep;
mod table;

pub use sweep::{MAX_P99_FACTOR, MIN_ANSWERED, Step, Sweep, sweeps};
pub use table::table;
