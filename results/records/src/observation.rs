//! `observations.csv`: one row per operation that a client did.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use wire::bazaar::TradeType;

use super::Text;
use super::keyed::{self, Keyed};

/// What a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Asked for a stock.
    Query,
    /// Bought or sold.
    Trade,
    /// Asked for an order that had been acknowledged.
    Lookup,
    /// Read a register or a log.
    Read,
    /// Wrote a register.
    Write,
    /// Wrote a register if it held what was expected.
    CompareAndSet,
    /// Appended to a log.
    Append,
}

impl Op {
    /// Its name in files: `compare-and-set`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Trade => "trade",
            Self::Lookup => "lookup",
            Self::Read => "read",
            Self::Write => "write",
            Self::CompareAndSet => "compare-and-set",
            Self::Append => "append",
        }
    }

    /// Several of them, in words.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Query => "queries",
            Self::Trade => "trades",
            Self::Lookup => "lookups",
            Self::Read => "reads",
            Self::Write => "writes",
            Self::CompareAndSet => "compare-and-sets",
            Self::Append => "appends",
        }
    }

    /// Whether it changes something.
    #[must_use]
    pub fn changes(self) -> bool {
        matches!(self, Self::Trade | Self::Write | Self::CompareAndSet | Self::Append)
    }

    /// Whether it is one on registers or logs.
    #[must_use]
    pub fn is_keyed(self) -> bool {
        matches!(self, Self::Read | Self::Write | Self::CompareAndSet | Self::Append)
    }
}

/// In which part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Left out of every figure, but its trades count for the checks.
    WarmUp,
    /// Measured.
    Load,
    /// The lookups at the end.
    Lookup,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done, and acknowledged.
    Ok,
    /// A well-formed no: no such stock or order, too little stock, over the cap.
    Rejected,
    /// Certainly without effect.
    Failed,
    /// It may have had an effect, or may still have one. A timeout is unknown.
    Unknown,
}

impl Outcome {
    /// Whether the service did its work: ok, or a well-formed no.
    #[must_use]
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Ok | Self::Rejected)
    }

    /// Whether the service did what it was asked for.
    #[must_use]
    pub fn is_accepted(self) -> bool {
        self == Self::Ok
    }
}

/// What the front-end said about its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheState {
    /// Answered without the catalog.
    Hit,
    /// The catalog was asked.
    Miss,
}

/// One operation. Empty means not applicable.
///
/// `T` is what its texts are: those of a row that was just read are still in the reader's buffer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Columns<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct Observation<T = Text> {
    /// The id of a [`Cell`](super::Cell) of the manifest.
    pub cell: T,
    /// Which repetition of the cell, from 1. Every (cell, trial) had a bazaar of its own.
    pub trial: u32,
    /// In which part of the trial.
    pub phase: Phase,
    /// Which client of the trial, from 1. A client does one operation at a time.
    pub client: u32,
    /// The client's own count, from 1 within the trial.
    pub seq: u64,
    /// What it did.
    pub op: Op,
    /// The stock; for a lookup the stock that the answer showed.
    pub stock_name: Option<T>,
    /// Buy or Sell; for a lookup what the answer showed.
    pub trade_type: Option<TradeType>,
    /// How many; for a lookup what the answer showed.
    pub quantity: Option<u32>,
    /// When an open loop meant to send it; from another host, when it could be there at the earliest.
    pub planned_us: Option<u64>,
    /// Just before the first send. Of a client on another host as early as that may have been, by the clock there.
    pub start_us: u64,
    /// After the last byte of the answer, or when the client gave up. Of a client on another host as late as that may have been.
    pub end_us: u64,
    /// `end_us - start_us`. Of a client on another host what its own clock says, which may be less.
    pub latency_us: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status of the last answer, if there was one.
    pub status: Option<u16>,
    /// The message of an answer that was not ok, or what went wrong without one.
    pub reason: Option<T>,
    /// The number that a trade was given, or that a lookup asked for.
    pub order_no: Option<u64>,
    /// The quantity that a query showed.
    pub seen_quantity: Option<u32>,
    /// The traded volume that a query showed: it only grows, so it orders the reads of a stock.
    pub seen_volume: Option<u64>,
    /// What the front-end said about its cache.
    pub cache: Option<CacheState>,
    /// A trade's idempotency key; for a lookup the key of the trade whose order is looked up.
    pub request_id: Option<T>,
    /// How often it was sent, 1 if it went well at once. A client sends once; the others are those
    /// of the front-end, which asks the order service again when a leader falls silent, under the
    /// same request id. They lie between `start_us` and `end_us`.
    pub attempts: u32,
    /// Of an operation on a register or a log, which and what; the file has these columns only where there are such.
    pub keyed: Option<Box<Keyed<T>>>,
}

/// A row as its columns are read: those of registers and logs stand beside the others.
#[derive(Deserialize)]
struct Columns<T> {
    cell: T,
    trial: u32,
    phase: Phase,
    client: u32,
    seq: u64,
    op: Op,
    stock_name: Option<T>,
    trade_type: Option<TradeType>,
    quantity: Option<u32>,
    planned_us: Option<u64>,
    start_us: u64,
    end_us: u64,
    latency_us: u64,
    outcome: Outcome,
    status: Option<u16>,
    reason: Option<T>,
    order_no: Option<u64>,
    seen_quantity: Option<u32>,
    seen_volume: Option<u64>,
    cache: Option<CacheState>,
    request_id: Option<T>,
    attempts: u32,
    #[serde(default = "keyed::none")]
    key: Option<T>,
    #[serde(default = "keyed::none")]
    value: Option<T>,
    #[serde(default = "keyed::none")]
    expected: Option<T>,
    #[serde(default)]
    position: Option<i64>,
}

impl<T> From<Columns<T>> for Observation<T> {
    fn from(read: Columns<T>) -> Self {
        let Columns { key, value, expected, position, .. } = read;
        Self {
            cell: read.cell,
            trial: read.trial,
            phase: read.phase,
            client: read.client,
            seq: read.seq,
            op: read.op,
            stock_name: read.stock_name,
            trade_type: read.trade_type,
            quantity: read.quantity,
            planned_us: read.planned_us,
            start_us: read.start_us,
            end_us: read.end_us,
            latency_us: read.latency_us,
            outcome: read.outcome,
            status: read.status,
            reason: read.reason,
            order_no: read.order_no,
            seen_quantity: read.seen_quantity,
            seen_volume: read.seen_volume,
            cache: read.cache,
            request_id: read.request_id,
            attempts: read.attempts,
            keyed: Keyed { key, value, expected, position }.if_any(),
        }
    }
}

impl<T: Serialize> Serialize for Observation<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = if self.keyed.is_some() { keyed::FIELDS } else { 0 };
        let mut row = serializer.serialize_struct("Observation", 22 + more)?;
        row.serialize_field("cell", &self.cell)?;
        row.serialize_field("trial", &self.trial)?;
        row.serialize_field("phase", &self.phase)?;
        row.serialize_field("client", &self.client)?;
        row.serialize_field("seq", &self.seq)?;
        row.serialize_field("op", &self.op)?;
        row.serialize_field("stock_name", &self.stock_name)?;
        row.serialize_field("trade_type", &self.trade_type)?;
        row.serialize_field("quantity", &self.quantity)?;
        row.serialize_field("planned_us", &self.planned_us)?;
        row.serialize_field("start_us", &self.start_us)?;
        row.serialize_field("end_us", &self.end_us)?;
        row.serialize_field("latency_us", &self.latency_us)?;
        row.serialize_field("outcome", &self.outcome)?;
        row.serialize_field("status", &self.status)?;
        row.serialize_field("reason", &self.reason)?;
        row.serialize_field("order_no", &self.order_no)?;
        row.serialize_field("seen_quantity", &self.seen_quantity)?;
        row.serialize_field("seen_volume", &self.seen_volume)?;
        row.serialize_field("cache", &self.cache)?;
        row.serialize_field("request_id", &self.request_id)?;
        row.serialize_field("attempts", &self.attempts)?;
        if let Some(keyed) = &self.keyed {
            keyed::write(&mut row, keyed)?;
        }
        row.end()
    }
}

impl Observation {
    /// An operation that went well at once, in the load, a lookup in its own phase: client 1's first, with nothing
    /// said of what it was about. It lies from `start_us` to `end_us`.
    #[must_use]
    pub fn new(cell: impl Into<Text>, trial: u32, op: Op, start_us: u64, end_us: u64) -> Self {
        Self {
            cell: cell.into(),
            trial,
            phase: if op == Op::Lookup { Phase::Lookup } else { Phase::Load },
            client: 1,
            seq: 1,
            op,
            stock_name: None,
            trade_type: None,
            quantity: None,
            planned_us: None,
            start_us,
            end_us,
            latency_us: end_us.saturating_sub(start_us),
            outcome: Outcome::Ok,
            status: Some(200),
            reason: None,
            order_no: None,
            seen_quantity: None,
            seen_volume: None,
            cache: None,
            request_id: None,
            attempts: 1,
            keyed: None,
        }
    }

    /// The register or log that it is about.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.keyed.as_ref()?.key.as_deref()
    }

    /// What was written, appended or read there.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.keyed.as_ref()?.value.as_deref()
    }
}

impl<T> Observation<T> {
    /// The same with other texts.
    pub(super) fn with_texts<U>(self, mut text: impl FnMut(T) -> U) -> Observation<U> {
        Observation {
            cell: text(self.cell),
            trial: self.trial,
            phase: self.phase,
            client: self.client,
            seq: self.seq,
            op: self.op,
            stock_name: self.stock_name.map(&mut text),
            trade_type: self.trade_type,
            quantity: self.quantity,
            planned_us: self.planned_us,
            start_us: self.start_us,
            end_us: self.end_us,
            latency_us: self.latency_us,
            outcome: self.outcome,
            status: self.status,
            reason: self.reason.map(&mut text),
            order_no: self.order_no,
            seen_quantity: self.seen_quantity,
            seen_volume: self.seen_volume,
            cache: self.cache,
            request_id: self.request_id.map(&mut text),
            attempts: self.attempts,
            keyed: self.keyed.map(|keyed| Box::new(keyed.with_texts(text))),
        }
    }
}

impl Observation {
    /// The latency that figures are made of, in microseconds: in an open loop from the moment at
    /// which the operation was due, so that waiting for a slow service's earlier answers counts
    /// (corrected for coordinated omission); in a closed loop [`latency_us`](Self::latency_us).
    #[must_use]
    pub fn response_us(&self) -> u64 {
        self.latency_us.saturating_add(self.start_us - self.due_us())
    }

    /// When it was to be sent: in an open loop as planned, in a closed one when it was.
    #[must_use]
    pub fn due_us(&self) -> u64 {
        self.planned_us.map_or(self.start_us, |due_us| due_us.min(self.start_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_counts_from_when_it_was_due_and_takes_what_its_own_clock_says() {
        let row = Observation::new("c", 1, Op::Query, 100, 150);
        assert_eq!(row.response_us(), 50);
        let late = Observation { planned_us: Some(70), ..row.clone() };
        assert_eq!(late.response_us(), 80);
        let early = Observation { planned_us: Some(120), ..row.clone() };
        assert_eq!(early.response_us(), 50);
        // By a clock that leaves 10 us open at either end.
        let there = Observation { latency_us: 30, planned_us: Some(70), ..row };
        assert_eq!(there.response_us(), 60);
    }
}
