//! Whether a process is ready: its probe holds, and it lives.
//!
//! A process that never gets ready must not be a riddle, so the error carries what was asked, what was answered last, and
//! what the process wrote last. What an HTTP answer means is the caller's to say.

mod attempt;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use tokio::time::Instant;

use crate::clock::monotonic_us;
use crate::log_lines::LogLines;
use crate::log_tail::{last_lines, quoted};
use crate::tree::{GuardProgram, Limit, Tree};

/// How long the log of a process that has ended may take to be whole.
const LOG_WITHIN: Duration = Duration::from_secs(1);
/// The longest body of an answer that a probe reads.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// An answer to a probe over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case. A value that is no text is left out.
    pub headers: Vec<(String, String)>,
    /// Its body, up to [`MAX_ANSWER_BYTES`].
    pub body: Vec<u8>,
}

/// What an answer means: `Ok(true)` if the process is ready, `Err` with a reason if that cannot be said.
pub type Expect = Arc<dyn Fn(&Answer) -> Result<bool, String> + Send + Sync>;

/// What is asked.
#[derive(Clone)]
pub enum ProbeKind {
    /// A GET of an `http://` address, and what its answer must be.
    HttpGet {
        /// The address.
        url: String,
        /// Headers of the request.
        headers: Vec<(String, String)>,
        /// What the answer must be.
        expect: Expect,
    },
    /// A GET of an `http://` address that must be answered by a 2xx. While it is not, a JSON object may say why not, as
    /// its `reason`.
    Health(String),
    /// A connection to `HOST:PORT`.
    Tcp(String),
    /// A command that must end with success. It runs where the process runs, with its environment.
    Exec(Vec<String>),
    /// A line that the process must have written since it was started.
    LogLine(Regex),
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpGet { url, .. } => write!(f, "http_get {url}"),
            Self::Health(url) => write!(f, "health {url}"),
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::Exec(command) => write!(f, "exec {}", command.join(" ")),
            Self::LogLine(regex) => write!(f, "log_line {regex}"),
        }
    }
}

impl fmt::Debug for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How it is found out whether a process is ready.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What is asked.
    pub kind: ProbeKind,
    /// How long after an answer it is asked again.
    pub period: Duration,
    /// How long the process may take to be ready.
    pub timeout: Duration,
}

/// Why a process is not ready.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It ended before.
    #[error("{name} ended before it was ready ({status}; its log is {log}); {}", quoted(.lines))]
    Ended {
        /// Which process.
        name: String,
        /// How it ended.
        status: String,
        /// What it was killed for taking too much of, if it was.
        over_limit: Option<Limit>,
        /// Its log.
        log: PathBuf,
        /// What it wrote last.
        lines: Vec<String>,
    },
    /// It lives, and its probe does not hold.
    #[error(
        "{name} is not ready after {} ms: the probe {probe} says: {answer} (its log is {log}); {}",
        .within.as_millis(), quoted(.lines)
    )]
    NotReady {
        /// Which process.
        name: String,
        /// What was asked.
        probe: String,
        /// How long it was waited for.
        within: Duration,
        /// The last answer.
        answer: String,
        /// Its log.
        log: PathBuf,
        /// What it wrote last.
        lines: Vec<String>,
    },
}

/// A process whose readiness is in question.
#[derive(Clone, Copy, Debug)]
pub struct Probed<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its tree.
    pub tree: &'a Tree,
    /// Its log.
    pub log: &'a Path,
    /// Where in the log this incarnation begins, in bytes.
    pub log_begin: u64,
    /// What a command of the probe runs under.
    pub guard: &'a GuardProgram,
    /// Where the process runs.
    pub working_dir: &'a Path,
    /// What was added to its environment.
    pub environment: &'a BTreeMap<String, String>,
    /// Who it runs as.
    pub user: Option<&'a String>,
}

impl Probed<'_> {
    /// Waits until the process is ready. Returns when that was seen, on `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// If it ends before, or is not ready in the probe's time.
    pub async fn ready(&self, probe: &Probe) -> Result<u64, ProbeError> {
        let mut lines = LogLines::from(self.log_begin);
        let mut answer: Option<String> = None;
        let asking = async {
            let deadline = Instant::now() + probe.timeout;
            loop {
                match self.ask(&probe.kind, &mut lines, deadline).await {
                    Ok(()) => break monotonic_us(),
                    // The last question may have had no time, which says nothing of the process.
                    Err(_) if answer.is_some() && Instant::now() >= deadline => {}
                    Err(reason) => answer = Some(reason),
                }
                tokio::time::sleep(probe.period).await;
            }
        };
        let asked = tokio::select! {
            // A process that has ended is not ready, whoever answers for it.
            biased;
            end = self.tree.ended(Duration::MAX) => {
                let over_limit = end.as_ref().and_then(|end| end.over_limit);
                let status = end.map_or_else(|| "unknown status".to_owned(), |end| end.describe());
                // What it wrote last is in the log by then. If it left others, nobody waits for their end.
                self.tree.gone(LOG_WITHIN).await;
                return Err(ProbeError::Ended {
                    name: self.name.to_owned(),
                    status,
                    over_limit,
                    log: self.log.to_owned(),
                    lines: self.last_lines(),
                });
            }
            asked = tokio::time::timeout(probe.timeout, asking) => asked,
        };
        asked.map_err(|_| ProbeError::NotReady {
            name: self.name.to_owned(),
            probe: probe.kind.to_string(),
            within: probe.timeout,
            answer: answer.unwrap_or_else(|| "it was not asked".to_owned()),
            log: self.log.to_owned(),
            lines: self.last_lines(),
        })
    }

    fn last_lines(&self) -> Vec<String> {
        last_lines(self.log, self.log_begin)
    }
}
