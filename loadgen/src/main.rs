//! The harness's program.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadgen::program::main()
}
