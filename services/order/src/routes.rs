//! The endpoints of an order replica.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base::http::{Access, Answer, BadRequest, Call, Endpoint, Peer, Peers, Request, Service};
use base::metrics::Metrics;
use base::planted::Bug;
use base::process::{Held, monotonic_us};
use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::oneshot;
use uuid::Uuid;
use wire::bazaar::{Data, ORDER_NOT_FOUND, Order, Readiness, TradeRequest};
use wire::configuration::{Configuration, Fence};
use wire::headers;
use wire::ids::{BazaarId, Epoch, Incarnation, OrderNo, RequestId};
use wire::internal::{Append, Entry, PingReply, ProofRequest};
use wire::json::FromJson;

use super::actor::{Handle, Input, NO_PANIC};
use super::config::Config;
use super::confirmation::confirm;
use super::dump::PageRequest;
use super::health::Progress;
use super::lookup::{self, Lookup};
use super::prober::Prober;
use super::trades::Trades;

/// How long a question to another service may take before this one gives up on it.
const PASS_ON_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Query,
    Trade,
    Sync,
    Ping,
    Prove,
    Fence,
    Leader,
    Test,
    Test1,
    Dump,
    Healthz,
    Metrics,
}

/// A replica, as the server sees it.
#[derive(Debug)]
pub(super) struct OrderService {
    pub(super) config: Config,
    pub(super) port: u16,
    pub(super) incarnation: Incarnation,
    pub(super) replica: Handle,
    pub(super) trades: Trades,
    pub(super) progress: Progress,
    pub(super) prober: Prober,
    pub(super) peers: Peers,
    pub(super) metrics: Metrics,
    /// The bazaar of the front-end that pinged last, if it is not this replica's (rule L1).
    pub(super) foreign: Mutex<Option<BazaarId>>,
}

impl Service for OrderService {
    type Route = Route;

    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/query", Access::Work, Route::Query).asking(Peer::Replica),
        Endpoint::get("/trade", Access::Work, Route::Trade).trading(),
        // Without an epoch it is what clients of old send, and changes nothing (R5).
        Endpoint::post("/sync", Access::Local, Route::Sync).internal_with(headers::EPOCH),
        Endpoint::get("/ping", Access::Local, Route::Ping),
        Endpoint::post("/prove", Access::Internal, Route::Prove),
        Endpoint::post("/fence", Access::Internal, Route::Fence),
        Endpoint::get("/leader", Access::Local, Route::Leader),
        Endpoint::get("/test", Access::Local, Route::Test).asking(Peer::Catalog),
        Endpoint::get("/test1", Access::Local, Route::Test1),
        Endpoint::get("/dump", Access::Internal, Route::Dump),
        Endpoint::get("/healthz", Access::Local, Route::Healthz),
        Endpoint::get("/metrics", Access::Local, Route::Metrics),
    ];

    fn answer_here(&self, route: Route, request: &Request) -> Option<Answer> {
        match route {
            Route::Query => self.look(request),
            _ => None,
        }
    }

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let answered = match route {
            Route::Query => self.query(&request).await,
            Route::Trade => self.trade(&request).await,
            Route::Sync => self.sync(&request).await,
            Route::Ping => self.ping(&request),
            Route::Prove => self.prove(&request).await,
            Route::Fence => self.fence(&request).await,
            Route::Leader => leader(&request),
            Route::Test => Ok(self.ask_catalog().await),
            Route::Test1 => Ok(works()),
            Route::Dump => self.dump(&request).await,
            Route::Healthz => Ok(self.health()),
            Route::Metrics => Ok(Answer::metrics(&self.metrics)),
        };
        answered.unwrap_or_else(|answer| answer)
    }
}

impl OrderService {
    /// G3: what is said of an order without waiting for anybody.
    fn look(&self, request: &Request) -> Option<Answer> {
        let (order_no, epoch) = match wanted(request) {
            Ok(wanted) => wanted,
            Err(bad) => return Some(bad.into()),
        };
        let (serving, for_leader) = self.standing(epoch);
        let (lookup, entry) = self.decide(order_no, for_leader, serving);
        match lookup {
            Lookup::Show | Lookup::Deny => Some(found(entry)),
            Lookup::AskLeader | Lookup::AwaitServing => None,
        }
    }

    /// R7: shows committed orders only, and says "not found" only where that is certain.
    async fn query(&self, request: &Request) -> Result<Answer, Answer> {
        let (order_no, epoch) = wanted(request)?;
        let (mut serving, for_leader) = self.standing(epoch);
        loop {
            let (lookup, entry) = self.decide(order_no, for_leader, serving);
            match lookup {
                Lookup::Show | Lookup::Deny => return Ok(found(entry)),
                // Somebody asks a follower by hand. What it does not hold, the leader may.
                Lookup::AskLeader => return self.ask_leader(order_no).await,
                Lookup::AwaitServing => {
                    self.trades.serving_epoch(epoch).await?;
                    serving = true;
                }
            }
        }
    }

    /// Whether this replica serves, in `epoch` if one is given, and whether it is asked as the leader.
    fn standing(&self, epoch: Option<Epoch>) -> (bool, bool) {
        let status = self.replica.status.borrow();
        let serving = status.serving && epoch.is_none_or(|epoch| status.epoch == epoch);
        (serving, epoch.is_some() || status.leading)
    }

    fn decide(
        &self,
        order_no: OrderNo,
        for_leader: bool,
        serving: bool,
    ) -> (Lookup, Option<Arc<Entry>>) {
        let entry = self.committed(order_no);
        let bugs = self.config.planted.bugs;
        (lookup::decide(entry.is_some(), for_leader, serving, bugs), entry)
    }

    fn committed(&self, order_no: OrderNo) -> Option<Arc<Entry>> {
        let index = usize::try_from(order_no.0 - 1).ok()?;
        self.replica.committed.read().expect(NO_PANIC).get(index).map(Arc::clone)
    }

    async fn ask_leader(&self, order_no: OrderNo) -> Result<Answer, Answer> {
        let unavailable =
            |message| Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, message);
        let known = self.replica.status.borrow().configuration.clone();
        let (known, address) = known
            .and_then(|known| self.config.others.get(&known.leader).map(|at| (known.clone(), *at)))
            .ok_or_else(|| unavailable("nobody has said who leads"))?;
        let call =
            Call::get(format!("/query?order_no={order_no}")).header(headers::EPOCH, known.epoch);
        let reply = self.peers.call(address, &call, PASS_ON_TIMEOUT).await;
        let reply = reply.map_err(|_| unavailable("the leader does not answer"))?;
        Ok(Answer::with_body(reply.status, reply.body, "application/json"))
    }

    async fn trade(&self, request: &Request) -> Result<Answer, Answer> {
        let trade = TradeRequest {
            stock_name: request.stock_name()?,
            trade_type: request.parsed("trade_type")?,
            quantity: request.parsed("quantity")?,
        };
        let request_id = match request.headers.get(headers::REQUEST_ID) {
            Some(given) => {
                let given = given.to_str().unwrap_or("");
                RequestId::new(given).map_err(|bad| BadRequest::new(headers::REQUEST_ID, bad))?
            }
            // A trade by hand: the leader names it (E3).
            None => RequestId::new(format!("order-{}", Uuid::new_v4())).expect("a UUID fits"),
        };
        let epoch = request.header(headers::EPOCH)?;
        self.trades.carry(epoch, request_id, trade).await
    }

    async fn sync(&self, request: &Request) -> Result<Answer, Answer> {
        let Some(epoch) = request.header::<Epoch>(headers::EPOCH)? else {
            // R5: the form that existing clients send names no epoch, so it changes nothing.
            return Ok(Answer::empty());
        };
        let message: Append = request.json()?;
        if message.epoch != epoch {
            return Err(BadRequest::new(headers::EPOCH, "differs from the body's epoch").into());
        }
        self.know(epoch).await?;
        let received = self.ask(|reply| Input::Append(message, reply)).await?;
        received
            .map(|reply| Answer::ok(&reply))
            .map_err(|contradiction| Answer::error(StatusCode::CONFLICT, contradiction.to_string()))
    }

    /// S2: makes sure that the epoch was given out by the front-end.
    async fn know(&self, epoch: Epoch) -> Result<(), Answer> {
        let known = self.replica.status.borrow().epoch;
        if epoch <= known || self.config.planted.bugs.has(Bug::StoreUnconfirmedEpochs) {
            return Ok(());
        }
        let Config { front_end, ping_timeout, .. } = self.config;
        confirm(&self.peers, front_end, epoch, ping_timeout).await
    }

    /// Answers at once, whatever the thread and the disk are busy with.
    fn ping(&self, request: &Request) -> Result<Answer, Answer> {
        if let Some(announced) = request.headers.get(headers::CONFIGURATION) {
            let announced: Configuration = FromJson::from_json(announced.as_bytes())
                .map_err(|error| BadRequest::new(headers::CONFIGURATION, error))?;
            self.look_whose(&announced);
            // If the queue is full, the next ping announces it again.
            let _ = self.replica.inputs.try_send(Input::Heard(announced));
        }
        Ok(Answer::ok(&self.about()))
    }

    /// A configuration of another bazaar is not heard; that is said here, once, and by `/healthz`.
    fn look_whose(&self, announced: &Configuration) {
        let own = self.replica.status.borrow().bazaar.clone();
        let is_foreign = own.as_ref().is_some_and(|own| *own != announced.bazaar);
        let theirs = is_foreign.then(|| announced.bazaar.clone());
        let mut foreign = self.foreign();
        if *foreign != theirs {
            if let (Some(own), Some(theirs)) = (&own, &theirs) {
                tracing::error!(%own, %theirs, "the front-end is another bazaar's; taking no part in it");
            }
            *foreign = theirs;
        }
    }

    fn foreign(&self) -> Held<MutexGuard<'_, Option<BazaarId>>> {
        Held::new("whoever compared the bazaars", self.foreign.lock())
    }

    /// The disk is open and the thread runs before the server does.
    fn health(&self) -> Answer {
        let own = self.replica.status.borrow().bazaar.clone();
        let foreign = self.foreign().clone();
        let (Some(own), Some(theirs)) = (own, foreign) else {
            return Answer::ok(&Readiness { ready: true, reason: None });
        };
        let reason = format!(
            "order-{}.db belongs to bazaar {own}, and the front-end to another bazaar, {theirs}: give \
             each bazaar its own addresses and data folders",
            self.config.id
        );
        let body = Readiness { ready: false, reason: Some(reason) };
        Answer::json(StatusCode::SERVICE_UNAVAILABLE, &body)
    }

    /// What this replica says about itself, without asking its thread.
    fn about(&self) -> PingReply {
        let now_us = monotonic_us();
        let status = self.replica.status.borrow();
        PingReply {
            port: self.port,
            health: self.progress.health(now_us),
            unreachable: self.prober.reach.unreachable(now_us),
            ..status.ping_reply(self.config.id, self.incarnation.clone())
        }
    }

    /// L4: what is said from now on stays true, since no message of an older epoch is taken any more.
    async fn fence(&self, request: &Request) -> Result<Answer, Answer> {
        let fence: Fence = request.json()?;
        match self.ask(|reply| Input::Fence(fence, reply)).await? {
            Ok(()) => Ok(Answer::ok(&self.about())),
            Err(unfenced) => Err(Answer::error(StatusCode::CONFLICT, unfenced.to_string())),
        }
    }

    /// Rules G1 and G2: shows that this replica could lead, or at least that its disk is well, by a write of
    /// its own that begins now, and by reaching those whom a leader needs. The caller decides how long that may take.
    async fn prove(&self, request: &Request) -> Result<Answer, Answer> {
        let ProofRequest { reach } = request.json()?;
        let missing = async { if reach { self.prober.missing().await } else { Vec::new() } };
        let (write, missing) = tokio::join!(self.ask(Input::Prove), missing);
        write?;
        if missing.is_empty() {
            return Ok(Answer::ok(&self.about()));
        }
        let message = format!("this replica does not reach {missing:?}");
        Err(Answer::error(StatusCode::SERVICE_UNAVAILABLE, message))
    }

    async fn ask_catalog(&self) -> Answer {
        let call = Call::get("/query?stock_name=Stock1");
        match self.peers.call(self.config.catalog, &call, PASS_ON_TIMEOUT).await {
            Ok(reply) => Answer::with_body(reply.status, reply.body, "application/json"),
            Err(error) => {
                let message = format!("no answer from the catalog: {error}");
                Answer::error(StatusCode::BAD_GATEWAY, message)
            }
        }
    }

    /// L9: one page; the rows are written out here, and the replica's thread only hands out pointers.
    async fn dump(&self, request: &Request) -> Result<Answer, Answer> {
        let asked = PageRequest::of(request)?;
        let page = self.ask(|reply| Input::Dump(asked, reply)).await?;
        page.map(|page| Answer::ok(&page.into_wire(self.config.id)))
            .map_err(|changed| Answer::error(StatusCode::CONFLICT, changed.to_string()))
    }

    /// Has the replica's thread do something and waits for what it says.
    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Answer> {
        let stopping =
            || Answer::error(StatusCode::SERVICE_UNAVAILABLE, "this replica is stopping");
        let (reply, answer) = oneshot::channel();
        self.replica.inputs.send(input(reply)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())
    }
}

/// The order that a lookup is for, and the epoch of the replica that is asked as the leader.
fn wanted(request: &Request) -> Result<(OrderNo, Option<Epoch>), BadRequest> {
    let order_no: OrderNo = request.parsed("order_no")?;
    if order_no.0 == 0 {
        return Err(BadRequest::new("order_no", "must be 1 or more"));
    }
    Ok((order_no, request.header::<Epoch>(headers::EPOCH)?))
}

fn found(entry: Option<Arc<Entry>>) -> Answer {
    match entry {
        Some(entry) => Answer::ok(&Data {
            data: Order {
                order_no: entry.order_no,
                stock_name: entry.stock_name.to_string(),
                trade_type: entry.trade_type,
                quantity: entry.quantity,
            },
        }),
        None => Answer::error(StatusCode::NOT_FOUND, ORDER_NOT_FOUND),
    }
}

/// R5: who leads is learnt from the front-end's pings, which carry an epoch; this form carries
/// none, so it is answered and changes nothing.
fn leader(request: &Request) -> Result<Answer, Answer> {
    request.parsed::<u8>("leader")?;
    Ok(fixed(r#"{"message":"received leader id"}"#))
}

fn works() -> Answer {
    fixed(r#"{"connection":{"code":200,"message":"order_server is working"}}"#)
}

fn fixed(json: &'static str) -> Answer {
    Answer::with_body(StatusCode::OK, Bytes::from_static(json.as_bytes()), "application/json")
}
