//! NATS JetStream: an order is a message on its stock's subject, which has the stock as it is after it. It is stored only if
//! the last message is still the one that is expected, so the stream is the log of all trades, and a stock is the last message
//! of its subject.
//!
//! What is expected is the last message of the whole stream, which each server decides when it applies a message. That of the
//! subject alone the leader decides when it is given a message, by what it has applied until then: servers up to 2.9.20
//! store two messages that expect the same, if both are under way (nats-server's issue 4320). The variant `subject` leaves it at that.
//!
//! An order's number is its sequence in the stream. Its key is the message's id: JetStream stores one of them once, so a trade
//! may be sent again, and is answered with the first one's sequence.

mod jetstream;
mod link;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use async_nats::{HeaderMap, Message, StatusCode};
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::attempts::Attempts;
use crate::engine::Engine;
use crate::member::Member;
use crate::per_client::PerClient;
use crate::preparation::Preparation;
use crate::protocol::{Answer, Copy, Dumped, Hello, Seen, Trade};
use crate::stock::{NO_ORDER, NO_STOCK, Stock};
use jetstream::{Entry, Kept, Published, Wanted};
use link::{Link, Problem};

/// The variant in which only the last message of the stock's own subject must be the expected one.
const SUBJECT: &str = "subject";
/// The variant in which reads are answered by any server that has a copy.
const DIRECT: &str = "direct";

/// How long a server may take to greet: one that is stopped must not cost a whole attempt.
const CONNECT: Duration = Duration::from_millis(400);
/// How long a server may take to make the stream. Nobody answers while the cluster has no leader.
const CREATE: Duration = Duration::from_secs(2);
/// How long one step of a preparation or a dump may take.
const STEP: Duration = Duration::from_secs(10);
/// After how many refusals in a row a client leaves its server: with the pause between attempts that is a second, and a
/// server that has no way to the others refuses for as long as it is so.
const PATIENCE: u32 = 50;
/// How long consumers are made until one is kept by the server whose copy is wanted. JetStream chooses one of the servers by lot,
/// and none that has come back until the cluster's leader has heard of it.
const LOTS: Duration = Duration::from_secs(45);
/// How long is waited between two of them.
const LOT: Duration = Duration::from_millis(20);
/// Messages in a page of a dump.
const PAGE: u64 = 1000;

/// Servers of NATS, and clients.
pub(crate) struct Nats {
    members: Vec<Member>,
    stocks: BTreeMap<String, u64>,
    cap: Option<u64>,
    whole_stream: bool,
    direct: bool,
    clients: PerClient<Mutex<Session>>,
}

/// One client: the server that it speaks with until that fails, and its connection.
#[derive(Default)]
struct Session {
    member: usize,
    link: Option<Link>,
    refusals: u32,
    /// The last sequence of the stream that this client has heard of.
    last: u64,
}

impl Engine for Nats {
    fn new(hello: &Hello) -> anyhow::Result<Self> {
        let members = hello.members("nats");
        ensure!(!members.is_empty(), "there is no port nats-1");
        for stock in hello.stocks.keys() {
            ensure!(jetstream::subject(stock).is_some(), "`{stock}` cannot be part of a subject");
        }
        Ok(Self {
            members,
            stocks: hello.stocks.clone(),
            cap: hello.cap,
            whole_stream: hello.variant.as_deref() != Some(SUBJECT),
            direct: hello.variant.as_deref() == Some(DIRECT),
            clients: PerClient::default(),
        })
    }

    async fn prepare(&self) -> anyhow::Result<()> {
        let mut preparation = Preparation::default();
        while let Err(error) = self.make_stream().await {
            preparation.wait(format!("{error:#}")).await;
        }
        Ok(())
    }

    async fn connect(&self, client: u32, until: Instant) -> Answer {
        match self.found(client, Wanted::At(1), until).await {
            Ok(_) => Answer::done(),
            Err(answer) => answer,
        }
    }

    async fn query(&self, client: u32, stock: &str, until: Instant) -> Answer {
        let Some(subject) = jetstream::subject(stock) else { return Answer::rejected(NO_STOCK) };
        match self.found(client, Wanted::LastOf(&subject), until).await {
            Ok(Some(kept)) => {
                let Stock { quantity, volume } = kept.entry.after;
                Answer::saw(Seen::Stock { quantity, volume })
            }
            Ok(None) => Answer::rejected(NO_STOCK),
            Err(answer) => answer,
        }
    }

    async fn trade(&self, trade: &Trade, until: Instant) -> Answer {
        let Some(subject) = jetstream::subject(&trade.stock) else {
            return Answer::rejected(NO_STOCK);
        };
        let client = self.client(trade.client);
        let mut attempts = Attempts::new(until);
        let Ok(mut session) = timeout_at(until, client.lock()).await else {
            return attempts.over();
        };
        let mut at = attempts.next().await;
        while let Some(end) = at {
            let read = match self.read(&mut session, Wanted::LastOf(&subject), end).await {
                Ok(Some(read)) => read,
                Ok(None) => return attempts.rejected(NO_STOCK),
                // What only reads leaves nothing behind, whatever became of it.
                Err(problem) => {
                    attempts.refused(problem.to_string());
                    at = attempts.next().await;
                    continue;
                }
            };
            let after = match read.entry.after.after(trade, self.cap) {
                Ok(after) => after,
                Err(reason) => return attempts.rejected(reason),
            };
            let headers = self.conditions(&mut session, trade, read.sequence);
            let entry = Entry::of(trade, after).encode();
            match self.ask(&mut session, subject.clone(), headers, entry, end).await {
                Ok(answer) => match jetstream::published(&answer.payload) {
                    Published::At(order_no) => {
                        session.last = session.last.max(order_no);
                        return Answer::traded(order_no);
                    }
                    Published::Overtaken(last) => {
                        session.last = last.unwrap_or_default();
                        attempts.refused("somebody was faster");
                        at = attempts.at_once();
                        continue;
                    }
                    Published::Unclear(words) => attempts.lost(words),
                },
                Err(Problem::Refused(why)) => attempts.refused(why),
                Err(Problem::Silent(why)) => attempts.lost(why),
            }
            at = attempts.next().await;
        }
        attempts.over()
    }

    async fn lookup(&self, client: u32, order_no: &Json, until: Instant) -> Answer {
        let Some(order_no) = order_no.as_u64().filter(|order_no| *order_no > 0) else {
            return Answer::rejected(NO_ORDER);
        };
        match self.found(client, Wanted::At(order_no), until).await {
            Ok(kept) => match kept.and_then(|kept| kept.order()) {
                Some(row) => Answer::saw(Seen::Order {
                    stock: row.stock,
                    side: row.side,
                    quantity: row.quantity,
                }),
                None => Answer::rejected(NO_ORDER),
            },
            Err(answer) => answer,
        }
    }

    async fn dump(&self, process: &str, what: Dumped) -> anyhow::Result<Copy> {
        let member = Member::named(&self.members, process)?;
        let link = Link::open(&member.at, Instant::now() + STEP).await;
        let link = link.map_err(|why| anyhow!(why))?;
        let messages = messages_of(&link).await.with_context(|| process.to_owned())?;
        Ok(jetstream::copy(&messages, what))
    }
}

impl Nats {
    fn client(&self, client: u32) -> Arc<Mutex<Session>> {
        // Clients begin at different servers, as the library's would, which choose one by lot.
        let member = client as usize % self.members.len();
        self.clients.get(client, || Mutex::new(Session { member, ..Session::default() }))
    }

    /// Under which conditions a trade is stored that was made of the message at `read`.
    fn conditions(&self, session: &mut Session, trade: &Trade, read: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", trade.key.as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence", read.to_string());
        if self.whole_stream {
            // What was heard before the stock was read: whoever was faster since then is noticed.
            session.last = session.last.max(read);
            headers.insert("Nats-Expected-Last-Sequence", session.last.to_string());
        }
        headers
    }

    /// Sends over the client's connection, which is opened if there is none, and given up for another server's if that does
    /// not serve.
    async fn ask(
        &self,
        session: &mut Session,
        subject: String,
        headers: HeaderMap,
        payload: Vec<u8>,
        until: Instant,
    ) -> Result<Message, Problem> {
        let member = &self.members[session.member % self.members.len()];
        let link = match session.link.take() {
            Some(link) => Ok(link),
            None => Link::open(&member.at, until.min(Instant::now() + CONNECT)).await,
        };
        let answer = match link {
            Ok(link) => {
                let answer = link.ask(subject, headers, payload, until).await;
                session.link = Some(link);
                answer
            }
            Err(why) => Err(Problem::Refused(why)),
        };
        session.refusals = match &answer {
            Ok(_) => 0,
            Err(Problem::Refused(_)) if session.link.is_some() => session.refusals + 1,
            Err(_) => PATIENCE,
        };
        if session.refusals >= PATIENCE {
            let next = session.member + 1;
            *session = Session { member: next, last: session.last, ..Session::default() };
        }
        answer
    }

    /// One attempt to read.
    async fn read(
        &self,
        session: &mut Session,
        wanted: Wanted<'_>,
        until: Instant,
    ) -> Result<Option<Kept>, Problem> {
        let what = if self.direct { "DIRECT.GET" } else { "STREAM.MSG.GET" };
        let subject = jetstream::api(what);
        let answer = self.ask(session, subject, HeaderMap::new(), wanted.encode(), until).await?;
        let kept = match self.direct {
            true => directly(&answer),
            false => jetstream::kept(&answer.payload),
        };
        kept.map_err(|error| Problem::Silent(format!("{error:#}")))
    }

    /// Reads, from one server after the other until one serves.
    async fn found(
        &self,
        client: u32,
        wanted: Wanted<'_>,
        until: Instant,
    ) -> Result<Option<Kept>, Answer> {
        let client = self.client(client);
        let mut attempts = Attempts::new(until);
        let Ok(mut session) = timeout_at(until, client.lock()).await else {
            return Err(attempts.over());
        };
        while let Some(end) = attempts.next().await {
            match self.read(&mut session, wanted, end).await {
                Ok(kept) => return Ok(kept),
                Err(Problem::Refused(why)) => attempts.refused(why),
                Err(Problem::Silent(why)) => attempts.lost(why),
            }
        }
        Err(attempts.over())
    }

    /// Makes the stream and the stocks, and sees that every server has all of them.
    async fn make_stream(&self) -> anyhow::Result<()> {
        let until = Instant::now() + STEP;
        let first = &self.members[0].at;
        let link = Link::open(first, until).await.map_err(|why| anyhow!(why))?;
        let create = jetstream::create_stream(self.members.len());
        let soon = Instant::now() + CREATE;
        asked(&link, jetstream::api("STREAM.CREATE"), &create, soon).await?;
        for (stock, quantity) in &self.stocks {
            let subject = jetstream::subject(stock).context("no subject")?;
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("stock {stock}"));
            let entry = Entry::first(Stock::new(*quantity)).encode();
            let answer = link.ask(subject, headers, entry, until).await;
            let answer = answer.map_err(|problem| anyhow!("{problem}"))?;
            match jetstream::published(&answer.payload) {
                Published::At(_) => {}
                other => bail!("{stock} could not be made: {other:?}"),
            }
        }
        let info = asked(&link, jetstream::api("STREAM.INFO"), &json!({}), until).await?;
        match jetstream::lack(&info, self.members.len()) {
            Some(lack) => bail!("{lack}"),
            None => Ok(()),
        }
    }
}

/// What JetStream's interface answers.
async fn asked(link: &Link, subject: String, body: &Json, until: Instant) -> anyhow::Result<Json> {
    let payload = body.to_string().into_bytes();
    let answer = link.ask(subject, HeaderMap::new(), payload, until).await;
    let answer = answer.map_err(|problem| anyhow!("{problem}"))?;
    jetstream::answer(&answer.payload).map_err(|(_, words)| anyhow!(words))
}

/// The message that any server with a copy answers with: as it is, with its place in headers.
fn directly(answer: &Message) -> anyhow::Result<Option<Kept>> {
    match answer.status {
        Some(StatusCode::NOT_FOUND) => return Ok(None),
        Some(status) => bail!("a direct read was answered with {status}"),
        None => {}
    }
    let headers = answer.headers.as_ref().context("a message without headers")?;
    let header = |name: &str| headers.get(name).map(|value| value.as_str());
    let sequence = header("Nats-Sequence").and_then(|sequence| sequence.parse().ok());
    let sequence = sequence.context("a message without its sequence")?;
    let subject = header("Nats-Subject").context("a message without its subject")?;
    Kept::new(sequence, subject, &answer.payload).map(Some)
}

/// All messages that the server at the other end holds itself, by a consumer that it keeps alone.
async fn messages_of(link: &Link) -> anyhow::Result<Vec<Kept>> {
    let until = Instant::now() + LOTS;
    loop {
        let why = match lot(link).await {
            Ok(Some(messages)) => return Ok(messages),
            Ok(None) => anyhow!("it was given no consumer in {} s", LOTS.as_secs()),
            Err(error) => error,
        };
        if Instant::now() >= until {
            return Err(why);
        }
        sleep(LOT).await;
    }
}

/// Makes a consumer, which delivers all messages if it is the server at the other end that keeps it.
async fn lot(link: &Link) -> anyhow::Result<Option<Vec<Kept>>> {
    let create = jetstream::create_consumer();
    let until = Instant::now() + STEP;
    let consumer = asked(link, jetstream::api("CONSUMER.CREATE"), &create, until).await?;
    let name = consumer["name"].as_str().context("a consumer without a name")?;
    let messages = match consumer["cluster"]["leader"] == link.server() {
        true => {
            let pending =
                consumer["num_pending"].as_u64().context("a consumer without a number")?;
            deliver(link, name, pending).await.map(Some)
        }
        false => Ok(None),
    };
    // It goes by itself as well, but only after a while.
    let delete = format!("{}.{name}", jetstream::api("CONSUMER.DELETE"));
    asked(link, delete, &json!({}), Instant::now() + STEP).await?;
    messages
}

/// The first `pending` messages that a consumer delivers, page by page.
async fn deliver(link: &Link, consumer: &str, pending: u64) -> anyhow::Result<Vec<Kept>> {
    let mut messages = Vec::new();
    let mut left = pending;
    while left > 0 {
        let page = left.min(PAGE);
        let next = format!("{}.{consumer}", jetstream::api("CONSUMER.MSG.NEXT"));
        let body = json!({"batch": page}).to_string().into_bytes();
        let mut answers = link.ask_for_many(next, body).await?;
        let until = Instant::now() + STEP;
        for _ in 0..page {
            let answer = timeout_at(until, answers.next()).await.context("it took too long")?;
            let answer = answer.context("the connection was lost")?;
            let reply = match (&answer.reply, answer.status) {
                (Some(reply), None) => reply,
                (_, status) => bail!("{left} messages are wanting, and it answers {status:?}"),
            };
            let sequence = jetstream::sequence_of(reply)?;
            messages.push(Kept::new(sequence, &answer.subject, &answer.payload)?);
        }
        left -= page;
    }
    Ok(messages)
}
