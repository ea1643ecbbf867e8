//! The last step before a target's own program: the same process, which is prepared and then becomes it.
//!
//! Between a fork and an exec only `unsafe` code may run, so a small program of ours is started instead, and replaces
//! itself. It stands in a session of its own, so nothing that is typed at the harness reaches it.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{
    Pid, Uid, User, dup2_stdin, dup2_stdout, getppid, initgroups, setgid, setpgid, setuid,
};

use super::Inherit;
use super::protocol::{MAX_MESSAGE_BYTES, Part, Start};

/// How long the launcher may take to become the target's process.
const LAUNCH_WITHIN: Duration = Duration::from_secs(10);
/// The code that shells end with when a command cannot be run.
const CANNOT_RUN: u8 = 127;

/// The guard's side: starts the launcher, and waits until it has become the target's process. What that writes comes from the pipe.
pub(super) fn start(start: &Start, guard_pid: i32) -> Result<(Child, io::PipeReader), String> {
    let failed = |error: io::Error| format!("cannot start a process: {error}");
    let (reader, writer) = io::pipe().map_err(failed)?;
    let copy = writer.try_clone().map_err(failed)?;
    Ok((start_into(start, guard_pid, copy.into(), writer.into())?, reader))
}

/// The same with a process that writes elsewhere.
pub(super) fn start_into(
    start: &Start,
    guard_pid: i32,
    output: Stdio,
    errors: Stdio,
) -> Result<Child, String> {
    let failed = |error: io::Error| format!("cannot start a process: {error}");
    let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
    // The very program that runs, even if its file has been replaced since.
    let mut launcher = Command::new("/proc/self/exe");
    launcher.args(env::args_os().skip(1)).stdin(OwnedFd::from(theirs));
    launcher.stdout(output).stderr(errors);
    let mut process = launcher.spawn().map_err(failed)?;
    // It holds the other ends as well.
    drop(launcher);
    let answer = tell_launcher(&mut ours, start, guard_pid);
    match answer {
        Ok(reason) if reason.is_empty() => Ok(process),
        Ok(reason) => {
            let _ = process.wait();
            Err(reason)
        }
        Err(error) => {
            let _ = process.kill();
            let _ = process.wait();
            Err(failed(error))
        }
    }
}

fn tell_launcher(ours: &mut UnixStream, start: &Start, guard_pid: i32) -> io::Result<String> {
    ours.set_read_timeout(Some(LAUNCH_WITHIN))?;
    ours.set_write_timeout(Some(LAUNCH_WITHIN))?;
    let part = Part::Launcher { start: start.clone(), guard_pid };
    let mut line = serde_json::to_vec(&part)?;
    line.push(b'\n');
    ours.write_all(&line)?;
    // Its end is closed by the exec that succeeds.
    let mut reason = String::new();
    ours.take(MAX_MESSAGE_BYTES).read_to_string(&mut reason)?;
    Ok(reason)
}

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
    let around = &start.surroundings;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Inherit::Only(names) = &around.inherit {
        let others = env::vars_os().map(|(name, _)| name);
        let dropped = others.filter(|name| !name.to_str().is_some_and(|name| names.contains(name)));
        dropped.for_each(|name| _ = command.env_remove(name));
    }
    // Not a session: the kernel shares processors out among sessions, and clients that are measured would get one share
    // beside one for each process of the target.
    setpgid(Pid::from_raw(0), Pid::from_raw(0))
        .map_err(|error| format!("cannot begin a process group: {error}"))?;
    // The guard blocks signals, and a process inherits that.
    SigSet::empty()
        .thread_set_mask()
        .map_err(|error| format!("cannot unblock signals: {error}"))?;
    // Before the change of user: the pipes are the harness's.
    let talk = start.talk.as_ref().map(|ends| ends.open()).transpose();
    let talk = talk.map_err(|error| format!("cannot open the pipes to the harness: {error}"))?;
    if let Some(user) = &around.user {
        become_user(user, &mut command)?;
    }
    command.envs(&around.environment);
    // After the change of user, which would undo it.
    prctl::set_pdeathsig(Signal::SIGKILL)
        .map_err(|error| format!("cannot ask to end with the guard: {error}"))?;
    if getppid().as_raw() != guard_pid {
        return Err("the guard is gone".to_owned());
    }
    env::set_current_dir(&around.working_dir).map_err(|error| {
        format!("cannot enter the folder {}: {error}", around.working_dir.display())
    })?;
    // The copy is closed by a successful exec, which is how the guard learns of it.
    let guard = io::stdin().as_fd().try_clone_to_owned();
    let guard = guard.map_err(|error| format!("no file descriptor is left: {error}"))?;
    if let Some((input, output)) = talk {
        dup2_stdin(&input).map_err(|error| format!("cannot replace the input: {error}"))?;
        dup2_stdout(&output).map_err(|error| format!("cannot replace the output: {error}"))?;
    } else {
        let nothing =
            File::open("/dev/null").map_err(|error| format!("cannot open /dev/null: {error}"))?;
        dup2_stdin(&nothing).map_err(|error| format!("cannot replace the input: {error}"))?;
    }
    let error = command.exec();
    Ok((format!("cannot run {}: {error}", program.display()), File::from(guard)))
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
