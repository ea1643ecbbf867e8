//! What was typed, and what it means: every mistake is reported at once.

use std::net::SocketAddr;
use std::path::PathBuf;

use base::http::HttpConfig;
use base::planted::Planted;
use base::process::CommonArgs;
use base::storage::Durability;
use clap::Parser;

/// How many there may be of a stock unless `--cap` says otherwise.
pub const DEFAULT_CAP: u32 = 100;

/// The catalog's arguments.
#[derive(Clone, Debug, Parser)]
#[command(name = "catalog", version, about = "Owns the stocks, and decides every trade once")]
pub struct Args {
    /// Where to listen
    #[arg(long, env = "CATALOG_LISTEN", default_value = "127.0.0.1:10001", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Where the front-end listens, whose cache is told of every trade
    #[arg(long, env = "BAZAAR_FRONT_END", default_value = "127.0.0.1:30001", value_name = "ADDR")]
    pub front_end: SocketAddr,
    /// The first stocks, `name price trade_volume quantity` a line; read only if the database is
    /// new [default: Stock1 9.99 to Stock10 99.99, 100 of each]
    #[arg(long, env = "CATALOG_STOCKS", value_name = "FILE")]
    pub stocks: Option<PathBuf>,
    /// How many there may be of each stock; read only if the database is new
    #[arg(long, env = "CATALOG_CAP", default_value_t = DEFAULT_CAP, value_name = "N")]
    pub cap: u32,
    /// What all services take.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments that make sense.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder of `catalog.db`.
    pub data_dir: PathBuf,
    /// When a commit counts.
    pub durability: Durability,
    /// Who may ask, and how much is put up with.
    pub http: HttpConfig,
    /// Where invalidations are pushed.
    pub front_end: SocketAddr,
    /// The file of the first stocks; the built-in ten if there is none.
    pub stocks: Option<PathBuf>,
    /// How many there may be of each of them.
    pub cap: u32,
    /// What is wrong with it on purpose: nothing, but in builds that ask for it.
    pub planted: Planted,
}

/// Every mistake in the arguments, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ConfigError(Vec<String>);

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        if args.front_end.port() == 0 {
            mistakes.push(format!("--front-end {}: the port must not be 0", args.front_end));
        }
        if args.front_end == args.listen {
            mistakes.push(format!(
                "--front-end {}: is this catalog's own --listen address",
                args.front_end
            ));
        }
        if args.cap == 0 {
            mistakes.push("--cap 0: must be at least 1".to_owned());
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes));
        }
        Ok(Self {
            http: args.common.http(),
            data_dir: args.common.data_dir,
            durability: args.common.durability,
            planted: Planted::from(&args.common.planted),
            front_end: args.front_end,
            stocks: args.stocks,
            cap: args.cap,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_at_once() {
        let typed = ["catalog", "--cap", "0", "--front-end", "127.0.0.1:0"];
        let error = Config::try_from(Args::parse_from(typed)).unwrap_err().to_string();
        assert!(error.contains("--cap 0") && error.contains("--front-end 127.0.0.1:0"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn the_defaults_make_sense() {
        let config = Config::try_from(Args::parse_from(["catalog"])).unwrap();
        assert_eq!(config.front_end.port(), 30001);
        assert_eq!(config.cap, DEFAULT_CAP);
        assert_eq!(config.durability, Durability::Flush);
    }
}
