//! Order replicas that do as they are told: they share one log, keep their epoch across restarts,
//! and can be killed, hung, or made to break a connection.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::{Access, Answer, Endpoint, Request, Service};
use tokio::sync::watch;
use wire::configuration::Configuration;
use wire::headers;
use wire::ids::{Epoch, OrderNo, ReplicaId};
use wire::internal::PingReply;

use crate::process::{Process, free_address};
use crate::running::until;

/// How long a replica waits to be told of the epoch it is asked in, as the real one does.
const MAX_WAIT_FOR_EPOCH: Duration = Duration::from_secs(1);

/// One attempt at a trade, as a replica saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) replica: u8,
    pub(crate) epoch: u64,
    pub(crate) request_id: String,
    pub(crate) query: String,
}

/// What all replicas share: a log that is always replicated.
#[derive(Default)]
pub(crate) struct Log {
    attempts: watch::Sender<Vec<Attempt>>,
    orders: Mutex<Vec<(String, Value)>>,
    scripted: Mutex<VecDeque<(StatusCode, Value)>>,
}

/// A replica as the test holds it.
pub(crate) struct Replica {
    id: u8,
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
    /// The newest epoch on its disk.
    disk: Arc<AtomicU64>,
    secret: Option<Arc<str>>,
    running: Option<(Process, Arc<Desk>)>,
}

/// One life of a replica.
struct Desk {
    id: u8,
    port: u16,
    incarnation: String,
    log: Arc<Log>,
    disk: Arc<AtomicU64>,
    state: watch::Sender<State>,
    break_next_trade: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct State {
    leading: bool,
    hung: bool,
    trades_held: bool,
}

#[derive(Clone, Copy)]
enum Route {
    Ping,
    Trade,
    Query,
}

impl Log {
    /// The attempts so far.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.attempts.borrow().clone()
    }

    /// Waits until `count` attempts have arrived.
    pub(crate) async fn was_tried(&self, count: usize) {
        until(&self.attempts, |attempts| attempts.len() >= count).await;
    }

    /// How many trades have a number.
    pub(crate) fn numbered(&self) -> usize {
        self.orders.lock().unwrap().len()
    }

    /// What the next trade is answered, instead of a number.
    pub(crate) fn script(&self, status: StatusCode, body: Value) {
        self.scripted.lock().unwrap().push_back((status, body));
    }

    fn number(&self, request_id: &str, request: &Request) -> usize {
        let mut orders = self.orders.lock().unwrap();
        if let Some(index) = orders.iter().position(|(known, _)| known == request_id) {
            return index + 1;
        }
        let order_no = orders.len() + 1;
        let order = json!({
            "order_no": order_no,
            "stock_name": request.parameter("stock_name").unwrap(),
            "trade_type": request.parameter("trade_type").unwrap(),
            "quantity": request.parsed::<u32>("quantity").unwrap(),
        });
        orders.push((request_id.to_owned(), order));
        order_no
    }
}

impl Replica {
    pub(crate) fn new(id: u8, log: Arc<Log>, secret: Option<Arc<str>>) -> Self {
        let disk = Arc::default();
        Self { id, address: free_address(), log, disk, secret, running: None }
    }

    /// Starts it as a new process, with the epoch that is on its disk.
    pub(crate) fn start(&mut self) {
        let desk = Arc::new(Desk {
            id: self.id,
            port: self.address.port(),
            incarnation: uuid::Uuid::new_v4().to_string(),
            log: Arc::clone(&self.log),
            disk: Arc::clone(&self.disk),
            state: watch::Sender::default(),
            break_next_trade: AtomicBool::new(false),
        });
        let process = Process::start(self.address, Arc::clone(&desk), self.secret.clone());
        self.running = Some((process, desk));
    }

    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// What is on its disk before it starts.
    pub(crate) fn has_seen_epoch(&self, epoch: u64) {
        self.disk.store(epoch, Ordering::SeqCst);
    }

    /// Stops answering anything, or goes on.
    pub(crate) fn hang(&self, hung: bool) {
        self.desk().state.send_modify(|state| state.hung = hung);
    }

    /// Keeps the answers of trades, which have their numbers by then, or lets them go.
    pub(crate) fn hold_trades(&self, held: bool) {
        self.desk().state.send_modify(|state| state.trades_held = held);
    }

    /// Closes the connection of the next trade before it is numbered.
    pub(crate) fn break_next_trade(&self) {
        self.desk().break_next_trade.store(true, Ordering::SeqCst);
    }

    fn desk(&self) -> &Desk {
        &self.running.as_ref().unwrap().1
    }
}

impl Service for Desk {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::get("/trade", Access::Public, Route::Trade),
        Endpoint::get("/query", Access::Public, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        if let Route::Trade = route {
            self.note(&request);
        }
        self.state.subscribe().wait_for(|state| !state.hung).await.unwrap();
        match route {
            Route::Ping => self.ping(&request),
            Route::Trade => self.trade(&request).await,
            Route::Query => self.query(&request).await,
        }
    }
}

impl Desk {
    fn note(&self, request: &Request) {
        let attempt = Attempt {
            replica: self.id,
            epoch: request.header(headers::EPOCH).unwrap().unwrap(),
            request_id: request.header(headers::REQUEST_ID).unwrap().unwrap(),
            query: request.query.clone(),
        };
        self.log.attempts.send_modify(|attempts| attempts.push(attempt));
    }

    /// Answers at once and takes notice afterwards, as the real one does.
    fn ping(&self, request: &Request) -> Answer {
        let epoch = self.disk.load(Ordering::SeqCst);
        let leading = self.state.borrow().leading;
        let reply = PingReply {
            id: ReplicaId(self.id),
            port: self.port,
            incarnation: self.incarnation.clone(),
            epoch: Epoch(epoch),
            leading,
            serving: leading,
            last_order_no: OrderNo(self.log.numbered() as u64),
        };
        let announced = request.headers.get(headers::CONFIGURATION);
        let announced: Option<Configuration> =
            announced.map(|json| serde_json::from_slice(json.as_bytes()).unwrap());
        if let Some(announced) = announced.filter(|announced| announced.epoch.0 > epoch) {
            self.disk.store(announced.epoch.0, Ordering::SeqCst);
            self.state.send_modify(|state| state.leading = announced.leader.0 == self.id);
        }
        Answer::ok(&reply)
    }

    async fn trade(&self, request: &Request) -> Answer {
        if !self.serves(request).await {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Answer::error_without_effect(status, "not serving in this epoch");
        }
        if self.break_next_trade.swap(false, Ordering::SeqCst) {
            // Ends the connection's task, and says nothing on stderr.
            std::panic::resume_unwind(Box::new("this connection breaks"));
        }
        if let Some((status, body)) = self.log.scripted.lock().unwrap().pop_front() {
            return Answer::json(status, &body);
        }
        let request_id: String = request.header(headers::REQUEST_ID).unwrap().unwrap();
        let order_no = self.log.number(&request_id, request);
        self.state.subscribe().wait_for(|state| !state.trades_held).await.unwrap();
        Answer::ok(&json!({ "order_no": order_no }))
    }

    async fn query(&self, request: &Request) -> Answer {
        if !self.serves(request).await {
            return Answer::error(StatusCode::SERVICE_UNAVAILABLE, "not serving in this epoch");
        }
        let order_no: usize = request.parsed("order_no").unwrap();
        match self.log.orders.lock().unwrap().get(order_no - 1) {
            Some((_, order)) => Answer::ok(&json!({ "data": order })),
            None => Answer::error(StatusCode::NOT_FOUND, "order not found"),
        }
    }

    async fn serves(&self, request: &Request) -> bool {
        let epoch: u64 = request.header(headers::EPOCH).unwrap().unwrap();
        let mut state = self.state.subscribe();
        let serving =
            state.wait_for(|state| state.leading && self.disk.load(Ordering::SeqCst) == epoch);
        tokio::time::timeout(MAX_WAIT_FOR_EPOCH, serving).await.is_ok()
    }
}
