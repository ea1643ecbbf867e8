//! Opening a process's SQLite file so that nothing is lost and nothing is overwritten.
//!
//! A file is made whole under another name and then renamed, so a file that is there but empty
//! has been truncated and is refused. One process at a time: a lock file beside the database says
//! so, and leaves the database itself readable to the `sqlite3` shell.
//!
//! Transactions are in [`change`].

pub mod change;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use rusqlite::Connection;

pub use change::Change;

use crate::planted::Bugs;

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Once the disk has it (`synchronous=FULL`): survives power loss.
    Flush,
    /// Once the operating system has it (`synchronous=OFF`): survives the process, not the machine.
    Os,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder or a file in it cannot be used.
    #[error("cannot use {path}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process")]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// It is damaged. It has not been touched.
    #[error("{path} is damaged ({reason}); it was left as it is: restore it, or move it away")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// How.
        reason: String,
    },
    /// It belongs to somebody else. It has not been touched.
    #[error(
        "{path} belongs to {found}, not to {wanted}; give each process its own --data-dir or id"
    )]
    Foreign {
        /// The database.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Who asked.
        wanted: String,
    },
}

/// An open database, locked for this process.
#[derive(Debug)]
pub struct Database {
    /// The one connection: each process has one writer.
    pub connection: Connection,
    held_back: change::HeldBack,
    _lock: File,
}

/// How long a statement waits for somebody who reads the file with the `sqlite3` shell.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

impl Database {
    /// Opens `dir/owner.db`, or makes it with `schema` if there is none.
    ///
    /// `schema` is run once, in a file that did not exist. Errors name the file.
    pub fn open(
        dir: &Path,
        owner: &str,
        durability: Durability,
        schema: &str,
    ) -> Result<Self, StorageError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StorageError::Io { path, source }
        };
        fs::create_dir_all(dir).map_err(at(dir))?;
        let path = dir.join(format!("{owner}.db"));
        let lock = lock(dir, owner, &path)?;
        let damaged = |error: rusqlite::Error| StorageError::Damaged {
            path: path.clone(),
            reason: error.to_string(),
        };

        match fs::metadata(&path) {
            Ok(found) if found.len() == 0 => {
                return Err(StorageError::Damaged { path, reason: "it is empty".to_owned() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(dir, owner, &path, schema)?;
            }
            Err(error) => return Err(at(&path)(error)),
        }
        let connection = Connection::open(&path).map_err(damaged)?;
        check(&connection, &path, owner)?;
        let synchronous = match durability {
            Durability::Flush => "FULL",
            Durability::Os => "OFF",
        };
        connection.busy_timeout(BUSY_TIMEOUT).map_err(damaged)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(damaged)?;
        connection.pragma_update(None, "synchronous", synchronous).map_err(damaged)?;
        Ok(Self { connection, held_back: change::HeldBack::default(), _lock: lock })
    }

    /// The same database with bugs planted in it.
    #[must_use]
    pub fn with_bugs(mut self, bugs: Bugs) -> Self {
        self.held_back = change::HeldBack::new(bugs);
        self
    }
}

fn lock(dir: &Path, owner: &str, database: &Path) -> Result<File, StorageError> {
    let path = dir.join(format!("{owner}.lock"));
    let file =
        File::create(&path).map_err(|source| StorageError::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StorageError::Io { path, source }),
    }
}

fn create(dir: &Path, owner: &str, path: &Path, schema: &str) -> Result<(), StorageError> {
    let fresh = dir.join(format!("{owner}.db.new"));
    let io_at = |path: &Path, source| StorageError::Io { path: path.to_owned(), source };
    for leftover in ["db-wal", "db-shm"] {
        let leftover = dir.join(format!("{owner}.{leftover}"));
        if leftover.exists() {
            let reason = format!("it is missing, but {} is there", leftover.display());
            return Err(StorageError::Damaged { path: path.to_owned(), reason });
        }
    }
    match fs::remove_file(&fresh) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_at(&fresh, error)),
    }
    let build = || -> rusqlite::Result<()> {
        let connection = Connection::open(&fresh)?;
        connection.execute_batch(schema)?;
        connection.execute_batch("CREATE TABLE owner (name TEXT NOT NULL) STRICT")?;
        connection.execute("INSERT INTO owner VALUES (?1)", [owner])?;
        Ok(())
    };
    build().map_err(|error| io_at(&fresh, io::Error::other(error)))?;
    fs::rename(&fresh, path).map_err(|error| io_at(path, error))?;
    // The rename itself must survive a crash of the machine.
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| io_at(dir, error))
}

fn check(connection: &Connection, path: &Path, owner: &str) -> Result<(), StorageError> {
    let damaged = |reason: String| StorageError::Damaged { path: path.to_owned(), reason };
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if verdict != "ok" {
        return Err(damaged(verdict.replace('\n', " ")));
    }
    let found: String = connection
        .query_row("SELECT name FROM owner", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if found != owner {
        let (path, wanted) = (path.to_owned(), owner.to_owned());
        return Err(StorageError::Foreign { path, found, wanted });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "CREATE TABLE t (x INTEGER) STRICT";

    fn open(dir: &Path) -> Result<Database, StorageError> {
        Database::open(dir, "order-1", Durability::Flush, SCHEMA)
    }

    #[test]
    fn what_was_written_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(dir.path()).unwrap();
        database.connection.execute("INSERT INTO t VALUES (7)", []).unwrap();
        drop(database);
        let database = open(dir.path()).unwrap();
        let x: i64 =
            database.connection.query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(x, 7);
    }

    #[test]
    fn a_second_process_is_turned_away() {
        let dir = tempfile::tempdir().unwrap();
        let _first = open(dir.path()).unwrap();
        assert!(matches!(open(dir.path()), Err(StorageError::InUse { .. })));
    }

    #[test]
    fn a_truncated_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(dir.path()).unwrap();
        for x in 0..2000 {
            database.connection.execute("INSERT INTO t VALUES (?1)", [x]).unwrap();
        }
        drop(database);
        let path = dir.path().join("order-1.db");
        let whole = fs::read(&path).unwrap();
        for keep in [0, 100, whole.len() / 2] {
            fs::write(&path, &whole[..keep]).unwrap();
            assert!(matches!(open(dir.path()), Err(StorageError::Damaged { .. })), "{keep}");
            assert_eq!(fs::read(&path).unwrap(), &whole[..keep]);
        }
    }

    #[test]
    fn somebody_elses_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        fs::rename(dir.path().join("order-1.db"), dir.path().join("order-2.db")).unwrap();
        let error = Database::open(dir.path(), "order-2", Durability::Flush, SCHEMA).unwrap_err();
        assert!(matches!(error, StorageError::Foreign { .. }), "{error}");
    }

    #[test]
    fn an_unusable_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = open(&file).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot use {}", file.display())), "{error}");
    }
}
