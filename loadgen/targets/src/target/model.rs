//! What a target is and promises, who leads in it, and who talks to it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use crate::expression::Expression;
use crate::file::{Acknowledged, ModelKind, OrderNumbers, Replicated, Restock};
use crate::leader::LeaderReading;
use crate::operation::Kind;
use crate::template::{CommandTemplate, Template};

use super::Request;

/// What a target is, and what it promises.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What it is.
    pub kind: ModelKind,
    /// The registers, or the logs; none of a target of another kind.
    pub keys: Vec<String>,
    /// What each register holds when a trial begins; nothing: it is not there, or null.
    pub initial: Option<Json>,
    /// What a trade's side is called: the first takes from a stock, the second adds to it.
    pub sides: Vec<String>,
    /// The least and the most that a trade moves.
    pub quantities: (u32, u32),
    /// What order numbers promise.
    pub order_no: OrderNumbers,
    /// The first order's number, of a sequence.
    pub first_order_no: u64,
    /// Whether a sequence has no gaps.
    pub gapless: bool,
    /// Whether queries tell volumes.
    pub volume: bool,
    /// Whether stocks change by themselves.
    pub restock: Restock,
    /// What an acknowledgement promises.
    pub acknowledged: Acknowledged,
    /// How alike copies are.
    pub replicated: Replicated,
}

/// What is traded.
#[derive(Clone, Debug, PartialEq)]
pub struct Stocks {
    /// Which stocks there are.
    pub from: StocksFrom,
    /// How many of each there are when a trial begins, where that is known.
    pub initial: BTreeMap<String, u64>,
    /// How many of each there may be; none: any number.
    pub cap: Option<u64>,
    /// What a piece of each costs, where the file says so.
    pub prices: BTreeMap<String, f64>,
}

/// Where the names of stocks come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StocksFrom {
    /// From the file.
    Names(Vec<String>),
    /// From this operation.
    Operation(Kind),
}

/// How it is known who leads.
#[derive(Debug)]
pub struct Leader {
    /// What an answer or a line says.
    pub reading: LeaderReading,
    /// What is asked; none for logs and guesses.
    pub source: Option<LeaderSource>,
    /// How often.
    pub poll: Duration,
    /// After how long an answer over HTTP is none.
    pub deadline: Duration,
    /// Who is asked instead while there is no answer.
    pub otherwise: Option<Otherwise>,
    /// The role whose processes may lead; none: any process may.
    pub role: Option<String>,
}

/// What each process of the role is asked while nobody says who leads.
#[derive(Debug)]
pub struct Otherwise {
    /// What is asked.
    pub request: Request,
    /// Whether it says that it leads, of its answer.
    pub is: Expression,
    /// Its term, of the same answer. The highest counts.
    pub term: Option<Expression>,
    /// After how long an answer is none.
    pub deadline: Duration,
}

/// What is asked about the leader; of each process of the role if it has the placeholder `process`.
#[derive(Clone, Debug, PartialEq)]
pub enum LeaderSource {
    /// An answer.
    Url(Request),
    /// A command's output.
    Exec(CommandTemplate),
}

impl LeaderSource {
    /// Whether each process of the role is asked.
    #[must_use]
    pub fn is_asked_of_each(&self) -> bool {
        let uses = |template: &Template| template.uses("process");
        match self {
            Self::Url(request) => uses(&request.url) || request.headers.values().any(uses),
            Self::Exec(CommandTemplate::Line(line)) => uses(line),
            Self::Exec(CommandTemplate::Arguments(arguments)) => arguments.iter().any(uses),
        }
    }
}

/// A program that talks to the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// What starts it.
    pub command: CommandTemplate,
    /// How many of it.
    pub processes: u32,
    /// After how long an answer is late.
    pub deadline: Duration,
}
