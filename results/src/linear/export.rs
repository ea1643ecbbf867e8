//! Histories as JSON lines, so that another checker can be run on them.
//!
//! One JSON object per line. Each stock of each trial is a history of its own: a line of type
//! `stock` says with what it began, and the lines of type `operation` that follow are what was
//! done to it, by the time of their calls.
//!
//! | field of `stock` | what |
//! | --- | --- |
//! | `type` | `"stock"` |
//! | `cell`, `trial`, `stock` | which history; the operations repeat them |
//! | `quantity`, `volume`, `cap` | the stock at first: a Sell may not take it over `cap`, a Buy not below 0 |
//!
//! | field of `operation` | what |
//! | --- | --- |
//! | `type` | `"operation"` |
//! | `client` | who did it, one operation at a time; 0 if no client recorded it |
//! | `call_us`, `return_us` | when it was called and answered, microseconds of one clock, closed intervals; `return_us` is `null` for a trade that takes effect at any time after its call, or never |
//! | `op` | `"read"`, `"buy"` or `"sell"` |
//! | `outcome` | `"ok"`, `"unknown"`, `"refused"` (a trade: it was not possible), or `"not-found"`, which a stock that exists never answers (`op` is `"read"` then, whatever was asked) |
//! | `quantity` | of a read what it showed, of a trade how many |
//! | `volume` | of a read what it showed |
//! | `row`, `request_id` | where it is written down, and the trade's name |
//!
//! Operations that certainly had no effect and showed nothing are left out: they say nothing.

use std::io::{self, Write};

use serde::Serialize;

use super::model::Operation;
use super::picture::Source;
use super::stock::{Action, StockHistory};
use wire::bazaar::TradeType;

/// A stock's history with the names that the lines carry.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The cell of the manifest.
    pub cell: &'a str,
    /// Which repetition of the cell.
    pub trial: u32,
    /// The stock's name.
    pub stock_name: &'a str,
    /// What happened to it.
    pub history: &'a StockHistory,
    /// Per operation, where it is written down.
    pub sources: &'a [Source],
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Stock {
        cell: &'a str,
        trial: u32,
        stock: &'a str,
        quantity: u32,
        volume: u64,
        cap: u32,
    },
    Operation {
        cell: &'a str,
        trial: u32,
        stock: &'a str,
        client: u32,
        call_us: u64,
        return_us: Option<u64>,
        op: &'static str,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        quantity: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        volume: Option<u64>,
        row: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<&'a str>,
    },
}

/// Writes one history. Returns how many operations it has.
///
/// # Errors
/// It cannot be written.
pub fn write(named: Named<'_>, to: &mut impl Write) -> io::Result<u64> {
    let Named { cell, trial, stock_name: stock, history, sources } = named;
    let initial = history.initial;
    let (quantity, volume, cap) = (initial.quantity, initial.volume, initial.cap);
    write_line(to, &Line::Stock { cell, trial, stock, quantity, volume, cap })?;
    let mut operations: Vec<(&Operation<Action>, &Source)> =
        history.operations.iter().zip(sources).collect();
    operations.sort_by_key(|(operation, _)| operation.call_us);
    for (operation, source) in &operations {
        let (op, outcome, quantity, volume) = fields(operation);
        let line = Line::Operation {
            cell,
            trial,
            stock,
            client: operation.client,
            call_us: operation.call_us,
            return_us: operation.return_us,
            op,
            outcome,
            quantity,
            volume,
            row: &source.row,
            request_id: source.request_id.as_deref(),
        };
        write_line(to, &line)?;
    }
    Ok(operations.len() as u64)
}

fn fields(operation: &Operation<Action>) -> (&'static str, &'static str, Option<u32>, Option<u64>) {
    let name = |trade_type| match trade_type {
        TradeType::Buy => "buy",
        TradeType::Sell => "sell",
    };
    match operation.action {
        Action::Read { quantity, volume } => ("read", "ok", Some(quantity), Some(volume)),
        Action::Trade { trade_type, quantity } => {
            let outcome = if operation.is_optional() { "unknown" } else { "ok" };
            (name(trade_type), outcome, Some(quantity), None)
        }
        Action::Refused { trade_type, quantity } => {
            (name(trade_type), "refused", Some(quantity), None)
        }
        Action::NotFound => ("read", "not-found", None, None),
    }
}

fn write_line(to: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::History;
    use super::*;

    #[test]
    fn every_operation_is_a_line_as_the_format_says() {
        let mut history = History::new();
        history.unknown(2, TradeType::Sell, 4, 30);
        history.read(1, 97, 3, (20, 25));
        history.refused(1, TradeType::Sell, 5, (40, 50));
        let history = history.get();
        let source = |row: &str, request_id: Option<&str>| Source {
            row: row.to_owned(),
            request_id: request_id.map(str::to_owned),
        };
        let sources = [
            source("observations.csv:2", Some("r1")),
            source("observations.csv:3", None),
            source("observations.csv:4", Some("r2")),
        ];
        let named = Named {
            cell: "c",
            trial: 1,
            stock_name: "Stock1",
            history: &history,
            sources: &sources,
        };
        let mut written = Vec::new();
        assert_eq!(write(named, &mut written).unwrap(), 3);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            concat!(
                r#"{"type":"stock","cell":"c","trial":1,"stock":"Stock1","quantity":100,"volume":0,"cap":100}"#,
                "\n",
                r#"{"type":"operation","cell":"c","trial":1,"stock":"Stock1","client":1,"call_us":20,"return_us":25,"op":"read","outcome":"ok","quantity":97,"volume":3,"row":"observations.csv:3"}"#,
                "\n",
                r#"{"type":"operation","cell":"c","trial":1,"stock":"Stock1","client":2,"call_us":30,"return_us":null,"op":"sell","outcome":"unknown","quantity":4,"row":"observations.csv:2","request_id":"r1"}"#,
                "\n",
                r#"{"type":"operation","cell":"c","trial":1,"stock":"Stock1","client":1,"call_us":40,"return_us":50,"op":"sell","outcome":"refused","quantity":5,"row":"observations.csv:4","request_id":"r2"}"#,
                "\n",
            )
        );
    }
}
