//! `[processes.NAME]`: what is started, and broken.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Command, Repeat};

/// One process of the target.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Repeats this table for each value, with {{ n }} in its name and its texts.
    #[serde(default)]
    pub n: Option<Repeat>,
    /// Any word. Plans' targets name roles and processes. The process's name if not given.
    #[serde(default)]
    pub role: Option<String>,
    /// What starts it.
    #[serde(default)]
    pub command: Option<Command>,
    /// What a restart adds or replaces, if anything.
    #[serde(default)]
    pub restart: Option<Restart>,
    /// Where it runs, below this file's folder (or its copy), which it is if not given.
    #[serde(default)]
    pub working_dir: Option<String>,
    /// Variables of its environment besides PATH, HOME and the like. PYTHONUNBUFFERED=1 is set unless given.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Which variables of the harness's own environment it has, by name: "RUST_*" are those that begin so, "*_OPTIONS" those that end so. All if not given.
    #[serde(default)]
    pub inherit: Option<Vec<String>>,
    /// The processes that must have been started, or be healthy, before it is started.
    #[serde(default)]
    pub depends_on: BTreeMap<String, Condition>,
    /// How it is known to be ready. If not given, it is ready once its first port of `listens` accepts connections, and without one at once.
    #[serde(default)]
    pub readiness_probe: Option<Probe>,
    /// How it is stopped at a trial's end.
    #[serde(default)]
    pub shutdown: Option<Shutdown>,
    /// Its files and folders, which the faults on files take.
    #[serde(default)]
    pub data: Vec<String>,
    /// Parts of its process tree that faults can name, as PROCESS.PART.
    #[serde(default)]
    pub inner: BTreeMap<String, Inner>,
    /// Whom it runs as, where the harness is root.
    #[serde(default)]
    pub user: Option<String>,
    /// The host that it runs on, of `[hosts]`. This machine if not given.
    #[serde(default)]
    pub host: Option<String>,
    /// Its ports, by name, that a relay may stand before, for faults on links.
    #[serde(default)]
    pub listens: Vec<String>,
    /// The path to which anybody may send it a body, for floods with bodies. "/" if not given.
    #[serde(default)]
    pub body_path: Option<String>,
    /// For a process that something else keeps (systemd, compose, somebody's shell): commands, instead of `command`. It is left
    /// as it was found: running and resumed, or down.
    #[serde(default)]
    pub adopt: Option<Adopt>,
}

/// What a restart does otherwise than the first start.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// Instead of the process's command.
    #[serde(default)]
    pub command: Option<Command>,
    /// After its last argument.
    #[serde(default)]
    pub args: Vec<String>,
    /// Over its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// What of a dependency is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its readiness probe holds.
    ProcessHealthy,
    /// It was started.
    ProcessStarted,
}

/// How a process is known to be ready: one of http_get, tcp, exec, log_line. It must be alive as well.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// A URL that is asked by GET.
    #[serde(default)]
    pub http_get: Option<String>,
    /// What is sent with http_get besides.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// An expression on the answer to http_get. "status >= 200 && status < 300" if not given.
    #[serde(default)]
    pub expect: Option<String>,
    /// An address that accepts connections: "127.0.0.1:{{ port['order-1'] }}".
    #[serde(default)]
    pub tcp: Option<String>,
    /// A command that succeeds (exit code 0).
    #[serde(default)]
    pub exec: Option<Command>,
    /// A regular expression that a line of its output matches.
    #[serde(default)]
    pub log_line: Option<String>,
    /// How often is tried. 50 if not given.
    #[serde(default)]
    pub period_ms: Option<u64>,
    /// After how long the process counts as never ready. 10 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// How a process is stopped: a signal, then SIGKILL.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// The signal. "SIGTERM" if not given.
    #[serde(default)]
    pub signal: Signal,
    /// How long it may take before SIGKILL. 5 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// Processes, or roles, that are stopped once it has ended. They need not be started before it.
    #[serde(default)]
    pub before: Vec<String>,
}

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Signal {
    /// The usual one.
    #[default]
    #[serde(rename = "SIGTERM")]
    Term,
    /// As Ctrl-C does.
    #[serde(rename = "SIGINT")]
    Int,
    /// As Ctrl-\ does.
    #[serde(rename = "SIGQUIT")]
    Quit,
    /// As a terminal that closes does.
    #[serde(rename = "SIGHUP")]
    Hup,
    /// At once, without asking.
    #[serde(rename = "SIGKILL")]
    Kill,
}

/// A part of a process tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inner {
    /// The file in which it writes its process id.
    pub pid_file: String,
}

/// How a process is reached that something else keeps.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// Prints its process id; nothing, or 0, while it is down.
    pub pid: Command,
    /// Starts it, and ends within 30 s. Without it no fault kills the process, and it must run when a trial begins.
    /// With it the process is down again at the end if it was at the beginning.
    #[serde(default)]
    pub start: Option<Command>,
    /// Kills it, as SIGKILL would. The signal itself, to it and all that it has started, if not given.
    #[serde(default)]
    pub kill: Option<Command>,
    /// Stops it from running, as SIGSTOP would. The signal itself if not given.
    #[serde(default)]
    pub pause: Option<Command>,
    /// Lets it run again. SIGCONT if not given.
    #[serde(default)]
    pub resume: Option<Command>,
}
