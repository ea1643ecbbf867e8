//! The harness's command line: parse, set up logging, run, exit.

use std::process::ExitCode;

use clap::Parser;
use loadgen::cli::Args;
use loadgen::exit::{Exit, one_line};

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // A closed stdout or stderr leaves nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Pass.into() };
        }
    };
    loadgen::cli::set_up_logging();
    match loadgen::commands::run(args) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("{}", one_line(&error));
            Exit::Usage.into()
        }
    }
}
