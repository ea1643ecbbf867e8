//! The catalog: owns the stocks and decides every trade, once.
//!
//! A trade's way: [`routes`] reads it, [`writer`] decides it with the [`ledger`] and commits it to
//! the [`store`] together with whatever else has queued, [`pusher`] tells the front-end, and only
//! then [`reveal`] lets the answer out and queries see the change.

pub mod config;
pub mod ledger;
pub mod pusher;
pub mod reveal;
pub mod routes;
pub mod shown;
pub mod stock_file;
pub mod store;
pub mod writer;

use std::future::Future;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;

pub use config::{Args, Config};

use crate::http::{self, Peers, ServerConfig};
use crate::metrics::Metrics;
use ledger::Ledger;
use pusher::Pusher;
use routes::Catalog;
use shown::Shown;
use store::Store;
use writer::Writer;

/// Serves until `shutdown` completes. Fails, having changed nothing, if the database or the first
/// stocks cannot be used.
pub async fn run(
    listener: TcpListener,
    config: Config,
    secret: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let (ledger, store) = open(&config)?;
    let planted = config.planted;
    let metrics = Metrics::new();
    let shown = Arc::new(Shown::new(ledger.stocks().map(ledger::public), planted.bugs));
    let writer = writer::start(ledger, store, &metrics).context("cannot start the writer")?;
    let Writer { desk, batches, ended, thread } = writer;
    let pusher = Pusher::new(Peers::new(secret.clone()), config.front_end, &metrics);
    let mut pusher = tokio::spawn(pusher.run(Arc::clone(&shown), batches));

    let server = ServerConfig { secret, metrics: metrics.http.clone(), bugs: planted.bugs };
    let service = Arc::new(Catalog { desk: desk.clone(), shown, metrics });
    let mut asked_to_stop = false;
    let until = async {
        tokio::select! {
            () = shutdown => asked_to_stop = true,
            _ = ended => {}
            _ = &mut pusher => {}
        }
    };
    http::serve(listener, service, server, until).await;

    // What is committed and not revealed is answered after the restart, as after a crash.
    pusher.abort();
    desk.stop().await;
    let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
    anyhow::ensure!(joined.unwrap_or(false) && asked_to_stop, "a part of the catalog has failed");
    Ok(())
}

/// Opens the database, and gives a new one its first stocks.
fn open(config: &Config) -> anyhow::Result<(Ledger, Store)> {
    let mut store = Store::open(&config.data_dir, config.durability, config.planted.bugs)?;
    let path = config.data_dir.join("catalog.db");
    let unreadable = || format!("{} cannot be read; it was left as it is", path.display());
    let ledger = match store.load().with_context(unreadable)? {
        Some(ledger) => ledger,
        None => {
            let stocks = stock_file::read(config.stocks.as_deref(), config.cap)?;
            store.seed(stocks).with_context(|| format!("cannot write {}", path.display()))?
        }
    };
    Ok((ledger.with_bugs(config.planted.bugs), store))
}
