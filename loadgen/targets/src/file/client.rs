//! `[client]`: a program that talks to the target for the harness.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// A program that talks to the target, one JSON text a line on its stdin and stdout.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What starts it.
    pub command: Command,
    /// How many of it are started; the clients of a plan are shared out among them. 1 if not given.
    #[serde(default)]
    pub processes: Option<u32>,
}
