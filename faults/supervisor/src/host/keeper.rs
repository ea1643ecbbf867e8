//! Who sees to an agent's end: its parent, which has no other work.
//!
//! The invariant: the folder is removed once nothing runs any more that the agent has started, be the agent killed. The keeper is a
//! subreaper, so the agent's guards become its children then; and each of them ends with its tree.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::SigSet;
use rustix::process::{Signal, WaitOptions, wait};

use super::agent::{KEPT, parent};
use super::protocol::{Reply, line};
use crate::tree::{ENDING, handle_of, in_thread, send};

/// What the names of agents' folders begin with. Nothing that is called otherwise is ever removed.
pub(super) const FOLDER: &str = "double-trouble-";
/// Tells the agent who its keeper is.
const KEEPER: &str = "DOUBLE_TROUBLE_KEEPER";

/// Starts the agent, waits until nothing of it is left, and removes the folder.
pub(super) fn keep(folder: &Path) -> ExitCode {
    let ending = SigSet::from_iter(ENDING);
    let prepared = ending.thread_block().and_then(|()| prctl::set_child_subreaper(true));
    let started = prepared.map_err(std::io::Error::from).and_then(|()| {
        // The very program that runs, even if its file has been replaced since.
        Command::new("/proc/self/exe")
            .args(std::env::args_os().skip(1))
            .arg(KEPT)
            .env(KEEPER, std::process::id().to_string())
            .spawn()
    });
    if let Ok(agent) = &started {
        // Before anybody could reap it.
        let handle = i32::try_from(agent.id()).ok().and_then(handle_of);
        in_thread("signals", move || {
            // A signal that was not waited for is as good a reason as one that was.
            let _ = ending.wait();
            if let Some(handle) = handle {
                let _ = send(&handle, Signal::TERM);
            }
        });
        while !matches!(wait(WaitOptions::empty()), Err(rustix::io::Errno::CHILD)) {}
    }
    let removed = remove(folder);
    // Nobody may be there to be told.
    let _ = std::io::stdout().write_all(&line(&Reply::Gone { removed }));
    if started.is_ok() && removed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the agent has lost its keeper.
pub(super) fn is_gone() -> bool {
    let keeper = std::env::var(KEEPER).ok().and_then(|pid| pid.parse().ok());
    keeper != Some(parent())
}

/// Removes an agent's folder. That there is none is fine.
pub(super) fn remove(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    if !folder.is_absolute() || !name.is_some_and(|name| name.starts_with(FOLDER)) {
        return false;
    }
    match fs::remove_dir_all(folder) {
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        Ok(()) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_removed_but_an_agents_folder() {
        let scene = tempfile::tempdir().unwrap();
        let own = scene.path().join("double-trouble-x");
        fs::create_dir_all(own.join("work")).unwrap();
        assert!(!remove(scene.path()) && scene.path().is_dir());
        assert!(!remove(Path::new("double-trouble-x")));
        assert!(remove(&own) && !own.exists());
        assert!(remove(&own), "it is gone");
    }
}
