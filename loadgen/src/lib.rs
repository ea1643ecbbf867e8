//! Runs experiments on the bazaar: loads it, has it broken, records what happens, and reports.
//!
//! This crate knows how to speak to the bazaar and how to start it, and nothing of how it works
//! inside. What a run leaves behind is judged by `results`, from the files alone.
//!
//! * [`program`]: from the command line to the exit code. [`cli`]: what can be typed. [`commands`]: what
//!   then happens. [`exit`]: how it ended. `output`: what is written to stdout and stderr.
//! * [`plan`]: what a run does.
//! * [`run`]: every cell of a plan, trial by trial, and the report.
//! * [`target`]: a target that a file describes, on this machine.
//! * [`hosts`]: several hosts on one machine.
//! * [`soak`]: random faults, round after round.
//! * `progress`: how far a command is, for people and for programs.
//! * [`prove`]: planted bugs, and the checks that must catch them. [`lab`]: the same as exercises.
//! * `signals`: what Ctrl-C does. `shell`: commands that can be copied.
//!
//! What runs while something is measured, the clients and the recorder, is in the crate `driver`; the page beside
//! `serve` is the crate `bazaar-console`.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod commands;
pub mod exit;
pub mod hosts;
pub mod lab;
mod output;
pub mod plan;
pub mod program;
mod progress;
pub mod prove;
pub mod run;
mod shell;
mod signals;
pub mod soak;
pub mod target;
