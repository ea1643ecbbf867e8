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
use wire::configuration::{Configuration, Fence};
use wire::headers;
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{LogPoint, Part, PingReply, Unreachable, WriterHealth};

use crate::process::{Process, free_address};
use crate::running::until;

/// How long a replica waits to be told of the epoch it is asked in, as the real one does.
const MAX_WAIT_FOR_EPOCH: Duration = Duration::from_secs(1);

/// How long a replica has been in trouble, as it says: longer than any timeout.
const FOR_LONG_MS: u64 = 3_600_000;

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
    /// The bazaar that everybody belongs to who has heard of an epoch.
    bazaar: Mutex<Option<BazaarId>>,
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

/// One incarnation of a replica.
struct Desk {
    id: u8,
    port: u16,
    incarnation: Incarnation,
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
    lookups_held: bool,
    asked_for_orders: usize,
    /// What pings say beside that it is there; while it is something, it proves nothing.
    trouble: Trouble,
    /// How often it was asked to prove that it could lead.
    asked_to_prove: usize,
    pinged: usize,
}

/// What keeps a replica that answers pings from working.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// Its disk hangs.
    Stuck,
    /// It does not reach this part.
    CutOff(Part),
}

#[derive(Clone, Copy)]
enum Route {
    Ping,
    Fence,
    Prove,
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
            incarnation: Incarnation::new(&uuid::Uuid::new_v4().to_string()).unwrap(),
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
        let bazaar = BazaarId::new("an-old-one").unwrap();
        self.log.bazaar.lock().unwrap().get_or_insert(bazaar);
        self.disk.store(epoch, Ordering::SeqCst);
    }

    /// Whether a configuration is on its disk.
    pub(crate) fn has_been_told(&self) -> bool {
        self.disk.load(Ordering::SeqCst) > 0
    }

    /// Stops answering anything, or goes on.
    pub(crate) fn hang(&self, hung: bool) {
        self.desk().state.send_modify(|state| state.hung = hung);
    }

    /// Can work no more, or can again.
    pub(crate) fn has(&self, trouble: Trouble) {
        self.desk().state.send_modify(|state| state.trouble = trouble);
    }

    /// Waits until it has been asked so often to prove that it could lead.
    pub(crate) async fn was_asked_to_prove(&self, times: usize) {
        until(&self.desk().state, |state| state.asked_to_prove >= times).await;
    }

    /// How often it was.
    pub(crate) fn asked_to_prove(&self) -> usize {
        self.desk().state.borrow().asked_to_prove
    }

    /// Waits until it has been pinged so often again.
    pub(crate) async fn was_pinged(&self, times: usize) {
        let before = self.desk().state.borrow().pinged;
        until(&self.desk().state, |state| state.pinged >= before + times).await;
    }

    /// Keeps the answers of trades, which have their numbers by then, or lets them go.
    pub(crate) fn hold_trades(&self, held: bool) {
        self.desk().state.send_modify(|state| state.trades_held = held);
    }

    /// Keeps lookups waiting, or lets them go.
    pub(crate) fn hold_lookups(&self, held: bool) {
        self.desk().state.send_modify(|state| state.lookups_held = held);
    }

    /// Waits until so many lookups have arrived.
    pub(crate) async fn was_asked_for_orders(&self, times: usize) {
        until(&self.desk().state, |state| state.asked_for_orders >= times).await;
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
        Endpoint::post("/fence", Access::Internal, Route::Fence),
        Endpoint::post("/prove", Access::Internal, Route::Prove),
        Endpoint::get("/trade", Access::Public, Route::Trade).trading(),
        Endpoint::get("/query", Access::Public, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        if let Route::Trade = route {
            self.note(&request);
        }
        self.state.subscribe().wait_for(|state| !state.hung).await.unwrap();
        match route {
            Route::Ping => self.ping(&request),
            Route::Fence => self.fence(&request.json().unwrap()),
            Route::Prove => self.prove().await,
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
            query: request.target.query().unwrap_or("").to_owned(),
        };
        self.log.attempts.send_modify(|attempts| attempts.push(attempt));
    }

    /// Answers at once and takes notice afterwards, as the real one does.
    fn ping(&self, request: &Request) -> Answer {
        self.state.send_modify(|state| state.pinged += 1);
        let reply = self.about();
        let announced = request.headers.get(headers::CONFIGURATION);
        let announced: Option<Configuration> =
            announced.map(|json| serde_json::from_slice(json.as_bytes()).unwrap());
        if let Some(announced) = announced.filter(|announced| announced.epoch > reply.epoch) {
            *self.log.bazaar.lock().unwrap() = Some(announced.bazaar.clone());
            self.disk.store(announced.epoch.0, Ordering::SeqCst);
            let leads =
                announced.leader.0 == self.id && announced.leader_incarnation == self.incarnation;
            self.state.send_modify(|state| state.leading = leads);
        }
        Answer::ok(&reply)
    }

    /// Rule L4: takes nothing of an older epoch from now on.
    fn fence(&self, fence: &Fence) -> Answer {
        self.disk.fetch_max(fence.epoch.0, Ordering::SeqCst);
        self.state.send_modify(|state| state.leading = false);
        Answer::ok(&self.about())
    }

    /// Rule G1: a replica whose disk hangs does not answer; one that is cut off says so.
    async fn prove(&self) -> Answer {
        self.state.send_modify(|state| state.asked_to_prove += 1);
        let mut state = self.state.subscribe();
        state.wait_for(|state| state.trouble != Trouble::Stuck).await.unwrap();
        match self.state.borrow().trouble {
            Trouble::CutOff(_) => Answer::error(StatusCode::SERVICE_UNAVAILABLE, "cut off"),
            Trouble::None | Trouble::Stuck => Answer::ok(&self.about()),
        }
    }

    fn about(&self) -> PingReply {
        let epoch = self.disk.load(Ordering::SeqCst);
        let State { leading, trouble, .. } = *self.state.borrow();
        let unfinished_us = if trouble == Trouble::Stuck { FOR_LONG_MS * 1000 } else { 0 };
        let unreachable = match trouble {
            Trouble::CutOff(peer) => vec![Unreachable { peer, since_ms: FOR_LONG_MS }],
            Trouble::None | Trouble::Stuck => Vec::new(),
        };
        let identity = Identity::new(&format!("disk-{}", self.id)).unwrap();
        let last_order_no = OrderNo(self.log.numbered() as u64);
        let is_new = epoch == 0;
        PingReply {
            port: self.port,
            bazaar: if is_new { None } else { self.log.bazaar.lock().unwrap().clone() },
            epoch: Epoch(epoch),
            heard: Epoch(epoch),
            leading,
            serving: leading,
            last_order_no,
            last: LogPoint { order_no: last_order_no, epoch: Epoch(u64::from(!is_new)) },
            health: WriterHealth { unfinished_us, last_took_us: 0 },
            unreachable,
            ..PingReply::of_new(ReplicaId(self.id), self.incarnation.clone(), identity)
        }
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

    /// Who is asked without an epoch is not asked as the leader, and says what is in the log.
    async fn query(&self, request: &Request) -> Answer {
        self.state.send_modify(|state| state.asked_for_orders += 1);
        self.state.subscribe().wait_for(|state| !state.lookups_held).await.unwrap();
        let as_leader = request.headers.contains_key(headers::EPOCH);
        if as_leader && !self.serves(request).await {
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
