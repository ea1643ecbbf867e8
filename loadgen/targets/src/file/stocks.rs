//! `[stocks]`: what is traded.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Count;

/// Which stocks there are: names, or from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stocks {
    /// Their names.
    #[serde(default)]
    pub names: Vec<String>,
    /// The operation that lists them: "list".
    #[serde(default)]
    pub from: Option<String>,
    /// How many of each there are when a trial begins; "{{ system.quantity }}" is what the plan says. Those not named are learnt by a query.
    #[serde(default)]
    pub initial: BTreeMap<String, Count>,
    /// How many of each there may be at the most; "{{ system.cap }}" is what the plan says. Unbounded if not given.
    #[serde(default)]
    pub cap: Option<Count>,
    /// What a piece of each costs, for the report.
    #[serde(default)]
    pub prices: BTreeMap<String, f64>,
}
