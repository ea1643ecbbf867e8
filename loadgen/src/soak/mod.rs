//! A soak: random faults from a seed, round after round, until the time is over.
//!
//! A round is a run of its own with one trial: a fresh bazaar, a random load, random faults, alone
//! and on top of each other, then healing, convergence, dumps, and all checks. Each has a run's
//! folder (`round-007`), so `check` and `report` work on it, and an hour of rounds needs no more
//! memory than one. What a round does depends on the seed and its number alone, so it can be
//! repeated by itself; how many there are depends on the minutes.
//!
//! A round that failed or was inconclusive does not end the soak: the next one has a bazaar of
//! its own, and one problem must not hide another. The worst verdict decides the exit code.

mod faults;
mod plan;
mod round;
mod summary;

pub use plan::{planned_time, round_plan, rounds_within};
pub(crate) use round::Rounds;
pub use summary::{RoundReport, SoakReport};
