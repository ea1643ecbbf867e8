//! The bazaar's operations on engines that do not speak HTTP as a target's file can describe it: etcd, Redis, PostgreSQL,
//! NATS JetStream and MariaDB Galera.
//!
//! The harness starts this program as the `[client]` of a target and speaks lines of JSON with it. It knows nothing of runs,
//! checks or faults. The invariant: *what is said of a trade is true*. `failed` is only what certainly has no effect and never
//! will have; whatever may have been applied, or may be applied yet, is `unknown` unless its key proves what became of it.

mod attempts;
mod engine;
mod etcd;
mod galera;
mod member;
mod nats;
mod per_client;
mod postgres;
mod preparation;
mod protocol;
mod redis_sentinel;
mod serve;
mod stock;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Trades on an engine for double-trouble: requests on stdin, answers on stdout, a JSON text a line.
#[derive(Parser)]
struct Args {
    /// On which engine.
    #[command(subcommand)]
    engine: Which,
}

#[derive(Clone, Copy, Subcommand)]
enum Which {
    /// etcd, through its HTTP gateway; ports etcd-1, etcd-2, ...
    Etcd,
    /// Redis, whose master Sentinel names; ports redis-1, ..., sentinel-1, ...
    Redis,
    /// PostgreSQL, whose primary is who can be written to; ports postgres-1, ...
    Postgres,
    /// NATS JetStream, one stream with all orders; ports nats-1, ...
    Nats,
    /// MariaDB Galera, written at one node and read at all; ports galera-1, ...
    Galera,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let served = match Args::parse().engine {
        Which::Etcd => serve::serve::<etcd::Etcd>(input, output).await,
        Which::Redis => serve::serve::<redis_sentinel::RedisSentinel>(input, output).await,
        Which::Postgres => serve::serve::<postgres::Postgres>(input, output).await,
        Which::Nats => serve::serve::<nats::Nats>(input, output).await,
        Which::Galera => serve::serve::<galera::Galera>(input, output).await,
    };
    let code = match served {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("double-trouble-clients: {error:#}");
            1
        }
    };
    // Tokio reads stdin in a thread that cannot be told to stop, and waits for it when the runtime ends. Nothing is owed
    // any more: whoever closed stdin reads no answer.
    std::process::exit(code)
}
