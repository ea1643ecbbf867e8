//! Builds the library that is preloaded into processes whose disks are to fail. It becomes a part of this
//! crate as bytes (`src/disk/library.rs`), so that an installed program has it.

use std::path::PathBuf;
use std::process::Command;

const SOURCES: [&str; 2] = ["preload/preload.c", "preload/journal.c"];
const HEADERS: [&str; 2] = ["preload/control.h", "preload/real.h"];

fn main() {
    for file in SOURCES.iter().chain(&HEADERS) {
        println!("cargo::rerun-if-changed={file}");
    }
    let out: PathBuf = std::env::var_os("OUT_DIR").unwrap_or_default().into();
    // The compiler that `cc` finds for the target. It compiles objects and static libraries by itself, and no
    // shared ones. Every program of the harness carries the library's bytes: they are few.
    let compiler = cc::Build::new()
        .cargo_metadata(false)
        .debug(false)
        .opt_level_str("s")
        .pic(true)
        .get_compiler();
    let mut command: Command = compiler.to_command();
    command.args(["-std=gnu11", "-Wall", "-Wextra", "-shared", "-s", "-U_FORTIFY_SOURCE", "-o"]);
    command.arg(out.join("preload.so")).args(SOURCES).args(["-ldl", "-lpthread"]);
    match command.status() {
        Ok(status) if status.success() => {}
        outcome => {
            println!(
                "cargo::error=the library for faults of disks was not built: {command:?}: {outcome:?}"
            );
        }
    }
}
