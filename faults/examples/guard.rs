//! The program of the guards that the tests' processes stand under.

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::tree::guard()
}
