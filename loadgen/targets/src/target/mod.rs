//! The validated whole: what a file means, with every `n` expanded, every default filled in, and every text compiled.
//!
//! Only [`crate::read`] makes one, and only of a file without problems, so nobody who holds one has to check it again: a
//! process that is named is there, a path is below the target's folder or its scratch folder, a template renders. What a trial decides (ports, folders,
//! token) is filled in with a [`Setting`](crate::template::Setting) then.

mod model;
mod order;
mod processes;
mod requests;
mod trial;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use model::{Client, Leader, LeaderSource, Model, Otherwise, Stocks, StocksFrom};
pub(crate) use order::natural;
pub use processes::{
    Adopt, Change, Inner, Probe, Process, Readiness, Restart, Shutdown, Start, Variables, Variant,
};
pub use requests::{
    Capabilities, Counter, Dumped, Endpoint, Operations, Place, Places, QueryCounts, Request,
    Source,
};
pub use trial::{Commands, Fault, Host, PortChoice, Prepare, RenderedFile, Reset, Wait};

use crate::PlanValues;
use crate::file::Limits;
use crate::state::{EntryRow, OrderRow, RegisterRow, StockRow};

/// A system under test.
#[derive(Debug)]
pub struct Target {
    /// What reports call it.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// The file that describes it; the folder that it is in is the target's.
    pub path: PathBuf,
    /// What the plan sets that it was read for.
    pub plan: PlanValues,
    /// Which of that it takes, but for the count of replicas: `system.durability`.
    pub of_plan: BTreeSet<String>,
    /// What is copied for every trial, below the target's folder.
    pub workspace: Vec<PathBuf>,
    /// Its ports.
    pub ports: BTreeMap<String, PortChoice>,
    /// Run once per run.
    pub setup: Commands,
    /// Rendered once per trial.
    pub files: Vec<RenderedFile>,
    /// Done before every trial.
    pub reset: Reset,
    /// Done once all processes are ready.
    pub prepare: Prepare,
    /// Its processes, in the natural order of their names: order-2 before order-10.
    pub processes: Vec<Process>,
    /// Ways to start it.
    pub variants: Vec<Variant>,
    /// What clients send.
    pub operations: Operations,
    /// The program that talks to it instead.
    pub client: Option<Client>,
    /// What is traded.
    pub stocks: Option<Stocks>,
    /// How it is known who leads.
    pub leader: Option<Leader>,
    /// Where orders are kept.
    pub orders: Places<OrderRow>,
    /// Where stocks are kept.
    pub stock_places: Places<StockRow>,
    /// Where registers are kept.
    pub register_places: Places<RegisterRow>,
    /// Where logs are kept.
    pub log_places: Places<EntryRow>,
    /// What it promises.
    pub model: Model,
    /// What it may use.
    pub limits: Limits,
    /// What else it tells.
    pub capabilities: Capabilities,
    /// Other machines, by name.
    pub hosts: BTreeMap<String, Host>,
    /// Those that clients send from, in the order in which clients are shared out; none if that is this machine.
    pub load_from: Vec<String>,
    /// Faults of its own, by name.
    pub faults: BTreeMap<String, Fault>,
}

impl Target {
    /// A process by its name.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }

    /// Where every host and every process is reached, by their names: a process that is on no host, on this machine.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let of_host = |name: &String| self.hosts.get(name).map(|host| host.address.clone());
        let of_process = |process: &Process| {
            let there = process.host.as_ref().and_then(of_host);
            (process.name.clone(), there.unwrap_or_else(|| "127.0.0.1".to_owned()))
        };
        let hosts = self.hosts.iter().map(|(name, host)| (name.clone(), host.address.clone()));
        // What is called both is meant as the process.
        hosts.chain(self.processes.iter().map(of_process)).collect()
    }

    /// A variant by its name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The files to write: a variant's come last, for they stand over the target's.
    pub fn files_of<'a>(
        &'a self,
        variant: Option<&'a Variant>,
    ) -> impl Iterator<Item = &'a RenderedFile> {
        let changes = variant.into_iter().flat_map(|variant| variant.changes.values());
        self.files.iter().chain(changes.flat_map(|change| &change.files))
    }

    /// Which processes dump what they hold, orders first; none if the target does not.
    #[must_use]
    pub fn dumped(&self) -> Vec<(&str, Dumped)> {
        let Some(dump) = &self.capabilities.dump else { return Vec::new() };
        let asked = |name: &str| dump.processes.iter().any(|one| one == name);
        let orders = self.orders.iter().map(|place| (place.process.as_str(), Dumped::Orders));
        let stocks = self.stock_places.iter().map(|place| (place.process.as_str(), Dumped::Stocks));
        orders.chain(stocks).filter(|(name, _)| asked(name)).collect()
    }

    /// The variant that is taken where a plan says nothing.
    #[must_use]
    pub fn default_variant(&self) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.default)
    }
}
