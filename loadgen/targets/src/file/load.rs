//! `[load]`: where clients are.

use schemars::JsonSchema;
use serde::Deserialize;

/// Where the clients are. What they do is a plan's affair.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The hosts, of `[hosts]`, from which clients send, among which they are shared out in turns: client 1 is on the first. This machine if
    /// not given. A plan's `load.from` stands in its place. Only over HTTP, and best on hosts without processes.
    #[serde(default)]
    pub from: Vec<String>,
}
