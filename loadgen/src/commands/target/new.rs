//! `target new`: a file to begin with.

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;

use crate::cli::TargetNew;
use crate::exit::Exit;
use crate::output::{say, stdout};
use crate::shell::quoted;

/// Prints the file, or writes it, never over one that is there.
pub(super) fn new(args: &TargetNew) -> anyhow::Result<Exit> {
    let text = targets::new_file(&args.name);
    let Some(out) = &args.out else {
        stdout(format_args!("{text}"));
        return Ok(Exit::Pass);
    };
    let why = || format!("--out {}: name a file that is not there yet", out.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(out).with_context(why)?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("--out {}: cannot be written", out.display()))?;
    say!("{} is written; describe your service in it, then", out.display());
    say!("  double-trouble target check {}", quoted(out));
    Ok(Exit::Pass)
}
