//! All three services in one file: which of them runs is said by the name that it is called under
//! (`front-end`, `catalog`, `order`), or by the first argument.
//!
//! The programs of those names beside it only call it: three files with everything in them would
//! be three times as large, and take three times as long to link.

use std::process::ExitCode;

fn main() -> ExitCode {
    services::programs::main()
}
