//! What a target holds, read from the places that its file names, and whether an acknowledged order is there.

use std::fs::File;
use std::io::Cursor;
use std::time::{Duration, Instant};

use minijinja::Value;
use reqwest::Method;
use targets::file::{Replication, WhenRead};
use targets::order_no::OrderNo;
use targets::state::{Asked, MAX_SOURCE_BYTES, OrderRow, RowReader, Rows, StateRow, StockRow};
use targets::target::{Place, Request, Source, Target};
use targets::template::Template;

use super::findings::Findings;
use super::http::{Ask, Reply, ask};
use super::operations::Acknowledged;
use crate::target::TargetTrial;

/// How long an acknowledged order may take to reach every place that promises it: a replica that catches up.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// How long after a look without it is looked again.
const LOOK_PERIOD: Duration = Duration::from_millis(100);
/// How long one source may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// Reads a target's places.
#[derive(Debug)]
pub(super) struct State<'a> {
    /// Whose.
    pub(super) target: &'a Target,
    /// In which trial.
    pub(super) trial: &'a TargetTrial,
    /// Asks with this.
    pub(super) http: &'a reqwest::Client,
    /// The stocks that there are.
    pub(super) stocks: &'a [String],
    /// The order that was acknowledged.
    pub(super) order: Option<&'a Acknowledged>,
}

impl State<'_> {
    /// Reads every place that is read `when`, and says what is there.
    pub(super) async fn try_each(&self, when: WhenRead, findings: &mut Findings) {
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

    async fn try_orders(&self, place: &Place<OrderRow>, findings: &mut Findings) {
        let subject = format!("orders at {}", place.process);
        let promised = matches!(
            self.target.model.replicated.orders,
            Replication::Identical | Replication::SameSet
        ) || self.target.orders.len() == 1;
        let order_no = self.order.and_then(|order| order.order_no.as_ref());
        let began = Instant::now();
        let rows = loop {
            match self.read(place).await {
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
        let rows = match self.read(place).await {
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
            if self.read(place).await.is_ok_and(|rows| has(&rows, order_no)) {
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

    async fn read<T: StateRow>(&self, place: &Place<T>) -> Result<Rows<T>, String> {
        let Some(reader) = &place.reader else {
            return Err("what the client dumps is not tried yet".to_owned());
        };
        let source = &place.source;
        if let Source::File(path) = source {
            let path = self.trial.path(path).map_err(|error| format!("{error:#}"))?;
            let file = File::open(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let rows = reader.read(file, Asked::default());
            return rows.map_err(|error| format!("{}: {error}", path.display()));
        }
        let mut rows = Rows::new();
        for (stock, order_no) in self.asked(source) {
            let mut values = Vec::new();
            values.extend(stock.map(|stock| ("stock", Value::from(stock))));
            values.extend(order_no.map(|order_no| ("order_no", order_no_value(order_no))));
            let text = self.text(source, values).await?;
            read_more(reader, &text, Asked { stock, order_no }, &mut rows)?;
        }
        Ok(rows)
    }

    /// What a source is asked about: once, or once for each.
    fn asked(&self, source: &Source) -> Vec<(Option<&str>, Option<&OrderNo>)> {
        let order_no = self.order.and_then(|order| order.order_no.as_ref());
        if source.is_asked_for_each("stock") {
            self.stocks.iter().map(|stock| (Some(stock.as_str()), None)).collect()
        } else if source.is_asked_for_each("order_no") {
            order_no.into_iter().map(|order_no| (None, Some(order_no))).collect()
        } else {
            vec![(None, None)]
        }
    }

    async fn text(
        &self,
        source: &Source,
        values: Vec<(&'static str, Value)>,
    ) -> Result<Vec<u8>, String> {
        match source {
            Source::Url(request) => self.get(request, &values).await,
            Source::Exec(command) => {
                let command = command
                    .render_with(&self.trial.setting, values)
                    .map_err(|error| error.to_string())?;
                self.trial.output_of(command, READ_WITHIN).await
            }
            Source::Sqlite { .. } => Err("databases are not tried yet by this command".to_owned()),
            Source::File(_) | Source::Dump => Err("it is not asked".to_owned()),
        }
    }

    async fn get(
        &self,
        request: &Request,
        values: &[(&'static str, Value)],
    ) -> Result<Vec<u8>, String> {
        let rendered = |template: &Template| {
            let rendered = template.render_with(&self.trial.setting, values.to_vec());
            rendered.map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
        };
        let url = rendered(&request.url)?;
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((name.as_str(), rendered(value)?));
        }
        let method = Method::from_bytes(request.method.as_bytes());
        let sent = Ask {
            method: method.map_err(|error| format!("{}: {error}", request.method))?,
            url: &url,
            headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            body: request.body.as_ref().map(rendered).transpose()?,
            deadline: READ_WITHIN,
            max_bytes: usize::try_from(MAX_SOURCE_BYTES).unwrap_or(usize::MAX - 1),
        };
        match ask(self.http, sent).await {
            Reply::Answered { status, body, .. } if (200..300).contains(&status) => Ok(body),
            Reply::Answered { status, body, .. } => {
                let said = targets::name::excerpt(&String::from_utf8_lossy(&body));
                Err(format!("{url}: status {status}: {said}"))
            }
            Reply::NotSent(reason) | Reply::Lost(reason) => Err(format!("{url}: {reason}")),
        }
    }
}

fn read_more<T: StateRow>(
    reader: &RowReader<T>,
    text: &[u8],
    asked: Asked<'_>,
    rows: &mut Rows<T>,
) -> Result<(), String> {
    let more = reader.read(Cursor::new(text), asked).map_err(|error| error.to_string())?;
    rows.rows.extend(more.rows);
    rows.bad.extend(more.bad);
    rows.bad_count += more.bad_count;
    rows.unmatched += more.unmatched;
    Ok(())
}

fn has(rows: &Rows<OrderRow>, order_no: &OrderNo) -> bool {
    rows.rows.iter().any(|(_, row)| row.order_no == *order_no)
}

fn order_no_value(order_no: &OrderNo) -> Value {
    match order_no {
        OrderNo::Number(number) => Value::from(*number),
        OrderNo::Text(text) => Value::from(text.as_str()),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
