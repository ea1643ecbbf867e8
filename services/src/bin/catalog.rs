//! The catalog: owns the stocks, and decides every trade once.

use std::process::ExitCode;

fn main() -> ExitCode {
    services::programs::catalog()
}
