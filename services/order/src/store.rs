//! The order log on disk: what a [`Replica`](super::replica::Replica) decided, in one transaction.
//!
//! The commit mark (rule L2) and the bazaar (L1) ride on transactions that are there anyway: the mark
//! may lag behind what memory knows, never run ahead, and costs no flush of its own.
//!
//! There is no index of request ids: they are random, so each order would write a page of it beside its own. Files
//! of before have one, which does no harm.

use std::path::Path;
use std::sync::Arc;

use base::planted::Bugs;
use base::storage::{Database, Durability, StorageError};
use rusqlite::{Connection, Row, Statement, params};
use wire::ids::{Epoch, OrderNo, ReplicaId, RequestId};
use wire::internal::Entry;

use super::change::Change;
use super::log::OrderLog;
use super::replica::Found;

const SCHEMA: &str = "
CREATE TABLE orders (
    order_no   INTEGER PRIMARY KEY, -- the place in which the catalog applied it
    epoch      INTEGER NOT NULL,
    request_id TEXT    NOT NULL, -- once: the log in memory sees to it, before anything is written
    stock_name TEXT    NOT NULL,
    trade_type TEXT    NOT NULL,
    quantity   INTEGER NOT NULL
) STRICT;
CREATE TABLE accepted (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    epoch     INTEGER NOT NULL, -- the newest one accepted or heard of
    committed INTEGER NOT NULL  -- up to here orders are known to be committed, and never change
) STRICT;
INSERT INTO accepted VALUES (1, 0, 0);
";

/// One replica's file.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
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
        let database = Database::open(dir, &owner, durability, SCHEMA)?.with_bugs(bugs);
        Ok(Self { database })
    }

    /// Reads everything.
    pub(super) fn load(&self) -> Result<Found, StorageError> {
        let damaged = |reason: String| StorageError::Damaged {
            path: self.database.path().to_owned(),
            reason,
        };
        let read = || -> rusqlite::Result<_> {
            let connection = &self.database.connection;
            let (accepted, committed) =
                connection.query_row("SELECT epoch, committed FROM accepted", [], |row| {
                    Ok((Epoch(row.get(0)?), OrderNo(row.get(1)?)))
                })?;
            let mut statement = connection.prepare(
                "SELECT order_no, epoch, request_id, stock_name, trade_type, quantity
                 FROM orders ORDER BY order_no",
            )?;
            let mut failed = None;
            let rows = statement.query_map([], entry)?;
            let log = OrderLog::from_entries(
                rows.map_while(|row| row.map_err(|error| failed = Some(error)).ok()),
                committed,
            );
            failed.map_or(Ok((accepted, committed, log)), Err)
        };
        let (accepted, committed, log) = read().map_err(|error| self.explain(&error))?;
        let log = log.map_err(|contradiction| damaged(contradiction.to_string()))?;
        if committed > log.last().order_no {
            let last = log.last().order_no;
            return Err(damaged(format!(
                "orders up to #{committed} were committed, and it ends at #{last}"
            )));
        }
        let (identity, bazaar) =
            (self.database.identity().clone(), self.database.bazaar().cloned());
        Ok(Found { identity, bazaar, accepted, committed, log })
    }

    /// What an error of this file means, in words that say what to do.
    pub(super) fn explain(&self, error: &rusqlite::Error) -> StorageError {
        self.database.explain(error)
    }

    /// Writes something of no meaning, as durably as everything else: that this comes back is the proof
    /// that the disk does its work (rule G1). The number differs each time, since SQLite does not write
    /// a page that stays as it is.
    pub(super) fn prove(&mut self) -> rusqlite::Result<()> {
        let transaction = self.database.change()?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS proof (
                 id     INTEGER PRIMARY KEY CHECK (id = 1),
                 writes INTEGER NOT NULL
             ) STRICT;
             INSERT INTO proof VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = writes + 1;",
        )?;
        transaction.commit()
    }

    /// Makes `change` durable, or nothing of it.
    pub(super) fn commit(&mut self, change: &Change<'_>) -> rusqlite::Result<()> {
        let transaction = self.database.change()?;
        if let Some(epoch) = change.accepted {
            transaction.execute("UPDATE accepted SET epoch = ?1", [epoch.0])?;
        }
        restamp(&transaction, change.restamped)?;
        if let Some(keep) = change.keep {
            transaction.execute("DELETE FROM orders WHERE order_no > ?1", [keep.0])?;
        }
        insert(&transaction, change.entries)?;
        if let Some(committed) = change.committed {
            transaction
                .prepare_cached("UPDATE accepted SET committed = ?1")?
                .execute([committed.0])?;
        }
        if let Some(bazaar) = change.bazaar {
            transaction.set_bazaar(bazaar)?;
        }
        transaction.commit()
    }
}

/// The same orders under other epochs; all of the row, so that the file holds what memory does even
/// where a bug lets another order in.
fn restamp(connection: &Connection, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE orders SET epoch = ?2, request_id = ?3, stock_name = ?4, trade_type = ?5, quantity = ?6
         WHERE order_no = ?1",
    )?;
    write_each(&mut statement, entries)
}

fn insert(connection: &Connection, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO orders
             (order_no, epoch, request_id, stock_name, trade_type, quantity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    write_each(&mut statement, entries)
}

fn write_each(statement: &mut Statement<'_>, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    for entry in entries {
        statement.execute(params![
            entry.order_no.0,
            entry.epoch.0,
            entry.request_id.as_str(),
            &*entry.stock_name,
            entry.trade_type.as_str(),
            entry.quantity,
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
        stock_name: row.get_ref(3)?.as_str().map_err(|error| unreadable(3, error))?.into(),
        trade_type: row
            .get::<_, String>(4)?
            .parse()
            .map_err(|error: wire::bazaar::UnknownTradeType| unreadable(4, error))?,
        quantity: row.get(5)?,
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
    use wire::ids::BazaarId;

    use super::*;

    fn entry(order_no: u64, epoch: u64) -> Arc<Entry> {
        Arc::new(Entry {
            order_no: OrderNo(order_no),
            epoch: Epoch(epoch),
            request_id: RequestId::new(format!("R{order_no}-{epoch}")).unwrap(),
            stock_name: "Stock1".into(),
            trade_type: TradeType::Sell,
            quantity: 3,
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
        let bazaar = BazaarId::new("b-1").unwrap();
        let change = Change {
            accepted: Some(Epoch(1)),
            bazaar: Some(&bazaar),
            entries: &entries,
            ..Change::default()
        };
        store.commit(&change).unwrap();
        let entries = [entry(3, 2)];
        let change = Change {
            accepted: Some(Epoch(2)),
            committed: Some(OrderNo(2)),
            keep: Some(OrderNo(2)),
            entries: &entries,
            ..Change::default()
        };
        store.commit(&change).unwrap();
        let before = store.load().unwrap().identity;
        drop(store);
        let Found { identity, bazaar: told, accepted, committed, log } =
            open(dir.path()).load().unwrap();
        assert_eq!((identity, told), (before, Some(bazaar)));
        assert_eq!((accepted, committed), (Epoch(2), OrderNo(2)));
        assert_eq!(log.after(OrderNo(0), 9), [entry(1, 1), entry(2, 1), entry(3, 2)]);
    }

    #[test]
    fn a_committed_order_that_is_restamped_keeps_its_number_and_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let entries = [entry(1, 1), entry(2, 1)];
        store.commit(&Change { entries: &entries, ..Change::default() }).unwrap();
        let restamped = [Arc::new(Entry { epoch: Epoch(4), ..Entry::clone(&entry(1, 1)) })];
        store.commit(&Change { restamped: &restamped, ..Change::default() }).unwrap();
        let connection = &store.database.connection;
        let epochs: Vec<(u64, u64)> = connection
            .prepare("SELECT order_no, epoch FROM orders ORDER BY order_no")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(epochs, [(1, 4), (2, 1)]);
    }

    #[test]
    fn a_log_that_ends_before_its_commit_mark_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let entries = [entry(1, 1)];
        let committed = Some(OrderNo(2));
        store.commit(&Change { committed, entries: &entries, ..Change::default() }).unwrap();
        let line = store.load().unwrap_err().to_string();
        assert!(line.contains("orders up to #2 were committed, and it ends at #1"), "{line}");
    }

    #[test]
    fn every_proof_is_a_write() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let wal = dir.path().join("order-1.db-wal");
        let mut before = 0;
        for _ in 0..3 {
            store.prove().unwrap();
            let written = std::fs::metadata(&wal).unwrap().len();
            assert!(written > before, "{before} bytes, and then {written}");
            before = written;
        }
    }

    #[test]
    fn a_change_that_fails_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let entries = [entry(1, 1), entry(1, 1)];
        let change = Change {
            accepted: Some(Epoch(1)),
            committed: Some(OrderNo(1)),
            entries: &entries,
            ..Change::default()
        };
        assert!(store.commit(&change).is_err());
        let Found { accepted, committed, log, .. } = store.load().unwrap();
        assert_eq!((accepted, committed, log.last().order_no), (Epoch(0), OrderNo(0), OrderNo(0)));
    }

    /// Not a test of anything but this machine: `--ignored --nocapture` prints what a start costs.
    #[test]
    #[ignore = "prints what it costs to read a million orders, and takes a while"]
    fn what_a_start_with_a_million_orders_costs() {
        const ORDERS: u64 = 1_000_000;
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap().to_owned();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
        };
        let dir = tempfile::tempdir().unwrap();
        let mut store =
            Store::open(dir.path(), ReplicaId(1), Durability::Os, Bugs::default()).unwrap();
        for first in (1..ORDERS).step_by(10_000) {
            let entries: Vec<_> = (first..first + 10_000)
                .map(|order_no| {
                    let request_id = RequestId::new(uuid::Uuid::new_v4().to_string()).unwrap();
                    Arc::new(Entry { request_id, ..Entry::clone(&entry(order_no, 1)) })
                })
                .collect();
            store.commit(&Change { entries: &entries, ..Change::default() }).unwrap();
        }
        drop(store);
        let bytes = std::fs::metadata(dir.path().join("order-1.db")).unwrap().len();
        let before = resident();
        let began = std::time::Instant::now();
        let store = open(dir.path());
        let opened = began.elapsed();
        let loaded = store.load().unwrap();
        let read = began.elapsed() - opened;
        println!(
            "{ORDERS} orders, {} MB: open and quick_check {opened:?}, read {read:?}, {} MB of memory",
            bytes / 1_000_000,
            resident() - before
        );
        assert_eq!(loaded.log.last().order_no.0, ORDERS);
    }
}
