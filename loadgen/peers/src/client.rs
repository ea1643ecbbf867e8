//! What a client of each side does, over and over: one operation at a time, on a connection of its own.
//!
//! An operation counts once it was acknowledged as the side promises it. A transaction that lost to another one is tried
//! again within the same operation: that is what it costs somebody who wants it done.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::Connection;

/// How many stocks the built-in bazaar has; etcd's clients trade as many.
const STOCKS: usize = 10;
/// How often a transaction is tried that loses to others. With 64 clients on ten stocks a few tries suffice.
const MOST_TRIES: u32 = 1_000;
/// Multiplied by this (2 to the 64th, divided by the golden ratio) numbers that follow each other lie far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// After this an operation counts as failed: longer than the bazaar itself waits for a trade, and etcd for a proposal.
const DEADLINE: Duration = Duration::from_secs(15);

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// The same question, always.
    Get(String),
    /// Another stock each time, of so many.
    AnyStock(u64),
    /// Another order each time, of so many.
    AnyOrder(u64),
    /// A trade of the bazaar's: a stock is bought, and then sold back, so that none sells out.
    Trade,
    /// An order is put under a key of its own.
    EtcdPut,
    /// A stock is read; order and stock are written if it is still as it was.
    EtcdTransaction,
}

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    script: Script,
    entries: Vec<SocketAddr>,
    connection: Connection,
    number: usize,
    turn: usize,
}

impl Client {
    /// Client `number` of somebody who answers at any of `entries`, of which there is at least one. It stays with one
    /// until an operation fails.
    pub(crate) fn new(script: Script, entries: &[SocketAddr], number: usize) -> Self {
        let connection = Connection::new(entries[number % entries.len()]);
        Self { script, entries: entries.to_vec(), connection, number, turn: 0 }
    }

    /// The same, as if it had done `turn` operations.
    pub(crate) fn at_turn(self, turn: usize) -> Self {
        Self { turn, ..self }
    }

    /// One operation, until it was acknowledged.
    ///
    /// # Errors
    /// If it was refused, or not answered in time.
    pub(crate) async fn operate(&mut self) -> anyhow::Result<()> {
        let done = tokio::time::timeout(DEADLINE, self.once()).await;
        let done = done.unwrap_or_else(|_| bail!("no answer within {} s", DEADLINE.as_secs()));
        if done.is_err() {
            let here = self.entries.iter().position(|entry| *entry == self.connection.address());
            let next = here.map_or(0, |here| (here + 1) % self.entries.len());
            self.connection = Connection::new(self.entries[next]);
        }
        self.turn += 1;
        done
    }

    async fn once(&mut self) -> anyhow::Result<()> {
        match &self.script {
            Script::Get(path) => self.connection.get(path).await?.accepted(),
            Script::AnyStock(stocks) => {
                let path = format!("/stocks/Stock{}", self.any(*stocks));
                self.connection.get(&path).await?.accepted()
            }
            Script::AnyOrder(orders) => {
                let path = format!("/orders/{}", self.any(*orders));
                self.connection.get(&path).await?.accepted()
            }
            Script::Trade => {
                let body = self.order().to_string();
                self.connection.post("/orders", body).await?.accepted()
            }
            Script::EtcdPut => {
                let body = json!({ "key": self.order_key(), "value": encoded(&self.order()) });
                self.connection.post("/v3/kv/put", body.to_string()).await?.accepted()
            }
            Script::EtcdTransaction => self.transaction().await,
        }
    }

    async fn transaction(&mut self) -> anyhow::Result<()> {
        let stock = STANDARD.encode(format!("stocks/{}", self.stock()));
        for _ in 0..MOST_TRIES {
            let question = json!({ "key": stock }).to_string();
            let read = self.connection.post("/v3/kv/range", question).await?.json()?;
            let seen = revision(&read);
            let left = json!({ "stock_name": self.stock(), "quantity": 100 - self.turn % 2 });
            let body = json!({
                "compare": [{ "key": stock, "target": "MOD", "result": "EQUAL", "mod_revision": seen }],
                "success": [
                    { "request_put": { "key": stock, "value": encoded(&left) } },
                    { "request_put": { "key": self.order_key(), "value": encoded(&self.order()) } },
                ],
            });
            let answer = self.connection.post("/v3/kv/txn", body.to_string()).await?.json()?;
            if answer["succeeded"].as_bool() == Some(true) {
                return Ok(());
            }
        }
        bail!("another client was first {MOST_TRIES} times")
    }

    /// One of `number` things, from 1, all over them: neighbours in time are no neighbours there.
    fn any(&self, number: u64) -> u64 {
        let turn = (self.turn as u64).wrapping_add((self.number as u64) << 32);
        (turn.wrapping_mul(SPREAD) >> 16) % number + 1
    }

    fn stock(&self) -> String {
        format!("Stock{}", self.number % STOCKS + 1)
    }

    fn order(&self) -> Value {
        let side = if self.turn.is_multiple_of(2) { "Buy" } else { "Sell" };
        json!({ "stock_name": self.stock(), "trade_type": side, "quantity": 1 })
    }

    fn order_key(&self) -> String {
        STANDARD.encode(format!("orders/{}/{}", self.number, self.turn))
    }
}

fn encoded(value: &Value) -> String {
    STANDARD.encode(value.to_string())
}

/// Which revision a key was last changed in, of an answer to a range; 0 of a key that was never written, as etcd has it.
fn revision(read: &Value) -> &str {
    read["kvs"][0]["mod_revision"].as_str().unwrap_or("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_buys_it_sells_again() {
        let entries = [SocketAddr::from(([127, 0, 0, 1], 1))];
        let client = Client::new(Script::Trade, &entries, 13);
        assert_eq!(client.order()["trade_type"], "Buy");
        assert_eq!(client.order()["stock_name"], "Stock4");
        assert_eq!(client.at_turn(1).order()["trade_type"], "Sell");
    }

    #[test]
    fn a_client_that_asks_for_anything_asks_for_everything_in_time() {
        let entries = [SocketAddr::from(([127, 0, 0, 1], 1))];
        let at = |turn| Client::new(Script::AnyOrder(100), &entries, 3).at_turn(turn).any(100);
        let seen: std::collections::BTreeSet<u64> = (0..2_000).map(at).collect();
        assert_eq!(seen, (1..=100).collect());
        assert!(at(1).abs_diff(at(2)) > 1);
    }

    #[test]
    fn a_key_that_was_never_written_has_revision_0() {
        assert_eq!(revision(&json!({ "header": {} })), "0");
        assert_eq!(revision(&json!({ "kvs": [{ "mod_revision": "17" }] })), "17");
    }
}
