//! Commands of a target that run to their end: setup, reset, prepare. Each has a bounded time, and leaves nothing behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::log_tail::{last_lines, quoted};
use crate::tree::{GuardProgram, Limits, Surroundings, Tree, TreeCommand, TreeError};

/// How large the log of a command may become, in bytes: an installation's long output, and no disk's end.
const LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Where programs of administrators are, which `PATH` lacks for who is not root.
const OF_ADMINISTRATORS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Where a program is: in `PATH`, or among those of administrators.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(OF_ADMINISTRATORS.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A command to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// The program, looked up in `PATH`, and its arguments. No shell is involved.
    pub command: Vec<String>,
    /// Added to the harness's environment.
    pub environment: BTreeMap<String, String>,
    /// Where it runs.
    pub working_dir: PathBuf,
    /// Who it runs as, if the harness is root.
    pub user: Option<String>,
}

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// It did not start.
    #[error("`{command}` did not start: {source}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        source: TreeError,
    },
    /// It failed.
    #[error("`{command}` failed ({status}; its log is {log}); {}", quoted(.lines))]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// What it wrote last.
        lines: Vec<String>,
    },
    /// It took too long, and was killed.
    #[error("`{command}` did not end within {} ms and was killed (its log is {log}); {}", .within.as_millis(), quoted(.lines))]
    Late {
        /// The command.
        command: String,
        /// How long it was waited for.
        within: Duration,
        /// Its log.
        log: PathBuf,
        /// What it wrote last.
        lines: Vec<String>,
    },
}

/// Runs a command to its end, output into `log` behind what is there. What it leaves running is killed.
///
/// # Errors
/// If it does not succeed `within`.
pub async fn run(
    guard: &GuardProgram,
    task: &Task,
    log: &Path,
    within: Duration,
) -> Result<(), TaskError> {
    let command = task.command.join(" ");
    let log_begin = std::fs::metadata(log).map_or(0, |log| log.len());
    let tree_command = TreeCommand {
        command: task.command.iter().map(OsString::from).collect(),
        surroundings: Surroundings {
            environment: task.environment.clone(),
            user: task.user.clone(),
            ..Surroundings::new(&task.working_dir, log, LOG_BYTES)
        },
        limits: Limits::default(),
    };
    let tree = match Tree::start(guard, tree_command).await {
        Ok(tree) => tree,
        Err(source) => return Err(TaskError::Start { command, source }),
    };
    let exit = tree.main_ended(within).await;
    // Nothing is left of it in most cases, and then there is nothing to kill.
    let _ = tree.kill().await;
    let (log, lines) = (log.to_owned(), || last_lines(log, log_begin));
    match exit {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            Err(TaskError::Failed { command, status: status.to_string(), lines: lines(), log })
        }
        None => match tree.end().filter(|end| !end.asked) {
            Some(end) => {
                Err(TaskError::Failed { command, status: end.describe(), lines: lines(), log })
            }
            None => Err(TaskError::Late { command, within, lines: lines(), log }),
        },
    }
}

/// Runs commands one after another, within a time for all of them.
///
/// # Errors
/// If one does not succeed; those after it are not run.
pub async fn run_all(
    guard: &GuardProgram,
    tasks: &[Task],
    log: &Path,
    within: Duration,
) -> Result<(), TaskError> {
    let begun = std::time::Instant::now();
    for task in tasks {
        run(guard, task, log, within.saturating_sub(begun.elapsed())).await?;
    }
    Ok(())
}
