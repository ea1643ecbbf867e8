//! The last step before a target's own program: the same process, which is prepared and then becomes it.
//!
//! Between a fork and an exec only `unsafe` code may run, so a small program of ours is started instead, and replaces
//! itself. It stands in a session of its own, so nothing that is typed at the harness reaches it.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Uid, User, dup2_stdin, getppid, initgroups, setgid, setsid, setuid};

use super::protocol::Start;

/// The code that shells end with when a command cannot be run.
const CANNOT_RUN: u8 = 127;

/// Becomes the target's process. Returns only if that fails, which is told to the guard through the standard input.
pub(super) fn launch(start: &Start, guard_pid: i32) -> ExitCode {
    let reason = match become_target(start, guard_pid) {
        Ok((never, mut guard)) => {
            let _ = write!(guard, "{never}");
            return ExitCode::from(CANNOT_RUN);
        }
        Err(reason) => reason,
    };
    if let Ok(guard) = io::stdin().as_fd().try_clone_to_owned() {
        let _ = write!(File::from(guard), "{reason}");
    }
    ExitCode::from(CANNOT_RUN)
}

/// Why the program could not be executed, and where to tell it; or why it did not come to that.
fn become_target(start: &Start, guard_pid: i32) -> Result<(String, File), String> {
    let [program, arguments @ ..] = start.command.as_slice() else {
        return Err("the command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    setsid().map_err(|error| format!("cannot begin a session: {error}"))?;
    // The guard blocks signals, and a process inherits that.
    SigSet::empty()
        .thread_set_mask()
        .map_err(|error| format!("cannot unblock signals: {error}"))?;
    if let Some(user) = &start.user {
        become_user(user, &mut command)?;
    }
    command.envs(&start.environment);
    // After the change of user, which would undo it.
    prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|error| format!("cannot ask to end with the guard: {error}"))?;
    if getppid().as_raw() != guard_pid {
        return Err("the guard is gone".to_owned());
    }
    env::set_current_dir(&start.working_dir).map_err(|error| {
        format!("cannot enter the folder {}: {error}", start.working_dir.display())
    })?;
    // The copy is closed by a successful exec, which is how the guard learns of it.
    let guard = io::stdin().as_fd().try_clone_to_owned();
    let guard = guard.map_err(|error| format!("no file descriptor is left: {error}"))?;
    let nothing =
        File::open("/dev/null").map_err(|error| format!("cannot open /dev/null: {error}"))?;
    dup2_stdin(&nothing).map_err(|error| format!("cannot replace the input: {error}"))?;
    let error = command.exec();
    Ok((format!("cannot run {program}: {error}"), File::from(guard)))
}

fn become_user(name: &str, command: &mut Command) -> Result<(), String> {
    let user = User::from_name(name)
        .map_err(|error| format!("cannot look up the user {name}: {error}"))?
        .ok_or_else(|| format!("there is no user {name}"))?;
    command.env("USER", &user.name).env("LOGNAME", &user.name).env("HOME", &user.dir);
    if user.uid == Uid::effective() {
        return Ok(());
    }
    if !Uid::effective().is_root() {
        return Err(format!("cannot run as {name}: the harness is not root"));
    }
    let refused = |error| format!("cannot run as {name}: {error}");
    let c_name = CString::new(name).map_err(|_| format!("{name:?} is no user's name"))?;
    initgroups(&c_name, user.gid).map_err(refused)?;
    setgid(user.gid).map_err(refused)?;
    setuid(user.uid).map_err(refused)
}
