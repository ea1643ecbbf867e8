//! MariaDB Galera: a trade is a transaction at one node, which all nodes certify before it is committed. Whoever is asked
//! answers with what it has applied itself: reads go to all nodes, and in the variant `sync` each waits until its node has applied what
//! was certified before.
//!
//! A key is unique in the table of orders, and what is unique is certified, so a trade may be sent again, to any node.

mod cluster;
mod session;
mod transaction;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use mysql_async::prelude::{FromRow, Queryable as _};
use mysql_async::{Conn, Params};
use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::attempts::{Attempts, Setback};
use crate::engine::Engine;
use crate::member::Member;
use crate::per_client::PerClient;
use crate::preparation::Preparation;
use crate::protocol::{Answer, Copy, Dumped, Hello, OrderRow, Seen, StockRow, Trade};
use crate::stock::{NO_ORDER, NO_STOCK};
use session::{ADMINISTRATOR, READER, WRITER};
use transaction::{Done, Transaction};
use writer::{Turn, Writer};

/// The variant in which a node waits, before it reads, until it has applied what was certified before.
const SYNC: &str = "sync";
const WAIT_FOR_ALL: &str = "SET SESSION wsrep_sync_wait = 1";
/// How a node without a quorum is read as well.
const READ_ANYWAY: &str = "SET SESSION wsrep_dirty_reads = 1";

const STOCK: &str = "SELECT quantity, volume FROM bazaar.stocks WHERE name = ?";
const ORDER: &str = "SELECT stock, side, quantity FROM bazaar.orders WHERE order_no = ?";
const ALL_ORDERS: &str =
    "SELECT order_no, stock, side, quantity FROM bazaar.orders ORDER BY order_no";
const ALL_STOCKS: &str = "SELECT name, quantity, volume FROM bazaar.stocks ORDER BY name";

/// How long a node may take to let a client in: one that is stopped must not cost a whole attempt.
const CONNECT: Duration = Duration::from_millis(400);
/// How long one step of a preparation or a dump may take.
const STEP: Duration = Duration::from_secs(10);

/// Nodes of a Galera cluster, and clients.
pub(crate) struct Galera {
    nodes: Vec<Member>,
    stocks: BTreeMap<String, u64>,
    cap: Option<u64>,
    /// What each session of a client begins with.
    settings: &'static [&'static str],
    writer: Writer,
    clients: PerClient<Mutex<Client>>,
}

/// One client: the node that it reads at until that does not serve, and its sessions.
struct Client {
    reads_at: usize,
    reading: Option<Conn>,
    writing: Option<(Turn, Conn)>,
}

impl Engine for Galera {
    fn new(hello: &Hello) -> anyhow::Result<Self> {
        let nodes = hello.members("galera");
        ensure!(!nodes.is_empty(), "there is no port galera-1");
        Ok(Self {
            nodes,
            stocks: hello.stocks.clone(),
            cap: hello.cap,
            settings: match hello.variant.as_deref() {
                Some(SYNC) => &[WAIT_FOR_ALL],
                _ => &[],
            },
            writer: Writer::default(),
            clients: PerClient::default(),
        })
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let mut preparation = Preparation::default();
        let until = || Instant::now() + STEP;
        while let Err(error) = cluster::make_tables(&self.nodes, &self.stocks, until()).await {
            preparation.wait(format!("{error:#}")).await;
        }
        Ok(())
    }

    async fn connect(&self, client: u32, until: Instant) -> Answer {
        if let Err(answer) = self.ask::<(i64, i64)>(client, STOCK, ("",), until).await {
            return answer;
        }
        let client = self.client(client);
        let mut attempts = Attempts::new(until);
        let Ok(mut client) = timeout_at(until, client.lock()).await else {
            return attempts.over();
        };
        while let Some(end) = attempts.next().await {
            match self.writing(&mut client, end).await {
                Ok(open) => {
                    client.writing = Some(open);
                    return Answer::done();
                }
                Err(why) => attempts.refused(why),
            }
        }
        attempts.over()
    }

    async fn query(&self, client: u32, stock: &str, until: Instant) -> Answer {
        match self.ask(client, STOCK, (stock,), until).await {
            Ok(Some((quantity, volume))) => Answer::saw(Seen::Stock { quantity, volume }),
            Ok(None) => Answer::rejected(NO_STOCK),
            Err(answer) => answer,
        }
    }

    async fn trade(&self, trade: &Trade, until: Instant) -> Answer {
        let client = self.client(trade.client);
        let mut attempts = Attempts::new(until);
        let Ok(mut client) = timeout_at(until, client.lock()).await else {
            return attempts.over();
        };
        let mut at = attempts.next().await;
        while let Some(end) = at {
            match self.attempt(&mut client, trade, end).await {
                Ok(Done::Traded(order_no)) => return Answer::traded(order_no),
                Ok(Done::Rejected(reason)) => return attempts.rejected(reason),
                Err(setback) => at = attempts.after(setback).await,
            }
        }
        attempts.over()
    }

    async fn lookup(&self, client: u32, order_no: &Json, until: Instant) -> Answer {
        let Some(order_no) = order_no.as_u64() else { return Answer::rejected(NO_ORDER) };
        match self.ask(client, ORDER, (order_no,), until).await {
            Ok(Some((stock, side, quantity))) => Answer::saw(Seen::Order { stock, side, quantity }),
            Ok(None) => Answer::rejected(NO_ORDER),
            Err(answer) => answer,
        }
    }

    async fn dump(&self, process: &str, what: Dumped) -> anyhow::Result<Copy> {
        let node = Member::named(&self.nodes, process)?;
        let until = Instant::now() + STEP;
        let conn = session::connect(&node.at, ADMINISTRATOR, &[READ_ANYWAY], &[], until).await;
        let mut conn = conn.map_err(|why| anyhow!(why))?;
        Ok(match what {
            Dumped::Orders => Copy::Orders(
                conn.query_map(ALL_ORDERS, |(order_no, stock, side, quantity)| OrderRow {
                    order_no,
                    stock,
                    side,
                    quantity,
                })
                .await?,
            ),
            Dumped::Stocks => Copy::Stocks(
                conn.query_map(ALL_STOCKS, |(stock, quantity, volume)| StockRow {
                    stock,
                    quantity,
                    volume,
                })
                .await?,
            ),
        })
    }
}

impl Galera {
    fn client(&self, client: u32) -> Arc<Mutex<Client>> {
        // Clients begin to read at different nodes, as by a balancer.
        let reads_at = client as usize % self.nodes.len();
        self.clients.get(client, || Mutex::new(Client { reads_at, reading: None, writing: None }))
    }

    /// The client's session with the writer, which is opened if there is none: another turn's is given up. If it cannot be opened, the
    /// turn is over.
    async fn writing(&self, client: &mut Client, until: Instant) -> Result<(Turn, Conn), String> {
        let turn = self.writer.turn();
        if let Some((opened, conn)) = client.writing.take()
            && opened == turn
        {
            return Ok((turn, conn));
        }
        let at = &turn.of(&self.nodes).at;
        let end = until.min(Instant::now() + CONNECT);
        let statements = &transaction::STATEMENTS;
        match session::connect(at, WRITER, self.settings, statements, end).await {
            Ok(conn) => Ok((turn, conn)),
            Err(why) => {
                self.writer.leave(turn);
                Err(why)
            }
        }
    }

    /// One transaction in the client's session, which is closed unless it can go on. Then the writer's turn is over as well.
    async fn attempt(
        &self,
        client: &mut Client,
        trade: &Trade,
        until: Instant,
    ) -> Result<Done, Setback> {
        let open = self.writing(client, until).await;
        let (turn, mut conn) = open.map_err(Setback::Refused)?;
        let mut transaction = Transaction::default();
        let ran = timeout_at(until, transaction.run(&mut conn, trade, self.cap)).await;
        let why = match ran {
            Ok(Ok(done)) => {
                client.writing = Some((turn, conn));
                return Ok(done);
            }
            Ok(Err(error)) if transaction.was_undone(&error) => {
                // Some errors undo one statement alone.
                if let Ok(Ok(())) = timeout_at(until, conn.query_drop("ROLLBACK")).await {
                    client.writing = Some((turn, conn));
                }
                return Err(Setback::InTheWay(error.to_string()));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the node that is written at answered nothing in time".to_owned(),
        };
        self.writer.leave(turn);
        Err(match transaction.is_committing() {
            true => Setback::Lost(why),
            false => Setback::Refused(why),
        })
    }

    /// The row that the client's node answers, or another one if that does not serve.
    async fn ask<Row: FromRow + Send + 'static>(
        &self,
        client: u32,
        statement: &str,
        values: impl Into<Params>,
        until: Instant,
    ) -> Result<Option<Row>, Answer> {
        let values = values.into();
        let client = self.client(client);
        let mut attempts = Attempts::new(until);
        let Ok(mut client) = timeout_at(until, client.lock()).await else {
            return Err(attempts.over());
        };
        while let Some(end) = attempts.next().await {
            let asked = async {
                let mut conn = match client.reading.take() {
                    Some(conn) => conn,
                    None => {
                        let at = &self.nodes[client.reads_at % self.nodes.len()].at;
                        let soon = end.min(Instant::now() + CONNECT);
                        let statements = [STOCK, ORDER];
                        session::connect(at, READER, self.settings, &statements, soon).await?
                    }
                };
                let row = conn.exec_first(statement, values.clone()).await;
                row.map(|row| (conn, row)).map_err(|error| error.to_string())
            };
            match timeout_at(end, asked).await {
                Ok(Ok((conn, row))) => {
                    client.reading = Some(conn);
                    return Ok(row);
                }
                // What only reads leaves nothing behind, whatever became of it.
                Ok(Err(why)) => attempts.refused(why),
                Err(_) => attempts.refused("the node that is read at answered nothing in time"),
            }
            client.reads_at += 1;
        }
        Err(attempts.over())
    }
}
