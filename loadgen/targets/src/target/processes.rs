//! What is started and broken.

use std::collections::BTreeMap;
use std::time::Duration;

use regex::Regex;

use super::RenderedFile;
use crate::expression::Expression;
use crate::file::{Condition, Signal};
use crate::template::{CommandTemplate, Template};

/// One process.
#[derive(Debug)]
pub struct Process {
    /// What faults and reports call it.
    pub name: String,
    /// What it is there for.
    pub role: String,
    /// How it is started.
    pub start: Start,
    /// Where it runs, relative to the target's folder, or in scratch. Empty: the folder itself.
    pub working_dir: Template,
    /// Variables of its environment.
    pub environment: BTreeMap<String, Template>,
    /// Which variables of the harness's environment it has; none: all.
    pub inherit: Option<Vec<Variables>>,
    /// What must be there before it is started.
    pub depends_on: BTreeMap<String, Condition>,
    /// How it is known to be ready.
    pub readiness: Readiness,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Its files and folders.
    pub data: Vec<Template>,
    /// Parts of its process tree.
    pub inner: Vec<Inner>,
    /// Whom it runs as, where the harness is root.
    pub user: Option<String>,
    /// The host that it runs on; none: this machine.
    pub host: Option<String>,
    /// Its ports that a relay may stand before.
    pub listens: Vec<String>,
    /// To which path anybody may send it a body.
    pub body_path: Option<String>,
}

impl Process {
    /// Whether something else keeps it, so that it is left as it was found.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        matches!(self.start, Start::Adopt(_))
    }
}

/// How a process is started.
#[derive(Debug)]
pub enum Start {
    /// By a command.
    Command {
        /// The command.
        command: CommandTemplate,
        /// What a restart does otherwise.
        restart: Restart,
    },
    /// By something else that keeps it.
    Adopt(Adopt),
}

/// What a restart does otherwise than the first start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restart {
    /// Instead of the process's command.
    pub command: Option<CommandTemplate>,
    /// After its last argument.
    pub args: Vec<Template>,
    /// Over its environment.
    pub environment: BTreeMap<String, Template>,
}

/// How a process is reached that something else keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Adopt {
    /// Prints its process id.
    pub pid: CommandTemplate,
    /// Starts it; none: nobody can.
    pub start: Option<CommandTemplate>,
    /// Kills it; none: SIGKILL.
    pub kill: Option<CommandTemplate>,
    /// Stops it from running; none: SIGSTOP.
    pub pause: Option<CommandTemplate>,
    /// Lets it run again; none: SIGCONT.
    pub resume: Option<CommandTemplate>,
}

/// How a process is known to be ready. It must be alive as well.
#[derive(Debug)]
pub struct Readiness {
    /// What is tried.
    pub probe: Probe,
    /// How often.
    pub period: Duration,
    /// After how long it counts as never ready.
    pub timeout: Duration,
}

/// What shows that a process is ready.
#[derive(Debug)]
pub enum Probe {
    /// An answer.
    HttpGet {
        /// To this URL.
        url: Template,
        /// Asked with these headers.
        headers: BTreeMap<String, Template>,
        /// That holds this; none: a status from 200 to 299.
        expect: Option<Expression>,
    },
    /// A connection to this address.
    Tcp(Template),
    /// A command that succeeds.
    Exec(CommandTemplate),
    /// A line of its output.
    LogLine(Regex),
    /// That it was started.
    Started,
}

/// Variables of an environment, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variables {
    /// The one of this name.
    Named(String),
    /// Those that begin so.
    Beginning(String),
    /// Those that end so.
    Ending(String),
}

impl Variables {
    /// Whether `name` is one of them.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Named(known) => known == name,
            Self::Beginning(beginning) => name.starts_with(beginning),
            Self::Ending(ending) => name.ends_with(ending),
        }
    }
}

/// How a process is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// By this signal.
    pub signal: Signal,
    /// And by SIGKILL after this.
    pub timeout: Duration,
    /// Who is stopped once it has ended.
    pub before: Vec<String>,
}

/// A part of a process tree that faults can name.
#[derive(Clone, Debug, PartialEq)]
pub struct Inner {
    /// Its name.
    pub name: String,
    /// The file with its process id.
    pub pid_file: Template,
}

/// A way to start the target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Whether it is taken where a plan says nothing.
    pub default: bool,
    /// What processes are started with otherwise, by their names.
    pub changes: BTreeMap<String, Change>,
}

/// What one process is started with otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Instead of its command.
    pub command: Option<CommandTemplate>,
    /// After its last argument.
    pub args: Vec<Template>,
    /// Over its environment.
    pub environment: BTreeMap<String, Template>,
    /// Over the target's files.
    pub files: Vec<RenderedFile>,
}
