//! `final.csv`: what every replica and the catalog held at the end of a trial.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use wire::bazaar::TradeType;
use wire::dump::{CatalogPage, OrderPage};
use wire::internal::{Decision, Origin};

use super::keyed::{self, Keyed};
use super::{ProcessName, Text};

/// What a row of `final.csv` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinalKind {
    /// The source was dumped; without this row nothing is known about it. For a replica,
    /// `order_no` is its committed number and `epoch` its accepted epoch.
    Source,
    /// An entry of an order log.
    Order,
    /// A trade that the catalog applied.
    Applied,
    /// A trade that the catalog refused.
    Refused,
    /// A stock: `version`, `quantity_after` and `volume_after` are its state.
    Stock,
    /// A register: its key, and the value that it holds.
    Register,
    /// An entry of a log: its key, its value, and where it is. Entries stand in the log's order.
    Entry,
}

/// One row. Empty means not applicable. `T` is what its texts are, as in an
/// [`Observation`](super::Observation).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Columns<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct FinalRow<T = Text> {
    /// The id of a [`Cell`](super::Cell) of the manifest.
    pub cell: T,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
    /// Whose row it is: `order-1`, `order-2`, ..., or `catalog`.
    pub source: T,
    /// What the row stands for.
    pub kind: FinalKind,
    /// The order's number.
    pub order_no: Option<u64>,
    /// The epoch it was numbered in, or in which the catalog applied it.
    pub epoch: Option<u64>,
    /// The trade's name.
    pub request_id: Option<T>,
    /// The stock's name.
    pub stock_name: Option<T>,
    /// Buy or Sell.
    pub trade_type: Option<TradeType>,
    /// How many.
    pub quantity: Option<u32>,
    /// The stock's version after the trade.
    pub version: Option<u64>,
    /// The stock's quantity after the trade.
    pub quantity_after: Option<u32>,
    /// The stock's traded volume after the trade.
    pub volume_after: Option<u64>,
    /// Who brought the trade to the catalog.
    pub origin: Option<Origin>,
    /// What is held of registers and logs; the file has these columns only where there are such.
    pub keyed: Option<Box<Keyed<T>>>,
}

/// A row as its columns are read: those of registers and logs stand beside the others.
#[derive(Deserialize)]
struct Columns<T> {
    cell: T,
    trial: u32,
    source: T,
    kind: FinalKind,
    order_no: Option<u64>,
    epoch: Option<u64>,
    request_id: Option<T>,
    stock_name: Option<T>,
    trade_type: Option<TradeType>,
    quantity: Option<u32>,
    version: Option<u64>,
    quantity_after: Option<u32>,
    volume_after: Option<u64>,
    origin: Option<Origin>,
    #[serde(default = "keyed::none")]
    key: Option<T>,
    #[serde(default = "keyed::none")]
    value: Option<T>,
    #[serde(default = "keyed::none")]
    expected: Option<T>,
    #[serde(default)]
    position: Option<i64>,
}

impl<T> From<Columns<T>> for FinalRow<T> {
    fn from(read: Columns<T>) -> Self {
        let Columns { key, value, expected, position, .. } = read;
        Self {
            cell: read.cell,
            trial: read.trial,
            source: read.source,
            kind: read.kind,
            order_no: read.order_no,
            epoch: read.epoch,
            request_id: read.request_id,
            stock_name: read.stock_name,
            trade_type: read.trade_type,
            quantity: read.quantity,
            version: read.version,
            quantity_after: read.quantity_after,
            volume_after: read.volume_after,
            origin: read.origin,
            keyed: Keyed { key, value, expected, position }.if_any(),
        }
    }
}

impl<T: Serialize> Serialize for FinalRow<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = if self.keyed.is_some() { keyed::FIELDS } else { 0 };
        let mut row = serializer.serialize_struct("FinalRow", 14 + more)?;
        row.serialize_field("cell", &self.cell)?;
        row.serialize_field("trial", &self.trial)?;
        row.serialize_field("source", &self.source)?;
        row.serialize_field("kind", &self.kind)?;
        row.serialize_field("order_no", &self.order_no)?;
        row.serialize_field("epoch", &self.epoch)?;
        row.serialize_field("request_id", &self.request_id)?;
        row.serialize_field("stock_name", &self.stock_name)?;
        row.serialize_field("trade_type", &self.trade_type)?;
        row.serialize_field("quantity", &self.quantity)?;
        row.serialize_field("version", &self.version)?;
        row.serialize_field("quantity_after", &self.quantity_after)?;
        row.serialize_field("volume_after", &self.volume_after)?;
        row.serialize_field("origin", &self.origin)?;
        if let Some(keyed) = &self.keyed {
            keyed::write(&mut row, keyed)?;
        }
        row.end()
    }
}

impl<T> FinalRow<T> {
    /// The same with other texts.
    pub(super) fn with_texts<U>(self, mut text: impl FnMut(T) -> U) -> FinalRow<U> {
        FinalRow {
            cell: text(self.cell),
            trial: self.trial,
            source: text(self.source),
            kind: self.kind,
            order_no: self.order_no,
            epoch: self.epoch,
            request_id: self.request_id.map(&mut text),
            stock_name: self.stock_name.map(&mut text),
            trade_type: self.trade_type,
            quantity: self.quantity,
            version: self.version,
            quantity_after: self.quantity_after,
            volume_after: self.volume_after,
            origin: self.origin,
            keyed: self.keyed.map(|keyed| Box::new(keyed.with_texts(text))),
        }
    }
}

impl FinalRow {
    /// A row with nothing but its place, its source and its kind.
    #[must_use]
    pub fn new(cell: &str, trial: u32, source: &str, kind: FinalKind) -> Self {
        Self {
            cell: cell.into(),
            trial,
            source: source.into(),
            kind,
            order_no: None,
            epoch: None,
            request_id: None,
            stock_name: None,
            trade_type: None,
            quantity: None,
            version: None,
            quantity_after: None,
            volume_after: None,
            origin: None,
            keyed: None,
        }
    }

    /// The same in a file that has the columns of registers and logs.
    #[must_use]
    pub fn with_keyed(self, keyed: Keyed) -> Self {
        Self { keyed: Some(Box::new(keyed)), ..self }
    }

    /// The rows of one page of what `source` dumps of its log; of its first, with the [`FinalKind::Source`] row.
    #[must_use]
    pub fn of_replica(
        cell: &str,
        trial: u32,
        source: ProcessName,
        dump: &OrderPage,
        is_first: bool,
    ) -> Vec<Self> {
        let source = source.as_str();
        let head = is_first.then(|| Self {
            order_no: Some(dump.committed.0),
            epoch: Some(dump.accepted_epoch.0),
            ..Self::new(cell, trial, source, FinalKind::Source)
        });
        let entries = dump.entries.iter().map(|entry| Self {
            order_no: Some(entry.order_no.0),
            epoch: Some(entry.epoch.0),
            request_id: Some(entry.request_id.as_str().into()),
            stock_name: Some((*entry.stock_name).into()),
            trade_type: Some(entry.trade_type),
            quantity: Some(entry.quantity),
            ..Self::new(cell, trial, source, FinalKind::Order)
        });
        head.into_iter().chain(entries).collect()
    }

    /// The same of what it dumps of stocks, and of the trades that it applied to them.
    #[must_use]
    pub fn of_catalog(
        cell: &str,
        trial: u32,
        source: ProcessName,
        dump: &CatalogPage,
        is_first: bool,
    ) -> Vec<Self> {
        let source = source.as_str();
        let head = is_first.then(|| Self {
            epoch: Some(dump.epoch.0),
            ..Self::new(cell, trial, source, FinalKind::Source)
        });
        let stocks = dump.stocks.iter().map(|stock| Self {
            stock_name: Some(stock.stock_name.as_str().into()),
            version: Some(stock.version.0),
            quantity_after: Some(stock.quantity),
            volume_after: Some(stock.trade_volume),
            ..Self::new(cell, trial, source, FinalKind::Stock)
        });
        let trades = dump.trades.iter().map(|trade| {
            let kind = match trade.decision {
                Decision::Applied => FinalKind::Applied,
                Decision::Failed | Decision::NotFound => FinalKind::Refused,
            };
            Self {
                epoch: trade.epoch.map(|epoch| epoch.0),
                request_id: Some(trade.request_id.as_str().into()),
                stock_name: Some(trade.stock_name.as_str().into()),
                trade_type: Some(trade.trade_type),
                quantity: Some(trade.quantity),
                version: trade.version.map(|version| version.0),
                quantity_after: trade.quantity_after,
                volume_after: trade.volume_after,
                origin: Some(trade.origin),
                ..Self::new(cell, trial, source, kind)
            }
        });
        head.into_iter().chain(stocks).chain(trades).collect()
    }
}
