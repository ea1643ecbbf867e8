//! The front-end: caches stocks, takes trades to the leading order replica, decides who leads.
//!
//! * [`beginning`], [`cache`], [`configuration`], [`suspicion`], [`election`]: the decisions, which know no
//!   socket, disk or clock. (Only `election` has a few lines of shell, which ask the question.)
//! * [`membership`], [`store`]: the configuration, decided, on disk, and only then announced.
//! * [`pinger`], [`detector`]: who is alive, and what follows from it.
//! * [`stocks`], [`trades`], [`orders`], [`failover`]: what clients ask for.
//! * `routes`: the table of endpoints.

pub mod beginning;
pub mod cache;
pub mod config;
pub mod configuration;
pub mod detector;
pub mod election;
pub mod failover;
pub mod membership;
pub mod orders;
pub mod pinger;
mod routes;
pub mod stocks;
pub mod store;
pub mod suspicion;
pub mod trades;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use wire::configuration::Configuration;

pub use config::{Args, Config, ConfigError};

use crate::http::{Peers, ServerConfig, serve};
use crate::metrics::Metrics;
use cache::Cache;
use detector::Detector;
use failover::Failover;
use membership::Membership;
use orders::Orders;
use pinger::Pinger;
use routes::FrontEnd;
use stocks::Stocks;
use store::Store;
use trades::Trades;

/// Serves on `listener`, which is bound before the first fill (rule C3), until `shutdown`
/// completes. Fails if the database cannot be used, or does not fit the replicas.
pub async fn run(
    listener: TcpListener,
    config: Config,
    secret: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let metrics = Metrics::new();
    let (store, stored) = Store::open(&config.data_dir, config.durability)?;
    check_known(stored.as_ref(), &config)?;
    let peers = Peers::new(secret.clone());
    let (bugs, stretches) = (config.planted.bugs, config.planted.stretches);
    let membership = Arc::new(Membership::new(stored, store, bugs, &metrics));
    let (period, timeout) = (config.ping_period, config.ping_timeout);
    let (pinger, observations) = Pinger::new(
        peers.clone(),
        Arc::clone(&membership),
        &config.replicas,
        period,
        timeout,
        bugs,
    );
    let (on, through) = (Arc::clone(&membership), Arc::clone(&pinger));
    let detector = Detector::new(on, through, observations, period, timeout).with_bugs(bugs);
    let retried = |name: &str, help: &str| {
        let counter = metrics.counter(name, help);
        Failover::new(peers.clone(), Arc::clone(&pinger), membership.watch(), counter)
            .with_bugs(bugs)
    };
    let trades = retried("trades_retried_total", "Attempts at a trade after the first.");
    let lookups = retried("lookups_retried_total", "Attempts at a lookup after the first.");
    let cache = Cache::new(config.cache).with_bugs(bugs);
    let stocks = Arc::new(Stocks::new(config.catalog, peers.clone(), cache, stretches, &metrics));
    let server = ServerConfig { secret, metrics: metrics.http.clone(), bugs };
    let front_end = Arc::new(FrontEnd {
        stocks: Arc::clone(&stocks),
        trades: Trades::new(trades, config.trade_timeout),
        orders: Orders::new(lookups),
        membership: Arc::clone(&membership),
        pinger,
        metrics,
    });

    let closing = async {
        shutdown.await;
        stocks.switch_cache_off();
    };
    let serving = serve(listener, front_end, server, closing);
    tokio::pin!(serving);
    let result = tokio::select! {
        () = &mut serving => Ok(()),
        error = detector.run() => {
            stocks.switch_cache_off();
            Err(error.into())
        }
    };
    // Whoever is started next finds the file free, whatever task still has to be cleared away.
    membership.close().await;
    result
}

/// A member that nobody can reach would be waited for until somebody finds the typing error.
fn check_known(stored: Option<&Configuration>, config: &Config) -> anyhow::Result<()> {
    let in_sync = stored.map_or(&[][..], |stored| &stored.in_sync);
    for member in in_sync {
        anyhow::ensure!(
            config.replicas.contains_key(member),
            "--replica: {member} is missing, but front-end.db has it in the in-sync set"
        );
    }
    Ok(())
}
