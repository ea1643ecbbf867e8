//! What clients were told, and whether the bazaar still says so: by lookups, and by what every
//! process holds.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::Call;
use wire::headers;

use crate::bazaar::{Bazaar, Name, ORDERS};

/// How many clients trade at a time.
const CLIENTS: usize = 8;
/// So many rows of a dump are asked for at once: few, so that there are several pages.
const PAGE: u64 = 250;

/// Every acknowledged order, by its number.
#[derive(Default)]
pub(crate) struct History {
    acknowledged: BTreeMap<u64, Value>,
    sent: u64,
}

impl History {
    /// Trades until `count` more orders have been acknowledged.
    pub(crate) async fn trade(&mut self, bazaar: &Bazaar, count: usize) {
        let first = self.sent;
        self.sent += u64::try_from(count).unwrap();
        let sent: Vec<_> = (first..self.sent).collect();
        let clients = sent.chunks(count.div_ceil(CLIENTS)).map(|sent| trade_all(bazaar, sent));
        for (order_no, order) in join_all(clients).await.into_iter().flatten() {
            let before = self.acknowledged.insert(order_no, order);
            assert!(before.is_none(), "#{order_no} was given twice");
        }
    }

    pub(crate) fn last(&self) -> u64 {
        self.acknowledged.last_key_value().map_or(0, |(order_no, _)| *order_no)
    }

    /// Every acknowledged order is shown as it was sent.
    pub(crate) async fn is_shown(&self, bazaar: &Bazaar) {
        for (order_no, order) in &self.acknowledged {
            let reply = bazaar.ask(&Call::get(format!("/orders/{order_no}"))).await.unwrap();
            assert_eq!(reply.status, StatusCode::OK, "#{order_no}");
            let shown: Value = reply.json().unwrap();
            assert_eq!(&shown["data"], order, "#{order_no}");
        }
    }

    /// That, all replicas hold the same, and the catalog holds each in the place that is its number.
    pub(crate) async fn is_all_there(&self, bazaar: &Bazaar) {
        self.is_shown(bazaar).await;
        let logs = join_all(ORDERS.map(|name| dump(bazaar, name))).await;
        for (name, log) in ORDERS.iter().zip(&logs) {
            assert_eq!(log, &logs[0], "{name}");
        }
        let catalog = dump(bazaar, Name::Catalog).await;
        assert_eq!(places(&catalog), contents(&logs[0]));
    }

    /// All is there, and trading goes on with the next numbers.
    pub(crate) async fn goes_on(&mut self, bazaar: &Bazaar) {
        self.goes_on_after(bazaar, 0).await;
    }

    /// The same; besides what was acknowledged, up to so many orders of unknown outcome may have
    /// been numbered.
    pub(crate) async fn goes_on_after(&mut self, bazaar: &Bazaar, unknown: u64) {
        self.is_all_there(bazaar).await;
        let last = self.last();
        self.trade(bazaar, 20).await;
        let next = last + 20;
        assert!((next..=next + unknown).contains(&self.last()), "{last} {}", self.last());
        self.is_all_there(bazaar).await;
    }
}

/// One client: trades one after the other. Returns what it was told.
async fn trade_all(bazaar: &Bazaar, sent: &[u64]) -> Vec<(u64, Value)> {
    let mut told = Vec::new();
    for number in sent {
        let trade_type = if number % 2 == 0 { "Buy" } else { "Sell" };
        let order = json!({
            "stock_name": format!("Stock{}", number % 3 + 1),
            "trade_type": trade_type,
            "quantity": number % 7 + 1,
        });
        let call =
            Call::post("/orders", &order).header(headers::IDEMPOTENCY_KEY, format!("key-{number}"));
        let reply = bazaar.ask(&call).await.expect("an answer to a trade");
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.status, StatusCode::OK, "{body}");
        let answer: Value = reply.json().unwrap();
        let order_no = answer["order_no"].as_u64().unwrap();
        let mut shown = order;
        shown["order_no"] = order_no.into();
        told.push((order_no, shown));
    }
    told
}

/// Everything that a replica or the catalog holds, page by page: the log, or the decided trades.
pub(crate) async fn dump(bazaar: &Bazaar, name: Name) -> Vec<Value> {
    let rows = if name == Name::Catalog { "trades" } else { "entries" };
    let (mut all, mut rest, mut after) = (Vec::new(), String::new(), 0);
    loop {
        let reply =
            bazaar.get(name, &format!("/dump?after={after}&limit={PAGE}{rest}")).await.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{name}: {after}{rest}");
        let mut page: Value = reply.json().unwrap();
        let through = page["through"].as_u64().unwrap();
        rest = format!("&through={through}");
        if name != Name::Catalog {
            rest.push_str(&format!("&through_epoch={}", page["through_epoch"]));
        }
        let rows = page[rows].as_array_mut().unwrap();
        // Orders and decisions are both counted from 1, without gaps.
        after += u64::try_from(rows.len()).unwrap();
        let is_last = rows.is_empty() || after >= through;
        all.append(rows);
        if is_last {
            break;
        }
    }
    all
}

const CONTENT: [&str; 4] = ["request_id", "stock_name", "trade_type", "quantity"];

fn content(row: &Value) -> Value {
    CONTENT.iter().map(|field| row[*field].clone()).collect()
}

fn contents(log: &[Value]) -> BTreeMap<u64, Value> {
    log.iter().map(|row| (row["order_no"].as_u64().unwrap(), content(row))).collect()
}

/// What the catalog applied for the order service, by its place.
fn places(trades: &[Value]) -> BTreeMap<u64, Value> {
    trades.iter().filter_map(|row| Some((row["applied_seq"].as_u64()?, content(row)))).collect()
}

/// All of them at once.
pub(crate) async fn join_all<T>(
    futures: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(|one| Box::pin(one)).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = one.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
