//! The catalog: owns the stocks and decides every trade, once.
//!
//! A trade's way: [`routes`] reads it, [`writer`] decides it with the [`ledger`] and commits it to
//! the [`store`] together with whatever else has queued, [`pusher`] tells the front-end, and only
//! then [`visibility`] lets the answer out and queries see the change. Before any of that, a process that
//! has started is told the epoch, and listed and if need be filled by its leader ([`admission`]).

pub mod admission;
pub mod config;
pub mod ledger;
pub mod pusher;
pub mod routes;
pub mod step;
pub mod stock_file;
pub mod store;
pub mod visibility;
pub mod visible_stocks;
pub mod writer;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use base::http::{self, Peers, ServerConfig};
use base::metrics::Metrics;
use base::planted::Part;
use base::process::{self, StateOwner, joined};
use base::tasks;
use tokio::net::TcpListener;
use uuid::Uuid;
use wire::ids::Incarnation;

pub use config::{Args, Config};

use admission::Admission;
use pusher::Pusher;
use routes::Catalog;
use step::State;
use store::Store;
use visible_stocks::VisibleStocks;
use writer::Writer;

/// Runs the catalog as a process of its own. The first argument is its name.
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

/// Serves until `shutdown` completes. Fails, having changed nothing, if the database or the first
/// stocks cannot be used.
pub async fn run(
    listener: TcpListener,
    config: Config,
    secret: Option<Arc<str>>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let state = open(&config)?;
    let planted = config.planted;
    let metrics = Metrics::new();
    let shown =
        Arc::new(VisibleStocks::new(state.ledger.stocks().map(ledger::public), planted.bugs));
    let writer =
        writer::start(state, planted.panics, &metrics).context("cannot start the writer")?;
    let Writer { status, writer, batches, ended, thread } = writer;
    let peers = Peers::new(secret.clone());
    let pusher = Pusher::new(peers, config.front_end, writer.clone(), planted.bugs, &metrics);
    let pushing = pusher.run(Arc::clone(&shown), batches);
    let mut pusher = tasks::spawn(async move {
        let _owner = StateOwner::new("the task that pushes invalidations");
        planted.panics.pass(Part::CatalogPusher);
        pushing.await;
    });

    let server = ServerConfig {
        secret,
        http: config.http.clone(),
        metrics: metrics.http.clone(),
        bugs: planted.bugs,
    };
    let service = Arc::new(Catalog { writer: writer.clone(), shown, status, metrics });
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
    writer.stop().await;
    joined(thread).await?;
    anyhow::ensure!(asked_to_stop, "a part of the catalog has failed");
    Ok(())
}

/// Opens the database, and gives a new one its first stocks.
fn open(config: &Config) -> anyhow::Result<State> {
    let mut store = Store::open(&config.data_dir, config.durability, config.planted.bugs)?;
    let ledger = match store.load().map_err(|error| store.explain(&error))? {
        Some(ledger) => ledger,
        None => {
            let stocks = stock_file::read(config.stocks.as_deref(), config.cap)?;
            store.seed(stocks).map_err(|error| store.explain(&error))?
        }
    };
    let bugs = config.planted.bugs;
    let is_new = store.is_new().map_err(|error| store.explain(&error))?;
    let incarnation = Uuid::new_v4().to_string();
    let incarnation = Incarnation::new(&incarnation).context("a UUID is a name")?;
    let (identity, bazaar) = (store.identity().clone(), store.bazaar().cloned());
    let admission = Admission::new(identity, incarnation, bazaar, is_new, bugs);
    Ok(State { ledger: ledger.with_bugs(bugs), store, admission, other_bazaar: None })
}
