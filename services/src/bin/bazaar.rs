//! All three services in one file: which of them runs is said by the name that it is called under
//! (`front-end`, `catalog`, `order`), or by the first argument.
//!
//! The programs of those names beside it only call it: three files with everything in them would
//! be three times as large, and take three times as long to link.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request's buffers of 8 KiB come and go thousands of times a second. The system's allocator cuts each out of a larger
/// block and joins it again: a quarter of what the leader computed for a trade was that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    services::programs::main()
}
