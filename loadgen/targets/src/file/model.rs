//! `[model]`: what the target promises. A check demands only what is declared here.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the target is, and what it promises.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is. "stocks" if not given.
    #[serde(default)]
    pub kind: ModelKind,
    /// What {{ side }} says: the first takes from a stock, the second adds to it; one alone is allowed. ["Buy", "Sell"] if not given.
    #[serde(default)]
    pub sides: Option<Vec<String>>,
    /// Of registers and logs: how many there are (k1, k2, ...; log1, ...), or what they are called. Few, so that clients meet. 10 registers if not given,
    /// 1 log, and 1 of either where no operation names it with {{ register }}.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// Of registers: what each holds when a trial begins, a number or a text. Nothing if not given: it is not there, or null.
    #[serde(default)]
    pub initial: Option<Initial>,
    /// The least and the most that a trade moves. [1, 10] if not given.
    #[serde(default)]
    pub quantities: Option<[u32; 2]>,
    /// Whether order numbers count up, or only differ. "unique" if not given.
    #[serde(default)]
    pub order_no: OrderNumbers,
    /// The first order's number, of a sequence. 1 if not given.
    #[serde(default)]
    pub first_order_no: Option<u64>,
    /// Whether a sequence of order numbers has no gaps. false if not given.
    #[serde(default)]
    pub gapless: Option<bool>,
    /// Whether queries tell a stock's volume, by which stale reads are decided. If not given, whether operations.query captures it.
    #[serde(default)]
    pub volume: Option<bool>,
    /// Whether stocks change by themselves. "none" if not given.
    #[serde(default)]
    pub restock: Restock,
    /// Whether an acknowledged order may be lost. "durable" if not given.
    #[serde(default)]
    pub acknowledged: Acknowledged,
    /// How alike the copies in `[[state.orders]]`, `[[state.stocks]]`, `[[state.registers]]` and `[[state.log]]` are.
    #[serde(default)]
    pub replicated: Replicated,
}

/// What a target is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Stocks with quantities, and orders that change them.
    #[default]
    Stocks,
    /// A key-value API: read, write, compare-and-set of keys.
    Register,
    /// A queue: append, read.
    Log,
    /// Anything that answers: outage figures only.
    None,
}

/// How many registers or logs there are, or their names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Keys {
    /// So many.
    Count(u32),
    /// These.
    Names(Vec<String>),
}

/// What a register holds at first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Initial {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// What order numbers promise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderNumbers {
    /// Later orders have larger numbers.
    Sequence,
    /// No two are the same. Numbers or texts.
    #[default]
    Unique,
}

/// Whether stocks change by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restock {
    /// Only trades change them.
    #[default]
    None,
    /// They do, in a way that nobody describes: conservation and linearizability do not apply.
    Unmodelled,
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledged {
    /// The order stays, whatever fails. A loss is a violation.
    #[default]
    Durable,
    /// It may be lost. A loss is a figure.
    MayBeLost,
}

/// How alike copies are: of orders and of stocks, or of registers, or of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicated {
    /// The places in `[[state.orders]]`.
    #[serde(default)]
    pub orders: Replication,
    /// The places in `[[state.stocks]]`.
    #[serde(default)]
    pub stocks: Replication,
    /// The places in `[[state.registers]]`. In which order they tell their registers makes no difference.
    #[serde(default)]
    pub registers: Replication,
    /// The places in `[[state.log]]`.
    #[serde(default)]
    pub log: Replication,
}

/// How alike copies are once everything is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replication {
    /// The same in the same order.
    Identical,
    /// The same, in any order.
    SameSet,
    /// Each holds its own part.
    Partitioned,
    /// Nothing is promised.
    #[default]
    None,
}
