//! Several hosts on one machine: network namespaces on a bridge, and a command that runs among them.
//!
//! What runs there meets what hosts have: addresses of their own, packets that can be dropped between them, a login that takes
//! time. It needs no rights (a user namespace gives them) and no clean machine: the bridge, the hosts' names and `/run` are in
//! namespaces of their own, so nothing of it is seen from outside, and nothing of outside is in the way.
//!
//! The invariant: **when the command has ended, or this program has, nothing of the hosts is left, whatever ended it.** The first
//! process inside is the init of a pid namespace, and dies with this program; with an init the kernel kills all others, and with
//! the last of them go the namespaces. Who is asked to end while the hosts are being made ends at once, and the exit code
//! is not the command's then. What agents have on these hosts is in a temporary folder of this program, and goes with it, whatever became of
//! the agents; it alone stays if this program is killed.
//!
//! The command is told by whom it is run (`run_by`), so that who repeats what it did makes the hosts again.
//!
//! * `inside`: that init. `network`: the bridge, and a namespace each. `ssh`: a server on each, and a way in for one client.
//! * `way_in`: how a host is reached.

mod inside;
mod network;
mod ssh;
mod way_in;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, bail};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Gid, Pid, Uid, getpgrp, tcgetpgrp};
use serde::{Deserialize, Serialize};

use crate::cli;
use crate::exit::Exit;
use crate::output::note;

pub(crate) use inside::inside;
pub use way_in::WayIn;

/// The first argument that makes this program the init of the hosts. Nobody types it.
pub(crate) const INSIDE_HOSTS: &str = "init-of-hosts";

/// What a command among hosts has in its environment: the words that it was run by, as JSON.
const RUN_BY: &str = "DOUBLE_TROUBLE_RUN_BY";

/// What the init is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Setting {
    /// How many hosts there are.
    count: u8,
    by: WayIn,
    /// The process with which all ends, as seen from outside.
    outside_pid: u32,
    /// Where programs on the hosts have their temporary files.
    temporary: PathBuf,
}

impl Setting {
    /// The words that make such hosts for the command that follows them.
    fn words(&self) -> Vec<String> {
        let mut words = vec!["double-trouble".to_owned(), "hosts".to_owned()];
        if self.count != cli::Hosts::COUNT {
            words.extend(["--count".to_owned(), self.count.to_string()]);
        }
        if self.by != WayIn::default() {
            words.extend(["--by".to_owned(), self.by.to_string()]);
        }
        words.push("--".to_owned());
        words
    }
}

/// The words that this program was run by, to be written before its own: `double-trouble hosts --`. None if nobody has made hosts
/// for it.
pub(crate) fn run_by() -> Vec<String> {
    let words = std::env::var(RUN_BY).ok();
    words.and_then(|words| serde_json::from_str(&words).ok()).unwrap_or_default()
}

/// The same as text, which ends with a space if there is any.
pub(crate) fn run_by_text() -> String {
    run_by().iter().map(|word| format!("{word} ")).collect()
}

/// Runs a command among hosts, once for each way in.
///
/// # Errors
/// Hosts cannot be made here, or cannot be reached in any of these ways.
pub(crate) fn run(args: &cli::Hosts) -> anyhow::Result<Exit> {
    network::check_tools()?;
    let mut ways = Vec::new();
    for by in &args.by {
        match by.lacks() {
            Some(reason) if args.by.len() == 1 => {
                bail!("hosts cannot be reached by {by}: {reason}")
            }
            Some(reason) => note!("left out: hosts reached by {by}: {reason}"),
            None => ways.push(*by),
        }
    }
    if ways.is_empty() {
        bail!("hosts cannot be reached in any of these ways");
    }
    let awaited = awaited();
    // Whoever asks for the end from here on is heard by who waits for the init, and by the init once it can.
    awaited.thread_block().context("cannot block signals")?;
    let done = run_each(args, &ways, &awaited);
    let _ = awaited.thread_unblock();
    done
}

fn run_each(args: &cli::Hosts, ways: &[WayIn], awaited: &SigSet) -> anyhow::Result<Exit> {
    for (round, by) in ways.iter().enumerate() {
        if args.by.len() > 1 {
            note!("{} hosts, reached by {by}", args.count);
        }
        if round > 0 {
            // The children of the round before were for a pid namespace that has ended; those to come are for this one again.
            let own = fs::File::open("/proc/self/ns/pid").context("/proc/self/ns/pid")?;
            setns(own, CloneFlags::CLONE_NEWPID).context("cannot leave a pid namespace")?;
        }
        let (exit, was_asked) = run_once(args, *by, awaited)?;
        if exit != Exit::Pass || round + 1 == ways.len() {
            return Ok(exit);
        }
        if was_asked {
            bail!("it was asked to end, and the command has not run in every way");
        }
    }
    Ok(Exit::Pass)
}

/// What the init needs that this process gives it, and then the init. Says as well whether somebody has asked for its end.
fn run_once(args: &cli::Hosts, by: WayIn, awaited: &SigSet) -> anyhow::Result<(Exit, bool)> {
    // This process has one thread so far, or it would get no user namespace.
    if !Uid::effective().is_root() {
        become_root_of_a_namespace()?;
    }
    unshare(CloneFlags::CLONE_NEWPID)
        .context("no pid namespace can be made here: it takes root")?;
    // Who may see what is there is said by those who make it.
    let open = fs::Permissions::from_mode(0o755);
    let temporary =
        tempfile::Builder::new().prefix("double-trouble-hosts-").permissions(open).tempdir();
    let temporary = temporary.context("cannot make a temporary folder")?;
    let setting = Setting {
        count: args.count,
        by,
        outside_pid: std::process::id(),
        temporary: temporary.path().to_owned(),
    };
    let init = Command::new("/proc/self/exe")
        .arg(INSIDE_HOSTS)
        .arg(serde_json::to_string(&setting)?)
        .args(&args.command)
        .stdin(Stdio::inherit())
        .spawn();
    let init = init.context("cannot start the init of the hosts")?;
    let (status, was_asked) = see_to_its_end(init, awaited)?;
    // With the init everybody has ended who could write there.
    temporary.close().context("cannot remove what the hosts have left")?;
    let exit = match status.code() {
        Some(0) => Exit::Pass,
        Some(1) => Exit::Fail,
        Some(2) => Exit::Inconclusive,
        _ => Exit::Usage,
    };
    Ok((exit, was_asked))
}

/// What this process waits for. The init begins with the same blocked, so that nothing is lost that comes before it can listen.
fn awaited() -> SigSet {
    SigSet::from_iter([Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT])
}

fn see_to_its_end(mut init: Child, awaited: &SigSet) -> io::Result<(ExitStatus, bool)> {
    let mut was_asked = false;
    loop {
        if let Some(status) = init.try_wait()? {
            return Ok((status, was_asked));
        }
        let came = awaited.wait()?;
        if came == Signal::SIGCHLD {
            continue;
        }
        was_asked = true;
        // A Ctrl-C at a terminal reaches the init and the command as well, which are in the same group.
        if came != Signal::SIGINT || !is_in_the_foreground() {
            // It was not waited for yet, so its pid is nobody else's. If it has ended, that is what comes next.
            let _ = kill(Pid::from_raw(init.id().cast_signed()), Signal::SIGTERM);
        }
    }
}

/// Whether what is typed at a terminal is meant for the group of this process.
fn is_in_the_foreground() -> bool {
    let terminal = fs::File::open("/dev/tty").ok();
    terminal.and_then(|terminal| tcgetpgrp(terminal).ok()) == Some(getpgrp())
}

/// A user namespace in which this user is root, and may make others.
fn become_root_of_a_namespace() -> anyhow::Result<()> {
    let (uid, gid) = (Uid::effective(), Gid::effective());
    unshare(CloneFlags::CLONE_NEWUSER).context(
        "no user namespace can be made here: run it as root, or allow them (sysctl kernel.unprivileged_userns_clone=1, on \
         Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)",
    )?;
    let write = |path: &str, text: String| fs::write(path, text).with_context(|| path.to_owned());
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// A program, wherever it is, or the package that has it.
fn tool(program: &str, package: &str) -> anyhow::Result<OsString> {
    supervisor::command::find(program)
        .map(Into::into)
        .with_context(|| format!("there is no {program}: apt-get install {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_run_again_by_the_words_that_differ_from_what_is_usual() {
        let temporary = PathBuf::new();
        let words = |count, by| {
            let temporary = temporary.clone();
            Setting { count, by, outside_pid: 1, temporary }.words().join(" ")
        };
        let usual = words(cli::Hosts::COUNT, WayIn::default());
        assert_eq!(usual, "double-trouble hosts --");
        assert_eq!(words(7, WayIn::Ssh), "double-trouble hosts --count 7 --by ssh --");
    }
}
