//! `[operations]`: what clients send, and what the answers mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Count;

/// The operations that clients do. Of a target that is no shop of stocks: read, write, compare-and-set (a register), append, read (a log).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operations {
    /// Asks for a stock's quantity. Captures: quantity, volume, price.
    #[serde(default)]
    pub query: Option<Operation>,
    /// Buys or sells. Captures: order_no.
    #[serde(default)]
    pub trade: Option<Operation>,
    /// Asks for an order by its number. Captures: stock, side, quantity.
    #[serde(default)]
    pub lookup: Option<Operation>,
    /// Lists the stocks, for stocks.from. Captures: names.
    #[serde(default)]
    pub list: Option<Operation>,
    /// Reads a register, or a log: all of it, or from {{ position }} on. Captures: value, of a log the list of its entries.
    #[serde(default)]
    pub read: Option<Operation>,
    /// Writes a register.
    #[serde(default)]
    pub write: Option<Operation>,
    /// Writes a register if it holds what is expected.
    #[serde(default)]
    pub compare_and_set: Option<Operation>,
    /// Appends to a log. Captures: position.
    #[serde(default)]
    pub append: Option<Operation>,
}

impl Operations {
    /// Those that are there, with their names in the file.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, &Operation)> {
        let all = [
            ("query", &self.query),
            ("trade", &self.trade),
            ("lookup", &self.lookup),
            ("list", &self.list),
            ("read", &self.read),
            ("write", &self.write),
            ("compare-and-set", &self.compare_and_set),
            ("append", &self.append),
        ];
        all.into_iter().filter_map(|(name, operation)| Some((name, operation.as_ref()?)))
    }
}

/// One request, and what its answer means. Placeholders: {{ stock }} {{ side }} {{ quantity }} {{ order_no }} {{ key }} {{ client }},
/// and for registers and logs {{ register }} {{ value }} {{ expected }} {{ position }}.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The HTTP method. "GET" if not given.
    #[serde(default)]
    pub method: Option<String>,
    /// The whole URL, sent as it is apart from placeholders.
    pub url: String,
    /// Headers that are sent. Without a content-type, a body has none.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body that is sent.
    #[serde(default)]
    pub body: Option<String>,
    /// After how long without an answer the outcome is unknown. 6000 if not given; "{{ load.request_timeout_ms }}" is the plan's.
    #[serde(default)]
    pub deadline_ms: Option<Count>,
    /// What an answer means.
    #[serde(default)]
    pub outcome: Outcomes,
    /// Of query and lookup: an expression on an ok answer to how many there are, or were traded.
    #[serde(default)]
    pub quantity: Option<String>,
    /// Of query: to how much of the stock has been traded ever.
    #[serde(default)]
    pub volume: Option<String>,
    /// Of query: to the price.
    #[serde(default)]
    pub price: Option<String>,
    /// Of trade: to the order's number, a number or a text.
    #[serde(default)]
    pub order_no: Option<String>,
    /// Of lookup: to the stock's name.
    #[serde(default)]
    pub stock: Option<String>,
    /// Of lookup: to the side, as model.sides has it.
    #[serde(default)]
    pub side: Option<String>,
    /// Of list: to a list of the stocks' names.
    #[serde(default)]
    pub names: Option<String>,
    /// Of read: to what was read, in the form in which it was written; null if nothing is there. Of a log: to the list of entries.
    #[serde(default)]
    pub value: Option<String>,
    /// Of append: to where it was put, an integer. Later entries have larger ones.
    #[serde(default)]
    pub position: Option<String>,
}

impl Operation {
    /// The captures that are there, with their names in the file.
    pub fn captures(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("quantity", &self.quantity),
            ("volume", &self.volume),
            ("price", &self.price),
            ("order_no", &self.order_no),
            ("stock", &self.stock),
            ("side", &self.side),
            ("names", &self.names),
            ("value", &self.value),
            ("position", &self.position),
        ];
        all.into_iter().filter_map(|(name, capture)| Some((name, capture.as_deref()?)))
    }
}

/// What an answer means, by expressions. The first that holds, in this order, decides; if none does, the outcome is unknown. A timeout is always unknown,
/// a refused connection always failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// It was done. "status >= 200 && status < 300" if not given.
    #[serde(default)]
    pub ok: Option<String>,
    /// It was refused, and nothing was changed. "status >= 400 && status < 500" if not given; to be given for a trade, since services answer 400 to what
    /// they have applied.
    #[serde(default)]
    pub rejected: Option<String>,
    /// It went wrong, and nothing was changed. "false" if not given.
    #[serde(default)]
    pub failed: Option<String>,
}
