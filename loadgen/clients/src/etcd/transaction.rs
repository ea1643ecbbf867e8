//! What is sent to etcd and what its answers hold, as JSON: keys and values in Base64, 64-bit numbers as texts. Pure.

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::protocol::{Copy, Dumped, OrderRow, StockRow, Trade};
use crate::stock::Stock;

/// Keys in a page of a dump.
const PAGE_KEYS: usize = 1000;

/// Where the last order is, once more. Its past is an index of all orders by number: etcd keeps every revision, and reads an
/// old one as fast as the present.
pub(super) const LAST_ORDER: Key<&str> = Key("last-order");

const ORDERS: &str = "order/";
const STOCKS: &str = "stock/";

/// A key, or a value, as a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<T>(T);

impl<T: AsRef<str>> Key<T> {
    /// As the gateway wants it.
    pub(super) fn encode(&self) -> String {
        BASE64_STANDARD.encode(self.0.as_ref())
    }
}

pub(super) fn stock_key(stock: &str) -> Key<String> {
    Key(format!("{STOCKS}{stock}"))
}

fn order_key(key: &str) -> Key<String> {
    Key(format!("{ORDERS}{key}"))
}

/// An order as it is kept.
#[derive(Serialize, Deserialize)]
struct Order {
    stock: String,
    side: String,
    quantity: i64,
}

/// Makes a stock unless it is there.
pub(super) fn make_stock(name: &str, stock: Stock) -> Json {
    let key = stock_key(name).encode();
    json!({
        "compare": [{"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
        "success": [put(&key, &stock)],
    })
}

/// Reads a trade's stock and its order, at one revision.
pub(super) fn look(trade: &Trade) -> Json {
    json!({"success": both(trade)})
}

/// Writes the stock as it is after the trade, and the order, if there is no such order and the stock is that of `revision`.
/// If not, reads both.
pub(super) fn trade(trade: &Trade, revision: u64, after: Stock) -> Json {
    let (stock, order) = (stock_key(&trade.stock).encode(), order_key(&trade.key).encode());
    let kept = Order {
        stock: trade.stock.clone(),
        side: trade.side.name().to_owned(),
        quantity: i64::from(trade.quantity),
    };
    json!({
        "compare": [
            {"key": order, "target": "CREATE", "result": "EQUAL", "create_revision": "0"},
            {"key": stock, "target": "MOD", "result": "EQUAL", "mod_revision": revision.to_string()},
        ],
        "success": [put(&stock, &after), put(&order, &kept), put(&LAST_ORDER.encode(), &kept)],
        "failure": both(trade),
    })
}

/// Whether a transaction writes if it succeeds.
pub(super) fn writes(transaction: &Json) -> bool {
    transaction.get("compare").is_some()
}

fn both(trade: &Trade) -> Json {
    let range = |key: String| json!({"request_range": {"key": key}});
    json!([range(stock_key(&trade.stock).encode()), range(order_key(&trade.key).encode())])
}

fn put(key: &str, value: &impl Serialize) -> Json {
    // Texts and numbers always are JSON.
    let value = serde_json::to_vec(value).unwrap_or_default();
    json!({"request_put": {"key": key, "value": BASE64_STANDARD.encode(value)}})
}

/// The stock, with the revision of its last change, and the number of the trade's order, as far as both are there.
type Found = (Option<(Stock, u64)>, Option<u64>);

/// What a transaction that read both has found.
pub(super) fn found(answer: &Json) -> anyhow::Result<Found> {
    let [stocks, orders] = [0, 1].map(|index| &answer["responses"][index]["response_range"]);
    let order =
        values(orders).first().map(|order| number(&order["create_revision"])).transpose()?;
    Ok((stock(stocks)?, order))
}

/// The stock that a range has, with the revision of its last change.
pub(super) fn stock(range: &Json) -> anyhow::Result<Option<(Stock, u64)>> {
    let stock = |found| anyhow::Ok((value(found)?, number(&found["mod_revision"])?));
    values(range).first().map(stock).transpose()
}

/// The order that the range of the last order at revision `order_no` has, if that was when it was made.
pub(super) fn order_at(range: &Json, order_no: u64) -> anyhow::Result<Option<OrderRow>> {
    let Some(found) = values(range).first() else { return Ok(None) };
    if number(&found["mod_revision"])? != order_no {
        return Ok(None);
    }
    let Order { stock, side, quantity } = value(found)?;
    Ok(Some(OrderRow { order_no, stock, side, quantity }))
}

/// The revision that an answer is of.
pub(super) fn revision(answer: &Json) -> anyhow::Result<u64> {
    number(&answer["header"]["revision"])
}

/// One member's copy, page by page, all of the revision of the first.
pub(super) struct Pages {
    what: Dumped,
    revision: u64,
    next: Option<String>,
    orders: Vec<OrderRow>,
    stocks: Vec<StockRow>,
}

impl Pages {
    pub(super) fn new(what: Dumped) -> Self {
        let next = Some(Key(prefix(what)).encode());
        Self { what, revision: 0, next, orders: Vec::new(), stocks: Vec::new() }
    }

    /// What is to be asked next. Serializable: the member answers from what it holds, and asks nobody.
    pub(super) fn next(&self) -> Option<Json> {
        // "0" is the character after "/".
        let end = Key(prefix(self.what).replace('/', "0")).encode();
        let page = |key| {
            json!({
                "key": key, "range_end": end, "limit": PAGE_KEYS.to_string(), "serializable": true,
                "revision": self.revision.to_string(),
            })
        };
        self.next.as_ref().map(page)
    }

    /// Takes the answer to it.
    pub(super) fn take(&mut self, page: &Json) -> anyhow::Result<()> {
        if self.revision == 0 {
            self.revision = revision(page)?;
        }
        for found in values(page) {
            match self.what {
                Dumped::Orders => {
                    let Order { stock, side, quantity } = value(found)?;
                    let order_no = number(&found["create_revision"])?;
                    self.orders.push(OrderRow { order_no, stock, side, quantity });
                }
                Dumped::Stocks => {
                    let Stock { quantity, volume } = value(found)?;
                    let key = decode(&found["key"])?;
                    let stock = key.strip_prefix(STOCKS).unwrap_or(&key).to_owned();
                    self.stocks.push(StockRow { stock, quantity, volume });
                }
            }
        }
        // The next page begins with the first key after the last one, which is the last one and a zero byte.
        let last = values(page).last().filter(|_| page["more"] == true);
        let after = |last: &Json| anyhow::Ok(Key(decode(&last["key"])? + "\0").encode());
        self.next = last.map(after).transpose()?;
        Ok(())
    }

    /// All that was taken.
    pub(super) fn copy(mut self) -> Copy {
        match self.what {
            Dumped::Orders => {
                self.orders.sort_by_key(|order| order.order_no);
                Copy::Orders(self.orders)
            }
            Dumped::Stocks => Copy::Stocks(self.stocks),
        }
    }
}

fn prefix(what: Dumped) -> &'static str {
    match what {
        Dumped::Orders => ORDERS,
        Dumped::Stocks => STOCKS,
    }
}

fn values(range: &Json) -> &[Json] {
    range["kvs"].as_array().map_or(&[], Vec::as_slice)
}

fn number(text: &Json) -> anyhow::Result<u64> {
    text.as_str()
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("etcd wrote {text} for a number"))
}

fn decode(text: &Json) -> anyhow::Result<String> {
    let bytes = BASE64_STANDARD.decode(text.as_str().unwrap_or_default())?;
    String::from_utf8(bytes).context("etcd has a key that is no text")
}

fn value<T: for<'a> Deserialize<'a>>(found: &Json) -> anyhow::Result<T> {
    let bytes = BASE64_STANDARD.decode(found["value"].as_str().unwrap_or_default())?;
    serde_json::from_slice(&bytes).context("etcd holds a value that is not ours")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Side;

    fn kv(key: &str, value: Json, create: u64, modified: u64) -> Json {
        json!({"key": BASE64_STANDARD.encode(key), "value": BASE64_STANDARD.encode(value.to_string()),
            "create_revision": create.to_string(), "mod_revision": modified.to_string()})
    }

    fn buy() -> Trade {
        Trade { client: 1, stock: "Tux".into(), side: Side::Buy, quantity: 3, key: "k".into() }
    }

    #[test]
    fn a_trade_demands_that_its_order_is_new_and_its_stock_as_it_was() {
        let body = trade(&buy(), 7, Stock { quantity: 97, volume: 3 });
        assert!(writes(&body) && !writes(&look(&buy())));
        assert_eq!(body["compare"][0]["create_revision"], "0");
        assert_eq!(body["compare"][0]["key"], BASE64_STANDARD.encode("order/k"));
        assert_eq!(body["compare"][1]["mod_revision"], "7");
        assert_eq!(body["compare"][1]["key"], BASE64_STANDARD.encode("stock/Tux"));
        assert_eq!(body["failure"], look(&buy())["success"]);
        assert_eq!(body["success"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn what_is_found_is_the_stock_and_perhaps_the_order() {
        let stock = kv("stock/Tux", json!({"quantity": 97, "volume": 3}), 2, 9);
        let order = kv("order/k", json!({"stock": "Tux", "side": "Buy", "quantity": 3}), 9, 9);
        let answer = |stocks: Json, orders: Json| json!({"responses": [{"response_range": stocks}, {"response_range": orders}]});
        let tux = Stock { quantity: 97, volume: 3 };
        let both = found(&answer(json!({"kvs": [stock]}), json!({"kvs": [order]})));
        assert_eq!(both.ok(), Some((Some((tux, 9)), Some(9))));
        let neither = found(&answer(json!({"header": {}}), json!({})));
        assert_eq!(neither.ok(), Some((None, None)));
        let foreign = kv("stock/Tux", json!("what?"), 2, 9);
        assert!(found(&answer(json!({"kvs": [foreign]}), json!({}))).is_err());
    }

    #[test]
    fn an_order_is_there_only_at_its_own_revision() {
        let range = json!({"kvs": [kv("last-order", json!({"stock": "Tux", "side": "Buy", "quantity": 3}), 4, 9)]});
        let row = OrderRow { order_no: 9, stock: "Tux".into(), side: "Buy".into(), quantity: 3 };
        assert_eq!(order_at(&range, 9).ok(), Some(Some(row)));
        assert_eq!(order_at(&range, 10).ok(), Some(None));
        assert_eq!(order_at(&json!({}), 2).ok(), Some(None));
    }

    #[test]
    fn pages_follow_each_other_at_one_revision_and_orders_are_sorted_by_number() {
        let mut pages = Pages::new(Dumped::Orders);
        let order = json!({"stock": "Tux", "side": "Buy", "quantity": 3});
        assert_eq!(pages.next().map(|range| range["revision"].clone()), Some(json!("0")));
        let page = json!({"header": {"revision": "12"}, "kvs": [kv("order/a", order.clone(), 11, 11)], "more": true});
        pages.take(&page).expect("a page");
        let next = pages.next().expect("there is more");
        assert_eq!(
            (&next["revision"], &next["key"]),
            (&json!("12"), &json!(BASE64_STANDARD.encode("order/a\0")))
        );
        let page = json!({"header": {"revision": "15"}, "kvs": [kv("order/b", order, 6, 6)]});
        pages.take(&page).expect("a page");
        assert_eq!(pages.next(), None);
        let Copy::Orders(orders) = pages.copy() else { panic!("orders were asked") };
        assert_eq!(orders.iter().map(|order| order.order_no).collect::<Vec<_>>(), [6, 11]);
    }
}
