//! `client`.

use std::path::PathBuf;

use clap::Subcommand;

/// `client`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  double-trouble client query-stock Stock1
  double-trouble client trade Stock1 Buy 3 --repeat 10
  double-trouble client query-order 1
  double-trouble client random --repeat 1000 --p 0.5
  double-trouble client --address 127.0.0.1:41000 check --repeat 20
  double-trouble client --target toy-store.toml --port shop=41000 trade Tux buy 3
  double-trouble client --target keys.toml write k1 7 --expected 6

With --target the service is one of your own that runs already, for example in `serve --target`. If its file has
a [client], that program is started for this command.

Exit codes: 0 all went well, 1 something was refused, failed or differed, 2 an outcome is unknown,
3 bad usage."
)]
pub struct Client {
    /// The front-end's address
    #[arg(
        long,
        global = true,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:30001",
        env = "DOUBLE_TROUBLE_FRONT_END"
    )]
    pub address: String,
    /// The service to reach, as its target's file describes it, instead of the bazaar at --address
    #[arg(long, global = true, value_name = "FILE")]
    pub target: Option<PathBuf>,
    /// The number of one of the target's ports that is "free" in its file; repeat it for several. `serve --target` prints
    /// them
    #[arg(long = "port", global = true, value_name = "NAME=N", value_parser = named_port)]
    pub ports: Vec<(String, u16)>,
    /// How often
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// After how long a request is given up [default: 10000; of a target, what its file says]
    #[arg(long, global = true, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout_ms: Option<u64>,
    /// What to do.
    #[command(subcommand)]
    pub action: ClientAction,
}

/// What to do by hand.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientAction {
    /// Query random stocks and perhaps trade them; look the acknowledged orders up at the end. Of registers and logs: read or
    /// change random ones
    Random {
        /// Probability that a query is followed by a trade, or that an operation on a register or a log changes it
        #[arg(long, default_value_t = 0.5)]
        p: f64,
        /// Seed of the random choices [default: another one each time]
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// Stocks, registers or logs to choose from, separated by commas [default: all that there are]
        #[arg(long, visible_alias = "keys", value_name = "LIST", value_delimiter = ',')]
        stocks: Vec<String>,
    },
    /// Query a stock
    QueryStock {
        /// The stock's name
        stock_name: String,
    },
    /// Query an order
    QueryOrder {
        /// The order's number, or the text that the target calls it by
        order_no: String,
    },
    /// Buy or sell
    Trade {
        /// The stock's name
        stock_name: String,
        /// Buy or Sell, or what the target calls its sides; in any letter case
        side: String,
        /// How many
        quantity: wire::bazaar::Quantity,
        /// Idempotency key: the same key trades once [default: another one each time]
        #[arg(long)]
        key: Option<String>,
    },
    /// Read a register or a log
    Read {
        /// The register's name, or the log's
        key: String,
        /// From where on a log is read [default: its beginning]
        #[arg(long, value_name = "N")]
        position: Option<i64>,
    },
    /// Write a register
    Write {
        /// The register's name
        register: String,
        /// What is written: JSON, or else a text
        #[arg(allow_negative_numbers = true)]
        value: String,
        /// Only if it holds this: a compare-and-set
        #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
        expected: Option<String>,
    },
    /// Append to a log
    Append {
        /// The log's name
        log: String,
        /// What is appended: JSON, or else a text
        #[arg(allow_negative_numbers = true)]
        value: String,
    },
    /// Buy and sell one of a stock, and see that the orders are kept and the stock follows. Of a register or a log: put
    /// something there, and see that it is read
    Check {
        /// The stock's name, the register's or the log's [default: the first]
        name: Option<String>,
    },
}

/// Reads `NAME=N`.
fn named_port(text: &str) -> Result<(String, u16), String> {
    let named = text.split_once('=').and_then(|(name, port)| Some((name, port.parse().ok()?)));
    match named {
        Some((name, port)) if port > 0 => Ok((name.to_owned(), port)),
        _ => Err("must be a port's name and its number, for example shop=41000".to_owned()),
    }
}
