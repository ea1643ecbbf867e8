//! A catalog that runs in this process, and a client that can say anything to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use services::catalog::{self, Config};
use services::http::{Call, HttpConfig, Limits, Peers, Reply};
use services::storage::Durability;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::bazaar::{Data, Stock};
use wire::configuration::{Configuration, Member};
use wire::dump::CatalogPage;
use wire::headers;
use wire::ids::{BazaarId, ConfigVersion, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{CatalogDump, CatalogStatus, MAX_LISTED, Tail, UnnumberedRequest};

use crate::panics;

/// Far longer than anything here takes; a test that hangs fails.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// Counts trades, lists and dumps.
pub(crate) const DECIDED: &str = "catalog_batch_size_sum";

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    peers: Peers,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
    /// Stands where the front-end would, if there is none.
    nobody: Option<TcpSocket>,
}

/// An address at which nobody listens, and which nobody else can take meanwhile.
pub(crate) fn nobody() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

impl Running {
    /// A catalog in `dir`, that may not be ready yet.
    pub(crate) async fn begin(dir: &Path, front_end: SocketAddr) -> Self {
        panics::are_told();
        Self::begin_within(Limits::default(), dir, front_end).await
    }

    /// The same, which puts up with so much.
    pub(crate) async fn begin_within(limits: Limits, dir: &Path, front_end: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Config {
            data_dir: PathBuf::from(dir),
            durability: Durability::Os,
            http: HttpConfig { limits, ..HttpConfig::default() },
            planted: services::planted::Planted::default(),
            front_end,
            stocks: None,
            cap: 100,
        };
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(catalog::run(listener, config, None, async {
            let _ = stopped.await;
        }));
        Self { address, peers: Peers::new(None), stop, ended, nobody: None }
    }

    /// A catalog in `dir` that is ready.
    pub(crate) async fn start(dir: &Path, front_end: SocketAddr) -> Self {
        let running = Self::begin(dir, front_end).await;
        running.open().await;
        running
    }

    /// Tells the catalog the epoch that it has seen, at least 1, and lists as that epoch's leader,
    /// until it is open (rules L6 and L7).
    pub(crate) async fn open(&self) {
        let seen = self.status().await.epoch;
        let epoch = seen.0.max(1);
        assert_eq!(self.call(tell(epoch)).await.status, 200);
        let list = self.first_list(epoch, 0).await;
        let listing = async {
            while self.call(list.clone()).await.status != 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, listing).await.unwrap();
        self.ready().await;
    }

    /// The list request of a leader that was elected, while everybody answered, for this very file.
    pub(crate) async fn first_list(&self, epoch: u64, after: u64) -> Call {
        let new_catalog = Some(self.status().await.identity);
        let request = UnnumberedRequest { new_catalog, ..list_request(epoch, after) };
        Call::post("/unnumbered", &request)
    }

    pub(crate) async fn status(&self) -> CatalogStatus {
        self.get("/ping").await.json().unwrap()
    }

    /// A catalog in `dir` that is ready, and has no front-end.
    pub(crate) async fn alone(dir: &Path) -> Self {
        let nobody = nobody();
        let running = Self::start(dir, nobody.local_addr().unwrap()).await;
        Self { nobody: Some(nobody), ..running }
    }

    pub(crate) async fn ready(&self) {
        let asking = async {
            while self.get("/healthz").await.status != 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, asking).await.unwrap();
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap().unwrap();
        drop(self.nobody);
    }

    pub(crate) async fn call(&self, call: Call) -> Reply {
        self.peers.call(self.address, &call, LONG).await.unwrap()
    }

    /// Sends a call whose answer may have to wait.
    pub(crate) fn sent(&self, call: Call) -> JoinHandle<Reply> {
        let (peers, address) = (self.peers.clone(), self.address);
        tokio::spawn(async move { peers.call(address, &call, LONG).await.unwrap() })
    }

    /// How many trades, lists and dumps were decided and committed, and what a metric of that name
    /// says in general.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.metrics().await;
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.next().unwrap().parse().unwrap()
    }

    /// Waits until that many more trades, lists and dumps than `before` were decided and committed.
    pub(crate) async fn has_decided(&self, before: u64, jobs: u64) {
        let asking = async {
            while self.metric(DECIDED).await != before + jobs {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, asking).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call(Call::get(path)).await
    }

    pub(crate) async fn stock(&self, name: &str) -> Stock {
        let reply = self.get(&format!("/query?stock_name={name}")).await;
        reply.json::<Data<Stock>>().unwrap().data
    }

    pub(crate) async fn metrics(&self) -> String {
        String::from_utf8(self.get("/metrics").await.body.to_vec()).unwrap()
    }

    pub(crate) async fn dump(&self) -> CatalogDump {
        let first: CatalogPage = serde_json::from_slice(&self.get("/dump").await.body).unwrap();
        let (through, mut next) = (first.through, first.next(0));
        let CatalogPage { epoch, stocks, trades, .. } = first;
        let mut dump = CatalogDump { epoch, stocks, trades };
        while let Some(after) = next {
            let path = format!("/dump?after={after}&through={through}");
            let page: CatalogPage = serde_json::from_slice(&self.get(&path).await.body).unwrap();
            next = page.next(after);
            dump.trades.extend(page.trades);
        }
        dump
    }

    /// Sends bytes, and reads the status and the body of the answer.
    pub(crate) async fn raw(&self, request: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Sends a request with a body that may be anything.
    pub(crate) async fn send(&self, line: &str, headers: &str, body: &[u8]) -> (u16, Value) {
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
             content-length: {length}\r\n{headers}\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }
}

pub(crate) fn by_hand(stock: &str, trade_type: &str, quantity: u32) -> Call {
    Call::post("/trade", &json!({ "stock_name": stock, "type": trade_type, "quantity": quantity }))
}

pub(crate) fn order(id: &str, epoch: u64, stock: &str, trade_type: &str, quantity: u32) -> Call {
    by_hand(stock, trade_type, quantity)
        .header(headers::REQUEST_ID, id)
        .header(headers::EPOCH, epoch)
}

/// The list request of a leader, elected while everybody answered, whose log is shown as far as
/// `after` and whose last trades the catalog has.
pub(crate) fn unnumbered(epoch: u64, after: u64) -> Call {
    Call::post("/unnumbered", &list_request(epoch, after))
}

fn list_request(epoch: u64, after: u64) -> UnnumberedRequest {
    UnnumberedRequest {
        epoch: Epoch(epoch),
        after: Tail { place: OrderNo(after), entry: None },
        log_end: OrderNo(after),
        floor: OrderNo(0),
        by_everybody: true,
        new_catalog: None,
        meant_for: None,
        limit: MAX_LISTED,
    }
}

/// The front-end tells of an epoch.
pub(crate) fn tell(epoch: u64) -> Call {
    Call::post("/configuration", &configuration(epoch, "b"))
}

pub(crate) fn configuration(epoch: u64, bazaar: &str) -> Configuration {
    Configuration {
        version: ConfigVersion(epoch),
        epoch: Epoch(epoch),
        leader: ReplicaId(1),
        leader_incarnation: Incarnation::new("i1").unwrap(),
        in_sync: vec![Member { id: ReplicaId(1), identity: Identity::new("d1").unwrap() }],
        bazaar: BazaarId::new(bazaar).unwrap(),
        committed: OrderNo(0),
        by_everybody: true,
        new_catalog: None,
    }
}

/// The body as any JSON.
pub(crate) fn body(reply: &Reply) -> Value {
    reply.json().unwrap()
}
