//! What is said of many runs together.
//!
//! A run is judged and measured by the crate `results`, once, and leaves its figures in its folder. Here they are read and
//! put side by side. The invariant: *no figure of a run is computed a second way*; what is new are medians, geometric means
//! and intervals over runs. This crate starts nothing and knows no command: whoever ran the runs says what they were.
//!
//! * `digest`: what is taken of one run, from its small files alone: its rows may be gone.
//! * [`engines`]: systems beside each other, under the same load and the same faults.
//! * [`rounds`]: the rounds of a soak.
//! * [`history`]: comparable runs over time, by commit.
//! * `grid`: a table that pages and Markdown show alike. `picture`: a chart inside a page. `look`: how pages look. `files`: how
//!   pages and tables become files.

mod digest;
pub mod engines;
mod error;
mod files;
mod grid;
pub mod history;
mod look;
mod picture;
pub mod rounds;
mod words;

pub use digest::RunDigest;
pub use error::CampaignError;
