//! Becoming another program: the process stays the same, pid, parent and open files included.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// A process that could not be set up, as everywhere in the bazaar.
const EXIT_SETUP: u8 = 3;

/// Becomes the program `bazaar` in the same folder, called `name`. Returns only if that fails.
pub(crate) fn bazaar(name: &str) -> ExitCode {
    let own = match std::env::current_exe() {
        Ok(own) => own,
        Err(error) => {
            eprintln!("error: cannot tell where this program is: {error}");
            return ExitCode::from(EXIT_SETUP);
        }
    };
    let program = own.with_file_name("bazaar");
    let error = Command::new(&program).arg0(name).args(std::env::args_os().skip(1)).exec();
    eprintln!(
        "error: cannot run {}, which belongs beside this program: {error}",
        program.display()
    );
    ExitCode::from(EXIT_SETUP)
}
