//! The replicas under test, started in this process, and what is asked of them.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use services::http::{Call, HttpConfig, Limits, Peers, Reply, ServerConfig, serve};
use services::metrics::Metrics;
use services::order::{Config, run};
use services::planted::{Bugs, Planted};
use services::storage::Durability;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;
use wire::configuration::{Configuration, Member};
use wire::dump::OrderPage;
use wire::headers;
use wire::ids::{BazaarId, ConfigVersion, Epoch, Incarnation, OrderNo, ReplicaId};
use wire::internal::{OrderDump, PingReply};

use crate::others::Others;
use crate::{panics, ports};

/// A generous bound on anything awaited; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Replica {
    pub(crate) dir: TempDir,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) ended: JoinHandle<anyhow::Result<()>>,
}

pub(crate) struct Bazaar {
    pub(crate) others: Arc<Others>,
    pub(crate) others_at: SocketAddr,
    /// Where replicas that are started look for the catalog.
    pub(crate) catalog_at: SocketAddr,
    /// What replicas that are started put up with.
    pub(crate) limits: Limits,
    pub(crate) replicas: HashMap<u8, Replica>,
    pub(crate) addresses: HashMap<u8, SocketAddr>,
    pub(crate) peers: Peers,
    pub(crate) planted: Planted,
    _stop_others: oneshot::Sender<()>,
}

pub(crate) async fn listener(at: Option<SocketAddr>) -> TcpListener {
    TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.unwrap()
}

impl Bazaar {
    /// `count` replicas, of which the highest leads epoch 1.
    pub(crate) async fn start(count: u8) -> Self {
        Self::start_planted(count, Planted::default()).await
    }

    /// The same, of replicas that put up with so much.
    pub(crate) async fn start_within(limits: Limits, count: u8) -> Self {
        Self::start_with(limits, Planted::default(), count).await
    }

    /// The same, with something planted in them.
    pub(crate) async fn start_planted(count: u8, planted: Planted) -> Self {
        Self::start_with(Limits::default(), planted, count).await
    }

    pub(crate) async fn start_with(limits: Limits, planted: Planted, count: u8) -> Self {
        panics::are_told();
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
    pub(crate) async fn look(&self, id: u8) -> PingReply {
        self.call(id, &Call::get("/ping")).await.json().unwrap()
    }

    /// Gives the leadership of a new epoch to the process that answers as `leader`.
    pub(crate) async fn begin(&self, leader: u8) {
        let process = self.look(leader).await.incarnation;
        self.others.configuration.send_modify(|now| {
            now.version = now.version.next();
            now.epoch = now.epoch.next();
            now.leader = ReplicaId(leader);
            now.leader_incarnation = process;
        });
    }

    /// The same, and announces it until the leader serves.
    pub(crate) async fn elect(&self, leader: u8) {
        self.begin(leader).await;
        self.announce(leader).await;
    }

    pub(crate) fn run(&mut self, id: u8, listener: TcpListener, dir: TempDir) {
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

    pub(crate) async fn stop(&mut self, id: u8) -> TempDir {
        let replica = self.replicas.remove(&id).unwrap();
        let _ = replica.stop.send(());
        replica.ended.await.unwrap().unwrap();
        replica.dir
    }

    pub(crate) async fn restart(&mut self, id: u8, dir: TempDir) {
        let listener = listener(Some(self.addresses[&id])).await;
        self.run(id, listener, dir);
    }

    pub(crate) async fn call(&self, id: u8, call: &Call) -> Reply {
        self.peers.call(self.addresses[&id], call, PATIENCE).await.unwrap()
    }

    pub(crate) async fn ping(&self, id: u8) -> PingReply {
        let configuration = serde_json::to_string(&*self.others.configuration.borrow()).unwrap();
        let call = Call::get("/ping").header(headers::CONFIGURATION, configuration);
        self.call(id, &call).await.json().unwrap()
    }

    /// Announces the configuration to `id` until it serves.
    pub(crate) async fn announce(&self, id: u8) {
        let serving = async {
            while !self.ping(id).await.serving {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, serving).await.expect("the leader serves");
    }

    pub(crate) async fn trade(&self, id: u8, request_id: &str) -> Reply {
        let path = "/trade?stock_name=Stock1&trade_type=buy&quantity=2";
        let epoch = self.others.configuration.borrow().epoch;
        let call =
            Call::get(path).header(headers::REQUEST_ID, request_id).header(headers::EPOCH, epoch);
        self.call(id, &call).await
    }

    /// Pings `id` until it says what is wanted.
    pub(crate) async fn until(&self, id: u8, says: impl Fn(&PingReply) -> bool) -> PingReply {
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

    pub(crate) async fn dump(&self, id: u8) -> OrderDump {
        serde_json::from_slice(&self.call(id, &Call::get("/dump")).await.body).unwrap()
    }

    /// Waits until the in-sync set is `wanted`.
    pub(crate) async fn in_sync(&self, wanted: &[u8]) {
        let mut configuration = self.others.configuration.subscribe();
        let wanted: Vec<_> = wanted.iter().copied().map(ReplicaId).collect();
        let reached = configuration.wait_for(|now| now.member_ids().collect::<Vec<_>>() == wanted);
        tokio::time::timeout(PATIENCE, reached).await.expect("the in-sync set").unwrap();
    }

    /// A replica's log, page by page.
    pub(crate) async fn pages(&self, id: u8, limit: usize) -> Vec<OrderPage> {
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
    pub(crate) async fn trades(&self, id: u8, names: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let mut numbers = Vec::new();
        for name in names {
            let reply = self.trade(id, &format!("R{name}")).await;
            let order_no = body(&reply)["order_no"].as_u64();
            numbers.push(order_no.unwrap_or_else(|| panic!("R{name}: {}", body(&reply))));
        }
        numbers
    }

    pub(crate) async fn stop_all(mut self) {
        for id in self.replicas.keys().copied().collect::<Vec<_>>() {
            self.stop(id).await;
        }
    }
}

pub(crate) fn body(reply: &Reply) -> Value {
    reply.json().unwrap()
}

/// A trade that is sent in the background.
pub(crate) fn send_trade(bazaar: &Bazaar, id: u8, request_id: String) -> JoinHandle<Reply> {
    let (peers, address) = (bazaar.peers.clone(), bazaar.addresses[&id]);
    let epoch = bazaar.others.configuration.borrow().epoch;
    tokio::spawn(async move {
        let call = Call::get("/trade?stock_name=Stock1&trade_type=buy&quantity=2")
            .header(headers::REQUEST_ID, request_id)
            .header(headers::EPOCH, epoch);
        peers.call(address, &call, PATIENCE).await.unwrap()
    })
}
