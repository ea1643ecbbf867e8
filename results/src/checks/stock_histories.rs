//! A trial's operations, stock by stock, in the form in which an order is looked for.
//!
//! What is left out had no effect and showed nothing: operations that failed, reads without an
//! answer. What nobody recorded is put in: a trade that the catalog applied and no client sent (one
//! by hand, or one whose row was lost with a killed recorder) took effect at some time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::history::{Applied, Content, History, Operation};
use crate::linear;
use crate::linear::export::Named;
use crate::linear::picture::Source;
use crate::linear::{Action, Stock, StockHistory};
use crate::records::{FinalRow, InitialStock, Observation, Op, Outcome, Row as _};

/// One stock of a trial.
pub(super) struct StockTrial<'a> {
    pub(super) name: &'a str,
    pub(super) history: StockHistory,
    /// Per operation, what it was made of.
    pub(super) origins: Vec<Origin<'a>>,
}

/// Whether the files hold a trade or read of the stock.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// A row of `observations.csv`.
    Observed(&'a Operation),
    /// A row of `final.csv`.
    Applied(&'a Applied<'a>),
}

impl Origin<'_> {
    fn source(&self) -> Source {
        let (file, line, request_id) = match self {
            Self::Observed(operation) => {
                (Observation::FILE, operation.line, operation.row.request_id.as_deref())
            }
            Self::Applied(applied) => (FinalRow::FILE, applied.line.line, Some(applied.request_id)),
        };
        Source { row: format!("{file}:{line}"), request_id: request_id.map(str::to_owned) }
    }
}

impl<'a> StockTrial<'a> {
    fn new(initial: &'a InitialStock) -> Self {
        let InitialStock { quantity, trade_volume: volume, cap, .. } = *initial;
        let initial_stock = Stock { quantity, volume, cap };
        Self {
            name: &initial.stock_name,
            history: StockHistory { initial: initial_stock, operations: Vec::new() },
            origins: Vec::new(),
        }
    }

    fn push(&mut self, operation: linear::Operation, origin: Origin<'a>) {
        self.history.operations.push(operation);
        self.origins.push(origin);
    }

    /// Where each operation is written down.
    pub(super) fn sources(&self) -> Vec<Source> {
        self.origins.iter().map(Origin::source).collect()
    }

    /// Writes it for another checker.
    pub(super) fn export(&self, of: &History<'_>, to: &mut impl Write) -> io::Result<u64> {
        let named = Named {
            cell: &of.cell.id,
            trial: of.trial,
            stock_name: self.name,
            history: &self.history,
            sources: &self.sources(),
        };
        linear::export::write(named, to)
    }
}

/// The histories of the stocks that the trial began with. Of any other stock there is nothing to
/// hold an answer against.
pub(super) fn stock_histories<'a>(history: &'a History<'a>) -> Vec<StockTrial<'a>> {
    let mut stocks: BTreeMap<&str, StockTrial<'a>> = history
        .stocks
        .iter()
        .map(|initial| (initial.stock_name.as_str(), StockTrial::new(initial)))
        .collect();
    for &operation in &history.operations {
        let stock = operation.row.stock_name.as_deref().and_then(|name| stocks.get_mut(name));
        if let (Some(stock), Some(placed)) = (stock, placed(history, operation)) {
            stock.push(placed, Origin::Observed(operation));
        }
    }
    for applied in history.catalog.iter().flat_map(|catalog| &catalog.applied) {
        let Content { stock_name, trade_type, quantity } = applied.content;
        if history.requests.contains_key(applied.request_id) {
            continue;
        }
        if let Some(stock) = stocks.get_mut(stock_name) {
            let action = Action::Trade { trade_type, quantity };
            let unrecorded = linear::Operation { client: 0, call_us: 0, return_us: None, action };
            stock.push(unrecorded, Origin::Applied(applied));
        }
    }
    history.stocks.iter().filter_map(|initial| stocks.remove(initial.stock_name.as_str())).collect()
}

/// The operation as a checker sees it; `None` if it says nothing about the stock.
fn placed(history: &History<'_>, operation: &Operation) -> Option<linear::Operation> {
    let row = &operation.row;
    let (action, answered) = match (row.op, row.outcome) {
        (Op::Query, Outcome::Ok) => {
            (Action::Read { quantity: row.seen_quantity?, volume: row.seen_volume? }, true)
        }
        (Op::Query, Outcome::Rejected) => (Action::NotFound, true),
        (Op::Trade, Outcome::Rejected) if says_not_found(operation) => (Action::NotFound, true),
        (Op::Trade, outcome @ (Outcome::Ok | Outcome::Rejected | Outcome::Unknown)) => {
            let (trade_type, quantity) = (row.trade_type?, row.quantity?);
            match outcome {
                Outcome::Rejected => (Action::Refused { trade_type, quantity }, true),
                outcome => (Action::Trade { trade_type, quantity }, outcome == Outcome::Ok),
            }
        }
        (Op::Query, Outcome::Failed | Outcome::Unknown)
        | (Op::Trade, Outcome::Failed)
        | (Op::Lookup, _) => return None,
    };
    Some(linear::Operation {
        client: row.client,
        call_us: called_us(history, operation)?,
        return_us: answered.then_some(row.end_us),
        action,
    })
}

/// When the request was first sent. `None` if another row of the same request stands for it: the
/// same key trades once, so all its rows are one operation, which ends with the first answer.
fn called_us(history: &History<'_>, operation: &Operation) -> Option<u64> {
    let row = &operation.row;
    let sent = row.request_id.as_deref().and_then(|request_id| history.requests.get(request_id));
    let Some(sent) = sent.filter(|sent| sent.len() > 1) else { return Some(row.start_us) };
    let may_have_traded = || sent.iter().filter(|trade| trade.row.outcome != Outcome::Failed);
    let stands_for_all = may_have_traded().min_by_key(|trade| {
        let certainty = match trade.row.outcome {
            Outcome::Ok => 0,
            Outcome::Rejected => 1,
            Outcome::Failed | Outcome::Unknown => 2,
        };
        (certainty, trade.row.end_us, trade.line)
    })?;
    let first_us = may_have_traded().map(|trade| trade.row.start_us).min()?;
    (stands_for_all.line == operation.line).then_some(first_us)
}

fn says_not_found(operation: &Operation) -> bool {
    operation
        .row
        .reason
        .as_deref()
        .is_some_and(|reason| reason.starts_with(wire::bazaar::STOCK_NOT_FOUND))
}
