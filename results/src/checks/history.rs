//! Everything that one trial left behind, indexed once for all checks.
//!
//! A history knows what happened and where it is written, and judges nothing. Whatever has to be
//! there for a check to make sense is turned from `Option` into a value here, so that no checker
//! can mistake a missing field for an agreeing one.

use std::collections::BTreeMap;

use wire::bazaar::TradeType;
use wire::internal::Origin;

use super::index::Index;
use super::malformed::MalformedRow;
use super::promised;
use crate::records::{
    Cell, FinalKind, FinalRow, InitialStock, Manifest, Numbered, Observation, Op, Outcome, Row as _,
};
use crate::run::Trial;
use crate::timeline::Timeline;

/// A row of `observations.csv` and its line.
pub(crate) type Operation = Numbered<Observation>;
/// A row of `final.csv` and its line.
pub(crate) type FinalLine = Numbered<FinalRow>;

/// The source name of the catalog in `final.csv`.
pub(crate) const CATALOG: &str = "catalog";

/// What a trade is: the part that client, logs and catalog must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content<'a> {
    pub(crate) stock_name: &'a str,
    pub(crate) trade_type: TradeType,
    pub(crate) quantity: u32,
}

impl std::fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} of {}", self.trade_type, self.quantity, self.stock_name)
    }
}

impl<'a> Content<'a> {
    /// What the operation sent (a trade) or was shown (a lookup), if it is complete.
    pub(crate) fn of(operation: &'a Operation) -> Option<Self> {
        let row = &operation.row;
        Some(Self {
            stock_name: row.stock_name.as_deref()?,
            trade_type: row.trade_type?,
            quantity: row.quantity?,
        })
    }
}

/// A trade that its client was told is done.
#[derive(Clone, Copy)]
pub(crate) struct Acknowledged<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) order_no: u64,
    pub(crate) content: Content<'a>,
    pub(crate) operation: &'a Operation,
}

/// A query that was answered with a stock.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a> {
    pub(crate) stock_name: &'a str,
    pub(crate) quantity: u32,
    pub(crate) volume: u64,
    pub(crate) operation: &'a Operation,
}

/// An entry of a replica's log.
#[derive(Clone, Copy)]
pub(crate) struct LogEntry<'a> {
    pub(crate) order_no: u64,
    pub(crate) epoch: Option<u64>,
    pub(crate) request_id: &'a str,
    pub(crate) content: Content<'a>,
    pub(crate) line: &'a FinalLine,
}

/// A replica's log as it was dumped, ascending by number.
pub(crate) struct ReplicaLog<'a> {
    pub(crate) source: &'a str,
    /// How many orders the replica knew to be committed, if the dump says so.
    pub(crate) committed: Option<u64>,
    pub(crate) entries: Vec<LogEntry<'a>>,
    by_request: Index,
}

impl<'a> ReplicaLog<'a> {
    fn new(source: &'a str, committed: Option<u64>, mut entries: Vec<LogEntry<'a>>) -> Self {
        entries.sort_by_key(|entry| (entry.order_no, entry.line.line));
        let by_request = Index::new(&entries, |entry| entry.request_id);
        Self { source, committed, entries, by_request }
    }

    /// The entries that record this request; more than one is a violation of its own.
    pub(crate) fn of_request(&self, request_id: &str) -> impl Iterator<Item = &LogEntry<'a>> {
        let found = self.by_request.find(&self.entries, request_id, |entry| entry.request_id);
        found.iter().map(|position| &self.entries[*position as usize])
    }

    /// The first entry with this number.
    pub(crate) fn at(&self, order_no: u64) -> Option<&LogEntry<'a>> {
        let index = self.entries.partition_point(|entry| entry.order_no < order_no);
        self.entries.get(index).filter(|entry| entry.order_no == order_no)
    }
}

/// A trade that the catalog applied.
#[derive(Clone, Copy)]
pub(crate) struct Applied<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) content: Content<'a>,
    pub(crate) version: u64,
    pub(crate) quantity_after: u32,
    pub(crate) volume_after: u64,
    /// Brought by the order service, so it must have a number.
    pub(crate) for_order: bool,
    pub(crate) line: &'a FinalLine,
}

/// A stock as the catalog held it at the end.
#[derive(Clone, Copy)]
pub(crate) struct FinalStock<'a> {
    pub(crate) version: u64,
    pub(crate) quantity: u32,
    pub(crate) volume: u64,
    pub(crate) line: &'a FinalLine,
}

/// The catalog as it was dumped.
#[derive(Default)]
pub(crate) struct CatalogState<'a> {
    pub(crate) applied: Vec<Applied<'a>>,
    pub(crate) stocks: BTreeMap<&'a str, FinalStock<'a>>,
    by_request: Index,
    by_volume: Index,
}

impl<'a> Applied<'a> {
    /// The stock, and its volume after the trade.
    fn volume(&self) -> (&'a str, u64) {
        (self.content.stock_name, self.volume_after)
    }
}

impl<'a> CatalogState<'a> {
    /// To be called once everything is there.
    fn index(&mut self) {
        self.by_request = Index::new(&self.applied, |applied| applied.request_id);
        self.by_volume = Index::new(&self.applied, Applied::volume);
    }

    /// The applications of this request; more than one is a violation of its own.
    pub(crate) fn of_request(&self, request_id: &str) -> impl Iterator<Item = &Applied<'a>> {
        let found = self.by_request.find(&self.applied, request_id, |applied| applied.request_id);
        found.iter().map(|position| &self.applied[*position as usize])
    }

    /// The applications that left this stock with this volume; more than one is a violation of its
    /// own.
    pub(crate) fn of_volume(
        &self,
        stock_name: &'a str,
        volume: u64,
    ) -> impl Iterator<Item = &Applied<'a>> {
        let found = self.by_volume.find(&self.applied, (stock_name, volume), Applied::volume);
        found.iter().map(|position| &self.applied[*position as usize])
    }
}

/// One trial.
pub(crate) struct History<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) trial: u32,
    /// How many order replicas there were.
    pub(crate) replicas: u8,
    /// After how long without an answer a service is given up, if the run says so.
    pub(crate) ping_timeout_ms: Option<u64>,
    pub(crate) converge_within_ms: u64,
    /// The stocks that the trial began with.
    pub(crate) stocks: &'a [InitialStock],
    /// Every operation, in the order of the file.
    pub(crate) operations: Vec<&'a Operation>,
    /// Every trade, whatever its outcome.
    pub(crate) trades: Vec<&'a Operation>,
    pub(crate) lookups: Vec<&'a Operation>,
    pub(crate) acknowledged: Vec<Acknowledged<'a>>,
    pub(crate) reads: Vec<Read<'a>>,
    /// The trades that clients sent, by request id. A client that reuses an id has several.
    pub(crate) requests: BTreeMap<&'a str, Vec<&'a Operation>>,
    /// The replicas that were dumped, by name.
    pub(crate) logs: Vec<ReplicaLog<'a>>,
    /// The catalog, if it was dumped.
    pub(crate) catalog: Option<CatalogState<'a>>,
    /// What happened to the services.
    pub(crate) timeline: &'a Timeline,
    /// What is missing of the trial's rows.
    pub(crate) missing: &'a [String],
}

impl<'a> History<'a> {
    /// Indexes the rows of a trial.
    pub(crate) fn new(manifest: &'a Manifest, trial: &'a Trial) -> Result<Self, MalformedRow> {
        let (logs, catalog) = dumps(&trial.final_rows)?;
        let mut history = Self {
            cell: &trial.cell,
            trial: trial.number,
            replicas: manifest.replicas,
            ping_timeout_ms: manifest.ping_timeout_ms,
            converge_within_ms: manifest.converge_within_ms,
            stocks: &manifest.stocks,
            operations: trial.observations.iter().collect(),
            trades: Vec::new(),
            lookups: Vec::new(),
            acknowledged: Vec::new(),
            reads: Vec::new(),
            requests: BTreeMap::new(),
            logs,
            catalog,
            timeline: &trial.timeline,
            missing: &trial.missing,
        };
        for operation in &trial.observations {
            promised::hold(operation)?;
            history.index(operation);
        }
        Ok(history)
    }

    fn index(&mut self, operation: &'a Operation) {
        match operation.row.op {
            Op::Query => self.reads.extend(read(operation)),
            Op::Lookup => self.lookups.push(operation),
            Op::Trade => {
                self.trades.push(operation);
                if let Some(request_id) = operation.row.request_id.as_deref() {
                    self.requests.entry(request_id).or_default().push(operation);
                }
                if operation.row.outcome == Outcome::Ok {
                    self.acknowledged.extend(acknowledged(operation));
                }
            }
        }
    }

    /// Whether the plan meant to trade at all.
    pub(crate) fn trades_planned(&self) -> bool {
        self.cell.p > 0.0
    }
}

fn read(operation: &Operation) -> Option<Read<'_>> {
    let row = &operation.row;
    if row.outcome != Outcome::Ok {
        return None;
    }
    Some(Read {
        stock_name: row.stock_name.as_deref()?,
        quantity: row.seen_quantity?,
        volume: row.seen_volume?,
        operation,
    })
}

fn acknowledged(operation: &Operation) -> Option<Acknowledged<'_>> {
    Some(Acknowledged {
        request_id: operation.row.request_id.as_deref()?,
        order_no: operation.row.order_no?,
        content: Content::of(operation)?,
        operation,
    })
}

type Dumps<'a> = (Vec<ReplicaLog<'a>>, Option<CatalogState<'a>>);

fn dumps(finals: &[FinalLine]) -> Result<Dumps<'_>, MalformedRow> {
    let mut logs: BTreeMap<&str, (Option<u64>, Vec<LogEntry<'_>>)> = BTreeMap::new();
    let mut catalog: Option<CatalogState<'_>> = None;
    for line in finals {
        let source = line.row.source.as_str();
        match line.row.kind {
            FinalKind::Source if source == CATALOG => _ = catalog.get_or_insert_default(),
            FinalKind::Source => logs.entry(source).or_default().0 = line.row.order_no,
            FinalKind::Order => logs.entry(source).or_default().1.push(log_entry(line)?),
            FinalKind::Applied => catalog.get_or_insert_default().applied.push(applied(line)?),
            FinalKind::Stock => {
                let (name, stock) = final_stock(line)?;
                let before = catalog.get_or_insert_default().stocks.insert(name, stock);
                if before.is_some() {
                    let (line, reason) = (line.line, format!("{name} is there twice"));
                    return Err(MalformedRow { file: FinalRow::FILE, line, reason });
                }
            }
            FinalKind::Refused => {}
        }
    }
    if let Some(catalog) = &mut catalog {
        catalog.index();
    }
    let logs = logs.into_iter();
    let logs =
        logs.map(|(source, (committed, entries))| ReplicaLog::new(source, committed, entries));
    Ok((logs.collect(), catalog))
}

fn log_entry(line: &FinalLine) -> Result<LogEntry<'_>, MalformedRow> {
    let need = Needed { line, kind: "an order" };
    Ok(LogEntry {
        order_no: need.value(line.row.order_no, "order_no")?,
        epoch: line.row.epoch,
        request_id: need.value(line.row.request_id.as_deref(), "request_id")?,
        content: need.content()?,
        line,
    })
}

fn applied(line: &FinalLine) -> Result<Applied<'_>, MalformedRow> {
    let need = Needed { line, kind: "an applied trade" };
    Ok(Applied {
        request_id: need.value(line.row.request_id.as_deref(), "request_id")?,
        content: need.content()?,
        version: need.value(line.row.version, "version")?,
        quantity_after: need.value(line.row.quantity_after, "quantity_after")?,
        volume_after: need.value(line.row.volume_after, "volume_after")?,
        for_order: need.value(line.row.origin, "origin")? == Origin::Order,
        line,
    })
}

fn final_stock(line: &FinalLine) -> Result<(&str, FinalStock<'_>), MalformedRow> {
    let need = Needed { line, kind: "a stock" };
    let stock = FinalStock {
        version: need.value(line.row.version, "version")?,
        quantity: need.value(line.row.quantity_after, "quantity_after")?,
        volume: need.value(line.row.volume_after, "volume_after")?,
        line,
    };
    Ok((need.value(line.row.stock_name.as_deref(), "stock_name")?, stock))
}

/// A row whose fields are about to be demanded.
struct Needed<'a> {
    line: &'a FinalLine,
    kind: &'static str,
}

impl<'a> Needed<'a> {
    fn value<T>(&self, value: Option<T>, field: &str) -> Result<T, MalformedRow> {
        value.ok_or_else(|| MalformedRow {
            file: FinalRow::FILE,
            line: self.line.line,
            reason: format!("{} needs the field `{field}`", self.kind),
        })
    }

    fn content(&self) -> Result<Content<'a>, MalformedRow> {
        let row = &self.line.row;
        Ok(Content {
            stock_name: self.value(row.stock_name.as_deref(), "stock_name")?,
            trade_type: self.value(row.trade_type, "trade_type")?,
            quantity: self.value(row.quantity, "quantity")?,
        })
    }
}
