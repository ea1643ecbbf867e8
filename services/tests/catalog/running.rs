//! A catalog that runs in this process, and a client that can say anything to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use services::catalog::{self, Config};
use services::http::{Call, Peers, Reply};
use services::storage::Durability;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::bazaar::{Data, Stock};
use wire::headers;
use wire::internal::CatalogDump;

/// Far longer than anything here takes; a test that hangs fails.
pub(crate) const LONG: Duration = Duration::from_secs(20);

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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Config {
            data_dir: PathBuf::from(dir),
            durability: Durability::Os,
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
        running.ready().await;
        running
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

    /// Waits until that many trades, lists and dumps were decided and committed.
    pub(crate) async fn has_decided(&self, jobs: u32) {
        let line = format!("catalog_batch_size_sum {jobs}\n");
        let asking = async {
            while !self.metrics().await.contains(&line) {
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
        self.get("/dump").await.json().unwrap()
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
            "{line} HTTP/1.1\r\nhost: catalog\r\nconnection: close\r\n\
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

pub(crate) fn unnumbered(epoch: u64, after: u64) -> Call {
    Call::post("/unnumbered", &json!({ "epoch": epoch, "after": after }))
}

/// The body as any JSON.
pub(crate) fn body(reply: &Reply) -> Value {
    reply.json().unwrap()
}
