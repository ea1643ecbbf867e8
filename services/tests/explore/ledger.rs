//! The catalog's ledger as every model has it: with one stock, so that its parts print in one order.

use std::fmt::{Debug, Write};
use std::hash::Hasher;

use services::catalog::ledger::Ledger;
use services::planted::Bugs;
use wire::ids::{AppliedSeq, Epoch, StockVersion};
use wire::internal::StockRecord;

/// The only stock.
pub(crate) const STOCK: &str = "A";

/// A ledger that knows `epoch`, with so many of the stock, of which there may be `cap`.
pub(crate) fn new_ledger(epoch: Epoch, quantity: u32, cap: u32, bugs: Bugs) -> Ledger {
    let stock = StockRecord {
        stock_name: STOCK.to_owned(),
        price: 1.0,
        quantity,
        trade_volume: 0,
        version: StockVersion(0),
        cap,
    };
    Ledger::new(epoch, AppliedSeq(0), [stock]).with_bugs(bugs)
}

/// Hashes what a state prints, for states in which equal ones, and only those, print the same.
pub(crate) fn hash_printed(state: &impl Debug, hasher: &mut impl Hasher) {
    struct Print<'a, H>(&'a mut H);
    impl<H: Hasher> Write for Print<'_, H> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    // Neither printing nor hashing can fail.
    let _ = write!(Print(hasher), "{state:?}");
}
