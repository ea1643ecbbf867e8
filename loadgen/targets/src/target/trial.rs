//! What is done around a trial, and where.

use std::time::Duration;

use crate::template::{CommandTemplate, Template};

/// Where a port is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortChoice {
    /// This one, which must be free.
    Fixed(u16),
    /// Any that is free.
    Free,
}

/// Commands that are run one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commands {
    /// The commands.
    pub commands: Vec<CommandTemplate>,
    /// How long all of them may take.
    pub timeout: Duration,
}

/// A file that is written for a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedFile {
    /// Where, below the target's folder or scratch.
    pub path: Template,
    /// What it holds.
    pub content: Template,
    /// Whether only its owner may read it.
    pub private: bool,
}

/// What is done before every trial.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reset {
    /// What is removed.
    pub remove: Vec<Template>,
    /// Folders that are made.
    pub mkdir: Vec<Template>,
    /// What is copied, from and to.
    pub copy: Vec<(Template, Template)>,
    /// What is run then.
    pub commands: Commands,
}

/// What is done once all processes are ready.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prepare {
    /// What is run.
    pub commands: Commands,
    /// What is waited for then.
    pub wait: Option<Wait>,
}

/// A command that is repeated until it succeeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The command.
    pub command: CommandTemplate,
    /// How long it may take to succeed.
    pub timeout: Duration,
}

/// Another machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// The beginning of a command that gives a way in.
    pub connect: CommandTemplate,
    /// Where its ports are reached.
    pub address: String,
}

/// A fault of the target's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Makes it.
    pub apply: CommandTemplate,
    /// Takes it back.
    pub undo: CommandTemplate,
    /// Succeeds while it is there.
    pub confirm: CommandTemplate,
    /// How long each may take.
    pub timeout: Duration,
}
