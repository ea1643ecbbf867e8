//! One process of a target with everything that it starts: a tree, kept together by a guard.
//!
//! The guard is this very program, started again: it is a subreaper, so no descendant can leave it, not even one that
//! daemonises; and its standard input ends with the harness, however that ends. The invariants: when a [`Tree`] is
//! dropped, or the harness or the guard is killed, nothing of the tree is left; no signal is ever sent to a reaped pid.
//!
//! Not covered: who asks somebody else to start a process (systemd, cron, a container engine); a process of another user
//! where the harness is not root; harness and guard killed in the same moment, which leaves all but the process that was
//! started; a guard that is stopped. A tree that forks exponentially can have thousands of members within the 100 ms
//! between two counts.
//!
//! * `guard`: its program; `launcher`: the step from there to the target's program.
//! * `adopt`: a process that something else keeps, as the harness sees it; `adopter`: its guard's program; `commands`: what that runs.
//! * `members`: who is in the tree, and signals to all.
//! * `log_file`: what it writes.
//! * `orphans`, `leftovers`: who is left when a guard is killed.
//! * `order`: what is done to a tree.
//! * `protocol`: what harness and guard tell each other.
//! * `surroundings`: what a process finds around it.
//! * `shared`: what the harness knows of a tree, from the guard's reports.
//! * `undo`: a command that is run whatever happens; `undoer`: its guard's program.
//! * `talk`: pipes to a process that the harness talks to.

mod adopt;
mod adopter;
mod commands;
mod guard;
mod launcher;
mod leftovers;
mod log_file;
mod members;
mod order;
mod orphans;
mod protocol;
mod shared;
mod surroundings;
mod talk;
mod undo;
mod undoer;

use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::monotonic_us;
use crate::host::{HostLink, Orders};
use crate::locked::locked;
pub use adopt::{Adopt, AdoptCommand};
pub use guard::guard;
pub(crate) use guard::{ENDING, in_thread};
pub(crate) use leftovers::Leftovers;
pub use members::started_ticks;
pub(crate) use members::{handle_of, send};
pub use order::Sent;
pub(crate) use orphans::end_marked;
use protocol::{Part, Start};
pub(crate) use shared::Shared;
pub use surroundings::{Inherit, Surroundings};
use talk::Ends;
pub use talk::Talk;
pub use undo::Undo;

/// How long a guard may take to say that the process runs: the launcher's bound and some more.
const START_WITHIN: Duration = Duration::from_secs(15);
/// How long a guard may take to answer an order, beyond the time that the order itself gives: several times its own bounds.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long dropping a tree waits for its end. SIGKILL takes milliseconds, unless a process hangs in the disk; the guard
/// stays for those.
const END_ON_DROP: Duration = Duration::from_secs(5);

/// How a guard is started: a program whose `main` calls [`guard`] when it gets these arguments, best the harness itself
/// (`/proc/self/exe`).
#[derive(Clone, Debug)]
pub struct GuardProgram {
    /// The program.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The host that it is started on, by the agent there, which is a guard program itself; `None`: this one.
    pub host: Option<Arc<HostLink>>,
}

impl GuardProgram {
    /// A program on this host.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, args: impl IntoIterator<Item: Into<OsString>>) -> Self {
        Self { path: path.into(), args: args.into_iter().map(Into::into).collect(), host: None }
    }

    /// The same on `host`, or on this one.
    #[must_use]
    pub fn on(&self, host: Option<&Arc<HostLink>>) -> Self {
        Self { host: host.cloned(), ..self.clone() }
    }
}

/// What a tree may take. It is killed when it takes more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Resident memory of all its processes in MiB, without what is shared.
    pub memory_mb: Option<u64>,
    /// Its processes, threads not counted.
    pub processes: Option<usize>,
}

/// What of [`Limits`] a tree took more of than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// [`Limits::memory_mb`].
    Memory,
    /// [`Limits::processes`].
    Processes,
}

impl Limit {
    /// As a target's file has it: `limits.memory_mb`.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Memory => "limits.memory_mb",
            Self::Processes => "limits.processes",
        }
    }
}

/// A process to start.
#[derive(Clone, Debug)]
pub struct TreeCommand {
    /// The program, looked up in `PATH`, and its arguments. No shell is involved.
    pub command: Vec<OsString>,
    /// What it finds around it.
    pub surroundings: Surroundings,
    /// What it may take.
    pub limits: Limits,
}

/// Why a tree did not start.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The guard cannot be started.
    #[error("cannot start the guard {path}: {source}")]
    Guard {
        /// Its program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The guard could not start the process.
    #[error("{0}")]
    NotStarted(String),
    /// The guard says nothing.
    #[error("its guard did not answer within {} s", .within.as_secs())]
    Silent {
        /// How long it was waited for.
        within: Duration,
    },
}

/// Why an act on a tree does not count as done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The tree ended before, or meanwhile.
    #[error("it has ended")]
    Ended,
    /// It was not seen to have worked.
    #[error("{0}")]
    NotDone(String),
    /// Nothing was done, for it is paused.
    #[error("it is paused")]
    Paused,
    /// The guard says nothing.
    #[error("its guard did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Unanswered,
}

/// An act that was seen to have worked on the whole tree. Times are microseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Just before the first signal was sent.
    pub at_monotonic_us: u64,
    /// When it was seen to have worked.
    pub confirmed_monotonic_us: u64,
    /// Whether an end that was asked for had to be forced with SIGKILL.
    pub forced: bool,
}

/// How a tree ended. It has ended when nothing of it is left, or when the process that was started has failed. One that
/// succeeds while others live on has daemonised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The status of the process that was started; `None` if nobody saw it.
    pub status: Option<ExitStatus>,
    /// When, on `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// Whether that was ordered.
    pub asked: bool,
    /// What happened, if it was more than an end: too much memory, a killed guard.
    pub reason: Option<String>,
    /// What it was killed for taking too much of, if it was.
    pub over_limit: Option<Limit>,
    /// Whether that is only what follows from the loss of its host: it ends there by itself, and nobody has seen it.
    pub host_lost: bool,
}

impl End {
    /// For people: `exit status: 3`, `signal: 9 (SIGKILL)`, with the reason if there is one.
    #[must_use]
    pub fn describe(&self) -> String {
        let status =
            self.status.map_or_else(|| "unknown status".to_owned(), |status| status.to_string());
        self.reason.as_ref().map_or_else(|| status.clone(), |reason| format!("{status}: {reason}"))
    }
}

/// A process and everything that it started. Dropping it kills them all.
#[derive(Debug)]
pub struct Tree {
    pid: u32,
    started_monotonic_us: u64,
    shared: Arc<Shared>,
    orders: Mutex<Option<Orders>>,
    next_order: AtomicU64,
}

impl Tree {
    /// Starts a process under a guard of its own. It runs when this returns.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn start(program: &GuardProgram, command: TreeCommand) -> Result<Self, TreeError> {
        Self::start_with(program, command, None).await
    }

    /// The same with pipes to its standard input and output. Only what it writes to its standard error is in the log.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn start_talking(
        program: &GuardProgram,
        command: TreeCommand,
    ) -> Result<(Self, Talk), TreeError> {
        if program.host.is_some() {
            let reason = "a program that the harness talks to runs on the harness's own host";
            return Err(TreeError::NotStarted(reason.to_owned()));
        }
        let pipes = talk::pipes();
        let (talk, theirs) =
            pipes.map_err(|source| TreeError::Guard { path: program.path.clone(), source })?;
        let tree = Self::start_with(program, command, Some(theirs.ends())).await?;
        // From here on the process alone has its ends, so that its end is seen.
        drop(theirs);
        Ok((tree, talk))
    }

    async fn start_with(
        program: &GuardProgram,
        command: TreeCommand,
        talk: Option<Ends>,
    ) -> Result<Self, TreeError> {
        let mark = new_mark();
        let TreeCommand { command, mut surroundings, limits } = command;
        surroundings.environment.insert(orphans::TREE_VARIABLE.to_owned(), mark.clone());
        let start = Start { command, surroundings, limits, talk };
        Self::under_guard(program, mark, Part::Guard(start), START_WITHIN).await
    }

    /// Starts a guard, and waits until it says that its process runs.
    async fn under_guard(
        program: &GuardProgram,
        mark: String,
        mut part: Part,
        within: Duration,
    ) -> Result<Self, TreeError> {
        let failed = |source| TreeError::Guard { path: program.path.clone(), source };
        let clock = program.host.as_ref().map(|host| Arc::clone(host.clock()));
        let left = Leftovers::new(mark.clone(), part.is_kept_elsewhere());
        let (shared, started) = Shared::new(left, clock);
        let shared = Arc::new(shared);
        let orders = match &program.host {
            None => Self::guard_here(program, &shared).map_err(failed)?,
            Some(host) => {
                let is_kept_elsewhere = part.is_kept_elsewhere();
                let Surroundings { log, log_bytes, .. } = part.surroundings();
                let has = std::fs::metadata(&*log).map_or(0, |log| log.len());
                *log_bytes = log_bytes.saturating_sub(has);
                let opened = host.open(&mark, is_kept_elsewhere, log, Arc::clone(&shared));
                let (orders, there) = opened.map_err(failed)?;
                *log = there;
                orders
            }
        };
        let mut tree = Self {
            pid: 0,
            started_monotonic_us: 0,
            shared,
            orders: Mutex::new(Some(orders)),
            next_order: AtomicU64::new(1),
        };
        tree.tell(&part).map_err(failed)?;
        match tokio::time::timeout(within, started).await {
            Ok(Ok(Ok((pid, at_us)))) => {
                (tree.pid, tree.started_monotonic_us) = (pid, at_us);
                Ok(tree)
            }
            Ok(Ok(Err(reason))) => Err(TreeError::NotStarted(reason)),
            Ok(Err(_)) => {
                let end = tree.end().and_then(|end| end.reason);
                Err(TreeError::NotStarted(end.unwrap_or_else(|| "its guard ended".to_owned())))
            }
            Err(_) => Err(TreeError::Silent { within }),
        }
    }

    /// Starts a guard on this host, and listens to it.
    fn guard_here(program: &GuardProgram, shared: &Arc<Shared>) -> io::Result<Orders> {
        let mut guard = Command::new(&program.path)
            .args(&program.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (guard.stdin.take(), guard.stdout.take());
        let listening = Arc::clone(shared);
        let listener = thread::Builder::new().name("tree".to_owned()).spawn(move || {
            if let Some(output) = output {
                listening.listen(BufReader::new(output));
            }
            // Its output has ended, so it has ended or does nothing any more.
            let _ = guard.kill();
            let _ = guard.wait();
            listening.guard_ended();
        });
        // Without the listener the guard sees its input end here, and ends.
        listener?;
        input.map(Orders::Here).ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    /// The pid of the process that was started.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it was started, on `CLOCK_MONOTONIC`.
    #[must_use]
    pub fn started_monotonic_us(&self) -> u64 {
        self.started_monotonic_us
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.shared.end()
    }

    /// Waits for the end; `None` if it does not come `within`.
    pub async fn ended(&self, within: Duration) -> Option<End> {
        tokio::time::timeout(within, self.shared.ended()).await.ok()
    }

    /// Waits until the process that was started has ended, whatever it leaves running; `None` if that does not come
    /// `within`, or nobody saw it.
    pub async fn main_ended(&self, within: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(within, self.shared.main_ended()).await.ok()?
    }

    /// Completes when it has ended, however long that takes.
    pub fn death(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { _ = shared.ended().await }
    }

    /// Waits until nothing of the tree is left; says whether that is so `within`.
    pub async fn gone(&self, within: Duration) -> bool {
        tokio::time::timeout(within, self.shared.gone()).await.is_ok()
    }

    /// Blocks until nothing of a tree is left that is being killed, within a bound.
    pub(crate) fn wait_gone(&self) {
        if !self.shared.wait_gone(END_ON_DROP) {
            tracing::warn!(pid = self.pid, "its guard has not ended yet");
        }
    }

    fn tell(&self, message: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut orders = locked(&self.orders);
        let orders = orders.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        orders.write_all(&line).and_then(|()| orders.flush())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // The end of its input tells the guard to kill the tree.
        drop(locked(&self.orders).take());
        self.wait_gone();
    }
}

/// A name for a tree that no other has on this machine since it was started.
fn new_mark() -> String {
    static TREES: AtomicU64 = AtomicU64::new(0);
    let number = TREES.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{number}", std::process::id(), monotonic_us())
}
