//! Finished runs of every kind, kept, and what is said about them: verdicts and counts of every check,
//! figures, charts and page.
//!
//! What a change of how a run is read or judged does to runs that were made shows here. A
//! golden file that changes needs a reason, which belongs into the commit that changes it:
//!
//! ```text
//! GOLDEN=write cargo test -p results --test corpus
//! ```

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod golden;
mod incomplete;
mod kept;
mod renamed;

use kept::Kept;

/// A run, held against its golden files.
fn is_as_it_was(name: &str) {
    let run = Kept::unpack(name);
    golden::hold(name, &run.said());
}

#[test]
fn a_bench_is_told_as_it_was() {
    is_as_it_was("bench");
}

#[test]
fn an_open_loop_is_told_as_it_was() {
    is_as_it_was("rates");
}

#[test]
fn kills_and_a_pause_are_told_as_they_were() {
    is_as_it_was("failover");
}

#[test]
fn broken_links_are_told_as_they_were() {
    is_as_it_was("links");
}

#[test]
fn a_pause_that_another_faults_restart_ended_is_told_as_it_was() {
    is_as_it_was("overlap");
}

#[test]
fn a_run_that_counts_its_rows_is_told_as_it_was() {
    is_as_it_was("counted");
}

#[test]
fn an_overload_is_told_as_it_was() {
    is_as_it_was("overload");
}

#[test]
fn a_round_of_random_faults_in_a_closed_loop_is_told_as_it_was() {
    is_as_it_was("soak-closed");
}

#[test]
fn a_round_of_random_faults_in_an_open_loop_is_told_as_it_was() {
    is_as_it_was("soak-open");
}

#[test]
fn a_planted_bug_is_told_as_it_was() {
    is_as_it_was("failed");
}

#[test]
fn a_run_that_was_interrupted_is_told_as_it_was() {
    is_as_it_was("interrupted");
}
