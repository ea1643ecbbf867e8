//! What the user typed, and what it becomes once it has been checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base::http::HttpConfig;
use base::planted::Planted;
use base::process::{CommonArgs, DEFAULT_REPLICAS, ReplicaAddress};
use base::storage::Durability;
use clap::{Parser, ValueEnum};
use wire::ids::ReplicaId;

/// Arguments of the front-end.
#[derive(Parser, Clone, Debug)]
#[command(
    name = "front-end",
    version,
    about = "The bazaar's front-end: caches stocks, routes trades to the leading order replica, \
             and decides which replica leads"
)]
pub struct Args {
    /// Where to listen
    #[arg(
        long,
        env = "FRONT_END_LISTEN",
        default_value = "127.0.0.1:30001",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Where the catalog listens
    #[arg(long, env = "BAZAAR_CATALOG", default_value = "127.0.0.1:10001", value_name = "ADDRESS")]
    pub catalog: SocketAddr,
    /// An order replica; repeat it, or separate several by commas
    #[arg(
        long = "replica",
        env = "BAZAAR_REPLICAS",
        default_value = DEFAULT_REPLICAS,
        value_delimiter = ',',
        value_name = "ID=ADDRESS"
    )]
    pub replicas: Vec<ReplicaAddress>,
    /// A replica that is not waited for where all are: its file is gone for good, or held nothing that
    /// the others lack; repeat it, or separate several by commas
    #[arg(long, env = "BAZAAR_WITHOUT", value_delimiter = ',', value_name = "ID")]
    pub without: Vec<ReplicaId>,
    /// Whether stocks are cached
    #[arg(long, env = "BAZAAR_CACHE", value_enum, default_value = "on")]
    pub cache: Switch,
    /// Milliseconds between two pings of a replica
    #[arg(long, env = "BAZAAR_PING_PERIOD_MS", default_value_t = 100, value_name = "MS")]
    pub ping_period_ms: u64,
    /// Milliseconds after which an unanswered ping has failed
    #[arg(long, env = "BAZAAR_PING_TIMEOUT_MS", default_value_t = 300, value_name = "MS")]
    pub ping_timeout_ms: u64,
    /// Milliseconds for which a trade is tried before its client is told 503
    #[arg(long, env = "BAZAAR_TRADE_TIMEOUT_MS", default_value_t = 10_000, value_name = "MS")]
    pub trade_timeout_ms: u64,
    /// What all services take
    #[command(flatten)]
    pub common: CommonArgs,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What the front-end needs to know, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the catalog listens.
    pub catalog: SocketAddr,
    /// Where the replicas listen. Never empty.
    pub replicas: BTreeMap<ReplicaId, SocketAddr>,
    /// Replicas that are not waited for where all are (rules L4 and L7).
    pub without: BTreeSet<ReplicaId>,
    /// Whether stocks are cached.
    pub cache: bool,
    /// Between two pings of a replica. Not zero.
    pub ping_period: Duration,
    /// After which an unanswered ping has failed. Not zero.
    pub ping_timeout: Duration,
    /// For how long a trade is tried. Not zero.
    pub trade_timeout: Duration,
    /// The folder of the database.
    pub data_dir: PathBuf,
    /// When a commit counts.
    pub durability: Durability,
    /// Who may ask, and how much is put up with.
    pub http: HttpConfig,
    /// What is wrong with it on purpose: nothing, but in builds that ask for it.
    pub planted: Planted,
}

/// Everything that is wrong with the arguments, in one line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

/// The longest period or timeout that makes sense, and far from overflowing a clock.
const MAX_MS: u64 = 3_600_000;

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let replicas = replicas(&args, &mut problems);
        let mut duration = |flag: &str, value_ms: u64| {
            if !(1..=MAX_MS).contains(&value_ms) {
                problems.push(format!("{flag} {value_ms}: must be from 1 to {MAX_MS}"));
            }
            Duration::from_millis(value_ms)
        };
        let ping_period = duration("--ping-period-ms", args.ping_period_ms);
        let ping_timeout = duration("--ping-timeout-ms", args.ping_timeout_ms);
        let trade_timeout = duration("--trade-timeout-ms", args.trade_timeout_ms);
        let without: BTreeSet<ReplicaId> = args.without.iter().copied().collect();
        for id in without.iter().filter(|id| !replicas.contains_key(id)) {
            problems.push(format!("--without {id}: is not one of the replicas"));
        }
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        Ok(Self {
            catalog: args.catalog,
            replicas,
            without,
            cache: args.cache == Switch::On,
            ping_period,
            ping_timeout,
            trade_timeout,
            http: args.common.http(),
            data_dir: args.common.data_dir,
            durability: args.common.durability,
            planted: Planted::from(&args.common.planted),
        })
    }
}

fn replicas(args: &Args, problems: &mut Vec<String>) -> BTreeMap<ReplicaId, SocketAddr> {
    let mut owners = BTreeMap::new();
    let mut take = |address: SocketAddr, owner: String, problems: &mut Vec<String>| {
        if address.port() == 0 {
            problems.push(format!("{owner}: {address} has no port"));
        } else if let Some(other) = owners.insert(address, owner.clone()) {
            problems.push(format!("{owner}: {address} is also given for {other}"));
        }
    };
    take(args.catalog, "--catalog".to_owned(), problems);
    let mut replicas = BTreeMap::new();
    for replica in &args.replicas {
        take(replica.address, format!("--replica {}", replica.id), problems);
        if replicas.insert(replica.id, replica.address).is_some() {
            problems.push(format!("--replica {}: given twice", replica.id));
        }
    }
    if replicas.is_empty() {
        problems.push("--replica: give at least one".to_owned());
    }
    replicas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(arguments: &[&str]) -> Result<Config, String> {
        let all = ["front-end"].iter().chain(arguments);
        let args = Args::try_parse_from(all).map_err(|error| error.to_string())?;
        Config::try_from(args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_bazaar() {
        let config = config(&[]).unwrap();
        assert_eq!(config.replicas.len(), 3);
        assert_eq!(config.replicas[&ReplicaId(2)].port(), 20002);
        assert!(config.cache);
        assert_eq!(config.ping_timeout, Duration::from_millis(300));
        assert_eq!(config.trade_timeout, Duration::from_secs(10));
    }

    #[test]
    fn replicas_are_repeated_or_separated_by_commas() {
        let repeated =
            config(&["--replica", "1=127.0.0.1:1", "--replica", "2=127.0.0.1:2"]).unwrap();
        let separated = config(&["--replica", "1=127.0.0.1:1,2=127.0.0.1:2"]).unwrap();
        assert_eq!(repeated.replicas, separated.replicas);
        assert_eq!(repeated.replicas.len(), 2);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let error = config(&[
            "--replica=1=127.0.0.1:1,1=127.0.0.1:2,2=127.0.0.1:1,3=127.0.0.1:0",
            "--ping-period-ms=0",
            "--ping-timeout-ms=0",
            "--trade-timeout-ms=9999999999",
        ])
        .unwrap_err();
        for part in [
            "--replica 1: given twice",
            "--replica 2: 127.0.0.1:1 is also given for --replica 1",
            "--replica 3: 127.0.0.1:0 has no port",
            "--ping-period-ms 0: must be",
            "--ping-timeout-ms 0: must be",
            "--trade-timeout-ms 9999999999: must be",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains('\n'));
    }
}
