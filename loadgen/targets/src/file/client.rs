//! `[client]`: a program that talks to the target for the harness.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// A program that talks to the target, one JSON text a line on its stdin and stdout. It does what it says that it can do and
/// `[operations]` does not describe: an operation that is described there goes over HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What starts it.
    pub command: Command,
    /// How many of it are started; the clients of a plan are shared out among them. 1 if not given.
    #[serde(default)]
    pub processes: Option<u32>,
    /// After how many milliseconds an answer is late: the outcome is unknown. 6000 if not given.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
}
