//! A front-end under test with everything around it, and a client that sends what it is told to,
//! byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use services::front_end::{self, Config};
use services::http::HttpConfig;
use services::planted::Planted;
use services::storage::Durability;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use wire::configuration::{ConfigurationChange, History};
use wire::ids::ReplicaId;

use crate::fake_catalog::Catalog;
use crate::fake_replica::{Log, Replica};
use crate::panics;

/// A generous bound on anything awaited; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that cannot be waited for otherwise.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How a test wants its front-end.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) cache: bool,
    pub(crate) ping_timeout: Duration,
    pub(crate) trade_timeout: Duration,
    pub(crate) secret: Option<Arc<str>>,
    pub(crate) listen: &'static str,
    pub(crate) http: HttpConfig,
    pub(crate) planted: Planted,
}

impl Default for Wish {
    /// A ping timeout that a busy machine does not reach by itself.
    fn default() -> Self {
        Self {
            cache: true,
            ping_timeout: Duration::from_secs(5),
            trade_timeout: PATIENCE,
            secret: None,
            listen: "127.0.0.1:0",
            http: HttpConfig::default(),
            planted: Planted::default(),
        }
    }
}

impl Wish {
    /// For tests in which somebody hangs: a timeout that they wait for, and that a busy machine does not
    /// reach by itself either.
    pub(crate) fn impatient() -> Self {
        Self { ping_timeout: Duration::from_millis(1000), ..Self::default() }
    }
}

/// The front-end, a catalog and three replicas.
pub(crate) struct Bazaar {
    pub(crate) address: SocketAddr,
    pub(crate) catalog: Catalog,
    pub(crate) replicas: BTreeMap<u8, Replica>,
    pub(crate) log: Arc<Log>,
    wish: Wish,
    data_dir: TempDir,
    running: Option<(oneshot::Sender<()>, JoinHandle<anyhow::Result<()>>)>,
}

impl Bazaar {
    /// Everything up, the front-end ready, and every replica told: one that is killed before it has
    /// heard of its bazaar comes back as a new one.
    pub(crate) async fn start(wish: Wish) -> Self {
        let mut bazaar = Self::prepare(wish);
        for replica in bazaar.replicas.values_mut() {
            replica.start();
        }
        bazaar.start_front_end().await;
        bazaar.is_ready().await;
        bazaar.eventually(async || bazaar.replicas.values().all(Replica::has_been_told)).await;
        bazaar
    }

    /// A catalog, replicas that are not running yet, and no front-end.
    pub(crate) fn prepare(wish: Wish) -> Self {
        panics::are_told();
        let log: Arc<Log> = Arc::default();
        let replica = |id| (id, Replica::new(id, Arc::clone(&log), wish.secret.clone()));
        Self {
            address: ([127, 0, 0, 1], 0).into(),
            catalog: Catalog::start(wish.secret.clone()),
            replicas: (1..=3).map(replica).collect(),
            log,
            wish,
            data_dir: TempDir::new().unwrap(),
            running: None,
        }
    }

    /// Starts the front-end on a free port.
    pub(crate) async fn start_front_end(&mut self) {
        let listener = TcpListener::bind(self.wish.listen).await.unwrap();
        self.address.set_port(listener.local_addr().unwrap().port());
        let replicas =
            self.replicas.iter().map(|(id, replica)| (ReplicaId(*id), replica.address)).collect();
        let config = Config {
            catalog: self.catalog.address,
            replicas,
            without: BTreeSet::new(),
            cache: self.wish.cache,
            ping_period: Duration::from_millis(20),
            ping_timeout: self.wish.ping_timeout,
            trade_timeout: self.wish.trade_timeout,
            data_dir: self.data_dir.path().to_owned(),
            durability: Durability::Flush,
            http: self.wish.http.clone(),
            planted: self.wish.planted,
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            // A test that ends without stopping it stops it all the same.
            let _ = stopped.await;
        };
        let secret = self.wish.secret.clone();
        let running = tokio::spawn(front_end::run(listener, config, secret, stopped));
        self.running = Some((stop, running));
    }

    /// Stops the front-end and waits for its end.
    pub(crate) async fn stop_front_end(&mut self) {
        let (stop, running) = self.running.take().unwrap();
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
    }

    /// Waits until the front-end has given up, and says why.
    pub(crate) async fn gave_up(&mut self) -> String {
        let (_stop, running) = self.running.take().unwrap();
        let result = tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
        format!("{:#}", result.unwrap_err())
    }

    pub(crate) async fn is_ready(&self) {
        self.eventually(async || self.get("/healthz").await.status == 200).await;
    }

    pub(crate) async fn eventually(&self, happened: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !happened().await {
            assert!(begun.elapsed() < PATIENCE, "it did not happen");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub(crate) fn replica(&mut self, id: u8) -> &mut Replica {
        self.replicas.get_mut(&id).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        send(self.address, "GET", path, &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        send(self.address, "POST", path, &[], body.to_string().as_bytes()).await
    }

    /// Sends a trade in the background.
    pub(crate) fn trade(&self, key: &'static str) -> JoinHandle<Response> {
        let address = self.address;
        tokio::spawn(async move {
            let body = br#"{"stock_name":"Stock1","trade_type":"Buy","quantity":2}"#;
            send(address, "POST", "/orders", &[("idempotency-key", key)], body).await
        })
    }

    pub(crate) async fn changes(&self) -> Vec<ConfigurationChange> {
        serde_json::from_value::<History>(self.get("/history").await.json()).unwrap().changes
    }

    /// Waits until `replica` leads in `epoch`.
    pub(crate) async fn is_led_by(&self, replica: u8, epoch: u64) {
        self.eventually(async || {
            let leader = self.get("/leader").await;
            leader.status == 200
                && leader.json()["leader"] == replica
                && leader.json()["epoch"] == epoch
        })
        .await;
    }
}

/// Waits until a watched value is as it should be.
pub(crate) async fn until<T>(value: &watch::Sender<T>, is: impl FnMut(&T) -> bool) {
    let mut value = value.subscribe();
    let waiting = value.wait_for(is);
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "it did not happen");
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// One request on a connection of its own, with no header that is not asked for.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    let answer = exchange(address, &bytes).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head: head.to_owned(), body: body.to_owned() }
}

/// Sends bytes and reads until the other side has no more to say.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let talking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The other side may close before it has read everything; what it said still counts.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(2 * PATIENCE, talking).await.unwrap()
}
