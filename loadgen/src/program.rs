//! From the command line to the exit code.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use supervisor::host::{self, AgentProgram};
use supervisor::tree::GuardProgram;

use crate::exit::{Exit, one_line};
use crate::hosts::{self, INSIDE_HOSTS};
use crate::output::{self, note};
use crate::{cli, commands};

/// The first argument that makes this program the guard of one process of a target. Nobody types it.
const GUARD: &str = "guard-of-a-process";
/// The one that makes it the agent of a harness elsewhere. Nobody types that either.
const AGENT: &str = "agent";
/// The one that makes it hold a fault of a host's network.
const HOLDER: &str = "holder-of-a-network-fault";

/// The one that makes it send clients' requests from the host that it is on.
pub(crate) const SENDER: &str = "sender-of-requests";

/// How this program starts the guards of a target's processes: as itself.
pub(crate) fn guard_program() -> GuardProgram {
    guard_program_at(Path::new("/proc/self/exe"))
}

/// What is run on other hosts: this program, which is read once for all of them.
pub(crate) fn agent_program() -> Arc<AgentProgram> {
    static PROGRAM: LazyLock<Arc<AgentProgram>> =
        LazyLock::new(|| Arc::new(AgentProgram::new(Path::new("/proc/self/exe"), &[AGENT])));
    Arc::clone(&PROGRAM)
}

/// How the program at this path starts guards, for somebody else who knows where it is.
#[must_use]
pub fn guard_program_at(program: &Path) -> GuardProgram {
    GuardProgram::new(program, [GUARD])
}

/// How a host starts this program, which is at `path` there, to hold a fault of its network.
pub(crate) fn holder_words(path: &Path) -> Vec<String> {
    vec![path.to_string_lossy().into_owned(), HOLDER.to_owned()]
}

/// Parses, sets up logging, runs the command, and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    match words.next() {
        Some(first) if first == GUARD => return supervisor::tree::guard(),
        Some(first) if first == AGENT => {
            let words: Vec<OsString> = words.collect();
            return host::agent(&guard_program(), &words);
        }
        Some(first) if first == HOLDER => {
            let again = [OsString::from("/proc/self/exe"), first];
            let words: Vec<OsString> = words.collect();
            return faults::host_network::hold(&guard_program(), &again, &words);
        }
        Some(first) if first == SENDER => return driver::sender::serve(),
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
