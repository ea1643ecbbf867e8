//! What several sections have in common: command lines, numbers of a plan's, and the `n` that repeats a table.

use schemars::JsonSchema;
use serde::Deserialize;

/// A command: one text that is split like a shell does, though no shell runs it, or a list of arguments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// Split at white space outside of quotes. What a placeholder puts in is never split.
    Line(String),
    /// The program and its arguments, as they are.
    Arguments(Vec<String>),
}

/// For which values of {{ n }} a table is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Repeat {
    /// For each of these.
    Each(Vec<i64>),
    /// From 1 to this; "{{ replicas }}" is the count that the plan asks for.
    UpTo(String),
}

/// A number, or a text with the one of a plan's values: "{{ system.cap }}".
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Count {
    /// This one.
    Number(u64),
    /// What the plan sets.
    Text(String),
}
