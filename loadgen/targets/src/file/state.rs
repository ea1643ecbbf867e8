//! `[[state.orders]]`, `[[state.stocks]]`, `[[state.registers]]`, `[[state.log]]`: where the target keeps what it holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Command, Repeat};

/// The places that keep orders and stocks, or registers, or a log.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// One per place that keeps orders. A row has order_no, stock, side, quantity.
    #[serde(default)]
    pub orders: Vec<Source>,
    /// One per place that keeps stocks. A row has stock, quantity, and perhaps volume and price.
    #[serde(default)]
    pub stocks: Vec<Source>,
    /// One per place that keeps registers. A row has register and value.
    #[serde(default)]
    pub registers: Vec<Source>,
    /// One per place that keeps a log, in the log's order. A row has value, and perhaps position; register if there are several logs.
    #[serde(default)]
    pub log: Vec<Source>,
}

/// One place, and how it is read. Exactly one of file, url, exec, sqlite, dump.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Repeats this table for each value, with {{ n }} in its texts.
    #[serde(default)]
    pub n: Option<Repeat>,
    /// Whose copy it is.
    pub process: String,
    /// A file below this file's folder (or its copy), or {{ scratch }}.
    #[serde(default)]
    pub file: Option<String>,
    /// A URL that is asked. With {{ stock }}, {{ order_no }} or {{ register }} in it, once for each; 404 for an order or a register is one that is not there.
    #[serde(default)]
    pub url: Option<String>,
    /// The HTTP method, for url. "GET" if not given.
    #[serde(default)]
    pub method: Option<String>,
    /// Headers that are sent, for url.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body that is sent, for url.
    #[serde(default)]
    pub body: Option<String>,
    /// A command whose output is read.
    #[serde(default)]
    pub exec: Option<Command>,
    /// An SQLite database, which is read with `query`.
    #[serde(default)]
    pub sqlite: Option<String>,
    /// The SELECT for it. Its columns are `row`, by name.
    #[serde(default)]
    pub query: Option<String>,
    /// Asks `[client]` for it.
    #[serde(default)]
    pub dump: Option<bool>,
    /// What file, url and exec give.
    #[serde(default)]
    pub format: Option<Format>,
    /// For format = "regex": what a line is, with a named group for each value, which are `row` by name.
    #[serde(default)]
    pub regex: Option<String>,
    /// Whether the first line of a csv names the columns, which are then `row` by name.
    #[serde(default)]
    pub header: Option<bool>,
    /// How many lines come before the first row.
    #[serde(default)]
    pub skip_rows: Option<u64>,
    /// When it is read. "running" if not given.
    #[serde(default)]
    pub read: WhenRead,
    /// For json: an expression on `body` to the list of rows.
    #[serde(default)]
    pub rows: Option<String>,
    /// What a row's values are: expressions on `col` in csv and text, on `row` else.
    #[serde(default)]
    pub row: Option<Row>,
}

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Columns between commas, with quotes where needed: `col[0]`.
    Csv,
    /// One JSON text: `rows` says where in it the rows are.
    Json,
    /// One JSON text a line.
    Jsonl,
    /// Columns between white space: `col[0]`.
    Text,
    /// Lines that match `regex`.
    Regex,
}

/// When a source is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenRead {
    /// While its process runs, until two reads agree.
    #[default]
    Running,
    /// After its process was shut down by signal.
    Stopped,
}

/// Expressions to the values of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Of an order: its number, a number or a text.
    #[serde(default)]
    pub order_no: Option<String>,
    /// The stock's name.
    #[serde(default)]
    pub stock: Option<String>,
    /// Of an order: the side, as model.sides has it.
    #[serde(default)]
    pub side: Option<String>,
    /// How many there are, or were traded.
    #[serde(default)]
    pub quantity: Option<String>,
    /// Of a stock: how much was ever traded.
    #[serde(default)]
    pub volume: Option<String>,
    /// Of a stock: its price.
    #[serde(default)]
    pub price: Option<String>,
    /// The register's name, or the log's.
    #[serde(default)]
    pub register: Option<String>,
    /// Of a register or an entry of a log: its value, in the form in which it was written.
    #[serde(default)]
    pub value: Option<String>,
    /// Of an entry of a log: where it is, an integer.
    #[serde(default)]
    pub position: Option<String>,
}

impl Row {
    /// The values that are there, with their names in the file.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("order_no", &self.order_no),
            ("stock", &self.stock),
            ("side", &self.side),
            ("quantity", &self.quantity),
            ("volume", &self.volume),
            ("price", &self.price),
            ("register", &self.register),
            ("value", &self.value),
            ("position", &self.position),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }
}
