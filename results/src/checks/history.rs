//! Everything that one trial left behind, indexed once for all checks.
//!
//! A history knows what happened and where it is written, and judges nothing. Whatever has to be
//! there for a check to make sense is demanded here (of operations by [`promised`], of dumps by
//! [`dumps`](super::dumps)), so that no checker can mistake a missing field for an agreeing one.

use super::dumps::{CatalogState, Dumps, Indexed, ReplicaLog, StockHolder};
use super::index::{ByRequest, Request, Requests};
use super::malformed::MalformedRow;
use super::part::Part;
use super::promised;
use super::rows::{Content, Operation};
use crate::records::{
    Cell, DumpRow, Fact, InitialStock, Manifest, Op, Outcome, Processes, Sides, Target,
};
use crate::run::Trial;
use crate::timeline::Timeline;

/// A trade that its client was told is done.
#[derive(Clone, Copy)]
pub(crate) struct Acknowledged<'a> {
    pub(crate) request: Request,
    pub(crate) operation: &'a Operation,
}

impl<'a> Acknowledged<'a> {
    pub(crate) fn order_no(&self) -> u64 {
        promised::to_be_there(self.operation.row.order_no)
    }

    pub(crate) fn content(&self) -> Content<'a> {
        promised::to_be_there(Content::of(self.operation))
    }
}

/// A query that was answered with a stock.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a> {
    pub(crate) operation: &'a Operation,
}

impl<'a> Read<'a> {
    pub(crate) fn stock_name(&self) -> &'a str {
        promised::to_be_there(self.operation.row.stock_name.as_deref())
    }

    pub(crate) fn quantity(&self) -> u32 {
        promised::to_be_there(self.operation.row.seen_quantity)
    }

    pub(crate) fn volume(&self) -> u64 {
        promised::to_be_there(self.operation.row.seen_volume)
    }
}

/// What a read shows of which only more, or only less, can follow: its order among the states of its stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The volume, which only grows.
    Volume,
    /// The quantity, where trades only add.
    Added,
    /// The quantity, where trades only take.
    Taken,
}

impl Progress {
    /// How a target's reads are ordered, if it tells [`Fact::OrderedReads`].
    fn of(target: &Target) -> Self {
        match target.promises().sides {
            _ if target.has(Fact::Volume) => Self::Volume,
            Sides::Adds => Self::Added,
            Sides::Both | Sides::Takes => Self::Taken,
        }
    }

    /// What it is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Added | Self::Taken => "quantity",
        }
    }

    /// How far a stock with this quantity and this volume has come. Only differences mean something.
    pub(crate) fn of_stock(self, quantity: u32, volume: u64) -> u64 {
        match self {
            Self::Volume => volume,
            Self::Added => quantity.into(),
            Self::Taken => (u32::MAX - quantity).into(),
        }
    }

    /// How far the read's stock had come.
    pub(crate) fn of_read(self, read: &Read<'_>) -> u64 {
        match self {
            Self::Volume => read.volume(),
            Self::Added | Self::Taken => self.of_stock(read.quantity(), 0),
        }
    }

    /// What a read shows of a stock that has come so far.
    pub(crate) fn shown(self, progress: u64) -> u64 {
        match self {
            Self::Volume | Self::Added => progress,
            Self::Taken => u64::from(u32::MAX).saturating_sub(progress),
        }
    }
}

/// One trial.
pub(crate) struct History<'a> {
    /// What it was a trial of.
    pub(crate) target: &'a Target,
    pub(crate) cell: &'a Cell,
    pub(crate) trial: u32,
    /// The processes of the system.
    pub(crate) processes: &'a Processes,
    /// After how long without an answer a service is given up, if the run says so.
    pub(crate) ping_timeout_ms: Option<u64>,
    pub(crate) converge_within_ms: u64,
    /// The stocks that the trial began with.
    pub(crate) stocks: &'a [InitialStock],
    /// Every operation, in the order of the file.
    pub(crate) operations: &'a [Operation],
    /// Every trade, whatever its outcome.
    pub(crate) trades: Vec<&'a Operation>,
    pub(crate) lookups: Vec<&'a Operation>,
    pub(crate) acknowledged: Vec<Acknowledged<'a>>,
    pub(crate) reads: Vec<Read<'a>>,
    /// Every operation that meant to change a register or a log, whatever its outcome.
    pub(crate) changes: Vec<&'a Operation>,
    /// Every read of a register or a log that was answered: with what is there, or that nothing is.
    pub(crate) key_reads: Vec<&'a Operation>,
    /// The rows of `final.csv`.
    pub(crate) final_rows: &'a [DumpRow],
    /// The ids of every trade that a client sent or that was dumped.
    pub(crate) requests: Requests<'a>,
    sent: ByRequest,
    /// The replicas that were dumped, by name.
    pub(crate) logs: Vec<ReplicaLog<'a>>,
    /// The stocks and the trades that made them so, if they were dumped.
    pub(crate) catalog: Option<CatalogState<'a>>,
    /// The processes whose stocks were dumped.
    pub(crate) holders: Vec<StockHolder<'a>>,
    /// What happened to the services.
    pub(crate) timeline: &'a Timeline,
    /// What is missing of the trial's rows.
    pub(crate) missing: &'a [String],
}

impl<'a> History<'a> {
    /// Indexes the rows of a trial of this target.
    pub(crate) fn new(
        manifest: &'a Manifest,
        target: &'a Target,
        trial: &'a Trial,
    ) -> Result<Self, MalformedRow> {
        let mut requests = Requests::default();
        let operations = Operations::new(&trial.observations, &mut requests, target);
        let dumps = Dumps::new(&trial.final_rows, &mut requests, target)?;
        let Operations { trades, sent, lookups, acknowledged, reads, changes, key_reads } =
            operations?;
        let sent = ByRequest::new(&requests, sent.into_iter());
        let Indexed { logs, catalog, holders } = dumps.index(&requests);
        Ok(Self {
            target,
            cell: &trial.cell,
            trial: trial.number,
            processes: trial.timeline.processes(),
            ping_timeout_ms: manifest.ping_timeout_ms,
            converge_within_ms: manifest.converge_within_ms,
            stocks: &manifest.stocks,
            operations: &trial.observations,
            trades,
            lookups,
            acknowledged,
            reads,
            changes,
            key_reads,
            final_rows: &trial.final_rows,
            requests,
            sent,
            logs,
            catalog,
            holders,
            timeline: &trial.timeline,
            missing: &trial.missing,
        })
    }

    /// The trades that clients sent under this request id. A client that reuses an id has several.
    pub(crate) fn sent(&self, request: Request) -> impl Iterator<Item = &'a Operation> + Clone {
        self.sent.find(request).map(|place| self.trades[place])
    }

    /// The same under the id of this trade, or of the trade whose order is looked up.
    pub(crate) fn sent_as(
        &self,
        operation: &Operation,
    ) -> impl Iterator<Item = &'a Operation> + Clone {
        let request_id = operation.row.request_id.as_deref();
        let request = request_id.and_then(|request_id| self.requests.find(request_id));
        request.into_iter().flat_map(|request| self.sent(request))
    }

    /// Whether the plan meant to change anything at all, and could.
    pub(crate) fn trades_planned(&self) -> bool {
        self.cell.p > 0.0 && self.target.changes()
    }

    /// Everything that its client was told is changed: trades, writes, appends.
    pub(crate) fn acknowledged_changes(&self) -> impl Iterator<Item = &'a Operation> {
        let is_ok = |change: &&Operation| change.row.outcome == Outcome::Ok;
        let trades = self.acknowledged.iter().map(|trade| trade.operation);
        trades.chain(self.changes.iter().copied().filter(is_ok))
    }

    /// By what the reads of a stock are ordered, if they are at all.
    pub(crate) fn progress(&self) -> Progress {
        Progress::of(self.target)
    }

    /// Whether there is this fact of the target.
    pub(crate) fn has(&self, fact: Fact) -> bool {
        self.target.has(fact)
    }

    /// Whether the target gives what a part of a check needs.
    pub(crate) fn can(&self, part: &Part) -> bool {
        part.lacks(self.target).is_empty()
    }
}

/// The operations of a trial by what they were.
#[derive(Default)]
struct Operations<'a> {
    trades: Vec<&'a Operation>,
    /// Under which id each of the trades was sent.
    sent: Vec<Request>,
    lookups: Vec<&'a Operation>,
    acknowledged: Vec<Acknowledged<'a>>,
    reads: Vec<Read<'a>>,
    changes: Vec<&'a Operation>,
    key_reads: Vec<&'a Operation>,
}

impl<'a> Operations<'a> {
    fn new(
        rows: &'a [Operation],
        requests: &mut Requests<'a>,
        target: &Target,
    ) -> Result<Self, MalformedRow> {
        let mut operations = Self::default();
        operations.reserve(rows, requests);
        for operation in rows {
            promised::hold(operation, target)?;
            operations.add(operation, requests);
        }
        Ok(operations)
    }

    /// Takes the room that is needed at once: lists of so many rows are not to be moved while they grow.
    fn reserve(&mut self, rows: &[Operation], requests: &mut Requests<'a>) {
        let (mut queries, mut lookups, mut trades) = (0_usize, 0_usize, 0_usize);
        for operation in rows {
            match operation.row.op {
                Op::Query => queries += 1,
                Op::Lookup => lookups += 1,
                Op::Trade => trades += 1,
                // Such runs have no other operations, and are not as long.
                Op::Read | Op::Write | Op::CompareAndSet | Op::Append => {}
            }
        }
        self.reads.reserve_exact(queries);
        self.lookups.reserve_exact(lookups);
        self.trades.reserve_exact(trades);
        self.sent.reserve_exact(trades);
        self.acknowledged.reserve_exact(trades);
        requests.reserve(trades);
    }

    fn add(&mut self, operation: &'a Operation, requests: &mut Requests<'a>) {
        let is_ok = operation.row.outcome == Outcome::Ok;
        match operation.row.op {
            Op::Query => self.reads.extend(is_ok.then_some(Read { operation })),
            Op::Lookup => self.lookups.push(operation),
            Op::Read => {
                let is_answered = operation.row.outcome.is_answer();
                self.key_reads.extend(is_answered.then_some(operation));
            }
            Op::Write | Op::CompareAndSet | Op::Append => self.changes.push(operation),
            Op::Trade => {
                let request_id = promised::to_be_there(operation.row.request_id.as_deref());
                let request = requests.number(request_id);
                self.trades.push(operation);
                self.sent.push(request);
                self.acknowledged.extend(is_ok.then_some(Acknowledged { request, operation }));
            }
        }
    }
}
