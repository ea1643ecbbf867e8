//! What is asked: by clients, of state, and of what a target tells besides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::expression::Expression;
use crate::file::WhenRead;
use crate::operation::{Kind, Operation};
use crate::state::RowReader;
use crate::template::{CommandTemplate, Template};

/// An HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// The whole URL.
    pub url: Template,
    /// Its headers.
    pub headers: BTreeMap<String, Template>,
    /// Its body.
    pub body: Option<Template>,
}

/// What clients send.
#[derive(Debug, Default)]
pub struct Operations {
    pub(crate) each: BTreeMap<&'static str, Operation>,
}

impl Operations {
    /// The operation of this kind, if clients do it.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<&Operation> {
        self.each.get(kind.name())
    }

    /// The same, read also by what the target tells besides.
    pub(crate) fn telling(self, capabilities: &Capabilities) -> Self {
        let telling = |(name, operation): (_, Operation)| (name, operation.telling(capabilities));
        Self { each: self.each.into_iter().map(telling).collect() }
    }

    /// All that clients do.
    pub fn each(&self) -> impl Iterator<Item = &Operation> {
        self.each.values()
    }

    /// The longest deadline of all.
    #[must_use]
    pub fn longest_deadline(&self) -> Option<Duration> {
        self.each().map(Operation::deadline).max()
    }
}

/// The places that keep the same kind of rows.
pub type Places<T> = Vec<Place<T>>;

/// One place that keeps rows.
#[derive(Debug)]
pub struct Place<T> {
    /// Whose it is.
    pub process: String,
    /// What is read.
    pub source: Source,
    /// When.
    pub when: WhenRead,
    /// How its rows are read.
    pub reader: RowReader<T>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A file.
    File(Template),
    /// An answer. With `stock` or `order_no` in it, once for each.
    Url(Request),
    /// A command's output. The same holds.
    Exec(CommandTemplate),
    /// A database.
    Sqlite {
        /// Its file.
        path: Template,
        /// What is selected.
        query: String,
    },
    /// What the client says.
    Dump,
}

impl Source {
    /// Whether it is asked once for each value of `name`.
    #[must_use]
    pub fn is_asked_for_each(&self, name: &str) -> bool {
        match self {
            Self::Url(request) => {
                request.url.uses(name)
                    || request.body.as_ref().is_some_and(|body| body.uses(name))
                    || request.headers.values().any(|header| header.uses(name))
            }
            Self::Exec(CommandTemplate::Line(line)) => line.uses(name),
            Self::Exec(CommandTemplate::Arguments(arguments)) => {
                arguments.iter().any(|argument| argument.uses(name))
            }
            Self::File(_) | Self::Sqlite { .. } | Self::Dump => false,
        }
    }
}

/// What a target tells besides.
#[derive(Debug, Default)]
pub struct Capabilities {
    /// The changes of its leader and in-sync set.
    pub history: Option<Endpoint>,
    /// Everything that a process holds.
    pub dump: Option<Endpoint>,
    /// The epoch, of the leader's answer.
    pub epoch: Option<Expression>,
    /// The in-sync set, of the leader's answer.
    pub in_sync: Option<Expression>,
    /// How often a trade was tried, of its answer; of a lookup's as well.
    pub attempts: Option<Arc<Expression>>,
    /// Whether a query was answered from a cache, of its answer.
    pub cache_hit: Option<Arc<Expression>>,
    /// Counters of queries.
    pub query_counts: Option<QueryCounts>,
    /// Whether every link is in use, and a fault of one noticed.
    pub uses_all_links: bool,
}

/// Counters of queries.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryCounts {
    /// How many were answered.
    pub answered: Counter,
    /// How many of them who keeps the stocks was asked for.
    pub passed_on: Counter,
}

/// A counter on a page in the text format of Prometheus.
#[derive(Clone, Debug, PartialEq)]
pub struct Counter {
    /// The page.
    pub request: Request,
    /// How the lines begin whose values are added up.
    pub series: String,
}

/// What a process dumps, page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dumped {
    /// Its log of orders.
    Orders,
    /// Its stocks, and the trades that it applied to them.
    Stocks,
}

/// Something that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// What is sent.
    pub request: Request,
    /// Of which processes; empty: once for the whole target.
    pub processes: Vec<String>,
}
