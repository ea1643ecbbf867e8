//! What a target holds, read from the places that its file names, and whether an acknowledged order is there.

use std::time::{Duration, Instant};

use targets::file::{ModelKind, Replication, WhenRead};
use targets::order_no::OrderNo;
use targets::state::{OrderRow, Rows, StockRow};
use targets::target::{Place, Target};

use super::findings::Findings;
use crate::target::state::StateReader;

/// How long an acknowledged order may take to reach every place that promises it: a replica that catches up.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// How long after a look without it is looked again.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// Reads a target's places.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// Whose.
    pub(super) target: &'a Target,
    /// Reads its places.
    pub(super) reader: &'a StateReader,
    /// The number of the order that was acknowledged.
    pub(super) order_no: Option<&'a OrderNo>,
}

impl State<'_> {
    /// Reads every place that is read `when`, and says what is there.
    pub(super) async fn try_each(&self, when: WhenRead, findings: &mut Findings) {
        if !self.target.model.keys.is_empty() {
            return self.try_keys(when, findings).await;
        }
        if self.target.orders.is_empty() && when == WhenRead::Running {
            findings.missing(
                "state.orders",
                "the file names no place: losses are seen by lookups alone",
            );
        }
        for place in self.target.orders.iter().filter(|place| place.when == when) {
            self.try_orders(place, findings).await;
        }
        if self.target.stock_places.is_empty() && when == WhenRead::Running {
            findings.missing(
                "state.stocks",
                "the file names no place: stocks are known by queries alone",
            );
        }
        for place in self.target.stock_places.iter().filter(|place| place.when == when) {
            self.try_stocks(place, findings).await;
        }
    }

    /// The same of registers and logs.
    async fn try_keys(&self, when: WhenRead, findings: &mut Findings) {
        let target = self.target;
        if target.register_places.is_empty()
            && target.log_places.is_empty()
            && when == WhenRead::Running
        {
            let name =
                if target.model.kind == ModelKind::Log { "state.log" } else { "state.registers" };
            findings
                .missing(name, "the file names no place: in the end it is read as clients read it");
        }
        for place in target.register_places.iter().filter(|place| place.when == when) {
            let read = self.reader.read(place).await;
            self.tell_rows(format!("registers at {}", place.process), read, findings);
        }
        for place in target.log_places.iter().filter(|place| place.when == when) {
            let read = self.reader.read(place).await;
            self.tell_rows(format!("log at {}", place.process), read, findings);
        }
    }

    fn tell_rows<T>(
        &self,
        subject: String,
        read: Result<Rows<T>, String>,
        findings: &mut Findings,
    ) {
        let rows = match read {
            Ok(rows) => rows,
            Err(reason) => return findings.fails(subject, reason),
        };
        let (count, s) = (rows.rows.len(), plural(rows.rows.len()));
        match rows.bad.first() {
            None => findings.ok(subject, format_args!("{count} row{s}")),
            Some(bad) => findings.fails(
                subject,
                format_args!(
                    "{} of its rows make no sense; line {}: {}: {}",
                    rows.bad_count, bad.line, bad.reason, bad.excerpt
                ),
            ),
        }
    }

    async fn try_orders(&self, place: &Place<OrderRow>, findings: &mut Findings) {
        let subject = format!("orders at {}", place.process);
        let promised = matches!(
            self.target.model.replicated.orders,
            Replication::Identical | Replication::SameSet
        ) || self.target.orders.len() == 1;
        let order_no = self.order_no;
        let began = Instant::now();
        let rows = loop {
            match self.reader.read(place).await {
                Ok(rows) => {
                    let lacks = order_no.is_some_and(|order_no| !has(&rows, order_no));
                    if !(lacks && promised && began.elapsed() < SETTLED_WITHIN) {
                        break rows;
                    }
                }
                Err(reason) => return findings.fails(subject, reason),
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        };
        let (count, s) = (rows.rows.len(), plural(rows.rows.len()));
        if let Some(bad) = rows.bad.first() {
            let (line, reason) = (bad.line, &bad.reason);
            let many = rows.bad_count;
            return findings.fails(
                subject,
                format_args!(
                    "{many} of its rows make no sense; line {line}: {reason}: {}",
                    bad.excerpt
                ),
            );
        }
        match order_no {
            None => findings.ok(subject, format_args!("{count} row{s}")),
            Some(order_no) if has(&rows, order_no) => {
                findings.ok(subject, format_args!("{count} row{s}, order {order_no} is there"));
            }
            Some(order_no) if promised => {
                let within = SETTLED_WITHIN.as_secs();
                findings.fails(
                    subject,
                    format_args!(
                        "{count} row{s}, and order {order_no}, which was acknowledged, is not there after {within} s"
                    ),
                );
            }
            Some(order_no) => {
                findings.ok(
                    subject,
                    format_args!(
                        "{count} row{s}; order {order_no} is not here, which nothing promises"
                    ),
                );
            }
        }
    }

    async fn try_stocks(&self, place: &Place<StockRow>, findings: &mut Findings) {
        let subject = format!("stocks at {}", place.process);
        let rows = match self.reader.read(place).await {
            Ok(rows) => rows,
            Err(reason) => return findings.fails(subject, reason),
        };
        if let Some(bad) = rows.bad.first() {
            let (line, reason) = (bad.line, &bad.reason);
            let many = rows.bad_count;
            return findings.fails(
                subject,
                format_args!(
                    "{many} of its rows make no sense; line {line}: {reason}: {}",
                    bad.excerpt
                ),
            );
        }
        let (count, s) = (rows.rows.len(), plural(rows.rows.len()));
        match rows.rows.first() {
            None => findings.fails(subject, "it has no row"),
            Some((_, StockRow { stock, quantity, .. })) => {
                findings.ok(subject, format_args!("{count} row{s}, {quantity} of {stock}"));
            }
        }
    }

    /// The places, by their processes, that are read while all runs and hold the order.
    pub(super) async fn holders(&self, order_no: &OrderNo) -> Vec<String> {
        let mut holders = Vec::new();
        let running = self.target.orders.iter().filter(|place| place.when == WhenRead::Running);
        for place in running {
            if self.reader.read(place).await.is_ok_and(|rows| has(&rows, order_no)) {
                holders.push(place.process.clone());
            }
        }
        holders
    }

    /// Those of `holders` that do not hold the order any more, even after a while.
    pub(super) async fn lost_at(&self, order_no: &OrderNo, holders: &[String]) -> Vec<String> {
        let began = Instant::now();
        loop {
            let now = self.holders(order_no).await;
            let lost: Vec<_> =
                holders.iter().filter(|holder| !now.contains(holder)).cloned().collect();
            if lost.is_empty() || began.elapsed() >= SETTLED_WITHIN {
                return lost;
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }
}

fn has(rows: &Rows<OrderRow>, order_no: &OrderNo) -> bool {
    rows.rows.iter().any(|(_, row)| row.order_no == *order_no)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
