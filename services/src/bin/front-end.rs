//! The front-end's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    services::programs::front_end()
}
