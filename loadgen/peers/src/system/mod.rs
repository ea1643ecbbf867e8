//! The sides as processes, under the supervisor: whatever ends, nothing of them is left.

pub(crate) mod bare;
pub(crate) mod bazaar;
pub(crate) mod etcd;
pub(crate) mod nginx;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use supervisor::Signal;
use supervisor::probe::{Answer, Probe, ProbeKind};
use supervisor::system::{Act, Begun, Program, Shutdown, System, SystemPlan};
use supervisor::tree::GuardProgram;

use crate::GUARD;

/// How often a process is asked whether it is ready. The time to ready is not told more finely.
const PROBE_PERIOD: Duration = Duration::from_millis(2);
/// How long a process may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a process may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How large the log of a process may become, in bytes.
const LOG_BYTES: u64 = 4 << 20;

/// The guard of every process: this program under another name.
pub(crate) fn guard() -> GuardProgram {
    GuardProgram::new("/proc/self/exe", [GUARD])
}

/// A process to start.
#[derive(Clone, Debug)]
struct Process {
    name: String,
    command: Vec<OsString>,
    /// What says that it is ready, by a 200 whose body has this in it.
    ready: (String, &'static str),
}

impl Process {
    fn new(name: impl Into<String>, command: Vec<String>, address: SocketAddr, path: &str) -> Self {
        let command = command.into_iter().map(OsString::from).collect();
        Self { name: name.into(), command, ready: (format!("http://{address}{path}"), "") }
    }

    /// The answer must have `words` in it, too.
    fn saying(mut self, words: &'static str) -> Self {
        self.ready.1 = words;
        self
    }

    fn program(self, folder: &Path) -> Program {
        let (url, words) = self.ready;
        let holds = move |answer: &Answer| {
            let said = String::from_utf8_lossy(&answer.body);
            Ok(answer.status == 200 && said.contains(words))
        };
        let kind = ProbeKind::HttpGet { url, headers: Vec::new(), expect: Arc::new(holds) };
        let probe = Probe { kind, period: PROBE_PERIOD, timeout: READY_WITHIN };
        let shutdown = Shutdown { signal: Signal::SIGTERM, timeout: END_WITHIN };
        let program = Program::new(self.name, self.command, folder, shutdown);
        Program { probe: Some(probe), ..program }
    }
}

/// The processes of one side. Dropping it kills them all.
#[derive(Debug)]
pub(crate) struct Fleet {
    system: System,
}

impl Fleet {
    async fn start(folder: &Path, processes: Vec<Process>) -> anyhow::Result<Self> {
        let programs = processes.into_iter().map(|process| process.program(folder)).collect();
        let logs: PathBuf = folder.join("logs");
        let plan = SystemPlan { programs, logs, log_bytes: LOG_BYTES, guard: guard() };
        Ok(Self { system: System::start(plan).await? })
    }

    /// The processes that run, by name.
    pub(crate) fn pids(&self) -> BTreeMap<String, u32> {
        let processes = self.system.processes().into_iter();
        processes.map(|process| (process.name, process.pid)).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<u32> {
        self.pids().into_values().collect()
    }

    /// From the start of the first to the last one's being ready.
    ///
    /// # Errors
    /// If one is not ready.
    pub(crate) fn ready_ms(&self) -> anyhow::Result<f64> {
        let processes = self.system.processes();
        let started = processes.iter().map(|process| process.started_monotonic_us).min();
        let ready: Option<Vec<u64>> =
            processes.iter().map(|process| process.ready_monotonic_us).collect();
        let ready = ready.and_then(|ready| ready.into_iter().max());
        let (started, ready) = started.zip(ready).context("a process is not ready")?;
        Ok(ready.saturating_sub(started) as f64 / 1e3)
    }

    /// SIGKILL, sent when this returns.
    ///
    /// # Errors
    /// If the process is down.
    pub(crate) async fn begin_kill(&self, name: &str) -> anyhow::Result<Begun> {
        self.system.begin_kill(name).await.map_err(|error| anyhow!("{error}"))
    }

    /// Starts a process again that was killed; when that was.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn restart(&self, name: &str) -> anyhow::Result<Act> {
        Ok(self.system.restart(name).await?)
    }

    /// Waits until a process that was started again is ready.
    ///
    /// # Errors
    /// If it does not get ready.
    pub(crate) async fn wait_ready(&self, name: &str) -> anyhow::Result<()> {
        self.system.wait_ready(name).await?;
        Ok(())
    }

    /// Ends them all.
    pub(crate) async fn stop(self) {
        self.system.stop().await;
    }
}
