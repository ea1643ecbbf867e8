//! The order log on disk: what a [`Replica`](super::replica::Replica) decided, in one transaction.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};
use wire::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId, RequestId};
use wire::internal::Entry;

use super::log::OrderLog;
use crate::planted::{Bug, Bugs};
use crate::storage::{Database, Durability, StorageError};

const SCHEMA: &str = "
CREATE TABLE orders (
    order_no    INTEGER PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    request_id  TEXT    NOT NULL UNIQUE,
    stock_name  TEXT    NOT NULL,
    trade_type  TEXT    NOT NULL,
    quantity    INTEGER NOT NULL,
    applied_seq INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TABLE accepted (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO accepted VALUES (1, 0);
";

/// One replica's file.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
}

/// What one transaction changes; each part may be nothing.
#[derive(Debug, Default)]
pub(super) struct Change<'a> {
    /// The epoch accepted from now on.
    pub(super) accepted: Option<Epoch>,
    /// Drop every entry after this number.
    pub(super) keep: Option<OrderNo>,
    /// Then add these.
    pub(super) entries: &'a [Arc<Entry>],
}

impl Store {
    /// Opens or makes `order-ID.db`.
    pub(super) fn open(
        dir: &Path,
        id: ReplicaId,
        durability: Durability,
        bugs: Bugs,
    ) -> Result<Self, StorageError> {
        let owner = format!("order-{id}");
        let database = Database::open(dir, &owner, durability, &schema(bugs))?.with_bugs(bugs);
        Ok(Self { database })
    }

    /// Reads the accepted epoch and the log.
    pub(super) fn load(&self) -> anyhow::Result<(Epoch, OrderLog)> {
        let connection = &self.database.connection;
        let epoch =
            connection.query_row("SELECT epoch FROM accepted", [], |row| row.get(0).map(Epoch))?;
        let mut statement = connection.prepare(
            "SELECT order_no, epoch, request_id, stock_name, trade_type, quantity, applied_seq
             FROM orders ORDER BY order_no",
        )?;
        let entries: Vec<Entry> =
            statement.query_map([], entry)?.collect::<rusqlite::Result<_>>()?;
        Ok((epoch, OrderLog::from_entries(entries)?))
    }

    /// Makes `change` durable, or nothing of it.
    pub(super) fn commit(&mut self, change: &Change<'_>) -> rusqlite::Result<()> {
        let transaction = self.database.change()?;
        if let Some(epoch) = change.accepted {
            transaction.execute("UPDATE accepted SET epoch = ?1", [epoch.0])?;
        }
        if let Some(keep) = change.keep {
            transaction.execute("DELETE FROM orders WHERE order_no > ?1", [keep.0])?;
        }
        insert(&transaction, change.entries)?;
        transaction.commit()
    }
}

/// The schema; without its second line of defence where a bug is planted that has to get past it.
fn schema(bugs: Bugs) -> Cow<'static, str> {
    if bugs.has(Bug::NoOrderLogCheck) || bugs.has(Bug::AnswerBeforeFlush) {
        Cow::Owned(SCHEMA.replace(" UNIQUE", ""))
    } else {
        Cow::Borrowed(SCHEMA)
    }
}

fn insert(connection: &Connection, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO orders
             (order_no, epoch, request_id, stock_name, trade_type, quantity, applied_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for entry in entries {
        statement.execute(params![
            entry.order_no.0,
            entry.epoch.0,
            entry.request_id.as_str(),
            entry.stock_name,
            entry.trade_type.as_str(),
            entry.quantity,
            entry.applied_seq.0,
        ])?;
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        order_no: OrderNo(row.get(0)?),
        epoch: Epoch(row.get(1)?),
        request_id: RequestId::new(row.get::<_, String>(2)?)
            .map_err(|error| unreadable(2, error))?,
        stock_name: row.get(3)?,
        trade_type: row
            .get::<_, String>(4)?
            .parse()
            .map_err(|error: wire::bazaar::UnknownTradeType| unreadable(4, error))?,
        quantity: row.get(5)?,
        applied_seq: AppliedSeq(row.get(6)?),
    })
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}

#[cfg(test)]
mod tests {
    use wire::bazaar::TradeType;

    use super::*;

    fn entry(order_no: u64, epoch: u64) -> Arc<Entry> {
        Arc::new(Entry {
            order_no: OrderNo(order_no),
            epoch: Epoch(epoch),
            request_id: RequestId::new(format!("R{order_no}-{epoch}")).unwrap(),
            stock_name: "Stock1".to_owned(),
            trade_type: TradeType::Sell,
            quantity: 3,
            applied_seq: AppliedSeq(order_no),
        })
    }

    fn open(dir: &Path) -> Store {
        Store::open(dir, ReplicaId(1), Durability::Flush, Bugs::default()).unwrap()
    }

    #[test]
    fn a_change_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let entries = [entry(1, 1), entry(2, 1), entry(3, 1)];
        store.commit(&Change { accepted: Some(Epoch(1)), keep: None, entries: &entries }).unwrap();
        let entries = [entry(3, 2)];
        let change = Change { accepted: Some(Epoch(2)), keep: Some(OrderNo(2)), entries: &entries };
        store.commit(&change).unwrap();
        drop(store);
        let (epoch, log) = open(dir.path()).load().unwrap();
        assert_eq!(epoch, Epoch(2));
        assert_eq!(log.after(OrderNo(0), 9), [entry(1, 1), entry(2, 1), entry(3, 2)]);
    }

    #[test]
    fn a_change_that_fails_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let entries = [entry(1, 1), entry(1, 1)];
        let change = Change { accepted: Some(Epoch(1)), keep: None, entries: &entries };
        assert!(store.commit(&change).is_err());
        let (epoch, log) = store.load().unwrap();
        assert_eq!((epoch, log.last().order_no), (Epoch(0), OrderNo(0)));
    }
}
