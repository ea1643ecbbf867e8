//! `[ports]`: where the target listens.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Repeat;

/// A port, or a row of ports.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Port {
    /// This one. It must be free before the start.
    Fixed(u16),
    /// "free": any that is.
    Free(String),
    /// One for each n: `"order-{{ n }}" = { n = "{{ replicas }}", port = "free" }`.
    Row(PortRow),
}

/// One port for each n.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortRow {
    /// For which n.
    pub n: Repeat,
    /// Which: "free", or the number for n = 1; those for the others follow it.
    pub port: PortNumber,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PortNumber {
    /// This one.
    Fixed(u16),
    /// "free": any that is.
    Free(String),
}
