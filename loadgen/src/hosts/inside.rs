//! The init of the hosts: it makes them, runs the command, and buries the dead. With it everything inside ends.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use supervisor::locked::locked;

use super::{RUN_BY, Setting, WayIn, network, ssh};
use crate::exit::{Exit, one_line};
use crate::output::note;

/// What of the hosts is known by a fixed path, for targets' files: this folder is in a `/run` of their own.
const FOLDER: &str = "/run/double-trouble";
/// Where programs on the hosts have their temporary files: a folder of the program outside, which removes it.
const TEMPORARY: &str = "/run/double-trouble/tmp";
/// A connect command: `/run/double-trouble/to n1 COMMAND`.
const CONNECT: &str = "/run/double-trouble/to";
/// How long the command may take to end once it is asked to: a run heals, waits for its services and writes its files.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// What a shell says of a command that a signal has ended, plus the signal's number.
const BY_A_SIGNAL: i32 = 128;

/// The whole program of the init: the setting, and the command. It ends as the command does.
pub(crate) fn inside(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let setting =
        words.next().and_then(|word| serde_json::from_slice(word.as_encoded_bytes()).ok());
    let Some(setting) = setting else {
        note!(
            "this is a part of the program that it starts for itself; `double-trouble hosts` does"
        );
        return Exit::Usage.into();
    };
    match run(setting, &words.collect::<Vec<_>>()) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => {
            note!("{}", one_line(&error));
            Exit::Usage.into()
        }
    }
}

fn run(setting: Setting, command: &[OsString]) -> anyhow::Result<i32> {
    end_with(setting.outside_pid)?;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
        .context("no network namespace can be made here")?;
    mount_own(&setting)?;
    let stage = Arc::<Mutex<Stage>>::default();
    listen(Arc::clone(&stage))?;
    network::build(setting.count)?;
    write_connect(&setting)?;
    let Some((program, args)) = command.split_first() else { bail!("there is no command") };
    let run_by = serde_json::to_string(&setting.words())?;
    let command = {
        // Who is asked to end now waits until there is somebody to ask.
        let mut stage = locked(&stage);
        let child = Command::new(program).args(args).env(RUN_BY, run_by).spawn();
        let child = child.with_context(|| format!("cannot run {}", program.display()))?;
        let command = Pid::from_raw(child.id().cast_signed());
        *stage = Stage::Runs(command);
        command
    };
    bury_until(command, &stage)
}

/// Has the kernel kill this process, and so everything inside, when the one outside ends.
fn end_with(outside_pid: u32) -> anyhow::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("cannot ask to end with the parent")?;
    // It may have ended before that. What is mounted at /proc is still the outside's.
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    if parent != Some(outside_pid.to_string().as_str()) {
        bail!("who has started this has ended");
    }
    Ok(())
}

/// What processes inside must not see, or must have of their own: other processes, and the names of namespaces.
fn mount_own(setting: &Setting) -> anyhow::Result<()> {
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)
        .context("cannot have mounts of its own")?;
    let harmless = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("proc"), "/proc", Some("proc"), harmless | MsFlags::MS_NOEXEC, nothing)
        .context("cannot mount /proc: in a container it takes --privileged")?;
    mount(Some("run"), "/run", Some("tmpfs"), harmless, Some("mode=755"))
        .context("cannot mount /run")?;
    for folder in ["/run/netns", TEMPORARY] {
        fs::create_dir_all(folder).context(folder)?;
    }
    // Not in memory: what is flushed there is to take its time.
    mount(Some(&setting.temporary), TEMPORARY, nothing, MsFlags::MS_BIND, nothing)
        .with_context(|| format!("cannot mount {}", setting.temporary.display()))
}

/// The connect command, which is the same for any way in, so that one target's file serves all.
fn write_connect(setting: &Setting) -> anyhow::Result<()> {
    let own = format!("TMPDIR={TEMPORARY}");
    let way = match setting.by {
        WayIn::Nsenter => format!("exec env {own} nsenter --net=/run/netns/\"$host\" -- \"$@\""),
        WayIn::Ssh => {
            let config = ssh::start(setting.count, &Path::new(FOLDER).join("ssh"))?;
            format!("exec ssh -F {config} \"$host\" env {own} \"$@\"")
        }
    };
    fs::write(CONNECT, format!("#!/bin/sh\nhost=$1\nshift\n{way}\n")).context(CONNECT)?;
    fs::set_permissions(CONNECT, fs::Permissions::from_mode(0o755)).context(CONNECT)
}

/// What becomes of the command, as far as somebody who asks for its end must know.
#[derive(Debug, Default)]
enum Stage {
    /// The hosts are being made, and there is no command yet.
    #[default]
    Making,
    /// It runs, or has ended and was not waited for.
    Runs(Pid),
    /// It was waited for, and its pid may be another's.
    Over,
}

/// Passes on to the command what asks for its end; before there is a command, that is the end of all. An init is sent only what it has
/// a handler for, and whoever is started gets none of these: neither handlers nor what is blocked.
fn listen(stage: Arc<Mutex<Stage>>) -> anyhow::Result<()> {
    let mut signals =
        Signals::new([SIGTERM, SIGHUP, SIGINT]).context("cannot listen for signals")?;
    super::awaited().thread_unblock().context("cannot listen for signals")?;
    let listens = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut asked = false;
        for signal in signals.forever() {
            match *locked(&stage) {
                Stage::Making => {
                    note!("it was asked to end before the hosts were there");
                    std::process::exit(BY_A_SIGNAL + signal);
                }
                // A Ctrl-C at a terminal reaches the command itself, which is in the same group.
                Stage::Runs(command) if signal != SIGINT && !asked => {
                    asked = true;
                    let _ = kill(command, Signal::SIGTERM);
                    thread::spawn(|| {
                        thread::sleep(ENDS_WITHIN);
                        std::process::exit(BY_A_SIGNAL + Signal::SIGKILL as i32);
                    });
                }
                Stage::Runs(_) | Stage::Over => {}
            }
        }
    });
    listens.map(drop).context("cannot start a thread")
}

/// Waits for the end of every process, as an init must, until the command has ended. Returns its exit code.
fn bury_until(command: Pid, stage: &Mutex<Stage>) -> anyhow::Result<i32> {
    loop {
        // Who has ended keeps the pid until it is buried.
        let ended = match waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => continue,
            ended => ended.context("cannot wait for processes")?,
        };
        match ended {
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) if pid == command => {
                *locked(stage) = Stage::Over;
            }
            _ => {}
        }
        let Some(pid) = ended.pid() else { continue };
        waitpid(pid, None).context("cannot wait for processes")?;
        match ended {
            WaitStatus::Exited(pid, code) if pid == command => return Ok(code),
            WaitStatus::Signaled(pid, signal, _) if pid == command => {
                return Ok(BY_A_SIGNAL + signal as i32);
            }
            _ => {}
        }
    }
}
