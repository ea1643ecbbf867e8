//! The program of `make peers`.

use std::process::ExitCode;

fn main() -> ExitCode {
    peers::main()
}
