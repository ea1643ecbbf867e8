//! A transaction: all of it is on disk once it is committed, or nothing of it ever is.
//!
//! With [`Bug::AnswerBeforeFlush`](crate::planted::Bug) planted it is a part of a longer one, whose
//! COMMIT is held back. What was committed can be read all the same, by this process alone; a kill
//! loses it.

use std::ops::Deref;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};

use super::Database;
use crate::planted::Bugs;
#[cfg(feature = "planted-bugs")]
use crate::planted::{Bug, HOLD_BACK};

/// A transaction under way. Dropping it leaves nothing of it.
#[derive(Debug)]
pub struct Change<'a>(Whole<'a>);

#[derive(Debug)]
enum Whole<'a> {
    Transaction(Begun<'a>),
    #[cfg(feature = "planted-bugs")]
    PartOfOne(rusqlite::Savepoint<'a>),
}

/// A transaction that is rolled back unless it is committed.
#[derive(Debug)]
struct Begun<'a> {
    connection: &'a Connection,
    is_committed: bool,
}

impl Begun<'_> {
    fn commit(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.is_committed = true;
        Ok(())
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.is_committed && !self.connection.is_autocommit() {
            // If even that fails, the next transaction cannot begin, and says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Change<'_> {
    /// Makes it last.
    ///
    /// # Errors
    /// The database's; nothing has been changed then.
    pub fn commit(self) -> rusqlite::Result<()> {
        match self.0 {
            Whole::Transaction(transaction) => transaction.commit(),
            #[cfg(feature = "planted-bugs")]
            Whole::PartOfOne(part) => part.commit(),
        }
    }
}

impl Deref for Change<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.0 {
            Whole::Transaction(transaction) => transaction.connection,
            #[cfg(feature = "planted-bugs")]
            Whole::PartOfOne(part) => part,
        }
    }
}

/// What was answered and not committed: nothing, unless a bug is planted.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    #[cfg(feature = "planted-bugs")]
    is_on: bool,
    #[cfg(feature = "planted-bugs")]
    since: Option<Instant>,
}

impl HeldBack {
    #[cfg(feature = "planted-bugs")]
    pub(super) fn new(bugs: Bugs) -> Self {
        Self { is_on: bugs.has(Bug::AnswerBeforeFlush), since: None }
    }

    #[cfg(not(feature = "planted-bugs"))]
    pub(super) fn new(_bugs: Bugs) -> Self {
        Self::default()
    }
}

impl Database {
    /// Begins a transaction.
    ///
    /// As long as another program holds the file's write lock (a `sqlite3` shell in a transaction,
    /// say) it waits: nothing has been written then, so waiting loses nothing, and ending the
    /// process would not free the file. Anybody who depends on this process sees from its pings that its
    /// writer does not get on.
    ///
    /// # Errors
    /// The database's.
    pub fn change(&mut self) -> rusqlite::Result<Change<'_>> {
        #[cfg(feature = "planted-bugs")]
        if self.held_back.is_on {
            return self.part_of_one();
        }
        let since = Instant::now();
        loop {
            let begun = self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]);
            match begun {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    tracing::warn!(
                        waited_ms = since.elapsed().as_millis(),
                        "another program holds the write lock of {}: writing waits until it ends \
                         its transaction",
                        self.path().display()
                    );
                }
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        Ok(Change(Whole::Transaction(Begun { connection: &self.connection, is_committed: false })))
    }

    #[cfg(feature = "planted-bugs")]
    fn part_of_one(&mut self) -> rusqlite::Result<Change<'_>> {
        if self.held_back.since.is_some_and(|since| since.elapsed() >= HOLD_BACK) {
            self.commit_held_back()?;
        }
        if self.held_back.since.is_none() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.held_back.since = Some(Instant::now());
        }
        Ok(Change(Whole::PartOfOne(self.connection.savepoint()?)))
    }

    #[cfg(feature = "planted-bugs")]
    fn commit_held_back(&mut self) -> rusqlite::Result<()> {
        if self.held_back.since.take().is_some() {
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(())
    }
}

#[cfg(feature = "planted-bugs")]
impl Drop for Database {
    /// A process that ends in peace loses nothing.
    fn drop(&mut self) {
        if let Err(error) = self.commit_held_back() {
            tracing::error!(%error, "what was held back is lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Durability, StorageError};
    use super::*;

    fn open(dir: &std::path::Path, bugs: Bugs) -> Result<Database, StorageError> {
        let schema = "CREATE TABLE t (x INTEGER) STRICT";
        Database::open(dir, "order-1", Durability::Flush, schema).map(|db| db.with_bugs(bugs))
    }

    fn insert(database: &mut Database, x: i64) {
        let change = database.change().unwrap();
        change.execute("INSERT INTO t VALUES (?1)", [x]).unwrap();
        change.commit().unwrap();
    }

    /// How many rows another process would find.
    fn on_disk(dir: &std::path::Path) -> i64 {
        let connection = Connection::open(dir.join("order-1.db")).unwrap();
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_change_is_on_disk_once_it_is_committed_and_never_if_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mut database = open(dir.path(), Bugs::default()).unwrap();
        insert(&mut database, 1);
        assert_eq!(on_disk(dir.path()), 1);
        let change = database.change().unwrap();
        change.execute("INSERT INTO t VALUES (2)", []).unwrap();
        drop(change);
        assert_eq!(on_disk(dir.path()), 1);
    }

    #[cfg(feature = "planted-bugs")]
    #[test]
    fn what_is_held_back_is_on_disk_later_or_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let bugs = Bugs::default().with(Bug::AnswerBeforeFlush);
        let mut database = open(dir.path(), bugs).unwrap();
        insert(&mut database, 1);
        insert(&mut database, 2);
        drop(database.change().unwrap());
        let seen: i64 =
            database.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!((seen, on_disk(dir.path())), (2, 0));
        database.held_back.since = Instant::now().checked_sub(HOLD_BACK);
        insert(&mut database, 3);
        assert_eq!(on_disk(dir.path()), 2);
        drop(database);
        assert_eq!(on_disk(dir.path()), 3);
    }
}
