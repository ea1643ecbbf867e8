//! Order replicas over real HTTP, in-process, with a front-end and a catalog that do as told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "shared/ports.rs"]
mod ports;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::{
    Access, Answer, Call, Endpoint, HttpConfig, Limits, Peers, Reply, Request, ServerConfig,
    Service, serve,
};
use services::metrics::Metrics;
use services::order::{Config, run};
use services::planted::{Bugs, Planted};
use services::storage::Durability;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use wire::bazaar::{CatalogAnswer, CatalogTrade, TRADE_FAILED, TRADED};
use wire::configuration::{Configuration, Fence, Member, Membership, MembershipRequest};
use wire::dump::OrderPage;
use wire::headers;
use wire::ids::{AppliedSeq, BazaarId, ConfigVersion, Epoch, Incarnation, OrderNo, ReplicaId};
use wire::internal::{
    AppliedTrade, FillReply, FillRequest, Obstacle, OrderDump, Part, PingReply, ProofRequest,
    UnnumberedReply, UnnumberedRequest,
};

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

// ---- a front-end and a catalog that do as told -------------------------------------------------

/// Plays the front-end (membership) and the catalog (trades) for the replicas under test.
struct Others {
    configuration: watch::Sender<Configuration>,
    applied: Mutex<HashMap<String, AppliedTrade>>,
    /// The life of the catalog.
    incarnation: Mutex<Incarnation>,
    /// What the catalog answers instead, to the next trade.
    instead: Mutex<Option<StatusCode>>,
    /// Trades wait here while it is held up.
    hold: watch::Sender<bool>,
    arrived: Notify,
    /// The catalog answers everything but a ping with 503.
    is_down: AtomicBool,
    /// A leader has listed this process of the catalog.
    is_listed: AtomicBool,
    /// How often the catalog was asked for a trade, and how often for nothing.
    trades: AtomicUsize,
    probes: watch::Sender<usize>,
}

#[derive(Clone, Copy)]
enum Route {
    Configuration,
    Ping,
    Members,
    Trade,
    Unnumbered,
    Fill,
    Query,
}

impl Service for Others {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/configuration", Access::Internal, Route::Configuration),
        Endpoint::get("/ping", Access::Internal, Route::Ping),
        Endpoint::post("/configuration/members", Access::Internal, Route::Members),
        Endpoint::post("/trade", Access::Internal, Route::Trade),
        Endpoint::post("/unnumbered", Access::Internal, Route::Unnumbered),
        Endpoint::post("/fill", Access::Internal, Route::Fill),
        Endpoint::get("/query", Access::Internal, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        let is_down = self.is_down.load(Ordering::SeqCst);
        match route {
            Route::Configuration => Answer::ok(&*self.configuration.borrow()),
            Route::Ping => {
                self.probes.send_modify(|probes| *probes += 1);
                Answer::empty()
            }
            Route::Unnumbered if is_down => down(),
            Route::Members => self.members(&request.json().unwrap()),
            Route::Trade => self.trade(&request).await,
            Route::Unnumbered => Answer::ok(&self.list(&request.json().unwrap())),
            Route::Fill => Answer::ok(&self.fill(request.json().unwrap())),
            Route::Query => Answer::ok(&json!({"data": {"stock_name": "Stock1"}})),
        }
    }
}

impl Others {
    fn members(&self, request: &MembershipRequest) -> Answer {
        let mut status = StatusCode::CONFLICT;
        self.configuration.send_if_modified(|current| {
            if (current.epoch, current.version) != (request.epoch, request.version) {
                return false;
            }
            status = StatusCode::OK;
            current.version = current.version.next();
            current.in_sync.retain(|member| member.id != request.member);
            if request.change == Membership::Add {
                let identity = request.identity.clone().unwrap();
                current.in_sync.push(Member { id: request.member, identity });
                current.in_sync.sort();
            }
            true
        });
        Answer::json(status, &*self.configuration.borrow())
    }

    async fn trade(&self, request: &Request) -> Answer {
        self.trades.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        if self.is_down.load(Ordering::SeqCst) {
            return down();
        }
        let mut hold = self.hold.subscribe();
        hold.wait_for(|held| !held).await.unwrap();
        if let Some(status) = self.instead.lock().unwrap().take() {
            return Answer::json(status, &json!({"message": TRADE_FAILED}));
        }
        let trade: CatalogTrade = request.json().unwrap();
        let id: String = request.header(headers::REQUEST_ID).unwrap().unwrap();
        let incarnation = self.incarnation();
        let meant: Option<Incarnation> = request.header(headers::CATALOG_INCARNATION).unwrap();
        let header = hyper::header::HeaderName::from_static(headers::CATALOG_INCARNATION);
        let by = hyper::header::HeaderValue::from_str(incarnation.as_str()).unwrap();
        // Rule L6. A leader that has listed nothing yet names nobody, and is refused like one that names another.
        if !self.is_listed.load(Ordering::SeqCst) || meant.is_some_and(|meant| meant != incarnation)
        {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Answer::error_without_effect(status, "list first").header(header, by);
        }
        let mut applied = self.applied.lock().unwrap();
        let next = AppliedSeq(applied.len() as u64 + 1);
        let applied = applied.entry(id.clone()).or_insert(AppliedTrade {
            applied_seq: next,
            request_id: wire::ids::RequestId::new(id).unwrap(),
            stock_name: trade.stock_name,
            trade_type: trade.trade_type,
            quantity: trade.quantity.get(),
        });
        let message = TRADED.to_owned();
        let answer = CatalogAnswer { message, applied_seq: Some(applied.applied_seq) };
        Answer::ok(&answer).header(header, by)
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation.lock().unwrap().clone()
    }

    fn places(&self) -> BTreeMap<OrderNo, AppliedTrade> {
        let applied = self.applied.lock().unwrap();
        applied.values().map(|trade| (trade.applied_seq.order_no(), trade.clone())).collect()
    }

    fn list(&self, request: &UnnumberedRequest) -> UnnumberedReply {
        let (incarnation, places) = (self.incarnation(), self.places());
        let last_place = OrderNo(places.len() as u64);
        if last_place < request.log_end {
            let (is_new, may_fill) = (last_place.0 == 0, request.by_everybody);
            return UnnumberedReply::Behind { incarnation, last_place, is_new, may_fill };
        }
        // Short pages, so that there are several.
        let trades: Vec<_> = places
            .range(request.after.place.next()..)
            .take(2)
            .map(|(_, trade)| trade.clone())
            .collect();
        let done = trades.last().is_none_or(|last| last.applied_seq.order_no() == last_place);
        self.is_listed.fetch_or(done, Ordering::SeqCst);
        UnnumberedReply::Page { incarnation, trades, last_place, done }
    }

    fn fill(&self, request: FillRequest) -> FillReply {
        let incarnation = self.incarnation();
        if request.incarnation != incarnation {
            return FillReply::ListFirst { incarnation };
        }
        for entry in request.entries {
            let trade = AppliedTrade {
                applied_seq: entry.order_no.place(),
                request_id: entry.request_id.clone(),
                stock_name: entry.stock_name.clone(),
                trade_type: entry.trade_type,
                quantity: entry.quantity,
            };
            self.applied.lock().unwrap().insert(entry.request_id.to_string(), trade);
        }
        let last_place = OrderNo(self.places().len() as u64);
        FillReply::Filled { incarnation, last_place }
    }

    /// Another process of the catalog, on a file that holds the first `places` only.
    fn restart_catalog(&self, name: &str, places: u64) {
        self.is_listed.store(false, Ordering::SeqCst);
        *self.incarnation.lock().unwrap() = Incarnation::new(name).unwrap();
        self.applied.lock().unwrap().retain(|_, trade| trade.applied_seq.0 <= places);
    }
}

fn down() -> Answer {
    Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, "down")
}

// ---- the bazaar under test ---------------------------------------------------------------------

struct Replica {
    dir: TempDir,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

struct Bazaar {
    others: Arc<Others>,
    others_at: SocketAddr,
    /// Where replicas that are started look for the catalog.
    catalog_at: SocketAddr,
    /// What replicas that are started put up with.
    limits: Limits,
    replicas: HashMap<u8, Replica>,
    addresses: HashMap<u8, SocketAddr>,
    peers: Peers,
    planted: Planted,
    _stop_others: oneshot::Sender<()>,
}

async fn listener(at: Option<SocketAddr>) -> TcpListener {
    TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.unwrap()
}

impl Bazaar {
    /// `count` replicas, of which the highest leads epoch 1.
    async fn start(count: u8) -> Self {
        Self::start_planted(count, Planted::default()).await
    }

    /// The same, of replicas that put up with so much.
    async fn start_within(limits: Limits, count: u8) -> Self {
        Self::start_with(limits, Planted::default(), count).await
    }

    /// The same, with something planted in them.
    async fn start_planted(count: u8, planted: Planted) -> Self {
        Self::start_with(Limits::default(), planted, count).await
    }

    async fn start_with(limits: Limits, planted: Planted, count: u8) -> Self {
        // Who is a member, and which process leads, is known once they answer.
        let configuration = Configuration {
            version: ConfigVersion(1),
            epoch: Epoch(1),
            leader: ReplicaId(count),
            leader_incarnation: Incarnation::new("nobody").unwrap(),
            in_sync: Vec::new(),
            bazaar: BazaarId::new("b").unwrap(),
            committed: OrderNo(0),
            by_everybody: true,
            new_catalog: None,
        };
        let others = Arc::new(Others {
            configuration: watch::Sender::new(configuration),
            applied: Mutex::default(),
            incarnation: Mutex::new(Incarnation::new("c1").unwrap()),
            instead: Mutex::default(),
            hold: watch::Sender::new(false),
            arrived: Notify::new(),
            is_down: AtomicBool::new(false),
            is_listed: AtomicBool::new(false),
            trades: AtomicUsize::new(0),
            probes: watch::Sender::new(0),
        });
        let others_listener = listener(None).await;
        let others_at = others_listener.local_addr().unwrap();
        let (stop_others, stopped) = oneshot::channel::<()>();
        let config = ServerConfig {
            secret: None,
            http: HttpConfig::default(),
            metrics: Metrics::new().http,
            bugs: Bugs::default(),
        };
        tokio::spawn(serve(others_listener, Arc::clone(&others), config, async {
            let _ = stopped.await;
        }));
        let mut listeners = HashMap::new();
        for id in 1..=count {
            let [address] = ports::reserved(Ipv4Addr::LOCALHOST);
            listeners.insert(id, listener(Some(address)).await);
        }
        let addresses: HashMap<_, _> =
            listeners.iter().map(|(id, at)| (*id, at.local_addr().unwrap())).collect();
        let mut bazaar = Self {
            others,
            others_at,
            catalog_at: others_at,
            limits,
            replicas: HashMap::new(),
            addresses,
            peers: Peers::new(None),
            planted,
            _stop_others: stop_others,
        };
        for (id, listener) in listeners {
            bazaar.run(id, listener, TempDir::new().unwrap());
        }
        let mut in_sync = Vec::new();
        for id in 1..=count {
            let identity = bazaar.look(id).await.identity;
            in_sync.push(Member { id: ReplicaId(id), identity });
        }
        let leader_incarnation = bazaar.look(count).await.incarnation;
        bazaar.others.configuration.send_modify(|now| {
            now.in_sync = in_sync;
            now.leader_incarnation = leader_incarnation;
        });
        bazaar.announce(count).await;
        bazaar
    }

    /// A ping that announces nothing.
    async fn look(&self, id: u8) -> PingReply {
        self.call(id, &Call::get("/ping")).await.json().unwrap()
    }

    /// Gives the leadership of a new epoch to the process that answers as `leader`.
    async fn begin(&self, leader: u8) {
        let process = self.look(leader).await.incarnation;
        self.others.configuration.send_modify(|now| {
            now.version = now.version.next();
            now.epoch = now.epoch.next();
            now.leader = ReplicaId(leader);
            now.leader_incarnation = process;
        });
    }

    /// The same, and announces it until the leader serves.
    async fn elect(&self, leader: u8) {
        self.begin(leader).await;
        self.announce(leader).await;
    }

    fn run(&mut self, id: u8, listener: TcpListener, dir: TempDir) {
        let config = Config {
            id: ReplicaId(id),
            others: self
                .addresses
                .iter()
                .filter(|(other, _)| **other != id)
                .map(|(other, at)| (ReplicaId(*other), *at))
                .collect(),
            front_end: self.others_at,
            catalog: self.catalog_at,
            ping_period: Duration::from_millis(20),
            ping_timeout: Duration::from_secs(5),
            data_dir: dir.path().to_owned(),
            durability: Durability::Os,
            http: HttpConfig { limits: self.limits, ..HttpConfig::default() },
            planted: self.planted,
        };
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(run(listener, config, None, async {
            let _ = stopped.await;
        }));
        self.replicas.insert(id, Replica { dir, stop, ended });
    }

    async fn stop(&mut self, id: u8) -> TempDir {
        let replica = self.replicas.remove(&id).unwrap();
        let _ = replica.stop.send(());
        replica.ended.await.unwrap().unwrap();
        replica.dir
    }

    async fn restart(&mut self, id: u8, dir: TempDir) {
        let listener = listener(Some(self.addresses[&id])).await;
        self.run(id, listener, dir);
    }

    async fn call(&self, id: u8, call: &Call) -> Reply {
        self.peers.call(self.addresses[&id], call, PATIENCE).await.unwrap()
    }

    async fn ping(&self, id: u8) -> PingReply {
        let configuration = serde_json::to_string(&*self.others.configuration.borrow()).unwrap();
        let call = Call::get("/ping").header(headers::CONFIGURATION, configuration);
        self.call(id, &call).await.json().unwrap()
    }

    /// Announces the configuration to `id` until it serves.
    async fn announce(&self, id: u8) {
        let serving = async {
            while !self.ping(id).await.serving {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, serving).await.expect("the leader serves");
    }

    async fn trade(&self, id: u8, request_id: &str) -> Reply {
        let path = "/trade?stock_name=Stock1&trade_type=buy&quantity=2";
        let epoch = self.others.configuration.borrow().epoch;
        let call =
            Call::get(path).header(headers::REQUEST_ID, request_id).header(headers::EPOCH, epoch);
        self.call(id, &call).await
    }

    /// Pings `id` until it says what is wanted.
    async fn until(&self, id: u8, says: impl Fn(&PingReply) -> bool) -> PingReply {
        let saying = async {
            loop {
                let reply = self.ping(id).await;
                if says(&reply) {
                    return reply;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, saying).await.expect("it says so")
    }

    async fn dump(&self, id: u8) -> OrderDump {
        serde_json::from_slice(&self.call(id, &Call::get("/dump")).await.body).unwrap()
    }

    /// Waits until the in-sync set is `wanted`.
    async fn in_sync(&self, wanted: &[u8]) {
        let mut configuration = self.others.configuration.subscribe();
        let wanted: Vec<_> = wanted.iter().copied().map(ReplicaId).collect();
        let reached = configuration.wait_for(|now| now.member_ids().collect::<Vec<_>>() == wanted);
        tokio::time::timeout(PATIENCE, reached).await.expect("the in-sync set").unwrap();
    }

    async fn stop_all(mut self) {
        for id in self.replicas.keys().copied().collect::<Vec<_>>() {
            self.stop(id).await;
        }
    }
}

fn body(reply: &Reply) -> Value {
    reply.json().unwrap()
}

// ---- the interface -----------------------------------------------------------------------------

#[tokio::test]
async fn a_trade_is_numbered_and_can_be_looked_up() {
    let bazaar = Bazaar::start(1).await;
    let reply = bazaar.trade(1, "R1").await;
    assert_eq!((reply.status.as_u16(), body(&reply)), (200, json!({"order_no": 1})));
    let reply = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    let order = json!({"order_no": 1, "stock_name": "Stock1", "trade_type": "Buy", "quantity": 2});
    assert_eq!((reply.status.as_u16(), body(&reply)), (200, json!({"data": order})));
    let reply = bazaar.call(1, &Call::get("/query?order_no=2")).await;
    assert_eq!(body(&reply), json!({"error": {"code": 404, "message": "order not found"}}));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn an_order_can_be_looked_up_as_soon_as_its_number_is_known() {
    let bazaar = Bazaar::start(1).await;
    for order_no in 1..=100 {
        let reply = bazaar.trade(1, &format!("R{order_no}")).await;
        assert_eq!(body(&reply), json!({"order_no": order_no}));
        let lookup = Call::get(format!("/query?order_no={order_no}"));
        assert_eq!(bazaar.call(1, &lookup).await.status, StatusCode::OK, "{order_no}");
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_repeated_trade_keeps_its_number() {
    let bazaar = Bazaar::start(1).await;
    let first = body(&bazaar.trade(1, "R1").await);
    bazaar.trade(1, "R2").await;
    assert_eq!(body(&bazaar.trade(1, "R1").await), first);
    assert_eq!(bazaar.dump(1).await.entries.len(), 2);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_catalogs_refusal_is_passed_on_and_anything_else_is_named() {
    let bazaar = Bazaar::start(1).await;
    *bazaar.others.instead.lock().unwrap() = Some(StatusCode::NOT_FOUND);
    let reply = bazaar.trade(1, "R1").await;
    assert_eq!(body(&reply), json!({"order_no": -1, "message": "Trade failed!"}));
    *bazaar.others.instead.lock().unwrap() = Some(StatusCode::IM_A_TEAPOT);
    let reply = bazaar.trade(1, "R2").await;
    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert_eq!(body(&reply)["error"]["message"], "the catalog answered with status 418");
    assert!(bazaar.dump(1).await.entries.is_empty());
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_forms_that_existing_clients_know_are_answered() {
    let bazaar = Bazaar::start(1).await;
    let ping = body(&bazaar.call(1, &Call::get("/ping")).await);
    assert_eq!(ping["alive order server"], 1);
    assert_eq!(ping["port"], bazaar.addresses[&1].port());
    let leader = bazaar.call(1, &Call::get("/leader?leader=7")).await;
    assert_eq!(body(&leader), json!({"message": "received leader id"}));
    let test = bazaar.call(1, &Call::get("/test")).await;
    assert_eq!(body(&test), json!({"data": {"stock_name": "Stock1"}}));
    let test1 = bazaar.call(1, &Call::get("/test1")).await;
    assert_eq!(
        body(&test1),
        json!({"connection": {"code": 200, "message": "order_server is working"}})
    );
    // R5: without an epoch it is answered and changes nothing.
    let sync = bazaar.call(1, &Call::post("/sync", &json!({"order_no": 9, "leader": 7}))).await;
    assert_eq!((sync.status.as_u16(), sync.body.len()), (200, 0));
    assert!(bazaar.dump(1).await.entries.is_empty());
    assert!(bazaar.ping(1).await.serving);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_changes_nothing() {
    let bazaar = Bazaar::start(1).await;
    let trade = "/trade?stock_name=Stock1&trade_type=Buy";
    for (path, field) in [
        ("/query".to_owned(), "order_no"),
        ("/query?order_no=0".to_owned(), "order_no"),
        ("/query?order_no=x".to_owned(), "order_no"),
        ("/query?order_no=-1".to_owned(), "order_no"),
        ("/trade?trade_type=Buy&quantity=1".to_owned(), "stock_name"),
        ("/trade?stock_name=Stock1&trade_type=Hold&quantity=1".to_owned(), "trade_type"),
        (format!("{trade}&quantity=0"), "quantity"),
        (format!("{trade}&quantity=-3"), "quantity"),
        (format!("{trade}&quantity=1.5"), "quantity"),
        (trade.to_owned(), "quantity"),
        ("/leader?leader=abc".to_owned(), "leader"),
    ] {
        let reply = bazaar.call(1, &Call::get(&path)).await;
        let body = body(&reply);
        assert_eq!((reply.status.as_u16(), &body["error"]["code"]), (400, &json!(400)), "{path}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{field}: ")), "{path}: {message}");
    }
    let reply = bazaar.call(1, &Call::post("/sync", &json!({})).header(headers::EPOCH, 1)).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(bazaar.call(1, &Call::post("/ping", &json!({}))).await.status.as_u16(), 405);
    assert_eq!(bazaar.call(1, &Call::get("/nowhere")).await.status.as_u16(), 404);
    assert!(bazaar.dump(1).await.entries.is_empty());
    assert!(bazaar.others.applied.lock().unwrap().is_empty());
    bazaar.stop_all().await;
}

// ---- replication -------------------------------------------------------------------------------

#[tokio::test]
async fn every_in_sync_replica_has_an_acknowledged_order() {
    let bazaar = Bazaar::start(3).await;
    for name in 1..=20 {
        assert_eq!(bazaar.trade(3, &format!("R{name}")).await.status, StatusCode::OK);
    }
    let leader = bazaar.dump(3).await;
    assert_eq!(leader.entries.len(), 20);
    for id in [1, 2] {
        assert_eq!(bazaar.dump(id).await.entries, leader.entries);
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_follower_that_dies_is_removed_and_comes_back_complete() {
    let mut bazaar = Bazaar::start(3).await;
    bazaar.trade(3, "R1").await;
    let dir = bazaar.stop(1).await;
    assert_eq!(body(&bazaar.trade(3, "R2").await), json!({"order_no": 2}));
    bazaar.in_sync(&[2, 3]).await;
    bazaar.restart(1, dir).await;
    bazaar.in_sync(&[1, 2, 3]).await;
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(3).await.entries);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_next_leader_numbers_what_its_predecessor_left_behind() {
    let mut bazaar = Bazaar::start(3).await;
    bazaar.trade(3, "R1").await;
    // The catalog applied R2 for the old leader, which died before it could number it.
    let orphan = AppliedTrade {
        applied_seq: AppliedSeq(2),
        request_id: wire::ids::RequestId::new("R2").unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: wire::bazaar::TradeType::Sell,
        quantity: 5,
    };
    bazaar.others.applied.lock().unwrap().insert("R2".to_owned(), orphan);
    bazaar.stop(3).await;
    bazaar.elect(2).await;
    bazaar.in_sync(&[1, 2]).await;
    assert_eq!(body(&bazaar.trade(2, "R2").await), json!({"order_no": 2}));
    assert_eq!(body(&bazaar.trade(2, "R3").await), json!({"order_no": 3}));
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(2).await.entries);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_restarted_replica_keeps_its_orders_and_does_not_lead_the_epoch_on_its_disk() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trade(1, "R1").await;
    let before = bazaar.ping(1).await.incarnation;
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    let ping = bazaar.ping(1).await;
    assert_ne!(ping.incarnation, before);
    assert_eq!((ping.epoch, ping.last_order_no.0, ping.leading), (Epoch(1), 1, false));
    // The announcement has been heard once a message behind it in the queue is answered.
    bazaar.dump(1).await;
    assert!(!bazaar.ping(1).await.leading);
    let reply = bazaar.trade(1, "R2").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body(&reply)["effect"], "none");

    bazaar.elect(1).await;
    assert_eq!(body(&bazaar.trade(1, "R2").await), json!({"order_no": 2}));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_trade_whose_client_left_is_numbered_all_the_same() {
    // E2: the catalog has the trade in hand when the client gives up.
    let bazaar = Bazaar::start(1).await;
    bazaar.others.hold.send_replace(true);
    {
        let trade = bazaar.trade(1, "R1");
        tokio::pin!(trade);
        tokio::select! {
            _ = &mut trade => panic!("the catalog holds the trade up"),
            () = bazaar.others.arrived.notified() => {}
        }
    }
    bazaar.others.hold.send_replace(false);
    let numbered = async {
        while bazaar.dump(1).await.entries.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, numbered).await.expect("the trade is numbered");
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_follower_says_who_leads_and_passes_lookups_on() {
    let bazaar = Bazaar::start(2).await;
    bazaar.trade(2, "R1").await;
    bazaar.ping(1).await;
    bazaar.dump(1).await;
    let call = Call::get("/trade?stock_name=Stock1&trade_type=Buy&quantity=1");
    let reply = bazaar.call(1, &call).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(body(&reply)["error"]["message"], "not the leader: replica 2 leads");
    let reply = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    assert_eq!(body(&reply)["data"]["order_no"], 1);
    let reply = bazaar.call(1, &Call::get("/query?order_no=2")).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn garbage_on_the_port_hurts_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bazaar = Bazaar::start(1).await;
    let mut stream = tokio::net::TcpStream::connect(bazaar.addresses[&1]).await.unwrap();
    stream.write_all(&[0, 255, 13, 10, 13, 10, 7, 0, 1, 2, 3]).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    assert_eq!(bazaar.trade(1, "R1").await.status, StatusCode::OK);
    bazaar.stop_all().await;
}

// ---- lost, replaced and old files --------------------------------------------------------------

impl Bazaar {
    /// A replica's log, page by page.
    async fn pages(&self, id: u8, limit: usize) -> Vec<OrderPage> {
        let mut pages: Vec<OrderPage> = Vec::new();
        let mut path = format!("/dump?limit={limit}");
        loop {
            let page: OrderPage =
                serde_json::from_slice(&self.call(id, &Call::get(&*path)).await.body).unwrap();
            let (next, through, epoch) = (page.next(), page.through, page.through_epoch);
            pages.push(page);
            let Some(after) = next else { return pages };
            path = format!(
                "/dump?limit={limit}&after={after}&through={through}&through_epoch={epoch}"
            );
        }
    }

    /// Trades `count` times at `id` and gives back what it answered.
    async fn trades(&self, id: u8, names: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let mut numbers = Vec::new();
        for name in names {
            let reply = self.trade(id, &format!("R{name}")).await;
            let order_no = body(&reply)["order_no"].as_u64();
            numbers.push(order_no.unwrap_or_else(|| panic!("R{name}: {}", body(&reply))));
        }
        numbers
    }
}

#[tokio::test]
async fn the_pages_of_a_dump_are_the_log_at_one_moment() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=25).await;
    let (pages, _) = tokio::join!(bazaar.pages(1, 4), bazaar.trades(1, 26..=60));
    let end = pages[0].through.0;
    assert!((25..=60).contains(&end));
    assert!(pages.iter().all(|page| (page.through.0, page.total) == (end, end)));
    let numbers: Vec<u64> =
        pages.iter().flat_map(|page| &page.entries).map(|entry| entry.order_no.0).collect();
    assert_eq!(numbers, (1..=end).collect::<Vec<_>>());
    for (path, status) in [
        ("/dump?limit=10001", StatusCode::BAD_REQUEST),
        ("/dump?through=61&through_epoch=1", StatusCode::CONFLICT),
        ("/dump?through=60&through_epoch=2", StatusCode::CONFLICT),
        ("/dump?through=60", StatusCode::OK),
    ] {
        assert_eq!(bazaar.call(1, &Call::get(path)).await.status, status, "{path}");
    }
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_replica_whose_file_is_lost_is_another_member_and_comes_back_whole() {
    let mut bazaar = Bazaar::start(3).await;
    assert_eq!(bazaar.trades(3, 1..=20).await, (1..=20).collect::<Vec<_>>());
    let before = bazaar.look(1).await.identity;
    drop(bazaar.stop(1).await);
    bazaar.restart(1, TempDir::new().unwrap()).await;
    let after = bazaar.look(1).await;
    assert_ne!(after.identity, before);
    let is_member =
        |configuration: &Configuration| configuration.is_in_sync(ReplicaId(1), &after.identity);
    let mut configuration = bazaar.others.configuration.subscribe();
    let added = configuration.wait_for(is_member);
    tokio::time::timeout(PATIENCE, added).await.expect("the new file is added").unwrap();
    assert_eq!(bazaar.dump(1).await.entries, bazaar.dump(3).await.entries);
    assert_eq!(bazaar.look(1).await.bazaar, Some(BazaarId::new("b").unwrap()));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn the_commit_mark_is_on_disk_and_known_after_a_restart() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    let committed = bazaar.look(1).await.committed;
    assert_eq!(committed, OrderNo(5));
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    // It may lag by what was written last, since it costs no flush of its own.
    let mark = bazaar.look(1).await.committed;
    assert!((4..=5).contains(&mark.0), "{mark}");
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_restarted_catalog_is_listed_again_before_anything_is_numbered() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=3).await;
    bazaar.others.restart_catalog("c2", 3);
    assert_eq!(bazaar.trades(1, 4..=5).await, [4, 5]);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_catalog_that_lost_its_file_is_filled_and_what_was_numbered_keeps_its_number() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    let before = bazaar.others.places();
    bazaar.others.restart_catalog("c2", 0);
    assert_eq!(bazaar.trades(1, 6..=7).await, [6, 7]);
    let after = bazaar.others.places();
    assert_eq!(after.len(), 7);
    assert!(before.iter().all(|(place, trade)| after.get(place) == Some(trade)));
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_catalog_that_is_behind_is_not_filled_by_a_leader_that_few_saw() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=5).await;
    bazaar.others.configuration.send_modify(|now| now.by_everybody = false);
    bazaar.others.restart_catalog("c2", 3);
    let process = bazaar.look(1).await.incarnation;
    bazaar.others.configuration.send_modify(|now| {
        now.version = now.version.next();
        now.epoch = now.epoch.next();
        now.leader_incarnation = process;
    });
    let obstacle = async {
        loop {
            if let Some(obstacle) = bazaar.ping(1).await.obstacle {
                return obstacle;
            }
            tokio::task::yield_now().await;
        }
    };
    let obstacle = tokio::time::timeout(PATIENCE, obstacle).await.expect("it says what is missing");
    let (last_place, log_end) = (OrderNo(3), OrderNo(5));
    assert_eq!(obstacle, Obstacle::CatalogBehind { last_place, log_end, is_new: false });
    assert!(!bazaar.look(1).await.serving);
    assert_eq!(bazaar.others.places().len(), 3);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_fence_is_for_a_replica_of_that_bazaar_and_shuts_older_epochs_out() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=2).await;
    let fence = |bazaar: &str| {
        let bazaar = BazaarId::new(bazaar).unwrap();
        Call::post("/fence", &Fence { epoch: Epoch(7), bazaar })
    };
    let refused = bazaar.call(1, &fence("another")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(bazaar.look(1).await.leading);
    let fenced: PingReply = bazaar.call(1, &fence("b")).await.json().unwrap();
    assert_eq!((fenced.heard, fenced.leading, fenced.last.order_no), (Epoch(7), false, OrderNo(2)));
    let late = bazaar.trade(1, "R3").await;
    assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_replica_of_another_bazaar_hears_nothing() {
    let mut bazaar = Bazaar::start(1).await;
    bazaar.trades(1, 1..=2).await;
    let dir = bazaar.stop(1).await;
    bazaar.restart(1, dir).await;
    let process = bazaar.look(1).await.incarnation;
    bazaar.others.configuration.send_modify(|now| {
        now.bazaar = BazaarId::new("another").unwrap();
        now.epoch = Epoch(9);
        now.leader_incarnation = process;
    });
    bazaar.ping(1).await;
    bazaar.dump(1).await;
    let after = bazaar.look(1).await;
    assert_eq!((after.heard, after.leading), (Epoch(1), false));
    assert_eq!(after.bazaar, Some(BazaarId::new("b").unwrap()));
    bazaar.stop_all().await;
}

// ---- parts that are neither up nor down --------------------------------------------------------

fn proof(reach: bool) -> Call {
    Call::post("/prove", &ProofRequest { reach })
}

/// A trade that is sent in the background.
fn send_trade(bazaar: &Bazaar, id: u8, request_id: String) -> JoinHandle<Reply> {
    let (peers, address) = (bazaar.peers.clone(), bazaar.addresses[&id]);
    let epoch = bazaar.others.configuration.borrow().epoch;
    tokio::spawn(async move {
        let call = Call::get("/trade?stock_name=Stock1&trade_type=buy&quantity=2")
            .header(headers::REQUEST_ID, request_id)
            .header(headers::EPOCH, epoch);
        peers.call(address, &call, PATIENCE).await.unwrap()
    })
}

#[tokio::test]
async fn a_writer_waits_for_another_programs_lock_and_its_pings_say_for_how_long() {
    let bazaar = Bazaar::start(1).await;
    bazaar.trade(1, "R1").await;
    let file = bazaar.replicas[&1].dir.path().join("order-1.db");
    let shell = rusqlite::Connection::open(file).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let trade = send_trade(&bazaar, 1, "R2".to_owned());
    let stuck = bazaar.until(1, |reply| reply.health.unfinished_us > 0).await;
    let proof = {
        let (peers, address) = (bazaar.peers.clone(), bazaar.addresses[&1]);
        tokio::spawn(async move { peers.call(address, &proof(true), PATIENCE).await.unwrap() })
    };
    let still = |reply: &PingReply| reply.health.unfinished_us > stuck.health.unfinished_us;
    let stuck = bazaar.until(1, still).await;
    assert!(stuck.leading && !trade.is_finished() && !proof.is_finished());
    shell.execute_batch("ROLLBACK").unwrap();
    assert_eq!(body(&trade.await.unwrap()), json!({"order_no": 2}));
    assert_eq!(proof.await.unwrap().status, StatusCode::OK);
    let well = bazaar.until(1, |reply| reply.health.unfinished_us == 0).await;
    assert!(well.health.last_took_us > 0);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn a_leader_tells_whom_it_does_not_reach_and_proves_nothing() {
    let mut bazaar = Bazaar::start(1).await;
    assert_eq!(bazaar.ping(1).await.unreachable, []);
    assert_eq!(bazaar.call(1, &proof(true)).await.status, StatusCode::OK);
    let dir = bazaar.stop(1).await;
    let unused = listener(None).await;
    bazaar.catalog_at = unused.local_addr().unwrap();
    drop(unused);
    bazaar.restart(1, dir).await;
    bazaar.begin(1).await;
    let cut_off = bazaar.until(1, |reply| !reply.unreachable.is_empty()).await;
    assert!(cut_off.leading);
    assert_eq!(cut_off.unreachable[0].peer, Part::Catalog);
    let proved = bazaar.call(1, &proof(true)).await;
    assert_eq!(proved.status, StatusCode::SERVICE_UNAVAILABLE);
    let disk_is_well = bazaar.call(1, &proof(false)).await;
    assert_eq!(disk_is_well.status, StatusCode::OK);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn what_is_known_to_be_committed_is_shown_after_an_election_without_the_catalog() {
    let mut bazaar = Bazaar::start(2).await;
    bazaar.trade(2, "R1").await;
    let committed = async {
        while bazaar.dump(1).await.committed.0 == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, committed).await.expect("the follower hears of it");
    bazaar.others.is_down.store(true, Ordering::SeqCst);
    bazaar.stop(2).await;
    bazaar.begin(1).await;
    bazaar.until(1, |reply| reply.leading).await;
    let look_up =
        |order_no: u64| Call::get(format!("/query?order_no={order_no}")).header(headers::EPOCH, 2);
    let found = bazaar.call(1, &look_up(1)).await;
    assert_eq!((found.status.as_u16(), &body(&found)["data"]["order_no"]), (200, &json!(1)));
    // What it does not know, it does not deny.
    assert_eq!(bazaar.call(1, &look_up(2)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!bazaar.ping(1).await.serving);
    bazaar.stop_all().await;
}

#[tokio::test]
async fn lookups_that_wait_for_a_takeover_hold_up_none_of_what_is_known() {
    let (reads, wait_for_place) = (8, Duration::from_millis(20));
    let limits = Limits { concurrent: reads, questions: 4, wait_for_place, ..Limits::default() };
    let mut bazaar = Bazaar::start_within(limits, 2).await;
    bazaar.trade(2, "R1").await;
    bazaar.until(1, |reply| reply.committed.0 == 1).await;
    bazaar.others.is_down.store(true, Ordering::SeqCst);
    bazaar.stop(2).await;
    bazaar.begin(1).await;
    bazaar.until(1, |reply| reply.leading).await;
    let look_up =
        |order_no: u64| Call::get(format!("/query?order_no={order_no}")).header(headers::EPOCH, 2);
    let mut waiting = JoinSet::new();
    for _ in 0..reads {
        let (peers, address, call) = (bazaar.peers.clone(), bazaar.addresses[&1], look_up(2));
        waiting.spawn(async move { while peers.call(address, &call, PATIENCE).await.is_ok() {} });
    }
    let full = async {
        while body(&bazaar.call(1, &look_up(2)).await)["error"]["message"]
            != "too many requests at once"
        {}
    };
    tokio::time::timeout(PATIENCE, full).await.expect("there are more than may wait");
    for _ in 0..10 * reads {
        assert_eq!(bazaar.call(1, &look_up(1)).await.status, StatusCode::OK);
    }
    waiting.shutdown().await;
    bazaar.stop_all().await;
}

/// Trades that wait for a catalog without outcomes: as many as were seen to keep half a core busy.
const WAITING_TRADES: usize = 1020;
/// So many of them come at once.
const ARRIVING_TRADES: usize = 255;

/// Has trades wait for the catalog, each of which has asked it once.
async fn trades_wait(bazaar: &Bazaar) -> Vec<JoinHandle<Reply>> {
    services::process::raise_open_files_limit();
    bazaar.others.is_down.store(true, Ordering::SeqCst);
    let mut sent = Vec::new();
    while sent.len() < WAITING_TRADES {
        // Not all at once: so many newcomers would be about as many as may be there without a request.
        let next = (sent.len() + ARRIVING_TRADES).min(WAITING_TRADES);
        sent.extend((sent.len()..next).map(|name| send_trade(bazaar, 1, format!("R{name}"))));
        let arrived = async {
            while bazaar.others.trades.load(Ordering::SeqCst) < next {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.expect("each is tried once");
    }
    sent
}

/// The catalog is asked by these trades no more often than it is asked whether it is there.
async fn share_one_question(bazaar: &Bazaar) {
    let mut probes = bazaar.others.probes.subscribe();
    let before = *probes.borrow();
    probes.wait_for(|probes| *probes >= before + 20).await.unwrap();
    let probes = *probes.borrow();
    let tried = bazaar.others.trades.load(Ordering::SeqCst);
    let bound = WAITING_TRADES + probes;
    assert!(tried <= bound, "{tried} questions for {WAITING_TRADES} trades, {probes} probes");
}

/// The catalog gives outcomes again, and each of these trades has one.
async fn all_go_on(bazaar: &Bazaar, sent: Vec<JoinHandle<Reply>>) {
    bazaar.others.is_down.store(false, Ordering::SeqCst);
    for trade in sent {
        assert_eq!(trade.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(bazaar.dump(1).await.entries.len(), WAITING_TRADES);
}

#[tokio::test]
async fn trades_that_wait_for_the_catalog_share_one_question() {
    let bazaar = Bazaar::start(1).await;
    let sent = trades_wait(&bazaar).await;
    share_one_question(&bazaar).await;
    all_go_on(&bazaar, sent).await;
    bazaar.stop_all().await;
}

/// Nobody waits for them any more, and they are numbered all the same (rule E2).
#[tokio::test]
async fn trades_whose_clients_have_left_share_one_question_too() {
    let mut bazaar = Bazaar::start(1).await;
    let sent = trades_wait(&bazaar).await;
    let clients = std::mem::replace(&mut bazaar.peers, Peers::new(None));
    for trade in sent {
        trade.abort();
        let ended = trade.await;
        assert!(ended.as_ref().is_err_and(JoinError::is_cancelled), "{ended:?}");
    }
    drop(clients);
    // The places of those who have left are free again.
    share_one_question(&bazaar).await;
    let known = bazaar.call(1, &Call::get("/query?order_no=1")).await;
    assert_eq!(known.status, StatusCode::NOT_FOUND);
    bazaar.others.is_down.store(false, Ordering::SeqCst);
    let numbered = async {
        while bazaar.look(1).await.committed < OrderNo(WAITING_TRADES as u64) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, numbered).await.expect("each is numbered");
    bazaar.stop_all().await;
}

/// The story of rule G3: that many trades ask a catalog that is down twenty times a second each.
#[cfg(feature = "planted-bugs")]
#[tokio::test]
async fn trades_that_wait_apart_ask_the_catalog_many_times_as_often() {
    let bugs = Bugs::default().with(services::planted::Bug::WaitApart);
    let bazaar = Bazaar::start_planted(1, Planted { bugs, ..Planted::default() }).await;
    let sent = trades_wait(&bazaar).await;
    let probes = bazaar.others.probes.subscribe();
    let many = async {
        let bound = || WAITING_TRADES + *probes.borrow();
        while bazaar.others.trades.load(Ordering::SeqCst) < 5 * bound() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, many).await.expect("five questions for each trade and probe");
    all_go_on(&bazaar, sent).await;
    bazaar.stop_all().await;
}
