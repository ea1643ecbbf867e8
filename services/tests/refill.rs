//! The real catalog and real order replicas, in-process, with a front-end that does as told: a catalog
//! whose file is lost, old, or another bazaar's (rules N1, L1, L6, L7).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "shared/ports.rs"]
mod ports;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use services::http::{
    Access, Answer, Call, Endpoint, HttpConfig, Peers, Reply, Request, ServerConfig, Service, serve,
};
use services::metrics::Metrics;
use services::planted::{Bugs, Planted};
use services::storage::Durability;
use services::{catalog, order};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use wire::bazaar::OrderAccepted;
use wire::configuration::{Configuration, Member, Membership, MembershipRequest};
use wire::dump::CatalogPage;
use wire::headers;
use wire::ids::{BazaarId, ConfigVersion, Epoch, Incarnation, OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, Obstacle, PingReply};

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
const REPLICAS: [u8; 2] = [1, 2];

// ---- a front-end that does as told -------------------------------------------------------------

struct FrontEnd {
    configuration: watch::Sender<Configuration>,
}

#[derive(Clone, Copy)]
enum Route {
    Configuration,
    Members,
    Invalidate,
}

impl Service for FrontEnd {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/configuration", Access::Internal, Route::Configuration),
        Endpoint::post("/configuration/members", Access::Internal, Route::Members),
        Endpoint::post("/invalidate", Access::Internal, Route::Invalidate),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        match route {
            Route::Configuration => Answer::ok(&*self.configuration.borrow()),
            Route::Members => self.members(&request.json().unwrap()),
            Route::Invalidate => Answer::empty(),
        }
    }
}

impl FrontEnd {
    fn members(&self, request: &MembershipRequest) -> Answer {
        let mut status = StatusCode::CONFLICT;
        self.configuration.send_if_modified(|now| {
            if (now.epoch, now.version) != (request.epoch, request.version) {
                return false;
            }
            status = StatusCode::OK;
            now.version = now.version.next();
            now.in_sync.retain(|member| member.id != request.member);
            if request.change == Membership::Add {
                let identity = request.identity.clone().unwrap();
                now.in_sync.push(Member { id: request.member, identity });
                now.in_sync.sort();
            }
            true
        });
        Answer::json(status, &*self.configuration.borrow())
    }
}

// ---- the bazaar under test ---------------------------------------------------------------------

struct Process {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Process {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
    }
}

struct Bazaar {
    dir: TempDir,
    front_end: Arc<FrontEnd>,
    addresses: BTreeMap<u8, SocketAddr>,
    catalog_at: SocketAddr,
    front_end_at: SocketAddr,
    peers: Peers,
    catalog: Option<Process>,
    replicas: BTreeMap<u8, Process>,
}

async fn listener(at: Option<SocketAddr>) -> TcpListener {
    TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.unwrap()
}

impl Bazaar {
    /// Everything runs, and replica 2 leads epoch 1.
    async fn start() -> Self {
        Self::start_as("b").await
    }

    async fn start_as(name: &str) -> Self {
        let configuration = Configuration {
            version: ConfigVersion(1),
            epoch: Epoch(0),
            leader: ReplicaId(2),
            leader_incarnation: Incarnation::new("nobody").unwrap(),
            in_sync: Vec::new(),
            bazaar: BazaarId::new(name).unwrap(),
            committed: OrderNo(0),
            by_everybody: true,
            new_catalog: None,
        };
        let front_end = FrontEnd { configuration: watch::Sender::new(configuration) };
        let front_end = Arc::new(front_end);
        let front_end_listener = listener(None).await;
        let front_end_at = front_end_listener.local_addr().unwrap();
        let config = ServerConfig {
            secret: None,
            http: HttpConfig::default(),
            metrics: Metrics::new().http,
            bugs: Bugs::default(),
        };
        let serving =
            serve(front_end_listener, Arc::clone(&front_end), config, std::future::pending());
        tokio::spawn(serving);
        let reserved = |id| (id, ports::reserved::<1>(Ipv4Addr::LOCALHOST)[0]);
        let addresses: BTreeMap<_, _> = REPLICAS.into_iter().map(reserved).collect();
        let [catalog_at] = ports::reserved(Ipv4Addr::LOCALHOST);
        let (catalog, replicas) = (None, BTreeMap::new());
        let (dir, peers) = (TempDir::new().unwrap(), Peers::new(None));
        let mut bazaar =
            Self { dir, front_end, addresses, catalog_at, front_end_at, peers, catalog, replicas };
        bazaar.start_all().await;
        let mut in_sync = Vec::new();
        for id in REPLICAS {
            in_sync.push(Member { id: ReplicaId(id), identity: bazaar.look(id).await.identity });
        }
        bazaar.front_end.configuration.send_modify(|now| now.in_sync = in_sync);
        bazaar.elect(true).await;
        bazaar.serves().await;
        bazaar
    }

    async fn start_all(&mut self) {
        for id in REPLICAS {
            let others = self.addresses.iter().filter(|(other, _)| **other != id);
            let config = order::Config {
                id: ReplicaId(id),
                others: others.map(|(other, at)| (ReplicaId(*other), *at)).collect(),
                front_end: self.front_end_at,
                catalog: self.catalog_at,
                ping_period: Duration::from_millis(20),
                ping_timeout: Duration::from_secs(5),
                data_dir: self.data(),
                durability: Durability::Os,
                http: HttpConfig::default(),
                planted: Planted::default(),
            };
            let listener = listener(Some(self.addresses[&id])).await;
            let (stop, stopped) = oneshot::channel();
            let ended = tokio::spawn(order::run(listener, config, None, async {
                let _ = stopped.await;
            }));
            self.replicas.insert(id, Process { stop, ended });
        }
        self.start_catalog().await;
    }

    async fn start_catalog(&mut self) {
        let config = catalog::Config {
            data_dir: self.data(),
            durability: Durability::Os,
            http: HttpConfig::default(),
            planted: Planted::default(),
            front_end: self.front_end_at,
            stocks: None,
            cap: 100,
        };
        let listener = listener(Some(self.catalog_at)).await;
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(catalog::run(listener, config, None, async {
            let _ = stopped.await;
        }));
        self.catalog = Some(Process { stop, ended });
    }

    async fn stop_catalog(&mut self) {
        self.catalog.take().unwrap().stop().await;
        // What it has left of connections may be to processes that have ended.
        self.peers = Peers::new(None);
    }

    async fn stop_all(&mut self) {
        self.stop_catalog().await;
        while let Some((_, process)) = self.replicas.pop_first() {
            process.stop().await;
        }
        self.peers = Peers::new(None);
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    async fn call(&self, at: SocketAddr, call: &Call) -> Reply {
        self.peers.call(at, call, PATIENCE).await.unwrap()
    }

    async fn look(&self, id: u8) -> PingReply {
        self.call(self.addresses[&id], &Call::get("/ping")).await.json().unwrap()
    }

    async fn catalog_status(&self) -> CatalogStatus {
        self.call(self.catalog_at, &Call::get("/ping")).await.json().unwrap()
    }

    /// Begins an epoch under replica 2's process, and tells the catalog.
    async fn elect(&self, by_everybody: bool) -> Reply {
        let process = self.look(2).await.incarnation;
        let catalog = self.catalog_status().await;
        self.front_end.configuration.send_modify(|now| {
            now.version = now.version.next();
            now.epoch = now.epoch.next();
            now.leader_incarnation = process;
            now.by_everybody = by_everybody;
            now.new_catalog = (by_everybody && catalog.is_new).then_some(catalog.identity);
        });
        self.tell_catalog().await
    }

    async fn tell_catalog(&self) -> Reply {
        let configuration = self.front_end.configuration.borrow().clone();
        self.call(self.catalog_at, &Call::post("/configuration", &configuration)).await
    }

    /// Announces the configuration, and says how the leader answers.
    async fn announce(&self) -> PingReply {
        let mut leader = None;
        for id in REPLICAS {
            let announced = serde_json::to_string(&*self.front_end.configuration.borrow()).unwrap();
            let call = Call::get("/ping").header(headers::CONFIGURATION, announced);
            leader = self.call(self.addresses[&id], &call).await.json();
        }
        leader.unwrap()
    }

    /// Announces the configuration until the leader's answer is as wanted.
    async fn until(&self, wanted: impl Fn(&PingReply) -> bool) -> PingReply {
        let looking = async {
            loop {
                let reply = self.announce().await;
                if wanted(&reply) {
                    return reply;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("the leader answers as wanted")
    }

    async fn serves(&self) {
        self.until(|reply| reply.serving && reply.obstacle.is_none()).await;
    }

    /// Mostly buys, and sells what was bought before; the order's number.
    async fn trade(&self, name: u64) -> u64 {
        let trade_type = if name.is_multiple_of(7) { "Sell" } else { "Buy" };
        let path =
            format!("/trade?stock_name=Stock{}&trade_type={trade_type}&quantity=1", name % 3 + 1);
        let epoch = self.front_end.configuration.borrow().epoch;
        let call = Call::get(path)
            .header(headers::REQUEST_ID, format!("R{name}"))
            .header(headers::EPOCH, epoch);
        let reply = self.call(self.addresses[&2], &call).await;
        reply.json::<OrderAccepted>().unwrap_or_else(|| panic!("{reply:?}")).order_no.0
    }

    async fn trades(&self, names: std::ops::RangeInclusive<u64>) -> Vec<u64> {
        let mut numbers = Vec::new();
        for name in names {
            numbers.push(self.trade(name).await);
        }
        numbers
    }

    async fn catalog_dump(&self) -> CatalogPage {
        let reply = self.call(self.catalog_at, &Call::get("/dump")).await;
        CatalogPage { epoch: Epoch(0), ..serde_json::from_slice(&reply.body).unwrap() }
    }

    /// Lays the catalog's files aside.
    fn lose_catalog(&self, aside: &Path) {
        fs::create_dir_all(aside).unwrap();
        for file in catalog_files(&self.data()) {
            fs::rename(&file, aside.join(file.file_name().unwrap())).unwrap();
        }
    }

    /// Puts a copy of the catalog's files, made while it was stopped, back in their place.
    fn restore_catalog(&self, from: &Path) {
        catalog_files(&self.data()).iter().for_each(|file| fs::remove_file(file).unwrap());
        for file in catalog_files(from) {
            fs::copy(&file, self.data().join(file.file_name().unwrap())).unwrap();
        }
    }
}

fn catalog_files(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let is_catalogs = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("catalog."))
    };
    files.filter(is_catalogs).collect()
}

// ---- the stories -------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_whose_file_is_lost_is_made_again_from_the_log() {
    let mut bazaar = Bazaar::start().await;
    assert_eq!(bazaar.trades(1..=30).await, (1..=30).collect::<Vec<_>>());
    let before = bazaar.catalog_dump().await;
    bazaar.stop_all().await;
    bazaar.lose_catalog(&bazaar.dir.path().join("aside"));

    bazaar.start_all().await;
    assert!(bazaar.catalog_status().await.is_new);
    bazaar.elect(true).await;
    bazaar.serves().await;
    assert_eq!(bazaar.catalog_dump().await, before, "trades, places, stocks and versions");
    assert_eq!(bazaar.trade(5).await, 5, "a repeat has the number that it had");
    assert_eq!(bazaar.trades(31..=33).await, [31, 32, 33]);
    bazaar.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_with_an_old_copy_of_its_file_is_filled_up() {
    let mut bazaar = Bazaar::start().await;
    bazaar.trades(1..=10).await;
    bazaar.stop_all().await;
    let copy = bazaar.dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for file in catalog_files(&bazaar.data()) {
        fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
    }
    bazaar.start_all().await;
    bazaar.elect(true).await;
    bazaar.serves().await;
    bazaar.trades(11..=30).await;
    let before = bazaar.catalog_dump().await;
    bazaar.stop_all().await;

    bazaar.restore_catalog(&copy);
    bazaar.start_all().await;
    bazaar.elect(true).await;
    bazaar.serves().await;
    assert_eq!(bazaar.catalog_dump().await, before);
    assert_eq!(bazaar.trades(31..=32).await, [31, 32]);
    bazaar.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_every_replicas_word_a_lost_catalog_stays_empty_and_closed() {
    let mut bazaar = Bazaar::start().await;
    bazaar.trades(1..=10).await;
    let before = bazaar.catalog_dump().await;
    bazaar.stop_all().await;
    bazaar.lose_catalog(&bazaar.dir.path().join("aside"));
    bazaar.start_all().await;

    bazaar.elect(false).await;
    let reply = bazaar.until(|reply| reply.obstacle.is_some()).await;
    let (last_place, log_end) = (OrderNo(0), OrderNo(10));
    assert_eq!(reply.obstacle, Some(Obstacle::CatalogBehind { last_place, log_end, is_new: true }));
    assert!(!reply.serving);
    let status = bazaar.catalog_status().await;
    assert_eq!((status.last_place, status.is_open), (OrderNo(0), false));
    let query = Call::get("/query?stock_name=Stock1");
    assert_eq!(bazaar.call(bazaar.catalog_at, &query).await.status, 503);

    bazaar.elect(true).await;
    bazaar.serves().await;
    assert_eq!(bazaar.catalog_dump().await, before);
    bazaar.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_catalog_is_told_and_listed_in_the_same_epoch_and_trading_goes_on() {
    let mut bazaar = Bazaar::start().await;
    bazaar.trades(1..=5).await;
    bazaar.stop_catalog().await;
    bazaar.start_catalog().await;
    assert!(!bazaar.catalog_status().await.is_open);
    assert_eq!(bazaar.tell_catalog().await.status, 200);
    assert_eq!(bazaar.trades(6..=8).await, [6, 7, 8]);
    assert!(bazaar.catalog_status().await.is_open);
    bazaar.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_bazaars_catalog_is_refused_and_the_leader_does_not_serve_with_it() {
    let mut bazaar = Bazaar::start().await;
    bazaar.trades(1..=3).await;
    bazaar.stop_all().await;
    let mut other = Bazaar::start_as("other").await;
    other.stop_all().await;
    bazaar.restore_catalog(&other.data());
    bazaar.start_all().await;
    let told = bazaar.elect(true).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    let reply = bazaar.until(|reply| reply.leading).await;
    assert!(!reply.serving);
    let status = bazaar.catalog_status().await;
    assert_eq!((status.is_open, status.bazaar), (false, Some(BazaarId::new("other").unwrap())));
    bazaar.stop_all().await;
}
