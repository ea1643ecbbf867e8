//! Figures and how far they can be trusted, the same way everywhere.
//!
//! * [`Latencies`]: percentiles of a histogram.
//! * [`Pool`]: the operations of several *units*, whole trials or slices of them, kept apart so
//!   that they can be weighted anew.
//! * [`Resamples`], [`Spread`], [`Estimate`]: confidence intervals.
//!
//! # The intervals
//!
//! An interval is the 95 % bootstrap interval of a figure on the scale of logarithms: a share of the
//! figure up and down, never below 0. Latencies of neighbouring operations are alike (a slow disk is
//! slow for all of them), and trials differ from each other (memory, scheduling, the machine's other
//! work). An interval that took operations as independent would be too narrow by an order of
//! magnitude, so what is drawn with replacement are units that are nearly independent, with all
//! their operations:
//!
//! * Trials, if there are at least [`MIN_TRIALS`]: the spread between them then holds everything
//!   that makes a figure differ when it is measured again. They are drawn whole: drawing slices
//!   within them as well would count the spread within twice (Davison & Hinkley, *Bootstrap Methods
//!   and their Application*, 1997, section 3.8).
//! * Otherwise slices of equal length of whatever trials there are: the block bootstrap for
//!   correlated data (Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, section 8.6),
//!   with blocks as long as possible. Such an interval says how steady the figure was within the
//!   trial and nothing about how it differs from trial to trial; [`Basis::Slices`] says so.
//!
//! With five units the usual percentile interval is far too narrow: it leaves the truth out in every
//! fifth case or so. The interval here is the figure, up and down by Student's t times the bootstrap's
//! standard error, which is corrected for its own narrowness by sqrt(n / (n - 1)) (Hesterberg, *What
//! Teachers Should Know About the Bootstrap*, The American Statistician 69, 2015, section 3.2). The
//! tests in `stats/coverage.rs` measure how often it holds the truth.
//!
//! No interval reaches beyond what was measured: it ends at the shortest and the longest latency, of slices'
//! throughputs at the slowest and the fastest slice.
//!
//! Too few units, or too few operations beyond a percentile, have no interval rather than a false one.
//! Everything random comes from a fixed seed: the same rows give the same interval.

mod bootstrap;
#[cfg(test)]
pub(crate) mod coverage;
mod estimate;
mod latencies;
mod middle;
mod pool;
mod rounds;
mod sample;
mod units;

pub use bootstrap::{Resamples, Spread};
pub use estimate::{CONFIDENCE, Estimate, Interval};
pub use latencies::Latencies;
pub use middle::{geometric_mean, median};
pub use pool::{Figure, MIN_ANSWERED, MIN_BEYOND, Pool, Unit};
pub use sample::{Answer, Basis, LoadSpan, TrialSample};
pub use units::{MIN_SLICES, MIN_TRIALS};
