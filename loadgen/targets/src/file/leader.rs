//! `[leader]`: how to find out who leads.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;

/// Who leads. One way of: `url` or `exec` with `process`; `log` with `regex` and `process`; `role` with `url` or `exec` and `is`; `guess`.
/// A process that is dead is no leader, whatever anybody says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leader {
    /// What is asked by GET, every poll_ms. With `is`, of each process of the role, as {{ process }}.
    #[serde(default)]
    pub url: Option<String>,
    /// Headers that are sent with it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A command whose output is the answer, instead of url.
    #[serde(default)]
    pub exec: Option<Command>,
    /// How often is asked. 100 if not given.
    #[serde(default)]
    pub poll_ms: Option<u64>,
    /// The process in whose log the leader is named; the last match counts.
    #[serde(default)]
    pub log: Option<String>,
    /// What names it there, with a named group: `'New leader: (?P<leader>\d+)'`.
    #[serde(default)]
    pub regex: Option<String>,
    /// An expression on the answer, or on the log line's groups, to the leading process's name: "'order-' + string(body.leader)".
    #[serde(default)]
    pub process: Option<String>,
    /// The role whose processes may lead. Plans' targets "leader" and "follower" are of it. If not given, the only role with several processes.
    #[serde(default)]
    pub role: Option<String>,
    /// An expression on the answer of each process of the role: whether it says that it leads. Two at once is an event.
    #[serde(default)]
    pub is: Option<String>,
    /// An expression on the same answer to the integer that grows with every leader.
    #[serde(default)]
    pub term: Option<String>,
    /// After how long an answer over HTTP is none: a longer wait shifts the fault that it is for. 1000 if not given.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// What each process of the role is asked while the one at `url` is silent.
    #[serde(default)]
    pub otherwise: Option<Otherwise>,
    /// For targets that do not say who leads.
    #[serde(default)]
    pub guess: Option<Guess>,
    /// Whether a returning process leads again if it is better than the present one. Only with guess.
    #[serde(default)]
    pub takes_back: Option<bool>,
}

/// What each process of the role is asked while nobody says who leads. Of those that say that they lead the one with the highest term counts, and it alone is
/// known to be in sync.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// What is asked by GET, with {{ process }}.
    pub url: String,
    /// Headers that are sent with it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// An expression on the answer: whether the process says that it leads.
    pub is: String,
    /// An expression on the answer to the integer that grows with every leader.
    #[serde(default)]
    pub term: Option<String>,
    /// After how long an answer is none. 1000 if not given.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
}

/// Who leads where nobody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Guess {
    /// The last process of the role, by name, that lives.
    Highest,
    /// The first.
    Lowest,
    /// Nobody.
    None,
}
