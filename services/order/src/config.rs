//! What an order replica was told, and what that means.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use base::http::HttpConfig;
use base::planted::Planted;
use base::process::{CommonArgs, DEFAULT_REPLICAS, ReplicaAddress};
use base::storage::Durability;
use clap::Parser;
use wire::ids::ReplicaId;

/// The first replica's default port is one more.
const DEFAULT_BASE_PORT: u16 = 20000;

/// A replica of the order service: numbers trades and keeps the log of them
#[derive(Clone, Debug, Parser)]
#[command(name = "order", version)]
pub struct Args {
    /// This replica's id, 1 or more
    #[arg(long, env = "ORDER_ID", value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub id: u8,
    /// Where to listen [default: 127.0.0.1:20000 + id]
    #[arg(long, env = "ORDER_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Where the front-end listens
    #[arg(long, env = "BAZAAR_FRONT_END", default_value = "127.0.0.1:30001", value_name = "ADDR")]
    pub front_end: SocketAddr,
    /// Where the catalog listens
    #[arg(long, env = "BAZAAR_CATALOG", default_value = "127.0.0.1:10001", value_name = "ADDR")]
    pub catalog: SocketAddr,
    /// A replica's id and address, once for each replica; this one may be among them
    #[arg(
        long = "replica",
        env = "BAZAAR_REPLICAS",
        default_value = DEFAULT_REPLICAS,
        value_delimiter = ',',
        value_name = "ID=ADDR"
    )]
    pub replicas: Vec<ReplicaAddress>,
    /// How often a leader contacts followers that it has nothing to send to
    #[arg(long, env = "BAZAAR_PING_PERIOD_MS", default_value_t = 100, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub ping_period_ms: u64,
    /// How long a follower may take to answer before it counts as failed
    #[arg(long, env = "BAZAAR_PING_TIMEOUT_MS", default_value_t = 300, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub ping_timeout_ms: u64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become the help's first line")]
    pub common: CommonArgs,
}

/// A replica's settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// This replica.
    pub id: ReplicaId,
    /// Every other replica.
    pub others: BTreeMap<ReplicaId, SocketAddr>,
    /// The front-end.
    pub front_end: SocketAddr,
    /// The catalog.
    pub catalog: SocketAddr,
    /// Between two contacts with an idle follower.
    pub ping_period: Duration,
    /// Until a silent follower counts as failed.
    pub ping_timeout: Duration,
    /// Where the database lies.
    pub data_dir: PathBuf,
    /// When a commit counts.
    pub durability: Durability,
    /// Who may ask, and how much is put up with.
    pub http: HttpConfig,
    /// What is wrong with it on purpose: nothing, but in builds that ask for it.
    pub planted: Planted,
}

impl Args {
    /// Where to listen.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        let port = DEFAULT_BASE_PORT + u16::from(self.id);
        self.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

impl TryFrom<Args> for Config {
    type Error = anyhow::Error;

    fn try_from(args: Args) -> anyhow::Result<Self> {
        let id = ReplicaId(args.id);
        let mut others = BTreeMap::new();
        for replica in args.replicas {
            let known = others.insert(replica.id, replica.address);
            anyhow::ensure!(known.is_none(), "--replica: {} is given twice", replica.id);
        }
        others.remove(&id);
        Ok(Self {
            id,
            others,
            front_end: args.front_end,
            catalog: args.catalog,
            ping_period: Duration::from_millis(args.ping_period_ms),
            ping_timeout: Duration::from_millis(args.ping_timeout_ms),
            http: args.common.http(),
            data_dir: args.common.data_dir,
            durability: args.common.durability,
            planted: Planted::from(&args.common.planted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(args: &[&str]) -> anyhow::Result<Config> {
        Args::try_parse_from([&["order"], args].concat())?.try_into()
    }

    #[test]
    fn the_others_are_all_replicas_but_oneself() {
        let config = config(&["--id", "2"]).unwrap();
        assert_eq!(config.others.keys().copied().collect::<Vec<_>>(), [ReplicaId(1), ReplicaId(3)]);
    }

    #[test]
    fn a_replica_is_given_once() {
        let args = ["--id", "1", "--replica", "2=127.0.0.1:1", "--replica", "2=127.0.0.1:2"];
        assert_eq!(config(&args).unwrap_err().to_string(), "--replica: 2 is given twice");
    }

    #[test]
    fn the_default_port_follows_from_the_id() {
        let args = Args::try_parse_from(["order", "--id", "3"]).unwrap();
        assert_eq!(args.listen().to_string(), "127.0.0.1:20003");
    }
}
