//! Another program to its end, and the CPU that it took: `timed PROGRAM ARGUMENT...`.
//!
//! A process that has ended has no `/proc` any more, and one that is looked at before has not done all of its work. So a
//! parent of its own waits for it, to which the kernel adds what its children took.

use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::usage;

/// The first argument of the program where it is this parent.
pub(crate) const COMMAND: &str = "timed";
/// What the line with the CPU begins with.
const CPU_US: &str = "cpu_us=";

/// The CPU that it says was taken, in microseconds.
///
/// # Errors
/// If it does not say it.
pub(crate) fn cpu_us(said: &str) -> anyhow::Result<f64> {
    let line = said.lines().rev().find_map(|line| line.strip_prefix(CPU_US));
    line.and_then(|number| number.parse().ok()).context("it did not say what CPU it took")
}

/// The parent itself.
pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn run() -> anyhow::Result<bool> {
    let mut words = std::env::args_os().skip(2);
    let program = words.next().context("no program")?;
    let status = Command::new(program).args(words).status().context("the program")?;
    println!("\n{CPU_US}{}", usage::of_ended_children()?);
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_whatever_stands_before_it() {
        assert_eq!(cpu_us("cpu_us=1\n{}\ncpu_us=2500\n").unwrap(), 2_500.0);
        assert!(cpu_us("{}").is_err());
    }
}
