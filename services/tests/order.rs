//! Order replicas over real HTTP, in-process, with a front-end and a catalog that do as told.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};
use services::http::{
    Access, Answer, Call, Endpoint, Peers, Reply, Request, ServerConfig, Service, serve,
};
use services::metrics::Metrics;
use services::order::{Config, run};
use services::planted::Bugs;
use services::storage::Durability;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use wire::bazaar::{CatalogAnswer, CatalogTrade, TRADE_FAILED, TRADED};
use wire::configuration::{Configuration, Membership, MembershipRequest};
use wire::headers;
use wire::ids::{AppliedSeq, ConfigVersion, Epoch, ReplicaId};
use wire::internal::{AppliedTrade, OrderDump, PingReply, UnnumberedReply};

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

// ---- a front-end and a catalog that do as told -------------------------------------------------

/// Plays the front-end (membership) and the catalog (trades) for the replicas under test.
struct Others {
    configuration: watch::Sender<Configuration>,
    applied: Mutex<HashMap<String, AppliedTrade>>,
    /// What the catalog answers instead, to the next trade.
    instead: Mutex<Option<StatusCode>>,
    /// Trades wait here while it is held up.
    hold: watch::Sender<bool>,
    arrived: Notify,
}

#[derive(Clone, Copy)]
enum Route {
    Members,
    Trade,
    Unnumbered,
    Query,
}

impl Service for Others {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::post("/configuration/members", Access::Internal, Route::Members),
        Endpoint::post("/trade", Access::Internal, Route::Trade),
        Endpoint::post("/unnumbered", Access::Internal, Route::Unnumbered),
        Endpoint::get("/query", Access::Internal, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        match route {
            Route::Members => self.members(&request.json().unwrap()),
            Route::Trade => self.trade(&request).await,
            Route::Unnumbered => {
                let trades = self.applied.lock().unwrap().values().cloned().collect();
                Answer::ok(&UnnumberedReply { trades })
            }
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
            current.in_sync.retain(|member| *member != request.member);
            if request.change == Membership::Add {
                current.in_sync.push(request.member);
                current.in_sync.sort();
            }
            true
        });
        Answer::json(status, &*self.configuration.borrow())
    }

    async fn trade(&self, request: &Request) -> Answer {
        self.arrived.notify_one();
        let mut hold = self.hold.subscribe();
        hold.wait_for(|held| !held).await.unwrap();
        if let Some(status) = self.instead.lock().unwrap().take() {
            return Answer::json(status, &json!({"message": TRADE_FAILED}));
        }
        let trade: CatalogTrade = request.json().unwrap();
        let id: String = request.header(headers::REQUEST_ID).unwrap().unwrap();
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
        Answer::ok(&CatalogAnswer { message, applied_seq: Some(applied.applied_seq) })
    }
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
    replicas: HashMap<u8, Replica>,
    addresses: HashMap<u8, SocketAddr>,
    peers: Peers,
    _stop_others: oneshot::Sender<()>,
}

async fn listener(at: Option<SocketAddr>) -> TcpListener {
    TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.unwrap()
}

impl Bazaar {
    /// `count` replicas, of which the highest leads epoch 1.
    async fn start(count: u8) -> Self {
        let ids = || (1..=count).map(ReplicaId);
        let configuration = Configuration {
            version: ConfigVersion(1),
            epoch: Epoch(1),
            leader: ReplicaId(count),
            in_sync: ids().collect(),
        };
        let others = Arc::new(Others {
            configuration: watch::Sender::new(configuration),
            applied: Mutex::default(),
            instead: Mutex::default(),
            hold: watch::Sender::new(false),
            arrived: Notify::new(),
        });
        let others_listener = listener(None).await;
        let others_at = others_listener.local_addr().unwrap();
        let (stop_others, stopped) = oneshot::channel::<()>();
        let config =
            ServerConfig { secret: None, metrics: Metrics::new().http, bugs: Bugs::default() };
        tokio::spawn(serve(others_listener, Arc::clone(&others), config, async {
            let _ = stopped.await;
        }));
        let mut listeners = HashMap::new();
        for id in 1..=count {
            listeners.insert(id, listener(None).await);
        }
        let addresses: HashMap<_, _> =
            listeners.iter().map(|(id, at)| (*id, at.local_addr().unwrap())).collect();
        let mut bazaar = Self {
            others,
            others_at,
            replicas: HashMap::new(),
            addresses,
            peers: Peers::new(None),
            _stop_others: stop_others,
        };
        for (id, listener) in listeners {
            bazaar.run(id, listener, TempDir::new().unwrap());
        }
        bazaar.announce(count).await;
        bazaar
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
            catalog: self.others_at,
            ping_period: Duration::from_millis(20),
            ping_timeout: Duration::from_secs(5),
            data_dir: dir.path().to_owned(),
            durability: Durability::Os,
            planted: services::planted::Planted::default(),
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

    async fn dump(&self, id: u8) -> OrderDump {
        self.call(id, &Call::get("/dump")).await.json().unwrap()
    }

    /// Waits until the in-sync set is `wanted`.
    async fn in_sync(&self, wanted: &[u8]) {
        let mut configuration = self.others.configuration.subscribe();
        let wanted: Vec<_> = wanted.iter().copied().map(ReplicaId).collect();
        let reached = configuration.wait_for(|now| now.in_sync == wanted);
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
    bazaar.others.configuration.send_modify(|now| {
        now.version = now.version.next();
        now.epoch = now.epoch.next();
        now.leader = ReplicaId(2);
    });
    bazaar.announce(2).await;
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

    bazaar.others.configuration.send_modify(|now| {
        now.version = now.version.next();
        now.epoch = now.epoch.next();
    });
    bazaar.announce(1).await;
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
