//! PostgreSQL: a trade is one statement, at whoever can be written to. What a lost server had acknowledged is a matter of its
//! replication, asynchronous or synchronous; nothing here differs.
//!
//! A key is unique in the table of orders, so a trade may be sent again.

mod session;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::ToSql;

use crate::attempts::{Attempts, Setback};
use crate::engine::Engine;
use crate::member::Member;
use crate::per_client::PerClient;
use crate::preparation::Preparation;
use crate::protocol::{Answer, Copy, Dumped, Hello, OrderRow, Seen, StockRow, Trade};
use crate::stock::{NO_ORDER, NO_STOCK, OVER_CAP, TOO_FEW};
use session::{Sent, Session};

/// The variant in which a commit waits for a standby.
const SYNCHRONOUS: &str = "sync";
/// How long one server may take to say that it is the primary: one that is stopped must not cost a whole attempt.
const CONNECT: Duration = Duration::from_millis(400);
/// How long one step of a preparation or a dump may take to begin.
const STEP: Duration = Duration::from_secs(10);

/// PostgreSQL servers, and clients.
pub(crate) struct Postgres {
    servers: Vec<Member>,
    stocks: BTreeMap<String, u64>,
    cap: i64,
    synchronous: bool,
    /// Each client's session with the primary, while there is one.
    clients: PerClient<Mutex<Option<Session>>>,
}

impl Engine for Postgres {
    fn new(hello: &Hello) -> anyhow::Result<Self> {
        let servers = hello.members("postgres");
        ensure!(!servers.is_empty(), "there is no port postgres-1");
        Ok(Self {
            servers,
            stocks: hello.stocks.clone(),
            cap: hello.cap.and_then(|cap| i64::try_from(cap).ok()).unwrap_or(i64::MAX),
            synchronous: hello.variant.as_deref() == Some(SYNCHRONOUS),
            clients: PerClient::default(),
        })
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let mut preparation = Preparation::default();
        while let Err(error) = self.make_tables().await {
            preparation.wait(format!("{error:#}")).await;
        }
        Ok(())
    }

    async fn connect(&self, client: u32, until: Instant) -> Answer {
        match self.ask(client, Sent::Stock, &[&""], until).await {
            Ok(_) => Answer::done(),
            Err(answer) => answer,
        }
    }

    async fn query(&self, client: u32, stock: &str, until: Instant) -> Answer {
        match self.ask(client, Sent::Stock, &[&stock], until).await {
            Ok(Some(row)) => Answer::saw(Seen::Stock { quantity: row.get(0), volume: row.get(1) }),
            Ok(None) => Answer::rejected(NO_STOCK),
            Err(answer) => answer,
        }
    }

    async fn trade(&self, trade: &Trade, until: Instant) -> Answer {
        let (change, quantity) = (trade.side.change(trade.quantity), i64::from(trade.quantity));
        let values: [&(dyn ToSql + Sync); 6] =
            [&trade.key, &trade.stock, &trade.side.name(), &change, &quantity, &self.cap];
        let client = self.clients.get(trade.client, || Mutex::new(None));
        let mut attempts = Attempts::new(until);
        let Ok(mut session) = timeout_at(until, client.lock()).await else {
            return attempts.over();
        };
        let mut at = attempts.next().await;
        while let Some(end) = at {
            match self.attempt(&mut session, Sent::Trade, &values, end).await {
                Ok(Some(row)) => return traded(&row),
                // Nothing moved: since there is the order already, or since it may not.
                Ok(None) => match self.why_not(&mut session, trade, end).await {
                    Ok(Why::IsThere(answer)) => return answer,
                    Ok(Why::MayNot(reason)) => return attempts.rejected(reason),
                    // This only reads.
                    Err(why) => at = attempts.after(Setback::Refused(why.into_words())).await,
                },
                Err(setback) => at = attempts.after(setback).await,
            }
        }
        attempts.over()
    }

    async fn lookup(&self, client: u32, order_no: &Json, until: Instant) -> Answer {
        let Some(order_no) = order_no.as_i64() else { return Answer::rejected(NO_ORDER) };
        match self.ask(client, Sent::Order, &[&order_no], until).await {
            Ok(Some(row)) => Answer::saw(Seen::Order {
                stock: row.get(0),
                side: row.get(1),
                quantity: row.get(2),
            }),
            Ok(None) => Answer::rejected(NO_ORDER),
            Err(answer) => answer,
        }
    }

    async fn dump(&self, process: &str, what: Dumped) -> anyhow::Result<Copy> {
        let server = Member::named(&self.servers, process)?;
        let client =
            session::connect(&server.at, TargetSessionAttrs::Any, Instant::now() + STEP).await;
        let client = client.map_err(|why| anyhow!(why))?;
        let select = match what {
            Dumped::Orders => {
                "SELECT order_no, stock, side, quantity FROM orders ORDER BY order_no"
            }
            Dumped::Stocks => "SELECT name, quantity, volume FROM stocks ORDER BY name",
        };
        let no_values: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = pin!(client.query_raw(select, no_values).await?);
        let (mut orders, mut stocks) = (Vec::new(), Vec::new());
        while let Some(row) = rows.try_next().await? {
            match what {
                Dumped::Orders => orders.push(OrderRow {
                    order_no: u64::try_from(row.get::<_, i64>(0))?,
                    stock: row.get(1),
                    side: row.get(2),
                    quantity: row.get(3),
                }),
                Dumped::Stocks => {
                    stocks.push(StockRow {
                        stock: row.get(0),
                        quantity: row.get(1),
                        volume: row.get(2),
                    });
                }
            }
        }
        Ok(match what {
            Dumped::Orders => Copy::Orders(orders),
            Dumped::Stocks => Copy::Stocks(stocks),
        })
    }
}

/// Why a trade moved nothing.
enum Why {
    IsThere(Answer),
    MayNot(&'static str),
}

impl Postgres {
    /// A session with the first server that can be written to.
    async fn primary(&self, until: Instant) -> Result<Session, String> {
        let mut problems = Vec::new();
        for Member { at, .. } in &self.servers {
            let end = until.min(Instant::now() + CONNECT);
            match session::connect(at, TargetSessionAttrs::ReadWrite, end).await {
                Ok(client) => {
                    return match timeout_at(until, Session::new(client)).await {
                        Ok(session) => session.map_err(|error| session::words_of(&error)),
                        Err(_) => Err(format!("{at} did not prepare statements in time")),
                    };
                }
                Err(why) => problems.push(why),
            }
        }
        Err(problems.join("; "))
    }

    /// One statement in the client's session, which is opened if there is none, and closed unless it can go on.
    async fn attempt(
        &self,
        session: &mut Option<Session>,
        sent: Sent,
        values: &[&(dyn ToSql + Sync)],
        until: Instant,
    ) -> Result<Option<Row>, Setback> {
        let open = match session.take() {
            Some(open) => open,
            None => self.primary(until).await.map_err(Setback::Refused)?,
        };
        match timeout_at(until, open.ask(sent, values)).await {
            Ok(Ok(row)) => {
                *session = Some(open);
                Ok(row)
            }
            Ok(Err(error)) if session::was_in_the_way(&error) => {
                *session = Some(open);
                Err(Setback::InTheWay(session::words_of(&error)))
            }
            Ok(Err(error)) if session::was_undone(&error) => {
                Err(Setback::Refused(session::words_of(&error)))
            }
            Ok(Err(error)) => Err(Setback::Lost(session::words_of(&error))),
            Err(_) => Err(Setback::Lost("the primary answered nothing in time".to_owned())),
        }
    }

    async fn why_not(
        &self,
        session: &mut Option<Session>,
        trade: &Trade,
        until: Instant,
    ) -> Result<Why, Setback> {
        let order = self.attempt(session, Sent::OrderOfKey, &[&trade.key], until).await?;
        if let Some(row) = order {
            return Ok(Why::IsThere(traded(&row)));
        }
        let stock = self.attempt(session, Sent::Stock, &[&trade.stock], until).await?;
        Ok(Why::MayNot(match stock {
            None => NO_STOCK,
            Some(_) if trade.side.change(trade.quantity) < 0 => TOO_FEW,
            Some(_) => OVER_CAP,
        }))
    }

    async fn ask(
        &self,
        client: u32,
        sent: Sent,
        values: &[&(dyn ToSql + Sync)],
        until: Instant,
    ) -> Result<Option<Row>, Answer> {
        let client = self.clients.get(client, || Mutex::new(None));
        let mut attempts = Attempts::new(until);
        let Ok(mut session) = timeout_at(until, client.lock()).await else {
            return Err(attempts.over());
        };
        while let Some(end) = attempts.next().await {
            match self.attempt(&mut session, sent, values, end).await {
                Ok(row) => return Ok(row),
                Err(setback) => attempts.note(setback),
            }
        }
        Err(attempts.over())
    }

    /// Makes the tables and the stocks that are not there, once every standby follows.
    async fn make_tables(&self) -> anyhow::Result<()> {
        let until = Instant::now() + STEP;
        let mut primary = Err(anyhow!("there is no server"));
        for Member { at, .. } in &self.servers {
            let end = until.min(Instant::now() + CONNECT);
            primary = session::connect(at, TargetSessionAttrs::ReadWrite, end)
                .await
                .map_err(|why| anyhow!(why));
            if primary.is_ok() {
                break;
            }
        }
        let primary = primary?;
        let standbys = i64::try_from(self.servers.len() - 1)?;
        let count = "SELECT count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')) \
                     FROM pg_stat_replication WHERE state = 'streaming'";
        let row = primary.query_one(count, &[]).await?;
        let (streaming, synchronous): (i64, i64) = (row.get(0), row.get(1));
        ensure!(streaming >= standbys, "{streaming} of {standbys} standbys follow");
        ensure!(!self.synchronous || synchronous > 0, "no standby is synchronous");
        primary.batch_execute(include_str!("tables.sql")).await?;
        for (stock, quantity) in &self.stocks {
            let insert =
                "INSERT INTO stocks (name, quantity) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            primary.execute(insert, &[stock, &i64::try_from(*quantity)?]).await?;
        }
        Ok(())
    }
}

fn traded(row: &Row) -> Answer {
    let order_no: i64 = row.get(0);
    // An identity begins at 1 and grows.
    Answer::traded(order_no.unsigned_abs())
}
