//! The file as it is written: serde's types, one file per section, without any rule.
//!
//! They exist apart from [`crate::target`] so that one place knows how the file looks and everything else
//! knows only what it means. Doc comments of fields are the descriptions in the JSON schema, which editors show
//! while somebody writes the file: they speak to that reader. Nothing here checks anything; a value of these types
//! may still be nonsense, and nobody but the check that makes a [`Target`](crate::Target) of them reads them.

mod capabilities;
mod client;
mod command;
mod faults;
mod files;
mod hosts;
mod leader;
mod limits;
mod load;
mod model;
mod operations;
mod ports;
mod processes;
mod state;
mod stocks;
mod trial;
mod variants;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use capabilities::{Capabilities, Counter, Endpoint, QueryCounts};
pub use client::Client;
pub use command::{Command, Count, Repeat};
pub use faults::Fault;
pub use files::{DescribedFile, FileContent};
pub use hosts::Host;
pub use leader::{Guess, Leader, Otherwise};
pub use limits::Limits;
pub use load::Load;
pub use model::{
    Acknowledged, Initial, Keys, Model, ModelKind, OrderNumbers, Replicated, Replication, Restock,
};
pub use operations::{Operation, Operations, Outcomes};
pub use ports::{Port, PortNumber, PortRow};
pub use processes::{Adopt, Condition, Inner, Probe, Process, Restart, Shutdown, Signal};
pub use state::{Format, Row, Source, State, WhenRead};
pub use stocks::Stocks;
pub use trial::{Prepare, Reset, Setup, Wait};
pub use variants::{Variant, VariantProcess};

/// A target: a service, its processes, how to talk to it, what its answers mean, and how to read what it holds.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// What reports call the target.
    pub name: String,
    /// One line about it, for the report.
    #[serde(default)]
    pub description: String,
    /// Folders and files beside this file that are copied for every trial. All paths below resolve in the copy, so trials start
    /// pristine and runs go in parallel. Without any, the processes run in this file's folder.
    #[serde(default)]
    pub workspace: Vec<String>,
    /// Ports by name: a number, or "free" for any that is. Use one as {{ port['front-end'] }}.
    #[serde(default)]
    pub ports: BTreeMap<String, Port>,
    /// Commands that are run once per run, before anything else: builds and downloads.
    #[serde(default)]
    pub setup: Option<Setup>,
    /// Files that are rendered once per trial, not at restarts: path = content.
    #[serde(default)]
    pub files: BTreeMap<String, FileContent>,
    /// What is done before every trial, with everything down. Order: remove, mkdir, copy, files, commands.
    #[serde(default)]
    pub reset: Option<Reset>,
    /// What is done in every trial once all processes are ready, before the load.
    #[serde(default)]
    pub prepare: Option<Prepare>,
    /// The processes, by the names that faults and reports say. `n = [1, 2, 3]` in `[processes."order-{{ n }}"]` repeats a table.
    #[serde(default)]
    pub processes: BTreeMap<String, Process>,
    /// Ways to start the target that a plan compares: `system.cache = ["on", "off"]` chooses cache-on and cache-off, `system.variants` any.
    #[serde(default)]
    pub variants: BTreeMap<String, Variant>,
    /// What clients do, over HTTP. An operation that is missing is not driven, and its checks do not apply.
    #[serde(default)]
    pub operations: Operations,
    /// A program of yours that talks to the target, where that does not speak HTTP. Instead of operations.
    #[serde(default)]
    pub client: Option<Client>,
    /// Which stocks there are.
    #[serde(default)]
    pub stocks: Option<Stocks>,
    /// How to find out who leads. Without it there is no leader to aim at.
    #[serde(default)]
    pub leader: Option<Leader>,
    /// Where orders and stocks are kept, and how to read them.
    #[serde(default)]
    pub state: State,
    /// What the target promises. Without it nothing is judged but outages.
    #[serde(default)]
    pub model: Option<Model>,
    /// What the target may use, all processes together.
    #[serde(default)]
    pub limits: Limits,
    /// More that the target can tell about itself, each in a documented form.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Other machines, by name, and the way into each.
    #[serde(default)]
    pub hosts: BTreeMap<String, Host>,
    /// Where the clients are.
    #[serde(default)]
    pub load: Load,
    /// Faults of the target's own, by name. A plan uses one with `action = "run"`, `target = "NAME"`.
    #[serde(default)]
    pub faults: BTreeMap<String, Fault>,
}
