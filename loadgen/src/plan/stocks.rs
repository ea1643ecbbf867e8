//! The stocks that every trial begins with.
//!
//! The harness hands the bazaar its stocks as a file, so that the manifest says exactly what
//! every trial began with, and nobody has to believe the system under test.

use std::fmt::Write as _;

use results::records::InitialStock;

/// Ten stocks, Stock1 at 9.99 to Stock10 at 99.99, `quantity` of each.
pub(super) fn ten(quantity: u32, cap: u32) -> Vec<InitialStock> {
    (1..=10)
        .map(|number| InitialStock {
            stock_name: format!("Stock{number}"),
            price: f64::from(number * 1000 - 1) / 100.0,
            quantity,
            trade_volume: 0,
            cap,
        })
        .collect()
}

/// The stocks in the form that the catalog reads: `name price trade_volume quantity` a line.
#[must_use]
pub fn catalog_file(stocks: &[InitialStock]) -> String {
    let mut text = String::new();
    for stock in stocks {
        let InitialStock { stock_name, price, trade_volume, quantity, .. } = stock;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{stock_name} {price} {trade_volume} {quantity}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_stocks_go_from_9_99_to_99_99() {
        let text = catalog_file(&ten(100, 100));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert_eq!(lines[0], "Stock1 9.99 0 100");
        assert_eq!(lines[4], "Stock5 49.99 0 100");
        assert_eq!(lines[9], "Stock10 99.99 0 100");
    }
}
