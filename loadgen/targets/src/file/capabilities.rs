//! `[capabilities]`: what a target can tell about itself beyond answers and state.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// What a target tells beyond answers and state. Each makes checks and figures apply that need it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Where the changes of leader and in-sync set are told, with CLOCK_MONOTONIC times in microseconds, as the bazaar's `GET /history` does:
    /// `{"changes": [...]}`, oldest first, each with `configuration`, `cause`, `suspected_us`, `stored_us` and `serving_us`. A configuration's
    /// `leader` and the `id`s of its `in_sync` are numbers: a process's place, from 1, among those of leader.role, by name.
    #[serde(default)]
    pub history: Option<Endpoint>,
    /// Where a process tells everything that it holds, with request ids and epochs, page by page, as the bazaar's `GET /dump` does. Asked of every process
    /// of `roles`, as {{ process }}: those of `[[state.orders]]` tell their logs, which must be equal in the end, and the one of `[[state.stocks]]` its stocks and
    /// every trade that it applied. Runs ask it instead of reading `[[state]]`.
    #[serde(default)]
    pub dump: Option<Endpoint>,
    /// The epochs that order numbers belong to: an expression on an answer of `[leader]`, to an integer that only grows. Where each
    /// process is asked, on the leader's.
    #[serde(default)]
    pub epoch: Option<String>,
    /// The in-sync set: an expression on an answer of `[leader]`, to a list of processes' names. Where each process is asked, on the leader's.
    #[serde(default)]
    pub in_sync: Option<String>,
    /// How often the target tried a trade before it answered: an expression on a trade's answer, to an integer. Tried on a lookup's as well.
    #[serde(default)]
    pub attempts: Option<String>,
    /// Whether a query was answered from a cache: an expression on its answer, true or false.
    #[serde(default)]
    pub cache_hit: Option<String>,
    /// Counters of queries: how many were answered, and how many of them were passed on to who keeps the stocks.
    #[serde(default)]
    pub query_counts: Option<QueryCounts>,
    /// Whether each process notices at once if one of its links is broken. Otherwise a fault of a link counts only if something has passed there before.
    #[serde(default)]
    pub uses_all_links: bool,
}

/// How many queries were answered, and how many of them were passed on: the difference is what a cache spared.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryCounts {
    /// Queries that were answered.
    pub answered: Counter,
    /// Queries that who keeps the stocks was asked for.
    pub passed_on: Counter,
}

/// A counter on a page of Prometheus's text format.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    /// The page, asked by GET.
    pub url: String,
    /// Headers that are sent.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How the lines begin whose values are added up: `http_requests_total{path="/stocks"`.
    pub series: String,
}

/// Something that is asked over HTTP by GET.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// What is asked.
    pub url: String,
    /// Headers that are sent.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Of the processes of which roles; without it, once for the whole target.
    #[serde(default)]
    pub roles: Vec<String>,
}
