//! The front-end: caches stocks, takes trades to the leading order replica, decides who leads.
//!
//! * [`start_check`], [`fence`], [`loss`], [`cache`], [`configuration`], [`suspicion`], [`gray_failure`], [`contest`], [`election`]: the decisions, which know no
//!   socket, disk or clock. (Only `election` has a few lines of shell, which ask the question.)
//! * [`membership`], [`store`]: the configuration, decided, on disk, and only then announced.
//! * [`pinger`], [`detector`]: who is alive, and what follows from it.
//! * [`stocks`], [`trades`], [`orders`], [`failover`]: what clients ask for.
//! * `routes`: the table of endpoints.

pub mod announcer;
pub mod cache;
pub mod config;
pub mod configuration;
pub mod contest;
pub mod detector;
pub mod election;
pub mod failover;
pub mod fence;
pub mod gray_failure;
pub mod loss;
pub mod membership;
pub mod orders;
pub mod pinger;
mod routes;
pub mod start_check;
pub mod stocks;
pub mod store;
pub mod suspicion;
pub mod trades;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use base::http::{Peers, ServerConfig, serve};
use base::metrics::Metrics;
use base::process::{self, MAX_STOP};
use base::tasks;
use tokio::net::TcpListener;
use wire::configuration::Configuration;

pub use config::{Args, Config, ConfigError};

use announcer::Announcer;
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

/// Runs the front-end as a process of its own. The first argument is its name.
///
/// Here, and not in the binary: what is generic is compiled where it is used, so a caller of one plain
/// function compiles nothing but that call.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    process::main(
        arguments,
        |args: &Args| (args.common.clone(), args.listen),
        |args, listener, secret, shutdown| async move {
            run(listener, Config::try_from(args)?, secret, shutdown).await
        },
    )
}

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
    let planted = config.planted;
    let bugs = planted.bugs;
    let membership = Arc::new(Membership::new(stored, store, config.planted, &metrics));
    let (period, timeout) = (config.ping_period, config.ping_timeout);
    let (pinger, observations) = Pinger::new(
        peers.clone(),
        Arc::clone(&membership),
        &config.replicas,
        config.catalog,
        period,
        timeout,
        planted,
    );
    let (on, through) = (Arc::clone(&membership), Arc::clone(&pinger));
    let (announcer, catalog) =
        Announcer::new(peers.clone(), config.catalog, period, timeout, planted.panics);
    let everybody = config.replicas.keys().copied().filter(|id| !config.without.contains(id));
    let detector =
        Detector::new(on, through, observations, everybody.collect(), catalog, period, timeout)
            .with_planted(config.planted);
    let retried = |name: &str, help: &str| {
        let counter = metrics.counter(name, help);
        Failover::new(peers.clone(), Arc::clone(&pinger), membership.watch(), counter)
            .with_bugs(bugs)
    };
    let trades =
        retried("trades_retried_total", "Attempts at a trade after the first.").for_trades();
    let lookups = retried("lookups_retried_total", "Attempts at a lookup after the first.");
    let cache = Cache::new(config.cache).with_bugs(bugs);
    let stocks = Arc::new(Stocks::new(config.catalog, peers.clone(), cache, planted, &metrics));
    let server =
        ServerConfig { secret, http: config.http.clone(), metrics: metrics.http.clone(), bugs };
    let front_end = Arc::new(FrontEnd {
        stocks: Arc::clone(&stocks),
        trades: Trades::new(trades, Arc::clone(&membership), config.trade_timeout),
        orders: Orders::new(lookups),
        membership: Arc::clone(&membership),
        pinger,
        metrics,
    });

    let announcing = tasks::spawn(announcer.run(membership.watch()));

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
    announcing.abort();
    // The process that is started next finds the file free, whatever task still has to be cleared away; but for
    // another program's lock on it nobody waits forever.
    if tokio::time::timeout(MAX_STOP, membership.close()).await.is_err() {
        tracing::warn!("stopped while another program held the lock of front-end.db");
    }
    result
}

/// A member that nobody can reach would be waited for until somebody finds the typing error.
fn check_known(stored: Option<&Configuration>, config: &Config) -> anyhow::Result<()> {
    for member in stored.iter().flat_map(|stored| stored.member_ids()) {
        anyhow::ensure!(
            config.replicas.contains_key(&member),
            "--replica: {member} is missing, but front-end.db has it in the in-sync set"
        );
    }
    Ok(())
}
