//! One query, one trade and one lookup, as a client of the load will do them, and what their answers show.

use std::time::Duration;

use driver::service::{Connection, Exchange};
use results::records::Outcome;
use targets::file::ModelKind;
use targets::operation::{Answer, Captures, Kind, Places};
use targets::order_no::OrderNo;
use targets::target::{StocksFrom, Target};
use uuid::Uuid;

use super::findings::Findings;

/// How many stocks are tried before trades are said to be rejected: the first may be sold out, or at its cap.
const STOCKS_TRIED: usize = 3;

/// An order that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    /// Its number, if the answer shows it.
    pub(super) order_no: Option<OrderNo>,
    /// The stock.
    pub(super) stock: String,
    side: String,
    quantity: i64,
}

/// An operation that was done.
#[derive(Debug)]
pub(super) struct Done {
    /// What its answer means.
    pub(super) answer: Answer,
    pub(super) took: Duration,
}

impl Done {
    /// Whether it was done as asked.
    pub(super) fn is_ok(&self) -> bool {
        self.answer.outcome == Outcome::Ok
    }

    /// What a line says of one that is not ok: how it ended, and why.
    pub(super) fn why(&self) -> String {
        let outcome = match self.answer.outcome {
            Outcome::Ok => "ok",
            Outcome::Rejected => "rejected",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        };
        let reason = self.answer.reason.as_deref().unwrap_or("no reason is known");
        format!("{outcome}: {reason} ({} ms)", self.took.as_millis())
    }
}

/// Does a target's operations.
#[derive(Debug)]
pub(super) struct Operations<'a> {
    target: &'a Target,
    connection: Connection,
}

impl<'a> Operations<'a> {
    /// The operations of `target`, as a client of the load does them through `connection`.
    pub(super) fn new(target: &'a Target, connection: Connection) -> Self {
        Self { target, connection }
    }

    /// Whether the file describes an operation, or a client program does it.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.connection.service().does(kind)
    }

    /// The stocks to trade: those that the file names, or else those that the service lists.
    pub(super) async fn stocks(&self, findings: &mut Findings) -> Vec<String> {
        match self.target.stocks.as_ref().map(|stocks| &stocks.from) {
            None => Vec::new(),
            Some(StocksFrom::Names(names)) => names.clone(),
            Some(StocksFrom::Operation(kind)) => {
                let name = kind.name();
                let done = self.perform(*kind, Places::default()).await;
                let Some(done) = done else { return Vec::new() };
                let names = done.answer.captures.names.clone().unwrap_or_default();
                if done.is_ok() && !names.is_empty() {
                    findings
                        .ok(name, format_args!("lists {} stocks: {}", names.len(), some(&names)));
                } else if done.is_ok() {
                    findings.fails(name, "lists no stock");
                } else {
                    findings.fails(name, done.why());
                }
                names
            }
        }
    }

    /// A query of a stock, or one of whatever there is to query; `None` if nobody does any.
    pub(super) async fn query(&self, stock: Option<&str>) -> Option<Done> {
        self.perform(Kind::Query, Places { stock, ..Places::default() }).await
    }

    /// A lookup of an order.
    pub(super) async fn lookup(&self, order_no: &OrderNo) -> Option<Done> {
        self.perform(Kind::Lookup, Places { order_no: Some(order_no), ..Places::default() }).await
    }

    /// What is asked of a target to see whether it answers: a query, or a read of the first register or log.
    pub(super) async fn ask(&self, stock: Option<&str>) -> Option<Done> {
        match self.target.model.keys.first() {
            Some(key) => self.read(key).await,
            None => self.query(stock).await,
        }
    }

    /// A read of a register, or of a log from its beginning on.
    pub(super) async fn read(&self, key: &str) -> Option<Done> {
        let position = (self.target.model.kind == ModelKind::Log).then_some(0);
        let places = Places { register: Some(key), position, ..Places::default() };
        self.perform(Kind::Read, places).await
    }

    /// Tries each operation, says what was seen, and returns the order that was acknowledged.
    pub(super) async fn try_each(
        &self,
        stocks: &[String],
        findings: &mut Findings,
    ) -> Option<Acknowledged> {
        let before = self.try_query(stocks.first().map(String::as_str), findings).await;
        if !self.has(Kind::Trade) {
            findings.missing("trade", "the file describes none: nothing is changed");
            return None;
        }
        let order = self.try_trade(stocks, findings).await?;
        if self.target.model.restock == targets::file::Restock::None
            && stocks.first() == Some(&order.stock)
        {
            self.compare(before.and_then(|before| before.quantity), &order, findings).await;
        }
        match &order.order_no {
            None => findings
                .missing("order_no", "operations.trade captures none: orders cannot be followed"),
            Some(order_no) => self.try_lookup(order_no, &order, findings).await,
        }
        Some(order)
    }

    async fn try_query(&self, stock: Option<&str>, findings: &mut Findings) -> Option<Captures> {
        let Some(done) = self.query(stock).await else {
            findings.missing("query", "the file describes none: stocks are not asked for");
            return None;
        };
        if !done.is_ok() {
            findings.fails("query", done.why());
            return None;
        }
        let captures = &done.answer.captures;
        let seen = shown(&[
            ("quantity", captures.quantity.map(|quantity| quantity.to_string())),
            ("volume", captures.volume.map(|volume| volume.to_string())),
            ("price", captures.price.map(|price| price.to_string())),
        ]);
        let of = stock.map(|stock| format!("of {stock}: ")).unwrap_or_default();
        findings.ok("query", format_args!("{of}{seen} ({} ms)", done.took.as_millis()));
        Some(done.answer.captures)
    }

    async fn try_trade(&self, stocks: &[String], findings: &mut Findings) -> Option<Acknowledged> {
        let model = &self.target.model;
        let quantity = i64::from(model.quantities.0);
        let mut rejections = 0;
        let mut last = None;
        for stock in stocks.iter().take(STOCKS_TRIED) {
            for side in &model.sides {
                let places = Places {
                    stock: Some(stock),
                    side: Some(side),
                    quantity: Some(quantity),
                    ..Places::default()
                };
                let done = self.perform(Kind::Trade, places).await?;
                let what = format!("{side} {quantity} of {stock}");
                match done.answer.outcome {
                    Outcome::Ok => {
                        let order_no = done.answer.captures.order_no.clone();
                        let order = order_no.as_ref().map_or_else(
                            || "acknowledged".to_owned(),
                            |order_no| format!("order {order_no}"),
                        );
                        let took = done.took.as_millis();
                        findings.ok("trade", format_args!("{what}: {order} ({took} ms)"));
                        return Some(Acknowledged {
                            order_no,
                            stock: stock.clone(),
                            side: side.clone(),
                            quantity,
                        });
                    }
                    Outcome::Rejected => {
                        rejections += 1;
                        last = Some(format!("{what}: {}", done.why()));
                    }
                    Outcome::Failed | Outcome::Unknown => {
                        findings.fails("trade", format_args!("{what}: {}", done.why()));
                        return None;
                    }
                }
            }
        }
        let last = last.unwrap_or_else(|| "there is no stock to trade".to_owned());
        findings.fails("trade", format_args!("{rejections} were tried, none is ok; {last}"));
        None
    }

    /// Whether a trade moved the quantity as the model says.
    async fn compare(&self, before: Option<i64>, order: &Acknowledged, findings: &mut Findings) {
        let Some(before) = before else { return };
        let Some(done) = self.query(Some(&order.stock)).await else { return };
        let Some(after) = done.answer.captures.quantity else { return };
        let takes = self.target.model.sides.first() == Some(&order.side);
        let expected = if takes { before - order.quantity } else { before + order.quantity };
        let Acknowledged { stock, side, quantity, .. } = order;
        let seen = format!("{before} of {stock}, {after} after {side} {quantity}");
        if after == expected {
            findings.ok("quantity", seen);
        } else {
            let hint = "a stale answer, or model.sides in the other order";
            findings.fails("quantity", format_args!("{seen}: {expected} was expected; {hint}"));
        }
    }

    async fn try_lookup(&self, order_no: &OrderNo, order: &Acknowledged, findings: &mut Findings) {
        let Some(done) = self.lookup(order_no).await else {
            findings.missing("lookup", "the file describes none: orders are not asked for");
            return;
        };
        if !done.is_ok() {
            findings.fails("lookup", format_args!("of order {order_no}: {}", done.why()));
            return;
        }
        let Captures { stock, side, quantity, .. } = &done.answer.captures;
        let seen = shown(&[
            ("stock", stock.clone()),
            ("side", side.clone()),
            ("quantity", quantity.map(|quantity| quantity.to_string())),
        ]);
        let differs = stock.as_ref().is_some_and(|stock| *stock != order.stock)
            || side.as_ref().is_some_and(|side| *side != order.side)
            || quantity.is_some_and(|quantity| quantity != order.quantity);
        if differs {
            let Acknowledged { stock, side, quantity, .. } = order;
            let traded = format!("{side} {quantity} of {stock} was traded");
            findings.fails("lookup", format_args!("of order {order_no}: {seen}; {traded}"));
        } else {
            let took = done.took.as_millis();
            findings.ok("lookup", format_args!("of order {order_no}: {seen} ({took} ms)"));
        }
    }

    /// Does an operation and reads its answer; `None` if there is no such operation.
    pub(super) async fn perform(&self, kind: Kind, places: Places<'_>) -> Option<Done> {
        if !self.has(kind) {
            return None;
        }
        let key = Uuid::new_v4().to_string();
        let places = Places { key: &key, ..places };
        let Exchange { times, answer, .. } = self.connection.exchange(kind, places).await;
        let took = Duration::from_micros(times.latency_us);
        Some(Done { answer, took })
    }
}

/// The values that are there, by name.
fn shown(values: &[(&str, Option<String>)]) -> String {
    let values =
        values.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)));
    match values.collect::<Vec<_>>() {
        values if values.is_empty() => "nothing is captured".to_owned(),
        values => values.join(", "),
    }
}

/// The first of the names.
fn some(names: &[String]) -> String {
    let first: Vec<_> = names.iter().take(5).map(String::as_str).collect();
    let more = if names.len() > first.len() { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}
