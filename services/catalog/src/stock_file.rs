//! `catalog.txt`: the stocks that a new database starts with.
//!
//! One stock a line, `name price trade_volume quantity`; blank lines and lines that begin with
//! `#` are skipped. It is read once, for a database that has none, and nothing is guessed: a
//! line that cannot be taken as it stands is an error that names the file, the line and the field.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wire::bazaar::{MAX_STOCK_NAME_BYTES, MAX_STOCKS};
use wire::ids::StockVersion;
use wire::internal::StockRecord;

/// The largest volume to start from: JSON readers that count in doubles stay exact for as long
/// as anybody trades, and the database's signed 64 bits are far away.
const MAX_TRADE_VOLUME: u64 = 1 << 52;

/// Why there are no stocks to start with.
#[derive(Debug, thiserror::Error)]
pub enum StockFileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line cannot be taken.
    #[error("{path}, line {line}, {field}: {problem}")]
    Line {
        /// The file, or what stands in for it.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// Which of the four fields, or `line`.
        field: &'static str,
        /// What is wrong with it, and what it should be.
        problem: String,
    },
    /// It has none, or more than are taken.
    #[error("{path}: has {found} stocks; between 1 and {MAX_STOCKS} are taken")]
    Count {
        /// The file.
        path: String,
        /// How many it has.
        found: usize,
    },
}

/// Reads `file`, or gives the built-in ten stocks if there is none. `cap` holds for each.
pub fn read(file: Option<&Path>, cap: u32) -> Result<Vec<StockRecord>, StockFileError> {
    let Some(path) = file else {
        return parse("the built-in stocks (give others with --stocks)", &built_in(), cap);
    };
    let text = fs::read_to_string(path)
        .map_err(|source| StockFileError::Read { path: path.to_owned(), source })?;
    parse(&path.display().to_string(), &text, cap)
}

/// Stock1 at 9.99 to Stock10 at 99.99, 100 of each.
fn built_in() -> String {
    (1..=10).map(|n| format!("Stock{n} {}.99 0 100\n", 10 * n - 1)).collect()
}

fn parse(path: &str, text: &str, cap: u32) -> Result<Vec<StockRecord>, StockFileError> {
    let mut stocks = Vec::new();
    let mut names = HashSet::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let stock = parse_line(line, cap).and_then(|stock| {
            if names.insert(stock.stock_name.clone()) {
                Ok(stock)
            } else {
                Err(("name", format!("{} stands in an earlier line too", stock.stock_name)))
            }
        });
        stocks.push(stock.map_err(|(field, problem)| StockFileError::Line {
            path: path.to_owned(),
            line: index + 1,
            field,
            problem,
        })?);
    }
    if stocks.is_empty() || stocks.len() > MAX_STOCKS {
        return Err(StockFileError::Count { path: path.to_owned(), found: stocks.len() });
    }
    Ok(stocks)
}

/// A field, and what is wrong with it.
type Problem = (&'static str, String);

fn parse_line(line: &str, cap: u32) -> Result<StockRecord, Problem> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, price, trade_volume, quantity] = fields[..] else {
        let found = fields.len();
        let problem = format!("has {found} fields; write `name price trade_volume quantity`");
        return Err(("line", problem));
    };
    if name.len() > MAX_STOCK_NAME_BYTES {
        return Err(("name", format!("is longer than {MAX_STOCK_NAME_BYTES} bytes")));
    }
    let stock = StockRecord {
        stock_name: name.to_owned(),
        price: number("price", price, "a positive number such as 9.99")?,
        trade_volume: number("trade_volume", trade_volume, "a whole number from 0 up")?,
        quantity: number("quantity", quantity, "a whole number from 0 up")?,
        version: StockVersion(0),
        cap,
    };
    if !(stock.price.is_finite() && stock.price > 0.0) {
        return Err(("price", format!("{price} is not a positive number such as 9.99")));
    }
    if stock.trade_volume > MAX_TRADE_VOLUME {
        return Err(("trade_volume", format!("{trade_volume} is over {MAX_TRADE_VOLUME}")));
    }
    if stock.quantity > cap {
        return Err(("quantity", format!("{quantity} is over the cap of {cap} (--cap)")));
    }
    Ok(stock)
}

fn number<T: FromStr>(field: &'static str, text: &str, wanted: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| (field, format!("{text} is not {wanted}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("catalog.txt", text, 100).unwrap_err().to_string()
    }

    #[test]
    fn there_are_ten_built_in_stocks() {
        let stocks = read(None, 100).unwrap();
        let (first, last) = (&stocks[0], &stocks[9]);
        assert_eq!(stocks.len(), 10);
        assert_eq!((first.stock_name.as_str(), first.price), ("Stock1", 9.99));
        assert_eq!((last.stock_name.as_str(), last.price), ("Stock10", 99.99));
        assert!(stocks.iter().all(|stock| stock.quantity == 100 && stock.trade_volume == 0));
    }

    #[test]
    fn blank_lines_and_comments_are_skipped() {
        let stocks = parse("catalog.txt", "# stocks\n\nA 1.5 7 20\r\n  B 2 0 0\n", 100).unwrap();
        assert_eq!(stocks.len(), 2);
        assert_eq!((stocks[0].trade_volume, stocks[0].quantity), (7, 20));
        assert_eq!(stocks[1].price, 2.0);
    }

    #[test]
    fn a_bad_line_is_named_with_its_field() {
        for (line, named) in [
            ("A 1.5 0", "line: has 3 fields"),
            ("A 1.5 0 1 2", "line: has 5 fields"),
            ("A x 0 1", "price: x is not a positive number"),
            ("A NaN 0 1", "price: NaN is not"),
            ("A inf 0 1", "price: inf is not"),
            ("A -1 0 1", "price: -1 is not"),
            ("A 0 0 1", "price: 0 is not"),
            ("A 1 -1 1", "trade_volume: -1 is not a whole number"),
            ("A 1 9007199254740993 1", "trade_volume: 9007199254740993 is over"),
            ("A 1 0 1.5", "quantity: 1.5 is not a whole number"),
            ("A 1 0 101", "quantity: 101 is over the cap of 100"),
            ("B 1 0 1", "name: B stands in an earlier line too"),
        ] {
            let said = error(&format!("# first\nB 1 0 1\n{line}\n"));
            assert!(said.starts_with(&format!("catalog.txt, line 3, {named}")), "{line}: {said}");
        }
    }

    #[test]
    fn a_file_without_stocks_or_without_a_file_is_an_error() {
        assert!(error("# nothing\n").contains("has 0 stocks"));
        let missing = read(Some(Path::new("/nowhere/catalog.txt")), 100).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read /nowhere/catalog.txt: "), "{missing}");
    }
}
