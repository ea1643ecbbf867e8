//! One replica of the order service: numbers trades, keeps the log, replicates it.
//!
//! Pure decisions: [`log`] (what is held, and what a message would change), [`replica`] (roles,
//! takeover, commit, membership), [`change`] (what is to be on disk) and [`trade_progress`] (what a trade needs next). The shell: `actor` (the thread that owns both and the disk),
//! `outbox` (what it asks of others), `trades` (from request to number), `routes` (HTTP).

mod actor;
mod backoff;
pub mod change;
mod config;
mod confirmation;
pub mod dump;
pub mod health;
pub mod log;
pub mod lookup;
mod outbox;
pub mod pace;
mod prober;
pub mod reach;
pub mod replica;
mod routes;
mod store;
pub mod trade_progress;
mod trades;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use base::http::{Peers, ServerConfig, serve};
use base::metrics::Metrics;
use base::planted::{Panics, Part};
use base::process::{self, StateOwner, joined};
use base::tasks;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;
use wire::ids::Incarnation;

pub use config::{Args, Config};

use actor::{Input, Own};
use health::Progress;
use outbox::Outbox;
use prober::{News, Prober};
use reach::Reach;
use routes::OrderService;
use store::Store;
use trades::Trades;

/// Runs one replica as a process of its own. The first argument is its name.
///
/// Here, and not in the binary: what is generic is compiled where it is used, so a caller of one plain
/// function compiles nothing but that call.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    process::main(
        arguments,
        |args: &Args| (args.common.clone(), args.listen()),
        |args, listener, secret, shutdown| async move {
            run(listener, Config::try_from(args)?, secret, shutdown).await
        },
    )
}

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
    let reach = Reach::new(config.others.keys().copied());
    let progress = Progress::default();
    let outbox = |inputs, status| Outbox {
        replicas: config.others.clone(),
        front_end: config.front_end,
        catalog: config.catalog,
        append_timeout: config.ping_timeout,
        reach: reach.clone(),
        peers: peers.clone(),
        planted,
        runtime: tokio::runtime::Handle::current(),
        inputs,
        status,
    };
    let incarnation = Uuid::new_v4().to_string();
    let incarnation = Incarnation::new(&incarnation).context("a UUID is a name")?;
    let own = Own { id: config.id, incarnation: incarnation.clone(), others };
    let (replica, thread) = actor::start(own, store, planted, &progress, &metrics, outbox)?;
    let ticks = tasks::spawn(tick(replica.inputs.clone(), config.ping_period, planted.panics));
    let prober = Prober {
        peers: peers.clone(),
        catalog: config.catalog,
        front_end: config.front_end,
        period: config.ping_period,
        timeout: config.ping_timeout,
        reach: reach.clone(),
        status: replica.status.clone(),
        inputs: replica.inputs.downgrade(),
        news: News::default(),
        panics: planted.panics,
    };
    let probes = [
        tasks::spawn(prober.clone().watch_catalog()),
        tasks::spawn(prober.clone().watch_front_end()),
    ];

    let server = ServerConfig {
        secret,
        http: config.http.clone(),
        metrics: metrics.http.clone(),
        bugs: planted.bugs,
    };
    let service = OrderService {
        port,
        incarnation,
        trades: Trades::new(
            replica.clone(),
            config.catalog,
            peers.clone(),
            prober.news.clone(),
            planted,
        ),
        replica: replica.clone(),
        progress,
        prober,
        peers,
        metrics: metrics.clone(),
        foreign: Mutex::default(),
        config,
    };
    serve(listener, Arc::new(service), server, shutdown).await;

    ticks.abort();
    probes.iter().for_each(tokio::task::JoinHandle::abort);
    // If the queue is closed, the thread has ended already.
    let _ = replica.inputs.send(Input::Stop).await;
    joined(thread).await
}

async fn tick(inputs: mpsc::Sender<Input>, period: Duration, panics: Panics) {
    let _owner = StateOwner::new("the task that ticks");
    panics.pass(Part::Ticker);
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
