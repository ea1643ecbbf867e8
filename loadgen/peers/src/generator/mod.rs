//! Who asks the cached query. One generator for all sides of a run: two would be compared with each other.
//!
//! wrk costs least, so it is taken where it is there, then oha, then the closed loop of our own, which takes more of
//! the machine and so shows less of what the servers can do.

mod oha;
pub(crate) mod own;
pub(crate) mod timed;
mod wrk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use supervisor::command::{self, Task};
use supervisor::tree::GuardProgram;

use crate::client::Script;
use crate::load::{Loop, Measured};
use crate::tools::{Tool, Tools};
use crate::usage;

/// How long servers are asked before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// How much longer than asked a generator may take.
const MORE: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// wrk.
    Wrk(PathBuf),
    /// oha.
    Oha(PathBuf),
    /// The closed loop of our own.
    Own,
}

/// What another program said that it got.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// How many requests it sent.
    pub(crate) requests: u64,
    /// How many a second.
    pub(crate) per_second: f64,
    /// How many were not answered well.
    pub(crate) failed: u64,
    /// The median latency.
    pub(crate) p50_ms: f64,
    /// The 99th percentile of latency.
    pub(crate) p99_ms: f64,
    /// The 99th percentile of how late it was through its own fault, where it says that.
    pub(crate) late_p99_ms: Option<f64>,
}

/// Which generator is measured, and not only used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measuring<'a> {
    /// oha, which is there.
    Oha(&'a Path),
    /// The harness's own clients, with goose or without.
    Own {
        /// Whether goose runs them.
        with_goose: bool,
    },
}

/// Has a generator ask a server, in a closed loop or at a rate; what it got, and the CPU that it took for all of it, in
/// microseconds.
///
/// # Errors
/// If it fails, or gets no answers.
pub(crate) async fn measure(
    which: Measuring<'_>,
    guard: &GuardProgram,
    folder: &Path,
    target: (SocketAddr, &str),
    connections: usize,
    seconds: u64,
    rate_per_s: Option<u32>,
) -> anyhow::Result<(Told, f64)> {
    let (address, path) = target;
    let rows = folder.join("generator");
    if rows.exists() {
        std::fs::remove_dir_all(&rows)?;
    }
    std::fs::create_dir_all(&rows)?;
    let ours = std::env::current_exe()?.display().to_string();
    let mut command = vec![ours.clone(), timed::COMMAND.to_owned()];
    match which {
        Measuring::Oha(program) => {
            command.push(program.display().to_string());
            let url = format!("http://{address}{path}");
            command.extend(oha::arguments(&url, connections, seconds, rate_per_s));
        }
        Measuring::Own { with_goose } => {
            let (address, clients) = (address.to_string(), u32::try_from(connections)?);
            let order = own::Order { address, clients, seconds, rate_per_s, with_goose };
            command.push(ours);
            command.extend(own::arguments(&order, &rows)?);
        }
    }
    let said = run_to_end(guard, command, folder, Duration::from_secs(seconds) + MORE).await?;
    let told = match which {
        Measuring::Oha(_) => oha::parsed(&said)?,
        Measuring::Own { .. } => {
            let (rows, said) = (rows.clone(), said.clone());
            tokio::task::spawn_blocking(move || own::told(&rows, &said)).await??
        }
    };
    std::fs::remove_dir_all(&rows)?;
    Ok((told, timed::cpu_us(&said)?))
}

/// Runs another program to its end; what it said.
async fn run_to_end(
    guard: &GuardProgram,
    command: Vec<String>,
    folder: &Path,
    within: Duration,
) -> anyhow::Result<String> {
    let (environment, working_dir) = (BTreeMap::new(), folder.to_owned());
    let task = Task { command, environment, working_dir, user: None };
    let log = folder.join("generator.log");
    if log.exists() {
        std::fs::remove_file(&log)?;
    }
    command::run(guard, &task, &log, within).await?;
    std::fs::read_to_string(&log).context("the generator said nothing")
}

impl Generator {
    /// The best that is there.
    pub(crate) fn choose(tools: &Tools) -> Self {
        match (tools.path(Tool::Wrk), tools.path(Tool::Oha)) {
            (Some(wrk), _) => Self::Wrk(wrk.to_owned()),
            (None, Some(oha)) => Self::Oha(oha.to_owned()),
            (None, None) => Self::Own,
        }
    }

    /// In words, for the table.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Wrk(_) => "wrk, one thread",
            Self::Oha(_) => "oha",
            Self::Own => "our own closed loop, one thread (neither wrk nor oha is there)",
        }
    }

    /// Asks for `path` for as long as `span`, after a warm-up, and says what the servers used.
    ///
    /// # Errors
    /// If the generator fails, or a server is gone.
    pub(crate) async fn drive(
        &self,
        guard: &GuardProgram,
        folder: &Path,
        target: (SocketAddr, &str),
        connections: usize,
        span: Duration,
        pids: &[u32],
    ) -> anyhow::Result<Measured> {
        let (address, path) = target;
        let url = format!("http://{address}{path}");
        // wrk counts whole seconds.
        let seconds = span.as_secs_f64().ceil().max(1.0) as u64;
        let (program, arguments) = match self {
            Self::Own => {
                let script = Script::Get(path.to_owned());
                let clients = Loop { script, entries: vec![address], clients: connections };
                return clients.measure(WARM_UP, span, pids.to_vec()).await;
            }
            Self::Wrk(program) => (program, wrk::arguments(&url, connections, seconds)),
            Self::Oha(program) => (program, oha::arguments(&url, connections, seconds, None)),
        };
        let warm = Loop {
            script: Script::Get(path.to_owned()),
            entries: vec![address],
            clients: connections,
        };
        warm.measure(Duration::ZERO, WARM_UP, pids.to_vec()).await?;
        let mut command = vec![program.display().to_string()];
        command.extend(arguments);
        let before = usage::of(pids)?;
        let within = Duration::from_secs(seconds) + MORE;
        let said = run_to_end(guard, command, folder, within).await?;
        let usage = usage::of(pids)? - before;
        let told = match self {
            Self::Oha(_) => oha::parsed(&said)?,
            Self::Wrk(_) | Self::Own => wrk::parsed(&said)?,
        };
        if told.requests == 0 {
            bail!("{url} answered nothing");
        }
        Ok(Measured {
            per_second: told.per_second,
            acknowledged: told.requests - told.failed.min(told.requests),
            failed: told.failed,
            reason: (told.failed > 0).then(|| "errors that the generator counted".to_owned()),
            p50_ms: Some(told.p50_ms),
            p99_ms: Some(told.p99_ms),
            longest_gap_ms: None,
            usage,
        })
    }
}
