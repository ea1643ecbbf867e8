//! `[hosts.NAME]`: other machines.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// Another machine. The harness runs its own program there, through `connect`, as an agent. {{ address['n1'] }} is its address in a text, and so is
/// {{ address['order-1'] }} if the process runs there.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The beginning of a command that gives a way in: ["ssh", "n1"], ["docker", "exec", "-i", "n1"]. `sh` is run through it.
    pub connect: Command,
    /// Where its ports are reached from here.
    pub address: String,
}
