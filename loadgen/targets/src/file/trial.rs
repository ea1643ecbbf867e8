//! `[setup]`, `[reset]`, `[prepare]`: what is done around a trial.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// Commands that are run once per run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// One after the other; the first that fails ends the run.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// How long all of them may take. 300 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// What is done before every trial, while everything is down.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Files and folders that are removed, if they are there.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Folders that are made.
    #[serde(default)]
    pub mkdir: Vec<String>,
    /// Files and folders that are copied: [from, to].
    #[serde(default)]
    pub copy: Vec<[String; 2]>,
    /// Commands, one after the other.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// How long all commands may take. 60 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}

/// What is done in every trial before the load.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    /// Commands, one after the other: tables, users, quorum.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// How long all commands may take. 60 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
    /// What is waited for afterwards.
    #[serde(default)]
    pub wait: Option<Wait>,
}

/// A command that is repeated until it succeeds.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The command; exit code 0 is success.
    pub exec: Command,
    /// How long it may take to succeed. 20 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}
