//! The lines between the harness and this program, as they stand. The harness's side is `targets::client`.

use std::collections::BTreeMap;

use records::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::member::{Endpoint, Member};

/// The version of the protocol.
pub(crate) const VERSION: u32 = 1;

/// The longest line, in bytes.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// The first line: where the engine is, and what there is to trade. The engine's variant and the rest of what a target may
/// tell are taken as they come.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hello {
    pub(crate) version: u32,
    pub(crate) ports: BTreeMap<String, u16>,
    /// The addresses of hosts and of processes that are on them, by name.
    #[serde(default)]
    pub(crate) hosts: BTreeMap<String, String>,
    pub(crate) variant: Option<String>,
    pub(crate) deadline_ms: u64,
    #[serde(default)]
    pub(crate) stocks: BTreeMap<String, u64>,
    pub(crate) cap: Option<u64>,
}

impl Hello {
    /// Whose ports are called `role` and a number, by name: `etcd-1`, and not `etcd-peer-1`. Who is on no host is on this machine.
    pub(crate) fn members(&self, role: &str) -> Vec<Member> {
        let is_member = |name: &str| {
            let number = name.strip_prefix(role).and_then(|rest| rest.strip_prefix('-'));
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let members = self.ports.iter().filter(|(name, _)| is_member(name));
        let member = |(name, port): (&String, &u16)| {
            let host = self.hosts.get(name).map_or("127.0.0.1", String::as_str).to_owned();
            Member { name: name.clone(), at: Endpoint { host, port: *port } }
        };
        members.map(member).collect()
    }
}

/// Any other line that comes.
#[derive(Debug, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) request: Request,
}

/// What is to be done.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Request {
    Prepare,
    Connect { client: u32 },
    Query { client: u32, stock: String },
    Trade(Trade),
    Lookup { client: u32, order_no: Json },
    Dump { process: String, what: Dumped },
}

/// A trade, of which `key` is the same in every attempt.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Trade {
    pub(crate) client: u32,
    pub(crate) stock: String,
    pub(crate) side: Side,
    pub(crate) quantity: u32,
    pub(crate) key: String,
}

/// Whether a trade takes from a stock or adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Buy,
    Sell,
}

impl Side {
    /// As lines and engines write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Buy => "Buy",
            Self::Sell => "Sell",
        }
    }

    /// By how much a trade of `quantity` changes a stock.
    pub(crate) fn change(self, quantity: u32) -> i64 {
        match self {
            Self::Buy => -i64::from(quantity),
            Self::Sell => i64::from(quantity),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dumped {
    Orders,
    Stocks,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_no: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Answer {
    pub(crate) fn done() -> Self {
        Self { outcome: Outcome::Ok, order_no: None, seen: None, reason: None }
    }

    pub(crate) fn traded(order_no: u64) -> Self {
        Self { order_no: Some(order_no), ..Self::done() }
    }

    pub(crate) fn saw(seen: Seen) -> Self {
        Self { seen: Some(seen), ..Self::done() }
    }

    pub(crate) fn rejected(reason: impl Into<String>) -> Self {
        Self::because(Outcome::Rejected, reason)
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::because(Outcome::Failed, reason)
    }

    pub(crate) fn because(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: Some(reason.into()), ..Self::done() }
    }
}

/// What a query or a lookup saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Seen {
    Stock { quantity: i64, volume: i64 },
    Order { stock: String, side: String, quantity: i64 },
}

/// One process's copy, sorted: orders by number, stocks by name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Copy {
    Orders(Vec<OrderRow>),
    Stocks(Vec<StockRow>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OrderRow {
    pub(crate) order_no: u64,
    pub(crate) stock: String,
    pub(crate) side: String,
    pub(crate) quantity: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct StockRow {
    pub(crate) stock: String,
    pub(crate) quantity: i64,
    pub(crate) volume: i64,
}

/// The lines that go.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Line<'a> {
    Greeting {
        hello: u32,
        can: &'static [&'static str],
    },
    Answered {
        id: u64,
        #[serde(flatten)]
        answer: Answer,
    },
    Orders {
        id: u64,
        rows: &'a [OrderRow],
    },
    Stocks {
        id: u64,
        rows: &'a [StockRow],
    },
    End {
        id: u64,
        end: bool,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(line: Json) -> Result<Request, serde_json::Error> {
        serde_json::from_value::<Numbered>(line).map(|numbered| numbered.request)
    }

    #[test]
    fn requests_are_read_as_the_harness_writes_them() {
        let line = json!({"id": 4, "op": "trade", "stock": "Tux", "side": "Buy", "quantity": 3, "key": "k", "client": 2});
        let trade =
            Trade { client: 2, stock: "Tux".into(), side: Side::Buy, quantity: 3, key: "k".into() };
        assert_eq!(request(line).ok(), Some(Request::Trade(trade)));
        assert_eq!(request(json!({"id": 1, "op": "prepare"})).ok(), Some(Request::Prepare));
        let dump = Request::Dump { process: "etcd-2".into(), what: Dumped::Orders };
        let line = json!({"id": 6, "op": "dump", "process": "etcd-2", "what": "orders"});
        assert_eq!(request(line).ok(), Some(dump));
    }

    #[test]
    fn a_request_that_cannot_be_meant_is_refused() {
        for line in [
            json!({"id": 1, "op": "steal", "client": 1}),
            json!({"op": "prepare"}),
            json!({"id": 1, "op": "trade", "stock": "Tux", "side": "Lend", "quantity": 3, "key": "k", "client": 2}),
            json!({"id": 1, "op": "trade", "stock": "Tux", "side": "Buy", "quantity": -3, "key": "k", "client": 2}),
        ] {
            assert!(request(line.clone()).is_err(), "{line}");
        }
    }

    #[test]
    fn an_answer_has_only_what_it_says() {
        let line = |answer| serde_json::to_value(Line::Answered { id: 7, answer }).ok();
        assert_eq!(
            line(Answer::traded(12)),
            Some(json!({"id": 7, "outcome": "ok", "order_no": 12}))
        );
        assert_eq!(
            line(Answer::rejected("sold out")),
            Some(json!({"id": 7, "outcome": "rejected", "reason": "sold out"}))
        );
        assert_eq!(
            line(Answer::saw(Seen::Stock { quantity: 97, volume: 3 })),
            Some(json!({"id": 7, "outcome": "ok", "seen": {"quantity": 97, "volume": 3}}))
        );
    }

    #[test]
    fn members_are_the_ports_with_the_roles_name_and_a_number_where_their_process_is() {
        let hello = json!({"version": 1, "ports": {"etcd-1": 1, "etcd-2": 2, "etcd-peer-1": 3, "etcd": 4, "retcd-1": 5},
            "variant": null, "deadline_ms": 6000, "cap": null, "hosts": {"n1": "10.0.0.1", "etcd-2": "10.0.0.1"}, "clients": 5, "seed": 7});
        let hello: Hello = serde_json::from_value(hello).expect("a hello");
        let members = hello.members("etcd");
        let told: Vec<String> = members.iter().map(|it| format!("{} {}", it.name, it.at)).collect();
        assert_eq!(told, ["etcd-1 127.0.0.1:1", "etcd-2 10.0.0.1:2"]);
    }
}
