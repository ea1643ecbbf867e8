//! `[faults.NAME]`: faults that only the target's own commands can make.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// A fault of the target's own. A plan uses it with `action = "run"`, `target = "NAME"`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Makes it.
    pub apply: Command,
    /// Takes it back; run at the end of the trial, too, if the fault still lasts.
    pub undo: Command,
    /// Succeeds (exit code 0) while the fault is there. A fault that was not seen does not count as done.
    pub confirm: Command,
    /// How long each of the commands may take. 10 if not given.
    #[serde(default)]
    pub timeout_seconds: Option<u64>,
}
