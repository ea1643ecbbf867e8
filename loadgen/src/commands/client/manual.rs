//! Does one operation after another, says what came of each, and remembers how it went.

use std::fmt::Display;
use std::time::Duration;

use anyhow::anyhow;
use driver::outcome::Shown;
use driver::service::{Connection, Done, Service};
use driver::trading::Trading;
use results::records::{CacheState, Outcome};
use targets::operation::{Kind, Places};
use targets::order_no::OrderNo;
use wire::bazaar::TradeRequest;

use crate::exit::Exit;
use crate::output::say;

/// Does operations by hand.
pub(super) struct ManualClient {
    connection: Connection,
    times: Vec<Duration>,
    outcomes: Vec<Outcome>,
    differences: u32,
    refusals_are_fine: bool,
}

impl ManualClient {
    /// A hand at a service.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            times: Vec::new(),
            outcomes: Vec::new(),
            differences: 0,
            refusals_are_fine: false,
        }
    }

    /// What it is a hand at.
    pub(super) fn service(&self) -> &Service {
        self.connection.service()
    }

    /// The trades that the service takes.
    pub(super) fn trading(&self) -> &Trading {
        self.service().trading()
    }

    /// Whether the service has an operation.
    pub(super) fn does(&self, kind: Kind) -> bool {
        self.service().does(kind)
    }

    /// Does an operation, of which nobody has taken note yet.
    pub(super) async fn perform(&self, kind: Kind, places: Places<'_>) -> Done {
        self.connection.perform(kind, places).await
    }

    /// The stocks that there are.
    ///
    /// # Errors
    /// The service has to list them, and does not.
    pub(super) async fn stocks(&self) -> anyhow::Result<Vec<String>> {
        let asked = self.connection.stocks().await;
        asked.map_err(|reason| anyhow!("the target's stocks: {reason}"))
    }

    /// A refusal is part of the game: random trades meet sold-out and full stocks.
    pub(super) fn accept_refusals(&mut self) {
        self.refusals_are_fine = true;
    }

    /// Queries a stock.
    pub(super) async fn query_stock(&mut self, name: &str) -> Option<Shown> {
        let places = Places { stock: Some(name), ..Places::default() };
        let done = self.perform(Kind::Query, places).await;
        let said = done.judged.shown.as_ref().map(|stock| {
            let told = [
                stock.price.map(|price| format!("price {price}")),
                stock.quantity.map(|quantity| format!("quantity {quantity}")),
                stock.volume.map(|volume| format!("volume {volume}")),
            ];
            told.into_iter().flatten().collect::<Vec<_>>().join(", ")
        });
        self.note(format_args!("query {name}"), said, &done);
        done.judged.shown
    }

    /// Queries an order.
    pub(super) async fn query_order(&mut self, order_no: &OrderNo) -> Option<Shown> {
        let places = Places { order_no: Some(order_no), ..Places::default() };
        let done = self.perform(Kind::Lookup, places).await;
        let said = done.judged.shown.as_ref().map(|order| {
            let told = [
                order.side.map(|side| self.trading().name(side).to_owned()),
                order.quantity.map(|quantity| quantity.to_string()),
                order.stock.clone(),
            ];
            told.into_iter().flatten().collect::<Vec<_>>().join(" ")
        });
        self.note(format_args!("order {order_no}"), said, &done);
        done.judged.shown
    }

    /// Trades.
    pub(super) async fn trade(&mut self, trade: &TradeRequest, key: &str) -> Option<OrderNo> {
        let TradeRequest { stock_name, trade_type, quantity } = trade;
        let places = Places {
            stock: Some(stock_name),
            side: Some(self.trading().name(*trade_type)),
            quantity: Some(i64::from(quantity.get())),
            key,
            ..Places::default()
        };
        let done = self.perform(Kind::Trade, places).await;
        let order_no = done.judged.shown.as_ref().and_then(|shown| shown.order_no.clone());
        let said = order_no.as_ref().map(|order_no| format!("order {order_no}"));
        let side = self.trading().name(*trade_type).to_owned();
        self.note(format_args!("{side} {} {stock_name}", quantity.get()), said, &done);
        order_no
    }

    /// Notes that something is not as it must be.
    pub(super) fn differs(&mut self, what: &str) {
        self.differences += 1;
        say!("DIFFERS: {what}");
    }

    /// Says how it went all in all, if there was more than one operation.
    pub(super) fn sum_up(mut self) -> Exit {
        if self.times.len() > 1 {
            self.times.sort_unstable();
            let total: Duration = self.times.iter().sum();
            let mean = total / u32::try_from(self.times.len()).unwrap_or(u32::MAX);
            let median = self.times[self.times.len() / 2];
            let longest = self.times[self.times.len() - 1];
            say!(
                "{} operations: {} ok, {} rejected, {} failed, {} unknown; mean {}, median {}, \
                 longest {}",
                self.times.len(),
                self.count(Outcome::Ok),
                self.count(Outcome::Rejected),
                self.count(Outcome::Failed),
                self.count(Outcome::Unknown),
                time(mean),
                time(median),
                time(longest),
            );
        }
        self.exit()
    }

    fn exit(&self) -> Exit {
        let refused = self.count(Outcome::Rejected) > 0 && !self.refusals_are_fine;
        if self.differences > 0 || refused || self.count(Outcome::Failed) > 0 {
            Exit::Fail
        } else if self.count(Outcome::Unknown) > 0 {
            Exit::Inconclusive
        } else {
            Exit::Pass
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().filter(|&&seen| seen == outcome).count()
    }

    /// Says what came of an operation, and remembers it.
    pub(super) fn note(&mut self, what: impl Display, shown: Option<String>, done: &Done) {
        let took = Duration::from_micros(done.times.latency_us);
        let judged = &done.judged;
        self.times.push(took);
        self.outcomes.push(judged.outcome);
        let word = match judged.outcome {
            Outcome::Ok => "",
            Outcome::Rejected => "rejected: ",
            Outcome::Failed => "failed: ",
            Outcome::Unknown => "unknown: ",
        };
        let status = match done.status {
            Some(status) if judged.outcome != Outcome::Ok => format!(" (HTTP {status})"),
            _ => String::new(),
        };
        let cache = match judged.cache {
            Some(CacheState::Hit) => ", cache hit",
            Some(CacheState::Miss) => ", cache miss",
            None => "",
        };
        let said = shown.or_else(|| judged.reason.clone()).unwrap_or_default();
        say!("{what}: {word}{said}{status}{cache}, {}", time(took));
    }
}

/// A time as people read it.
fn time(time: Duration) -> String {
    let microseconds = time.as_micros();
    if microseconds < 10_000 {
        format!("{microseconds} µs")
    } else {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    }
}
