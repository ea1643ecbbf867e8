//! The order service: one replica.

use std::process::ExitCode;

fn main() -> ExitCode {
    services::programs::order()
}
