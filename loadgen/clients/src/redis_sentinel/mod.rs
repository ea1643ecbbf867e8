//! Redis with Sentinel: a script for each trade, which the master runs alone. Replication is asynchronous, so what is acknowledged
//! may be lost with the master; in the variant `wait` a trade is acknowledged once a replica has it too.
//!
//! The script knows the keys of all orders, so a trade may be sent again. What a promoted replica never got is forgotten, and
//! then the same trade is a new one there: it is not applied twice, since its first order is gone.

mod master;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, bail, ensure};
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, Script, ServerErrorKind};
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::attempts::Attempts;
use crate::engine::Engine;
use crate::member::Member;
use crate::per_client::PerClient;
use crate::preparation::Preparation;
use crate::protocol::{Answer, Copy, Dumped, Hello, OrderRow, Seen, StockRow, Trade};
use crate::stock::{NO_ORDER, NO_STOCK, OVER_CAP, TOO_FEW};

const ORDERS: &str = "orders";
const ORDER_KEYS: &str = "order-keys";
const LAST_ORDER_NO: &str = "last-order-no";

/// The variant in which a trade waits for a replica.
const WAITS: &str = "wait";
/// For how many replicas it waits.
const REPLICAS_WAITED_FOR: usize = 1;
/// How long one step of a preparation or a dump may take.
const STEP: Duration = Duration::from_secs(10);
/// Fields that a scan is asked for at once.
const SCAN: usize = 1000;

/// Redis servers, their sentinels, and clients.
pub(crate) struct RedisSentinel {
    servers: Vec<Member>,
    sentinels: Vec<Member>,
    stocks: BTreeMap<String, u64>,
    cap: Option<u64>,
    waits: bool,
    script: Script,
    /// Each client's connection to the master, while there is one.
    clients: PerClient<Mutex<Option<MultiplexedConnection>>>,
}

impl Engine for RedisSentinel {
    fn new(hello: &Hello) -> anyhow::Result<Self> {
        let (servers, sentinels) = (hello.members("redis"), hello.members("sentinel"));
        ensure!(!servers.is_empty(), "there is no port redis-1");
        ensure!(!sentinels.is_empty(), "there is no port sentinel-1");
        Ok(Self {
            servers,
            sentinels,
            stocks: hello.stocks.clone(),
            cap: hello.cap,
            waits: hello.variant.as_deref() == Some(WAITS),
            script: Script::new(include_str!("trade.lua")),
            clients: PerClient::default(),
        })
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let mut preparation = Preparation::default();
        while let Err(error) = self.make_stocks().await {
            preparation.wait(format!("{error:#}")).await;
        }
        Ok(())
    }

    async fn connect(&self, client: u32, until: Instant) -> Answer {
        match self.ask::<String>(client, redis::pipe().cmd("PING"), until).await {
            Ok(_) => Answer::done(),
            Err(answer) => answer,
        }
    }

    async fn query(&self, client: u32, stock: &str, until: Instant) -> Answer {
        let mut read = redis::pipe();
        read.hmget(stock_key(stock), &["quantity", "volume"]);
        match self.ask::<(Option<i64>, Option<i64>)>(client, &read, until).await {
            Ok((Some(quantity), Some(volume))) => Answer::saw(Seen::Stock { quantity, volume }),
            Ok(_) => Answer::rejected(NO_STOCK),
            Err(answer) => answer,
        }
    }

    async fn trade(&self, trade: &Trade, until: Instant) -> Answer {
        let client = self.client(trade.client);
        let mut attempts = Attempts::new(until);
        let Ok(mut connection) = timeout_at(until, client.lock()).await else {
            return attempts.over();
        };
        while let Some(end) = attempts.next().await {
            let master = match self.master(&mut connection, end).await {
                Ok(master) => master,
                Err(why) => {
                    attempts.refused(why);
                    continue;
                }
            };
            match timeout_at(end, self.run_script(master, trade)).await {
                Ok(Ok(("ok", number))) => {
                    let traded =
                        number.parse().map_err(|_| format!("`{number}` is no order number"));
                    match (traded, self.confirm(master, end).await) {
                        (Ok(order_no), Ok(())) => return Answer::traded(order_no),
                        (Err(why), _) | (_, Err(why)) => attempts.lost(why),
                    }
                }
                Ok(Ok((reason, _))) => return attempts.rejected(reason),
                Ok(Err(error)) if had_no_effect(&error) => attempts.refused(error.to_string()),
                Ok(Err(error)) => attempts.lost(error.to_string()),
                Err(_) => attempts.lost("the master answered nothing in time"),
            }
            // Sentinel is asked again: who has just not served may be no master any more.
            *connection = None;
        }
        attempts.over()
    }

    async fn lookup(&self, client: u32, order_no: &Json, until: Instant) -> Answer {
        let Some(order_no) = order_no.as_u64() else { return Answer::rejected(NO_ORDER) };
        match self.ask::<Option<String>>(client, redis::pipe().hget(ORDERS, order_no), until).await
        {
            Ok(Some(order)) => match order_row(order_no, &order) {
                Ok(OrderRow { stock, side, quantity, .. }) => {
                    Answer::saw(Seen::Order { stock, side, quantity })
                }
                Err(error) => Answer::failed(format!("{error:#}")),
            },
            Ok(None) => Answer::rejected(NO_ORDER),
            Err(answer) => answer,
        }
    }

    async fn dump(&self, process: &str, what: Dumped) -> anyhow::Result<Copy> {
        let server = Member::named(&self.servers, process)?;
        let mut server =
            master::connect(&server.at, Instant::now() + STEP).await.map_err(|why| anyhow!(why))?;
        match what {
            Dumped::Orders => orders(&mut server).await.map(Copy::Orders),
            Dumped::Stocks => self.stocks(&mut server).await.map(Copy::Stocks),
        }
    }
}

impl RedisSentinel {
    fn client(&self, client: u32) -> Arc<Mutex<Option<MultiplexedConnection>>> {
        self.clients.get(client, || Mutex::new(None))
    }

    /// The client's connection, made if there is none.
    async fn master<'a>(
        &self,
        connection: &'a mut Option<MultiplexedConnection>,
        until: Instant,
    ) -> Result<&'a mut MultiplexedConnection, String> {
        let master = match connection.take() {
            Some(master) => master,
            None => master::find(&self.sentinels, until).await?,
        };
        Ok(connection.insert(master))
    }

    /// Whether the trade is ok, with its number, or why it is rejected.
    async fn run_script(
        &self,
        master: &mut MultiplexedConnection,
        trade: &Trade,
    ) -> Result<(&'static str, String), RedisError> {
        let order = json!({"stock": trade.stock, "side": trade.side, "quantity": trade.quantity});
        let mut call = self.script.prepare_invoke();
        call.key(stock_key(&trade.stock)).key(ORDERS).key(ORDER_KEYS).key(LAST_ORDER_NO);
        call.arg(&trade.key).arg(trade.side.change(trade.quantity)).arg(trade.quantity);
        call.arg(self.cap.map_or_else(String::new, |cap| cap.to_string())).arg(order.to_string());
        let (outcome, detail): (String, String) = call.invoke_async(master).await?;
        let said = match (outcome.as_str(), detail.as_str()) {
            ("ok", _) => "ok",
            (_, "no stock") => NO_STOCK,
            (_, "too few") => TOO_FEW,
            _ => OVER_CAP,
        };
        Ok((said, detail))
    }

    /// Waits, in the variant that does, until a replica has all that was written over this connection.
    async fn confirm(
        &self,
        master: &mut MultiplexedConnection,
        until: Instant,
    ) -> Result<(), String> {
        if !self.waits {
            return Ok(());
        }
        let left = until.saturating_duration_since(Instant::now()).as_millis().max(1);
        // 0 would be for ever.
        let left = u64::try_from(left).unwrap_or(1);
        let waited = timeout_at(until, wait(master, REPLICAS_WAITED_FOR, left)).await;
        match waited {
            Ok(Ok(replicas)) if replicas >= REPLICAS_WAITED_FOR => Ok(()),
            Ok(Err(error)) => Err(format!("no replica confirmed the trade: {error}")),
            Ok(Ok(_)) | Err(_) => Err("no replica confirmed the trade in time".to_owned()),
        }
    }

    /// Reads from the master, who may have to be found.
    async fn ask<T: FromRedisValue>(
        &self,
        client: u32,
        commands: &Pipeline,
        until: Instant,
    ) -> Result<T, Answer> {
        let client = self.client(client);
        let mut attempts = Attempts::new(until);
        let Ok(mut connection) = timeout_at(until, client.lock()).await else {
            return Err(attempts.over());
        };
        while let Some(end) = attempts.next().await {
            let master = match self.master(&mut connection, end).await {
                Ok(master) => master,
                Err(why) => {
                    attempts.refused(why);
                    continue;
                }
            };
            match timeout_at(end, commands.query_async::<(T,)>(master)).await {
                Ok(Ok((found,))) => return Ok(found),
                Ok(Err(error)) if had_no_effect(&error) => attempts.refused(error.to_string()),
                Ok(Err(error)) => attempts.lost(error.to_string()),
                Err(_) => attempts.lost("the master answered nothing in time"),
            }
            *connection = None;
        }
        Err(attempts.over())
    }

    /// Makes the stocks that are not there, once every sentinel knows everybody and every replica has them.
    async fn make_stocks(&self) -> anyhow::Result<()> {
        let until = Instant::now() + STEP;
        let everybody = (self.servers.len() - 1, self.sentinels.len() - 1);
        for Member { name, at } in &self.sentinels {
            let known = master::known(at, until).await.map_err(|why| anyhow!("{name}: {why}"))?;
            ensure!(
                known == everybody,
                "{name} knows {} replicas and {} sentinels",
                known.0,
                known.1
            );
        }
        let mut master = master::find(&self.sentinels, until).await.map_err(|why| anyhow!(why))?;
        let mut make = redis::pipe();
        for (stock, quantity) in &self.stocks {
            make.hset_nx(stock_key(stock), "quantity", quantity).ignore();
            make.hset_nx(stock_key(stock), "volume", 0).ignore();
        }
        make.query_async::<()>(&mut master).await?;
        let replicas = wait(&mut master, everybody.0, 1000).await?;
        ensure!(replicas == everybody.0, "{replicas} replicas have the stocks");
        Ok(())
    }

    async fn stocks(&self, server: &mut MultiplexedConnection) -> anyhow::Result<Vec<StockRow>> {
        let mut read = redis::pipe();
        read.atomic();
        for stock in self.stocks.keys() {
            read.hmget(stock_key(stock), &["quantity", "volume"]);
        }
        let found: Vec<(Option<i64>, Option<i64>)> = read.query_async(server).await?;
        let row = |(stock, found): (&String, _)| match found {
            (Some(quantity), Some(volume)) => {
                Some(StockRow { stock: stock.clone(), quantity, volume })
            }
            _ => None,
        };
        Ok(self.stocks.keys().zip(found).filter_map(row).collect())
    }
}

/// All orders of a server. A scan may show one twice, and is of no single moment: who compares copies reads until two agree.
async fn orders(server: &mut MultiplexedConnection) -> anyhow::Result<Vec<OrderRow>> {
    let mut orders = BTreeMap::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(ORDERS).arg(cursor).arg("COUNT").arg(SCAN);
        let (next, found): (u64, Vec<(u64, String)>) = scan.query_async(server).await?;
        for (order_no, order) in found {
            orders.insert(order_no, order_row(order_no, &order)?);
        }
        if next == 0 {
            return Ok(orders.into_values().collect());
        }
        cursor = next;
    }
}

fn order_row(order_no: u64, order: &str) -> anyhow::Result<OrderRow> {
    let order: Json = serde_json::from_str(order)?;
    match (order["stock"].as_str(), order["side"].as_str(), order["quantity"].as_i64()) {
        (Some(stock), Some(side), Some(quantity)) => {
            Ok(OrderRow { order_no, stock: stock.to_owned(), side: side.to_owned(), quantity })
        }
        _ => bail!("order {order_no} is {order}"),
    }
}

/// How many replicas have what was written over this connection, `milliseconds` from now at the latest.
async fn wait(
    server: &mut MultiplexedConnection,
    replicas: usize,
    milliseconds: u64,
) -> Result<usize, RedisError> {
    redis::cmd("WAIT").arg(replicas).arg(milliseconds).query_async(server).await
}

fn stock_key(stock: &str) -> String {
    format!("stock:{stock}")
}

/// Whether a server refused a command before it wrote anything: a replica, or one that still reads its files, or a master that
/// sees too few replicas, is out of memory or cannot save. The script's first write is refused then, and nothing is written.
fn had_no_effect(error: &RedisError) -> bool {
    let by_kind = matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::ReadOnly | ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown
        )
    );
    by_kind || matches!(error.code(), Some("NOREPLICAS" | "OOM" | "MISCONF"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> RedisError {
        redis::parse_redis_value(line.as_bytes())
            .and_then(redis::Value::extract_error)
            .expect_err("an error")
    }

    #[test]
    fn only_what_a_server_refuses_before_it_writes_had_no_effect() {
        for line in [
            "-READONLY You can't write against a read only replica.\r\n",
            "-LOADING Redis is loading the dataset in memory\r\n",
            "-NOREPLICAS Not enough good replicas to write.\r\n",
            "-MASTERDOWN Link with MASTER is down\r\n",
        ] {
            assert!(had_no_effect(&said(line)), "{line}");
        }
        for line in [
            "-ERR something\r\n",
            "-UNKNOWN what\r\n",
            "-UNBLOCKED force unblock from blocking operation\r\n",
        ] {
            assert!(!had_no_effect(&said(line)), "{line}");
        }
        let io = RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(!had_no_effect(&io));
    }

    #[test]
    fn an_order_is_what_the_trade_has_kept() {
        let row = OrderRow { order_no: 3, stock: "Tux".into(), side: "Buy".into(), quantity: 2 };
        let kept =
            json!({"stock": "Tux", "side": crate::protocol::Side::Buy, "quantity": 2}).to_string();
        assert_eq!(order_row(3, &kept).ok(), Some(row));
        assert!(order_row(3, "{}").is_err());
        assert!(order_row(3, "Tux").is_err());
    }
}
