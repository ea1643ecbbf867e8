//! A trial's operations, stock by stock, in the form in which an order is looked for.
//!
//! What is left out had no effect and showed nothing: operations that failed, reads without an
//! answer. What nobody recorded is put in: a trade that the catalog applied and no client sent (one
//! by hand, or one whose row was lost with a killed recorder) took effect at some time.

use std::collections::HashMap;
use std::io::{self, Write};

use super::dumps::Applied;
use super::history::History;
use super::rows::{Content, Operation};
use crate::linear;
use crate::linear::export::Named;
use crate::linear::picture::Source;
use crate::linear::{Action, Stock, StockHistory};
use crate::records::{AtLine as _, FinalRow, InitialStock, Observation, Op, Outcome, Row as _};

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
            Self::Applied(Applied { row, .. }) => {
                (FinalRow::FILE, row.line(), row.request_id.as_deref())
            }
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

    fn push(&mut self, operation: linear::Operation<Action>, origin: Origin<'a>) {
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

/// What there is to say of each stock that the trial began with. Of any other stock there is nothing to
/// hold an answer against.
///
/// A history is made when it is asked for, so that not all of them need be there at the same time.
pub(super) struct Stocks<'a> {
    history: &'a History<'a>,
    /// In the order of the manifest.
    stocks: Vec<Rows<'a>>,
}

/// What there is of one stock.
struct Rows<'a> {
    initial: &'a InitialStock,
    observed: Vec<&'a Operation>,
    /// What the catalog applied and no client wrote down.
    unrecorded: Vec<&'a Applied<'a>>,
}

impl<'a> Stocks<'a> {
    pub(super) fn new(history: &'a History<'a>) -> Self {
        let rows = |initial| Rows { initial, observed: Vec::new(), unrecorded: Vec::new() };
        let mut stocks: Vec<Rows<'a>> = history.stocks.iter().map(rows).collect();
        let places = stocks.iter().enumerate();
        let places: HashMap<&str, usize> =
            places.map(|(place, rows)| (rows.initial.stock_name.as_str(), place)).collect();
        for operation in history.operations.iter().filter(|one| one.row.op != Op::Lookup) {
            let place = operation.row.stock_name.as_deref().and_then(|name| places.get(name));
            if let Some(&place) = place {
                stocks[place].observed.push(operation);
            }
        }
        for applied in history.catalog.iter().flat_map(|catalog| &catalog.applied) {
            let is_unrecorded = history.sent(applied.request).next().is_none();
            if let Some(&place) = places.get(applied.content().stock_name).filter(|_| is_unrecorded)
            {
                stocks[place].unrecorded.push(applied);
            }
        }
        Self { history, stocks }
    }

    /// The histories, one by one, in the order of the manifest.
    pub(super) fn histories(&self) -> impl Iterator<Item = StockTrial<'a>> {
        (0..self.len()).map(|place| self.history_of(place))
    }

    pub(super) fn len(&self) -> usize {
        self.stocks.len()
    }

    /// The history of one of them.
    pub(super) fn history_of(&self, place: usize) -> StockTrial<'a> {
        let Rows { initial, observed, unrecorded } = &self.stocks[place];
        let mut stock = StockTrial::new(initial);
        for &operation in observed {
            if let Some(placed) = placed(self.history, operation) {
                stock.push(placed, Origin::Observed(operation));
            }
        }
        for &applied in unrecorded {
            stock.push(unrecorded_trade(applied), Origin::Applied(applied));
        }
        stock
    }
}

/// A trade that the catalog applied, and that no client wrote down.
fn unrecorded_trade(applied: &Applied<'_>) -> linear::Operation<Action> {
    let Content { trade_type, quantity, .. } = applied.content();
    let action = Action::Trade { trade_type, quantity };
    linear::Operation { client: 0, call_us: 0, return_us: None, action }
}

/// The operation as a checker sees it; `None` if it says nothing about the stock.
fn placed(history: &History<'_>, operation: &Operation) -> Option<linear::Operation<Action>> {
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
        | (Op::Lookup | Op::Read | Op::Write | Op::CompareAndSet | Op::Append, _) => return None,
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
    let sent = history.sent_as(operation);
    if sent.clone().nth(1).is_none() {
        return Some(row.start_us);
    }
    let may_have_traded = || sent.clone().filter(|trade| trade.row.outcome != Outcome::Failed);
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
