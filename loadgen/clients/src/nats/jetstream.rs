//! What is sent to JetStream and what its answers hold: subjects, JSON and headers. Pure.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::protocol::{Dumped, OrderRow, Side, StockRow, Trade};
use crate::stock::Stock;

/// The stream that keeps all orders.
const STREAM: &str = "ORDERS";
/// What the subjects of all stocks begin with.
const PREFIX: &str = "orders.";
/// For how long a message's id is remembered, in nanoseconds: two hours, which is longer than any trial. By default it would
/// be two minutes, and a trade that is sent again later would be stored twice.
const DUPLICATE_WINDOW_NS: u64 = 7_200_000_000_000;
/// After how long without a request a consumer is removed, in nanoseconds. It is deleted before, unless this program dies.
const INACTIVE_NS: u64 = 30_000_000_000;

/// Errors by JetStream's numbers.
const NO_MESSAGE: u64 = 10_037;
const WRONG_LAST_SEQUENCE: u64 = 10_071;

/// A message of the stream: an order with the stock as it is after it, or the first of its subject, which makes the stock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Order>,
    pub(super) after: Stock,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    side: Side,
    quantity: u32,
}

impl Entry {
    pub(super) fn first(stock: Stock) -> Self {
        Self { order: None, after: stock }
    }

    pub(super) fn of(trade: &Trade, after: Stock) -> Self {
        Self { order: Some(Order { side: trade.side, quantity: trade.quantity }), after }
    }

    /// As it is published.
    pub(super) fn encode(&self) -> Vec<u8> {
        // Texts and numbers always are JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) sequence: u64,
    stock: String,
    pub(super) entry: Entry,
}

impl Kept {
    pub(super) fn new(sequence: u64, subject: &str, payload: &[u8]) -> anyhow::Result<Self> {
        let stock = subject.strip_prefix(PREFIX).unwrap_or(subject).to_owned();
        let entry = serde_json::from_slice(payload)
            .with_context(|| format!("message {sequence} of {subject} is not ours"))?;
        Ok(Self { sequence, stock, entry })
    }

    /// The order, if it is one.
    pub(super) fn order(&self) -> Option<OrderRow> {
        let order = self.entry.order.as_ref()?;
        Some(OrderRow {
            order_no: self.sequence,
            stock: self.stock.clone(),
            side: order.side.name().to_owned(),
            quantity: i64::from(order.quantity),
        })
    }

    /// The stock as it is after it.
    pub(super) fn stock(&self) -> StockRow {
        let Stock { quantity, volume } = self.entry.after;
        StockRow { stock: self.stock.clone(), quantity, volume }
    }
}

/// The subject of a stock, unless nothing can be published under such a name.
pub(super) fn subject(stock: &str) -> Option<String> {
    let is_token = |sign: char| !sign.is_whitespace() && !".*>".contains(sign);
    (!stock.is_empty() && stock.chars().all(is_token)).then(|| format!("{PREFIX}{stock}"))
}

/// A subject of JetStream's interface, for the stream.
pub(super) fn api(what: &str) -> String {
    format!("$JS.API.{what}.{STREAM}")
}

/// What makes the stream; the same again changes nothing.
pub(super) fn create_stream(replicas: usize) -> Json {
    json!({
        "name": STREAM, "subjects": [format!("{PREFIX}*")], "retention": "limits", "discard": "old",
        "storage": "file", "num_replicas": replicas, "allow_direct": true,
        "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0, "max_msg_size": -1,
        "duplicate_window": DUPLICATE_WINDOW_NS,
    })
}

/// Who of `replicas` has all of the stream, if not all of them: in the words of the answer to `STREAM.INFO`.
pub(super) fn lack(info: &Json, replicas: usize) -> Option<String> {
    let cluster = &info["cluster"];
    let followers = cluster["replicas"].as_array().map_or(&[][..], Vec::as_slice);
    let current = followers.iter().filter(|follower| follower["current"] == true).count();
    let is_led = cluster["leader"].as_str().is_some_and(|leader| !leader.is_empty());
    let is_whole = is_led && current + 1 == replicas;
    (!is_whole).then(|| format!("{current} followers of {} have all of the stream", replicas - 1))
}

/// What is wanted of the stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    LastOf(&'a str),
    At(u64),
}

impl Wanted<'_> {
    pub(super) fn encode(self) -> Vec<u8> {
        let wanted = match self {
            Self::LastOf(subject) => json!({"last_by_subj": subject}),
            Self::At(sequence) => json!({"seq": sequence}),
        };
        wanted.to_string().into_bytes()
    }
}

/// An answer of JetStream's interface, or what it says is wrong: its number and its words.
pub(super) fn answer(payload: &[u8]) -> Result<Json, (u64, String)> {
    let answer: Json = serde_json::from_slice(payload)
        .map_err(|error| (0, format!("an answer that is no JSON: {error}")))?;
    let error = &answer["error"];
    if error.is_null() {
        return Ok(answer);
    }
    let words = error["description"].as_str().unwrap_or("an error without words");
    Err((error["err_code"].as_u64().unwrap_or_default(), words.to_owned()))
}

/// The message that the leader answers with, if there is one.
pub(super) fn kept(payload: &[u8]) -> anyhow::Result<Option<Kept>> {
    let message = match answer(payload) {
        Ok(answer) => answer["message"].clone(),
        Err((NO_MESSAGE, _)) => return Ok(None),
        Err((_, words)) => bail!("{words}"),
    };
    let sequence = message["seq"].as_u64().context("a message without its sequence")?;
    let subject = message["subject"].as_str().context("a message without its subject")?;
    let data = BASE64_STANDARD.decode(message["data"].as_str().unwrap_or_default())?;
    Kept::new(sequence, subject, &data).map(Some)
}

/// What became of a message that was published.
#[derive(Debug, PartialEq)]
pub(super) enum Published {
    /// It is in the stream, by this attempt or by an earlier one.
    At(u64),
    /// It is not, since something else is there that was not expected; perhaps the last sequence.
    Overtaken(Option<u64>),
    /// Nobody can tell.
    Unclear(String),
}

/// What the answer to a publication says. Of errors only one says that the message is not stored: others may come of one
/// server that could not store what the others did.
pub(super) fn published(payload: &[u8]) -> Published {
    match answer(payload) {
        Ok(acknowledged) => match acknowledged["seq"].as_u64() {
            Some(sequence) if sequence > 0 => Published::At(sequence),
            // One with this id is under way, and has no place yet.
            _ => Published::Unclear(format!("the stream acknowledged {acknowledged}")),
        },
        Err((WRONG_LAST_SEQUENCE, words)) => {
            Published::Overtaken(words.rsplit(' ').next().and_then(|last| last.parse().ok()))
        }
        Err((_, words)) => Published::Unclear(words),
    }
}

/// A consumer of one replica, which is kept by one server and reads what that server has.
pub(super) fn create_consumer() -> Json {
    json!({
        "stream_name": STREAM,
        "config": {
            "deliver_policy": "all", "ack_policy": "none", "replay_policy": "instant", "num_replicas": 1,
            "mem_storage": true, "inactive_threshold": INACTIVE_NS,
        },
    })
}

/// The sequence of a message that a consumer delivers, from what would acknowledge it:
/// `$JS.ACK.STREAM.CONSUMER.DELIVERIES.SEQUENCE.DELIVERED.TIME.PENDING`.
pub(super) fn sequence_of(reply: &str) -> anyhow::Result<u64> {
    let place = reply.split('.').nth(5).and_then(|sequence| sequence.parse().ok());
    place.with_context(|| format!("a message was delivered as {reply}"))
}

/// What a copy's messages amount to.
pub(super) fn copy(messages: &[Kept], what: Dumped) -> crate::protocol::Copy {
    match what {
        Dumped::Orders => {
            crate::protocol::Copy::Orders(messages.iter().filter_map(Kept::order).collect())
        }
        Dumped::Stocks => {
            let last = messages.iter().map(|kept| (kept.stock.as_str(), kept));
            let last: std::collections::BTreeMap<&str, &Kept> = last.collect();
            crate::protocol::Copy::Stocks(last.into_values().map(Kept::stock).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Copy;

    fn buy(quantity: u32) -> Trade {
        Trade { client: 1, stock: "Tux".into(), side: Side::Buy, quantity, key: "k".into() }
    }

    #[test]
    fn an_order_is_a_message_with_its_stock_after_it() {
        let entry = Entry::of(&buy(3), Stock { quantity: 97, volume: 3 });
        let kept = Kept::new(7, "orders.Tux", &entry.encode()).expect("ours");
        let row = OrderRow { order_no: 7, stock: "Tux".into(), side: "Buy".into(), quantity: 3 };
        assert_eq!(kept.order(), Some(row));
        assert_eq!(kept.stock(), StockRow { stock: "Tux".into(), quantity: 97, volume: 3 });
        let first = Kept::new(1, "orders.Tux", &Entry::first(Stock::new(100)).encode());
        assert_eq!(first.expect("ours").order(), None, "what makes a stock is no order");
        assert!(Kept::new(8, "orders.Tux", b"what?").is_err());
    }

    #[test]
    fn names_that_would_be_more_than_one_word_of_a_subject_have_none() {
        assert_eq!(subject("Tux").as_deref(), Some("orders.Tux"));
        for stock in ["", "a.b", "*", ">", "a b"] {
            assert_eq!(subject(stock), None, "{stock}");
        }
    }

    #[test]
    fn only_another_sequence_than_the_expected_means_that_nothing_is_stored() {
        let said = |answer: Json| published(answer.to_string().as_bytes());
        assert_eq!(said(json!({"stream": "ORDERS", "seq": 9})), Published::At(9));
        assert_eq!(
            said(json!({"stream": "ORDERS", "seq": 4, "duplicate": true})),
            Published::At(4)
        );
        let error = |number: u64, words: &str| json!({"error": {"code": 400, "err_code": number, "description": words}});
        assert_eq!(said(error(10_071, "wrong last sequence: 12")), Published::Overtaken(Some(12)));
        for unclear in [
            json!({"stream": "ORDERS", "seq": 0, "duplicate": true}),
            error(10_077, "error opening msg block file"),
            error(10_008, "JetStream system temporarily unavailable"),
            json!("what?"),
        ] {
            assert!(matches!(said(unclear.clone()), Published::Unclear(_)), "{unclear}");
        }
        assert!(matches!(published(b"+OK"), Published::Unclear(_)));
    }

    #[test]
    fn the_leader_answers_with_a_message_or_that_there_is_none() {
        let entry = Entry::first(Stock::new(100));
        let message = json!({"message": {"subject": "orders.Tux", "seq": 1, "data": BASE64_STANDARD.encode(entry.encode())}});
        let found = kept(message.to_string().as_bytes()).expect("an answer");
        assert_eq!(found.map(|kept| (kept.sequence, kept.entry)), Some((1, entry)));
        let none =
            br#"{"error": {"code": 404, "err_code": 10037, "description": "no message found"}}"#;
        assert_eq!(kept(none).ok(), Some(None));
        let down = br#"{"error": {"code": 503, "err_code": 10008, "description": "unavailable"}}"#;
        assert!(kept(down).is_err(), "a server that cannot tell does not say that there is none");
    }

    #[test]
    fn a_copy_has_each_order_and_each_stock_as_its_last_message_has_it() {
        let tux = |sequence, entry: &Entry| {
            Kept::new(sequence, "orders.Tux", &entry.encode()).expect("ours")
        };
        let messages = [
            tux(1, &Entry::first(Stock::new(100))),
            Kept::new(2, "orders.Fox", &Entry::first(Stock::new(5)).encode()).expect("ours"),
            tux(3, &Entry::of(&buy(3), Stock { quantity: 97, volume: 3 })),
            tux(4, &Entry::of(&buy(2), Stock { quantity: 95, volume: 5 })),
        ];
        let Copy::Orders(orders) = copy(&messages, Dumped::Orders) else { panic!("orders") };
        assert_eq!(orders.iter().map(|order| order.order_no).collect::<Vec<_>>(), [3, 4]);
        let stock =
            |stock: &str, quantity, volume| StockRow { stock: stock.into(), quantity, volume };
        assert_eq!(
            copy(&messages, Dumped::Stocks),
            Copy::Stocks(vec![stock("Fox", 5, 0), stock("Tux", 95, 5)])
        );
    }

    #[test]
    fn a_delivered_message_names_its_sequence_and_a_stream_that_is_whole_lacks_nothing() {
        let reply = "$JS.ACK.ORDERS.c.1.42.7.1669000000000000000.3";
        assert_eq!(sequence_of(reply).ok(), Some(42));
        assert!(sequence_of("_INBOX.1").is_err());
        let info = |leader: &str, current: bool| json!({"cluster": {"leader": leader, "replicas": [{"current": true}, {"current": current}]}});
        assert_eq!(lack(&info("nats-1", true), 3), None);
        for wanting in [info("nats-1", false), info("", true), json!({})] {
            assert!(lack(&wanting, 3).is_some(), "{wanting}");
        }
    }
}
