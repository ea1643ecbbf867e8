//! The front-end's process: becomes the program `bazaar` beside it, under this name.

use std::process::ExitCode;

#[path = "shared/becoming.rs"]
mod becoming;

fn main() -> ExitCode {
    becoming::bazaar("front-end")
}
