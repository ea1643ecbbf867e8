//! What changed between two runs, or between two builds in one run, and whether it is more than noise.
//!
//! Compared are cells that both sides have. The *headline* is a small, fixed family of figures, each
//! over all common cells: median and 99th percentile of queries and of trades (of a register or a log of its reads and changes), and the throughput;
//! where leaders were killed or paused, or links cut, also the time to the first acknowledged change and the longest gap. The
//! verdict rests on it alone. Each cell's own figures are shown to say where an effect comes from; one
//! in twenty of those intervals misses the truth, so none of them is a verdict.
//!
//! * [`cache_effects`]: what the cache buys, within one run.
//! * `effect`: ratios and how far they may be off. `judge`: what may be claimed.
//! * `between`: two sides, compared. `report`: what comes of it, as JSON. `text`: the same for people.
//! * `broken`: the faults whose outages are compared.
//! * `warnings`: in what the two sides differ that has nothing to do with what is compared. `late`: which
//!   figures say too much about the generator.

mod between;
mod broken;
mod cache;
mod cache_text;
mod comparison;
mod effect;
mod figures;
mod floor;
mod judge;
mod late;
mod side;
#[cfg(test)]
mod simulation;
mod text;
mod warnings;

pub use between::{Measured, NotComparable, compare, compare_several};
pub use broken::Broken;
pub use cache::{CacheEffect, CacheEffects, cache_effects};
pub use comparison::{COMPARISON_FORMAT, Comparison, Effect, MUST_SEE, SideName};
pub use floor::{DEFAULT_FLOOR, Floor, LEAST_FLOOR};
pub use judge::Change;
