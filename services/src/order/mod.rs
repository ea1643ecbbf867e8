//! One replica of the order service: numbers trades, keeps the log, replicates it.
//!
//! Pure decisions: [`log`] (what is held, and what a message would change) and [`replica`] (roles,
//! takeover, commit, membership), [`carriage`] (what a trade needs next). The shell: `actor` (the thread that owns both and the disk),
//! `outbox` (what it asks of others), `trades` (from request to number), `routes` (HTTP).

mod actor;
mod backoff;
pub mod carriage;
mod config;
pub mod log;
mod outbox;
pub mod replica;
mod routes;
mod store;
mod trades;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

pub use config::{Args, Config};

use crate::http::{Peers, ServerConfig, serve};
use crate::metrics::Metrics;
use actor::Input;
use outbox::Outbox;
use routes::OrderService;
use store::Store;
use trades::Trades;

/// Runs a replica until `shutdown` completes.
///
/// # Errors
/// If its database cannot be used.
pub async fn run(
    listener: TcpListener,
    config: Config,
    secret: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let planted = config.planted;
    let metrics = Metrics::new();
    let peers = Peers::new(secret.clone());
    let port = listener.local_addr().context("the listener has no address")?.port();
    let store = Store::open(&config.data_dir, config.id, config.durability, planted.bugs)?;
    let others = config.others.keys().copied().collect();
    let outbox = |inputs, status| Outbox {
        id: config.id,
        replicas: config.others.clone(),
        front_end: config.front_end,
        catalog: config.catalog,
        append_timeout: config.ping_timeout,
        peers: peers.clone(),
        stretches: planted.stretches,
        runtime: tokio::runtime::Handle::current(),
        inputs,
        status,
    };
    let (replica, thread) = actor::start(config.id, others, store, planted, &metrics, outbox)?;
    let ticks = tokio::spawn(tick(replica.inputs.clone(), config.ping_period));

    let service = OrderService {
        port,
        incarnation: Uuid::new_v4().to_string(),
        trades: Trades::new(replica.clone(), config.catalog, peers.clone(), planted),
        replica: replica.clone(),
        peers,
        metrics: metrics.clone(),
        config,
    };
    let server = ServerConfig { secret, metrics: metrics.http.clone(), bugs: planted.bugs };
    serve(listener, Arc::new(service), server, shutdown).await;

    ticks.abort();
    // If the queue is closed, the thread has ended already.
    let _ = replica.inputs.send(Input::Stop).await;
    let ended = tokio::task::spawn_blocking(move || thread.join()).await;
    anyhow::ensure!(matches!(ended, Ok(Ok(()))), "the replica's thread panicked");
    Ok(())
}

async fn tick(inputs: mpsc::Sender<Input>, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A full queue needs no tick to be worked on.
        if matches!(inputs.try_send(Input::Tick), Err(mpsc::error::TrySendError::Closed(_))) {
            return;
        }
    }
}
