//! The messages as they stand in the lines.

use std::collections::BTreeMap;

use records::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::order_no::OrderNo;

/// What a client is told first, and again after each restart of its process.
#[derive(Clone, Debug, Serialize)]
pub struct Hello<'a> {
    /// The target's ports by name.
    pub ports: &'a BTreeMap<String, u16>,
    /// If it has hosts: their addresses by name, and those of its processes.
    pub hosts: &'a BTreeMap<String, String>,
    /// The variant that runs.
    pub variant: Option<&'a str>,
    /// How many clients there will be.
    pub clients: u32,
    /// After how long an answer is late.
    pub deadline_ms: u64,
    /// For whatever the client draws.
    pub seed: u64,
    /// The stocks, and how many there are of each.
    pub stocks: &'a BTreeMap<String, u64>,
    /// How many of a stock there may be at the most.
    pub cap: Option<u64>,
    /// The registers, or the logs, of a target that keeps such.
    #[serde(skip_serializing_if = "is_empty")]
    pub registers: &'a [String],
}

fn is_empty(names: &&[String]) -> bool {
    names.is_empty()
}

/// What a client is asked to do.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Request<'a> {
    /// What the target needs before the load; once per trial.
    Prepare,
    /// What the client needs to be connected, so that no operation's latency is a connection's.
    Connect {
        /// Which client.
        client: u32,
    },
    /// Ask for a stock.
    Query {
        /// Which.
        stock: &'a str,
        /// Who asks.
        client: u32,
    },
    /// Buy or sell.
    Trade {
        /// What.
        stock: &'a str,
        /// As the model's sides say.
        side: &'a str,
        /// How many.
        quantity: u64,
        /// The same for every attempt at this trade.
        key: &'a str,
        /// Who trades.
        client: u32,
    },
    /// Ask for an order.
    Lookup {
        /// Which.
        order_no: &'a OrderNo,
        /// Who asks.
        client: u32,
    },
    /// Read a register or a log.
    Read {
        /// Which.
        register: &'a str,
        /// Of a log: from where on; all of it if it is not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<i64>,
        /// Who asks.
        client: u32,
    },
    /// Write a register.
    Write {
        /// Which.
        register: &'a str,
        /// What.
        value: &'a Json,
        /// The same for every attempt at this write.
        key: &'a str,
        /// Who writes.
        client: u32,
    },
    /// Write a register if it holds what is expected.
    CompareAndSet {
        /// Which.
        register: &'a str,
        /// What must be there.
        expected: &'a Json,
        /// What is written.
        value: &'a Json,
        /// The same for every attempt at this.
        key: &'a str,
        /// Who writes.
        client: u32,
    },
    /// Append to a log.
    Append {
        /// Which.
        register: &'a str,
        /// What.
        value: &'a Json,
        /// The same for every attempt at this append.
        key: &'a str,
        /// Who appends.
        client: u32,
    },
    /// All that a process holds: its own copy.
    Dump {
        /// Whose.
        process: &'a str,
        /// Of which kind.
        what: Dumped,
    },
}

/// What is dumped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dumped {
    /// Orders.
    Orders,
    /// Stocks.
    Stocks,
    /// Registers.
    Registers,
    /// A log.
    Log,
}

/// What a query, a lookup or a read saw.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Seen {
    /// The stock.
    #[serde(default)]
    pub stock: Option<String>,
    /// The order's side.
    #[serde(default)]
    pub side: Option<String>,
    /// How many.
    #[serde(default)]
    pub quantity: Option<i64>,
    /// How many were ever traded.
    #[serde(default)]
    pub volume: Option<i64>,
    /// The price.
    #[serde(default)]
    pub price: Option<f64>,
    /// What is in a register or a log; null if nothing is. Not given is not null.
    #[serde(default, deserialize_with = "given")]
    pub value: Option<Json>,
}

fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(value).map(Some)
}

/// The first line to a client.
#[derive(Debug, Serialize)]
pub(super) struct Greeting<'a> {
    pub(super) op: &'static str,
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) hello: &'a Hello<'a>,
}

/// Every other line to it.
#[derive(Debug, Serialize)]
pub(super) struct Numbered<'a> {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) request: &'a Request<'a>,
}

/// Any line of a client.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) hello: Option<u32>,
    #[serde(default)]
    pub(super) can: Vec<String>,
    pub(super) id: Option<u64>,
    pub(super) outcome: Option<Outcome>,
    pub(super) order_no: Option<Json>,
    pub(super) seen: Option<Seen>,
    pub(super) position: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) rows: Option<Vec<Json>>,
    pub(super) end: Option<bool>,
    pub(super) event: Option<String>,
    pub(super) process: Option<String>,
    pub(super) start_us: Option<u64>,
    pub(super) end_us: Option<u64>,
}

/// `message` as a line. Strings, numbers and maps of these always are JSON.
pub(super) fn line(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).unwrap_or_default();
    line.push('\n');
    line
}
