//! Who asks the cached query. One generator for all sides of a run: two would be compared with each other.
//!
//! wrk costs least, so it is taken where it is there, then oha, then the closed loop of our own, which takes more of
//! the machine and so shows less of what the servers can do.

mod oha;
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
struct Told {
    requests: u64,
    per_second: f64,
    failed: u64,
    p50_ms: f64,
    p99_ms: f64,
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
            Self::Oha(program) => (program, oha::arguments(&url, connections, seconds)),
        };
        let warm = Loop {
            script: Script::Get(path.to_owned()),
            entries: vec![address],
            clients: connections,
        };
        warm.measure(Duration::ZERO, WARM_UP, pids.to_vec()).await?;
        let mut command = vec![program.display().to_string()];
        command.extend(arguments);
        let task = Task {
            command,
            environment: BTreeMap::new(),
            working_dir: folder.to_owned(),
            user: None,
        };
        let log = folder.join("generator.log");
        if log.exists() {
            std::fs::remove_file(&log)?;
        }
        let before = usage::of(pids)?;
        command::run(guard, &task, &log, Duration::from_secs(seconds) + MORE).await?;
        let usage = usage::of(pids)? - before;
        let said = std::fs::read_to_string(&log).context("the generator said nothing")?;
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
            usage,
        })
    }
}
