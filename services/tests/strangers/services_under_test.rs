//! The three services, each with the token, on loopback.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use services::http::{HttpConfig, Limits, Names};
use services::planted::Planted;
use services::storage::Durability;
use services::{catalog, front_end, order};
use tempfile::TempDir;
use tokio::net::TcpListener;
use wire::ids::ReplicaId;

use crate::talk::{TOKEN, ask, status};

/// Where they listen. They stop with the test's runtime.
pub(crate) struct Services {
    pub(crate) front_end: SocketAddr,
    pub(crate) catalog: SocketAddr,
    pub(crate) order: SocketAddr,
    _dir: TempDir,
}

fn http() -> HttpConfig {
    let names = Names::new(vec!["bazaar.example".to_owned()]);
    HttpConfig { names, limits: Limits::default() }
}

/// A replica that knows the front-end at `front_end`.
pub(crate) fn order_config(dir: &TempDir, front_end: SocketAddr) -> order::Config {
    order::Config {
        id: ReplicaId(1),
        others: BTreeMap::new(),
        front_end,
        catalog: front_end,
        ping_period: Duration::from_millis(20),
        ping_timeout: Duration::from_secs(5),
        data_dir: dir.path().to_owned(),
        durability: Durability::Os,
        http: http(),
        planted: Planted::default(),
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

impl Services {
    pub(crate) async fn start() -> Self {
        Self::with(Planted::default()).await
    }

    /// The same, with something planted in the front-end.
    pub(crate) async fn with(planted: Planted) -> Self {
        let dir = TempDir::new().unwrap();
        let (front_end_listener, front_end) = listen().await;
        let (catalog_listener, catalog) = listen().await;
        let (order_listener, order) = listen().await;
        let token = || Some(TOKEN.into());

        let config = order::Config { catalog, ..order_config(&dir, front_end) };
        tokio::spawn(order::run(order_listener, config, token(), pending()));
        let config = catalog::Config {
            data_dir: dir.path().to_owned(),
            durability: Durability::Os,
            http: http(),
            planted: Planted::default(),
            front_end,
            stocks: None,
            cap: 100,
        };
        tokio::spawn(catalog::run(catalog_listener, config, token(), pending()));
        let config = front_end::Config {
            catalog,
            replicas: BTreeMap::from([(ReplicaId(1), order)]),
            cache: true,
            ping_period: Duration::from_millis(20),
            ping_timeout: Duration::from_secs(5),
            trade_timeout: Duration::from_secs(20),
            without: Default::default(),
            data_dir: dir.path().to_owned(),
            durability: Durability::Os,
            http: http(),
            planted,
        };
        tokio::spawn(front_end::run(front_end_listener, config, token(), pending()));
        let services = Self { front_end, catalog, order, _dir: dir };
        for address in services.all() {
            while status(&ask(address, "GET /healthz", "", "").await) != 200 {
                tokio::task::yield_now().await;
            }
        }
        services
    }

    pub(crate) fn all(&self) -> [SocketAddr; 3] {
        [self.front_end, self.catalog, self.order]
    }

    /// A stock's quantity, as the front-end shows it.
    pub(crate) async fn quantity(&self) -> u64 {
        let answer = ask(self.front_end, "GET /stocks/Stock1", "", "").await;
        let stock: serde_json::Value = serde_json::from_str(crate::talk::body(&answer)).unwrap();
        stock["quantity"].as_u64().unwrap()
    }
}
