//! A soak: random faults from a seed, round after round, until the time is over.
//!
//! A round is a run of its own with one trial: a fresh bazaar, a random load, random faults, alone
//! and on top of each other, then healing, convergence, dumps, and all checks. Each has a run's
//! folder (`round-007`), so `check` and `report` work on it, and an hour of rounds needs no more
//! memory than one. What a round does depends on the seed and its number alone, so it can be
//! repeated by itself; how many there are depends on the minutes.
//!
//! The disk is bounded: a round that passed keeps its figures and not its rows, one that did not keeps everything, and once
//! all of them hold as much as is allowed no other one begins.
//!
//! A round that failed or was inconclusive does not end the soak: the next one has a bazaar of
//! its own, and one problem must not hide another. The worst verdict decides the exit code. Nor does a round whose
//! system did not start: it is inconclusive and says why. Only if that is the first one, or several in a row, it ends, since
//! the others would not start either.

mod faults;
mod folder_size;
mod plan;
mod round;
mod round_report;
mod summary;

pub use plan::{planned_time, round_plan, rounds_within};
pub(crate) use round::Rounds;
pub use round_report::RoundReport;
pub use summary::SoakReport;
