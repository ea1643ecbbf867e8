//! `[limits]`: what a target may use.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the target may use. What is not given is unbounded, but when targets are graded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory of each process with everything that it starts, in MiB. One that takes more is killed.
    #[serde(default)]
    pub memory_mb: Option<u64>,
    /// How many processes each may be, with everything that it starts; threads do not count. With more it is killed.
    #[serde(default)]
    pub processes: Option<u64>,
    /// How long the processes may live in one trial of a run. A trial that takes longer is ended, and the run is
    /// inconclusive.
    #[serde(default)]
    pub seconds: Option<u64>,
}
