//! `[variants.NAME.PROCESS]`: ways to start the target that a plan compares.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Command, FileContent};

/// A way to start the target: what each process named in it is started with otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
pub struct Variant {
    /// Whether it is taken where a plan says nothing. One variant at the most.
    #[serde(default)]
    pub default: bool,
    /// By process, or by role.
    #[serde(flatten)]
    pub processes: BTreeMap<String, VariantProcess>,
}

/// What a process is started with otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantProcess {
    /// Instead of its command.
    #[serde(default)]
    pub command: Option<Command>,
    /// After its last argument.
    #[serde(default)]
    pub args: Vec<String>,
    /// Over its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Over `[files]`.
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
}
