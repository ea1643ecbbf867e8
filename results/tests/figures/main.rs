//! The figures and pictures of a run: hand-written cases for the figures, synthetic runs for the
//! pictures.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod answers;
mod availability;
mod browser;
mod cache;
mod charts;
mod compare;
mod foreign;
mod knee;
mod lateness;
mod layout;
mod page;
mod rows;
mod series;
mod summary;
mod synthetic;
mod tables;
mod targets;
mod thresholds;
mod written;
