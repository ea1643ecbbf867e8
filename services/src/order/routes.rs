//! The endpoints of an order replica.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::oneshot;
use uuid::Uuid;
use wire::bazaar::{Data, ORDER_NOT_FOUND, Order, TradeRequest};
use wire::configuration::Configuration;
use wire::headers;
use wire::ids::{Epoch, OrderNo, RequestId};
use wire::internal::{Append, Entry, PingReply};

use super::actor::{Handle, Input, NO_PANIC};
use super::config::Config;
use super::trades::Trades;
use crate::http::{Access, Answer, BadRequest, Call, Endpoint, Peers, Request, Service};
use crate::metrics::Metrics;

/// How long a question to another service may take before this one gives up on it.
const PASS_ON_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Query,
    Trade,
    Sync,
    Ping,
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
    pub(super) incarnation: String,
    pub(super) replica: Handle,
    pub(super) trades: Trades,
    pub(super) peers: Peers,
    pub(super) metrics: Metrics,
}

impl Service for OrderService {
    type Route = Route;

    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/query", Access::Work, Route::Query),
        Endpoint::get("/trade", Access::Work, Route::Trade),
        Endpoint::post("/sync", Access::Internal, Route::Sync),
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::get("/leader", Access::Internal, Route::Leader),
        Endpoint::get("/test", Access::Internal, Route::Test),
        Endpoint::get("/test1", Access::Internal, Route::Test1),
        Endpoint::get("/dump", Access::Internal, Route::Dump),
        Endpoint::get("/healthz", Access::Internal, Route::Healthz),
        Endpoint::get("/metrics", Access::Internal, Route::Metrics),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let answered = match route {
            Route::Query => self.query(&request).await,
            Route::Trade => self.trade(&request).await,
            Route::Sync => self.sync(&request).await,
            Route::Ping => self.ping(&request),
            Route::Leader => leader(&request),
            Route::Test => Ok(self.ask_catalog().await),
            Route::Test1 => Ok(works()),
            Route::Dump => self.dump().await,
            // The disk is open and the thread runs before the server does.
            Route::Healthz => Ok(Answer::ok(&serde_json::json!({"ready": true}))),
            Route::Metrics => Ok(self.metrics.answer()),
        };
        answered.unwrap_or_else(|answer| answer)
    }
}

impl OrderService {
    /// R7: shows committed orders only, and says "not found" only where that is certain.
    async fn query(&self, request: &Request) -> Result<Answer, Answer> {
        let order_no: OrderNo = request.parsed("order_no")?;
        if order_no.0 == 0 {
            return Err(BadRequest::new("order_no", "must be 1 or more").into());
        }
        let epoch = request.header::<Epoch>(headers::EPOCH)?;
        let leading = self.replica.status.borrow().leading;
        if epoch.is_some() || leading {
            self.trades.serving_epoch(epoch).await?;
            return Ok(found(self.committed(order_no)));
        }
        // Somebody asks a follower by hand. What it does not hold, the leader may.
        match self.committed(order_no) {
            Some(entry) => Ok(found(Some(entry))),
            None => self.ask_leader(order_no).await,
        }
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
            stock_name: request.parameter("stock_name")?,
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
        let received = self.ask(|reply| Input::Append(message, reply)).await?;
        received
            .map(|reply| Answer::ok(&reply))
            .map_err(|contradiction| Answer::error(StatusCode::CONFLICT, contradiction.to_string()))
    }

    /// Answers at once, whatever the thread and the disk are busy with.
    fn ping(&self, request: &Request) -> Result<Answer, Answer> {
        if let Some(announced) = request.headers.get(headers::CONFIGURATION) {
            let announced: Configuration = serde_json::from_slice(announced.as_bytes())
                .map_err(|error| BadRequest::new(headers::CONFIGURATION, error))?;
            // If the queue is full, the next ping announces it again.
            let _ = self.replica.inputs.try_send(Input::Heard(announced));
        }
        let status = self.replica.status.borrow();
        Ok(Answer::ok(&PingReply {
            id: self.config.id,
            port: self.port,
            incarnation: self.incarnation.clone(),
            epoch: status.epoch,
            leading: status.leading,
            serving: status.serving,
            last_order_no: status.last_order_no,
        }))
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

    async fn dump(&self) -> Result<Answer, Answer> {
        self.ask(Input::Dump).await.map(|dump| Answer::ok(&dump))
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

fn found(entry: Option<Arc<Entry>>) -> Answer {
    match entry {
        Some(entry) => Answer::ok(&Data {
            data: Order {
                order_no: entry.order_no,
                stock_name: entry.stock_name.clone(),
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
    Ok(Answer::ok(&serde_json::json!({"message": "received leader id"})))
}

fn works() -> Answer {
    let body = r#"{"connection":{"code":200,"message":"order_server is working"}}"#;
    Answer::with_body(StatusCode::OK, Bytes::from_static(body.as_bytes()), "application/json")
}
