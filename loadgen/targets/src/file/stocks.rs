//! `[stocks]`: what is traded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// Which stocks there are: names, or from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stocks {
    /// Their names.
    #[serde(default)]
    pub names: Vec<String>,
    /// The operation that lists them: "list".
    #[serde(default)]
    pub from: Option<String>,
    /// How many of each there are when a trial begins. Those not named are learnt by a query.
    #[serde(default)]
    pub initial: BTreeMap<String, u64>,
    /// How many of each there may be at the most. Unbounded if not given.
    #[serde(default)]
    pub cap: Option<u64>,
}
