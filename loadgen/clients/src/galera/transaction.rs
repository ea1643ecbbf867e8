//! The transaction that a trade is, at one node: the stock is read for update, and written with the order.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error};

use super::session;
use crate::protocol::Trade;
use crate::stock::{NO_STOCK, Stock};

const STOCK_FOR_UPDATE: &str =
    "SELECT quantity, volume FROM bazaar.stocks WHERE name = ? FOR UPDATE";
const ORDER_OF_KEY: &str = "SELECT order_no FROM bazaar.orders WHERE request_key = ?";
const MOVE: &str = "UPDATE bazaar.stocks SET quantity = ?, volume = ? WHERE name = ?";
const ORDER: &str =
    "INSERT INTO bazaar.orders (request_key, stock, side, quantity) VALUES (?, ?, ?, ?)";

/// Errors by the server's numbers.
const DEADLOCK: u16 = 1213;
const DUPLICATE: u16 = 1062;

/// All that is sent with values.
pub(super) const STATEMENTS: [&str; 4] = [STOCK_FOR_UPDATE, ORDER_OF_KEY, MOVE, ORDER];

/// What a transaction came to.
#[derive(Debug, PartialEq)]
pub(super) enum Done {
    /// The order is there, by this attempt or by an earlier one.
    Traded(u64),
    /// It may not be, and nothing was changed.
    Rejected(&'static str),
}

/// A transaction, and how far it came. Whatever ends before the commit was sent has no effect: a node sends the others nothing of
/// a transaction before.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    committing: bool,
}

impl Transaction {
    /// Whether it may be committed, if nobody says that it was undone.
    pub(super) fn is_committing(&self) -> bool {
        self.committing
    }

    /// Whether `error`, which it ended with, says that it has no effect and that the same may have success at once: it waited for
    /// another one that waited for it, or what another node wrote to the same rows was certified before. Of what else is said to a
    /// commit nothing is certain: a node that loses its quorum meanwhile does not know whether the others have it.
    pub(super) fn was_undone(&self, error: &Error) -> bool {
        match session::code(error) {
            Some(DEADLOCK) => true,
            Some(DUPLICATE) => !self.committing,
            _ => false,
        }
    }

    /// Trades, unless the key has its order already or the stock does not allow it.
    pub(super) async fn run(
        &mut self,
        conn: &mut Conn,
        trade: &Trade,
        cap: Option<u64>,
    ) -> Result<Done, Error> {
        conn.query_drop("START TRANSACTION").await?;
        let stock: Option<(i64, i64)> = conn.exec_first(STOCK_FOR_UPDATE, (&trade.stock,)).await?;
        // Asked while nobody else can trade with this stock, here: another attempt with the same key is over, or comes later.
        let order_no: Option<u64> = conn.exec_first(ORDER_OF_KEY, (&trade.key,)).await?;
        let after = match (order_no, stock) {
            (Some(order_no), _) => return undo(conn, Done::Traded(order_no)).await,
            (None, None) => return undo(conn, Done::Rejected(NO_STOCK)).await,
            (None, Some((quantity, volume))) => Stock { quantity, volume }.after(trade, cap),
        };
        let Stock { quantity, volume } = match after {
            Ok(after) => after,
            Err(reason) => return undo(conn, Done::Rejected(reason)).await,
        };
        conn.exec_drop(MOVE, (quantity, volume, &trade.stock)).await?;
        let side = trade.side.name();
        conn.exec_drop(ORDER, (&trade.key, &trade.stock, side, trade.quantity)).await?;
        // What was inserted has a number, which is never 0.
        let order_no = conn.last_insert_id().unwrap_or_default();
        self.committing = true;
        conn.query_drop("COMMIT").await?;
        Ok(Done::Traded(order_no))
    }
}

async fn undo(conn: &mut Conn, done: Done) -> Result<Done, Error> {
    conn.query_drop("ROLLBACK").await?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;

    use super::*;

    #[test]
    fn of_a_commit_only_a_deadlock_means_that_nothing_is_committed() {
        let said = |code| ServerError { code, message: String::new(), state: String::new() };
        let was_undone =
            |committing, code| Transaction { committing }.was_undone(&Error::Server(said(code)));
        assert!(was_undone(true, DEADLOCK) && was_undone(false, DEADLOCK));
        assert!(was_undone(false, DUPLICATE), "another attempt's order");
        let not_prepared = 1047;
        let error_during_commit = 1180;
        for code in [DUPLICATE, not_prepared, error_during_commit] {
            assert!(!was_undone(true, code), "{code}");
        }
        let reset = Error::from(std::io::Error::other("reset"));
        assert!(!Transaction { committing: true }.was_undone(&reset));
    }
}
