//! `[limits]`: what a target may use.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the target may use, all processes together. What is not given is unbounded, but when targets are graded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory.
    #[serde(default)]
    pub memory_mb: Option<u64>,
    /// Processes and what they fork.
    #[serde(default)]
    pub processes: Option<u64>,
    /// How long a trial may take.
    #[serde(default)]
    pub seconds: Option<u64>,
}
