//! Becoming another program: the process stays the same, pid, parent and open files included.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// A process that could not be set up, as everywhere in the bazaar.
const EXIT_SETUP: u8 = 3;

/// Becomes the program `bazaar` in the same folder, called `name`. Returns only if that fails.
pub(crate) fn bazaar(name: &str) -> ExitCode {
    let error = match std::env::current_exe() {
        Ok(own) => {
            let program = own.with_file_name("bazaar");
            let error = Command::new(&program).arg0(name).args(std::env::args_os().skip(1)).exec();
            format!("cannot run {}, which belongs beside this program: {error}", program.display())
        }
        Err(error) => format!("cannot tell where this program is: {error}"),
    };
    // Where that cannot be written nobody is left to tell.
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(EXIT_SETUP)
}
