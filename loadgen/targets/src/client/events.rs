//! What a client's lines mean.

use records::Outcome;
use serde_json::Value as Json;

use super::Seen;
use crate::order_no::OrderNo;

/// Something that a client did.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// It said hello, and what it can do besides: "query", "trade", "lookup", "prepare", "dump".
    Ready {
        /// What it can do.
        can: Vec<String>,
    },
    /// It answered in time.
    Answered(Answer),
    /// It answered a request that had run out of time. The outcome stays unknown; checks may use what it says.
    Late(Answer),
    /// Rows of a dump.
    Rows {
        /// The request.
        id: u64,
        /// Its rows.
        rows: Vec<Json>,
        /// How long the line was, in bytes.
        bytes: u64,
    },
    /// A dump is complete.
    DumpEnd {
        /// The request.
        id: u64,
    },
    /// It believes that somebody else leads now: a hint, never a verdict.
    LeaderHint {
        /// Who.
        process: String,
    },
    /// It is dead, or did what a client must not do. Nothing that it says after that counts.
    Broken {
        /// What it did.
        why: Broken,
        /// The requests that it owed an answer, by id. Their outcome is unknown.
        unknown: Vec<u64>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The request.
    pub id: u64,
    /// How it ended, as the client says.
    pub outcome: Outcome,
    /// The order's number, of a trade.
    pub order_no: Option<OrderNo>,
    /// What a query, a lookup or a read saw.
    pub seen: Option<Seen>,
    /// Where an entry was put, of an append.
    pub position: Option<i64>,
    /// Why it is not ok.
    pub reason: Option<String>,
    /// When the client sent it and had the answer, in microseconds of the monotonic clock, if that lies within the
    /// harness's own times.
    pub times_us: Option<(u64, u64)>,
}

/// Why nothing that a client says counts any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its process ended, or its stdout.
    #[error("it ended: {how}")]
    Died {
        /// How.
        how: String,
    },
    /// A line is no message.
    #[error("it wrote `{line}`: {reason}")]
    Nonsense {
        /// The beginning of the line.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A line is too long.
    #[error("it wrote a line of more than {} bytes", super::MAX_LINE_BYTES)]
    LongLine,
    /// It has not said hello in time.
    #[error("it did not say hello within {within_ms} ms")]
    Silent {
        /// How long it had.
        within_ms: u64,
    },
    /// It answered a request twice.
    #[error("it answered request {id} twice")]
    Twice {
        /// Which.
        id: u64,
    },
    /// It answered a request that was never sent.
    #[error("it answered request {id}, which was never sent")]
    UnknownId {
        /// Which.
        id: u64,
    },
}
