//! Rubrics, points and pages, from reports that were made by hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod made;
mod pages;
mod points;
mod rubrics;
