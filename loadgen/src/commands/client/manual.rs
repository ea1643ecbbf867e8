//! Does one operation after another, says what came of each, and remembers how it went.

use std::fmt::Display;
use std::time::{Duration, Instant};

use driver::http::{FrontEnd, Reply};
use driver::outcome::{self, Judged};
use reqwest::Request;
use results::records::{CacheState, Outcome};
use wire::bazaar::{Order, Stock, TradeRequest};
use wire::ids::OrderNo;

use crate::exit::Exit;
use crate::output::say;

/// Does operations by hand.
pub(super) struct ManualClient {
    front_end: FrontEnd,
    times: Vec<Duration>,
    outcomes: Vec<Outcome>,
    differences: u32,
    refusals_are_fine: bool,
}

impl ManualClient {
    /// A hand at a front-end.
    pub(super) fn new(front_end: FrontEnd) -> Self {
        Self {
            front_end,
            times: Vec::new(),
            outcomes: Vec::new(),
            differences: 0,
            refusals_are_fine: false,
        }
    }

    /// A refusal is part of the game: random trades meet sold-out and full stocks.
    pub(super) fn accept_refusals(&mut self) {
        self.refusals_are_fine = true;
    }

    /// Queries a stock.
    pub(super) async fn query_stock(&mut self, name: &str) -> Option<Stock> {
        let (reply, took) = self.send(self.front_end.query_stock(name)).await;
        let judged = outcome::of_query(&reply, name);
        let shown = judged.shown.as_ref().map(|stock| {
            let Stock { price, quantity, trade_volume, .. } = stock;
            format!("price {price}, quantity {quantity}, volume {trade_volume}")
        });
        self.note(format_args!("query {name}"), shown, took, &judged);
        judged.shown
    }

    /// Queries an order.
    pub(super) async fn query_order(&mut self, order_no: OrderNo) -> Option<Order> {
        let (reply, took) = self.send(self.front_end.query_order(order_no)).await;
        let judged = outcome::of_lookup(&reply, order_no);
        let shown = judged
            .shown
            .as_ref()
            .map(|order| format!("{} {} {}", order.trade_type, order.quantity, order.stock_name));
        self.note(format_args!("order {order_no}"), shown, took, &judged);
        judged.shown
    }

    /// Trades.
    pub(super) async fn trade(&mut self, trade: &TradeRequest, key: &str) -> Option<OrderNo> {
        let (reply, took) = self.send(self.front_end.trade(trade, key)).await;
        let judged = outcome::of_trade(&reply);
        let TradeRequest { stock_name, trade_type, quantity } = trade;
        let shown = judged.shown.map(|order_no| format!("order {order_no}"));
        let what = format_args!("{trade_type} {} {stock_name}", quantity.get());
        self.note(what, shown, took, &judged);
        judged.shown
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

    async fn send(&self, request: reqwest::Result<Request>) -> (Reply, Duration) {
        let began = Instant::now();
        let reply = match request {
            Ok(request) => self.front_end.send(request).await,
            Err(error) => Reply::NotSent(error.to_string()),
        };
        (reply, began.elapsed())
    }

    fn note<T>(
        &mut self,
        what: impl Display,
        shown: Option<String>,
        took: Duration,
        judged: &Judged<T>,
    ) {
        self.times.push(took);
        self.outcomes.push(judged.outcome);
        let word = match judged.outcome {
            Outcome::Ok => "",
            Outcome::Rejected => "rejected: ",
            Outcome::Failed => "failed: ",
            Outcome::Unknown => "unknown: ",
        };
        let status = match judged.status {
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
