//! The bazaar beside the best that does each part of its job, side by side on this machine.
//!
//! A figure of one system alone says as much about the machine as about the system. So every figure is taken of both
//! sides in turns, round by round, and what is told is their ratio. Nothing is installed: a peer that is missing is
//! named, with the line that would install it, and its rows stay empty.
//!
//! The invariant: a figure that was not measured is no figure. It is never 0, and no goal is met by it.
//!
//! * [`arguments`], [`tools`]: what was asked for, and what the machine has.
//! * [`system`]: the sides, as processes under the supervisor. [`usage`]: what they cost.
//! * [`http`], [`client`], [`load`], [`generator`], [`disk`]: what is done to them.
//! * [`compare`]: the comparisons, each a story of its own. They append [`sample`]s and nothing else.
//! * [`goals`], [`rows`]: what is made of samples; [`spans`]: of what the services say of each trade. Pure.
//! * [`output`]: the same rows as JSON, CSV, Markdown and a chart.
//! * [`run`]: the whole.

#![expect(rustdoc::private_intra_doc_links, reason = "the map of this crate is for its readers")]

mod arguments;
mod client;
mod compare;
mod disk;
mod generator;
mod goals;
mod http;
mod load;
mod output;
mod rows;
mod run;
mod sample;
mod scratch;
mod spans;
mod system;
mod tools;
mod usage;

use std::process::ExitCode;

use clap::Parser;

/// The first argument of the program where it is a process's guard.
const GUARD: &str = "guard";

/// The program: a comparison, or one of its own helpers (a guard, the bare server, a generator and who times it).
#[must_use]
pub fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(GUARD) => supervisor::tree::guard(),
        Some(system::bare::COMMAND) => system::bare::main(),
        Some(generator::own::COMMAND) => generator::own::main(),
        Some(generator::timed::COMMAND) => generator::timed::main(),
        _ => run::main(arguments::Arguments::parse()),
    }
}
