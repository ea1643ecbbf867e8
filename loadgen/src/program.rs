//! From the command line to the exit code.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use supervisor::tree::GuardProgram;

use crate::exit::{Exit, one_line};
use crate::hosts::{self, INSIDE_HOSTS};
use crate::output::{self, note};
use crate::{cli, commands};

/// The first argument that makes this program the guard of one process of a target. Nobody types it.
const GUARD: &str = "guard-of-a-process";

/// The first argument that makes this program hold a fault of a host's network. Nobody types it either, but into a connect command.
const HOLDER: &str = "holder-of-a-network-fault";

/// How this program starts the guards of a target's processes: as itself.
pub(crate) fn guard_program() -> GuardProgram {
    guard_program_at(Path::new("/proc/self/exe"))
}

/// The same for somebody else, who knows where this program is.
#[must_use]
pub fn guard_program_at(program: &Path) -> GuardProgram {
    GuardProgram { path: program.to_owned(), args: vec![GUARD.into()] }
}

/// How a host starts this program to hold a fault of its network, where that is in the same place as here.
///
/// # Errors
/// Nobody knows where this program is.
pub(crate) fn holder_words() -> anyhow::Result<Vec<String>> {
    let program = std::env::current_exe().context("where this program is")?;
    Ok(vec![program.to_string_lossy().into_owned(), HOLDER.to_owned()])
}

/// Parses, sets up logging, runs the command, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    match words.next() {
        Some(first) if first == GUARD => return supervisor::tree::guard(),
        Some(first) if first == HOLDER => {
            let holder = GuardProgram { args: vec![HOLDER.into()], ..guard_program() };
            let rest: Vec<OsString> = words.collect();
            return faults::host_network::hold(&guard_program(), &holder, &rest);
        }
        Some(first) if first == INSIDE_HOSTS => return hosts::inside(words),
        _ => {}
    }
    let args = match cli::parse() {
        Ok(args) => args,
        Err(refusal) => return answer(&refusal).into(),
    };
    cli::set_up_logging();
    // Nothing that a panic leaves behind is looked at again.
    let ran = panic::catch_unwind(AssertUnwindSafe(|| commands::run(args)));
    let exit = match ran {
        Ok(Ok(exit)) => output::verdict_of(exit),
        Ok(Err(error)) => {
            note!("{}", one_line(&error));
            Exit::Usage
        }
        Err(_) => {
            note!("this is an error in double-trouble itself, and no verdict on what it tests");
            Exit::Usage
        }
    };
    exit.into()
}

/// Prints the help that was asked for, or what is wrong with the command line.
fn answer(refusal: &clap::Error) -> Exit {
    if refusal.use_stderr() {
        // If stderr is closed, there is nobody to tell.
        let _ = refusal.print();
        return Exit::Usage;
    }
    output::write_result(|| refusal.print());
    output::verdict_of(Exit::Pass)
}
