//! etcd: a stock and its order in one transaction, which compares what was read before, and is tried again if somebody was faster.
//!
//! An order's number is the revision at which it was made. The transaction demands that there is no order with the trade's key
//! yet, so a trade may be sent again although nobody knows what became of it: at most one of its attempts is applied, and
//! whoever comes second reads the number of the first.

mod gateway;
mod transaction;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{anyhow, bail};
use records::Outcome;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use crate::attempts::Attempts;
use crate::engine::Engine;
use crate::member::Member;
use crate::per_client::PerClient;
use crate::preparation::Preparation;
use crate::protocol::{Answer, Copy, Dumped, Hello, Seen, Trade};
use crate::stock::{NO_ORDER, NO_STOCK, Stock};
use gateway::{Gateway, Problem};

/// How long a member may take for one page of a dump, or one step of the preparation.
const PAGE: Duration = Duration::from_secs(10);

/// A cluster of etcd, and its clients.
pub(crate) struct Etcd {
    members: Vec<Member>,
    stocks: BTreeMap<String, u64>,
    cap: Option<u64>,
    clients: PerClient<Client>,
}

/// One client: its connections, and the member that it speaks with until that fails.
struct Client {
    gateway: Gateway,
    member: AtomicUsize,
}

impl Engine for Etcd {
    fn new(hello: &Hello) -> anyhow::Result<Self> {
        let members = hello.members("etcd");
        if members.is_empty() {
            bail!("there is no port etcd-1");
        }
        Ok(Self {
            members,
            stocks: hello.stocks.clone(),
            cap: hello.cap,
            clients: PerClient::default(),
        })
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let gateway = Gateway::new();
        let mut preparation = Preparation::default();
        let first = &self.members[0].at;
        for (stock, quantity) in &self.stocks {
            let make = transaction::make_stock(stock, Stock::new(*quantity));
            // A stock is made only if it is not there, so this may be sent again until there is a leader.
            while let Err(problem) =
                gateway.post(first, "kv/txn", &make, Instant::now() + PAGE).await
            {
                preparation.wait(problem).await;
            }
        }
        Ok(())
    }

    async fn connect(&self, client: u32, until: Instant) -> Answer {
        let range = json!({"key": transaction::LAST_ORDER.encode(), "serializable": true, "keys_only": true});
        match self.ask(client, "kv/range", &range, until).await {
            Ok(_) => Answer::done(),
            Err(answer) => answer,
        }
    }

    async fn query(&self, client: u32, stock: &str, until: Instant) -> Answer {
        let range = json!({"key": transaction::stock_key(stock).encode()});
        let found = match self.ask(client, "kv/range", &range, until).await {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        match transaction::stock(&found) {
            Ok(Some((Stock { quantity, volume }, _))) => {
                Answer::saw(Seen::Stock { quantity, volume })
            }
            Ok(None) => Answer::rejected(NO_STOCK),
            Err(error) => Answer::failed(format!("{error:#}")),
        }
    }

    async fn trade(&self, trade: &Trade, until: Instant) -> Answer {
        let client = self.client(trade.client);
        let mut attempts = Attempts::new(until);
        let mut body = transaction::look(trade);
        let mut at = attempts.next().await;
        while let Some(end) = at {
            let writes = transaction::writes(&body);
            let found = match self.post(&client, "kv/txn", &body, end).await {
                Ok(answer) if writes && answer["succeeded"] == true => {
                    return match transaction::revision(&answer) {
                        Ok(order_no) => Answer::traded(order_no),
                        Err(error) => Answer::because(Outcome::Unknown, format!("{error:#}")),
                    };
                }
                Ok(answer) => transaction::found(&answer),
                Err(problem) => {
                    // What only reads leaves nothing behind, whatever became of it.
                    match writes && problem.may_have_effect() {
                        true => attempts.lost(problem.to_string()),
                        false => attempts.refused(problem.to_string()),
                    }
                    body = transaction::look(trade);
                    at = attempts.next().await;
                    continue;
                }
            };
            let after = match found {
                Ok((_, Some(order_no))) => return Answer::traded(order_no),
                Ok((None, None)) => return attempts.rejected(NO_STOCK),
                Ok((Some((stock, revision)), None)) => {
                    stock.after(trade, self.cap).map(|after| (revision, after))
                }
                Err(error) => {
                    attempts.refused(format!("{error:#}"));
                    break;
                }
            };
            match after {
                Ok((revision, after)) => body = transaction::trade(trade, revision, after),
                // This is so whatever was lost before. The order is not there now; and what was lost compares the stock to a
                // revision at which there was enough, so to an older one than this, and cannot be applied any more.
                Err(reason) => return Answer::rejected(reason),
            }
            at = attempts.at_once();
        }
        attempts.over()
    }

    async fn lookup(&self, client: u32, order_no: &Json, until: Instant) -> Answer {
        let Some(order_no) = order_no.as_u64().filter(|order_no| *order_no > 0) else {
            return Answer::rejected(NO_ORDER);
        };
        // The last order as it was at that revision is the order of that number, if that revision was an order's.
        let range =
            json!({"key": transaction::LAST_ORDER.encode(), "revision": order_no.to_string()});
        match self.ask(client, "kv/range", &range, until).await {
            Ok(found) => match transaction::order_at(&found, order_no) {
                Ok(Some(row)) => Answer::saw(Seen::Order {
                    stock: row.stock,
                    side: row.side,
                    quantity: row.quantity,
                }),
                Ok(None) => Answer::rejected(NO_ORDER),
                Err(error) => Answer::failed(format!("{error:#}")),
            },
            Err(answer) => answer,
        }
    }

    async fn dump(&self, process: &str, what: Dumped) -> anyhow::Result<Copy> {
        let member = Member::named(&self.members, process)?;
        let gateway = Gateway::new();
        let mut pages = transaction::Pages::new(what);
        while let Some(range) = pages.next() {
            let page = gateway.post(&member.at, "kv/range", &range, Instant::now() + PAGE).await;
            pages.take(&page.map_err(|problem| anyhow!("{process}: {problem}"))?)?;
        }
        Ok(pages.copy())
    }
}

impl Etcd {
    fn client(&self, client: u32) -> Arc<Client> {
        // Clients begin at different members, as they would behind etcd's own balancer.
        let first = client as usize % self.members.len();
        self.clients
            .get(client, || Client { gateway: Gateway::new(), member: AtomicUsize::new(first) })
    }

    /// Asks the client's member, and moves to the next one if it does not serve.
    async fn post(
        &self,
        client: &Client,
        path: &str,
        body: &Json,
        until: Instant,
    ) -> Result<Json, Problem> {
        let at = client.member.load(Ordering::Relaxed);
        let member = &self.members[at % self.members.len()];
        let answer = client.gateway.post(&member.at, path, body, until).await;
        if answer.as_ref().is_err_and(Problem::is_the_members) {
            client.member.store((at + 1) % self.members.len(), Ordering::Relaxed);
        }
        answer
    }

    /// Reads, from one member after the other until one serves.
    async fn ask(
        &self,
        client: u32,
        path: &str,
        body: &Json,
        until: Instant,
    ) -> Result<Json, Answer> {
        let client = self.client(client);
        let mut attempts = Attempts::new(until);
        while let Some(end) = attempts.next().await {
            match self.post(&client, path, body, end).await {
                Ok(found) => return Ok(found),
                Err(Problem::Future) => return Err(Answer::rejected(NO_ORDER)),
                Err(problem) if problem.may_have_effect() => attempts.lost(problem.to_string()),
                Err(problem) => attempts.refused(problem.to_string()),
            }
        }
        Err(attempts.over())
    }
}
