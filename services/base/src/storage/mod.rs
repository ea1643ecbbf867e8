//! Opening a process's SQLite file so that nothing is lost and nothing is overwritten.
//!
//! A file is made whole under another name and then renamed, so a file that is there but empty
//! has been truncated and is refused. One process at a time: a lock file beside the database says
//! so, and leaves the database itself readable to the `sqlite3` shell.
//!
//! Each file carries an identity of its own, drawn when it is made, and the bazaar that it belongs
//! to once it has been told (rule L1). Its layout is SQLite's `user_version`. A file of another
//! layout is refused and left as it is.
//!
//! * [`trouble`] says why a file cannot be used, in words that say what to do.
//! * `access` sees to it that folders and files are their owner's alone.
//! * [`change`] has transactions.

mod access;
pub mod change;
pub mod trouble;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;
use wire::ids::{BazaarId, Identity};

pub(crate) use access::prepare_folder;
pub use change::Change;
pub use trouble::{StorageError, Trouble};

use crate::planted::{Bug, Bugs};

/// The layout that this program writes and reads, of all three kinds of files.
pub const LAYOUT: i64 = 2;

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Durability {
    /// Once the disk has it (`synchronous=FULL`): survives power loss.
    Flush,
    /// Once the operating system has it (`synchronous=OFF`): survives the process, not the machine.
    Os,
}

impl Durability {
    /// What SQLite is told, and the number under which it says so itself.
    fn synchronous(self) -> (&'static str, i64) {
        match self {
            Self::Flush => ("FULL", 2),
            Self::Os => ("OFF", 0),
        }
    }
}

/// An open database, locked for this process.
#[derive(Debug)]
pub struct Database {
    /// The one connection: each process has one writer.
    pub connection: Connection,
    path: PathBuf,
    identity: Identity,
    bazaar: Option<BazaarId>,
    held_back: change::HeldBack,
    _lock: File,
}

/// How long the start waits for somebody who holds a lock on the file, and how long a
/// [change](Database::change) does before it says that it waits.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// What belongs to every file, besides its own tables.
const OWNER_TABLE: &str = "
    CREATE TABLE owner (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        name     TEXT NOT NULL, -- the process
        identity TEXT NOT NULL, -- drawn when the file was made
        bazaar   TEXT           -- empty until the front-end has told
    ) STRICT;
";

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
        access::prepare_folder(dir)?;
        let path = dir.join(format!("{owner}.db"));
        let lock = lock(dir, owner, &path)?;
        match fs::metadata(&path) {
            Ok(found) if found.len() == 0 => {
                return Err(StorageError::Damaged { path, reason: "it is empty".to_owned() });
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(dir, owner, &path, schema)?;
            }
            Err(error) => return Err(StorageError::of_io(&path, &error)),
        }
        access::tighten_files(&path)?;
        // SQLite would say that it cannot open the file, and not why. No connection to it is open
        // in this process yet, so closing this one lets go of no lock.
        let tried = OpenOptions::new().read(true).write(true).open(&path);
        tried.map_err(|error| StorageError::of_io(&path, &error))?;

        let failed = |error: rusqlite::Error| StorageError::of_sqlite(&path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        check_layout(&connection, &path)?;
        let (identity, bazaar) = check(&connection, &path, owner)?;
        set_up(&connection, durability, &path)?;
        let held_back = change::HeldBack::default();
        Ok(Self { connection, path, identity, bazaar, held_back, _lock: lock })
    }

    /// The same database with bugs planted in it.
    #[must_use]
    pub fn with_bugs(mut self, bugs: Bugs) -> Self {
        if bugs.has(Bug::LeaveOutFlush) {
            let left_out = self.connection.pragma_update(None, "synchronous", "OFF");
            left_out.unwrap_or_else(|error| tracing::error!(%error, "every commit is flushed"));
        }
        self.held_back = change::HeldBack::new(bugs);
        self
    }

    /// The file, for error lines.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this file from every other (rule L1).
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The bazaar that the file belonged to when it was opened, if it had been told.
    #[must_use]
    pub fn bazaar(&self) -> Option<&BazaarId> {
        self.bazaar.as_ref()
    }

    /// What an error of one of its statements means.
    #[must_use]
    pub fn explain(&self, error: &rusqlite::Error) -> StorageError {
        StorageError::of_sqlite(&self.path, error)
    }
}

impl Change<'_> {
    /// Writes down which bazaar the file belongs to from now on. It is told once.
    ///
    /// # Errors
    /// The database's.
    pub fn set_bazaar(&self, bazaar: &BazaarId) -> rusqlite::Result<()> {
        let sql = "UPDATE owner SET bazaar = ?1";
        self.prepare_cached(sql)?.execute([bazaar.as_str()]).map(|_| ())
    }
}

fn lock(dir: &Path, owner: &str, database: &Path) -> Result<File, StorageError> {
    let path = dir.join(format!("{owner}.lock"));
    let file = access::private().truncate(false).open(&path);
    let file = file.map_err(|error| StorageError::of_io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(error)) => Err(StorageError::of_io(&path, &error)),
    }
}

fn create(dir: &Path, owner: &str, path: &Path, schema: &str) -> Result<(), StorageError> {
    let fresh = dir.join(format!("{owner}.db.new"));
    for leftover in ["db-wal", "db-shm"] {
        let leftover = dir.join(format!("{owner}.{leftover}"));
        if leftover.exists() {
            return Err(StorageError::Orphaned { path: path.to_owned(), leftover });
        }
    }
    // A start that did not get to the end may have left both of these.
    for leftover in [fresh.clone(), dir.join(format!("{owner}.db.new-journal"))] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StorageError::of_io(&leftover, &error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    let made = access::private().create_new(true).open(&fresh);
    made.map_err(|error| StorageError::of_io(&fresh, &error))?;
    let build = || -> rusqlite::Result<()> {
        let mut connection = Connection::open(&fresh)?;
        let whole = connection.transaction()?;
        whole.execute_batch(schema)?;
        whole.execute_batch(OWNER_TABLE)?;
        let identity = Uuid::new_v4().to_string();
        whole.execute("INSERT INTO owner VALUES (1, ?1, ?2, NULL)", [owner, &identity])?;
        whole.pragma_update(None, "user_version", LAYOUT)?;
        whole.commit()
    };
    build().map_err(|error| StorageError::of_sqlite(&fresh, &error))?;
    fs::rename(&fresh, path).map_err(|error| StorageError::of_io(path, &error))?;
    // The rename itself must survive a crash of the machine.
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| StorageError::of_io(dir, &error))
}

/// Refuses a file of another layout, before its content is looked at.
fn check_layout(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let failed = |error: rusqlite::Error| StorageError::of_sqlite(path, &error);
    let layout: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let has_owner: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'owner')", [], |row| {
            row.get(0)
        })
        .map_err(failed)?;
    let path = path.to_owned();
    match layout {
        _ if !has_owner => Err(StorageError::Unknown { path }),
        LAYOUT => Ok(()),
        // The first layout had no number.
        0 => Err(StorageError::Earlier { path, found: 1 }),
        found if found < LAYOUT => Err(StorageError::Earlier { path, found }),
        found => Err(StorageError::Newer { path, found }),
    }
}

/// Reads the whole file once, so that damage is found before anything depends on it. Gives back
/// the file's identity and its bazaar.
fn check(
    connection: &Connection,
    path: &Path,
    owner: &str,
) -> Result<(Identity, Option<BazaarId>), StorageError> {
    let failed = |error: rusqlite::Error| StorageError::of_sqlite(path, &error);
    let damaged = |reason: String| StorageError::Damaged { path: path.to_owned(), reason };
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(damaged(verdict.replace('\n', " ")));
    }
    let found = connection
        .query_row("SELECT name, identity, bazaar FROM owner", [], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<String>>(2)?,
            ))
        })
        .optional()
        .map_err(failed)?;
    let Some((found, identity, bazaar)) = found else {
        return Err(damaged("it does not say whose it is".to_owned()));
    };
    if found != owner {
        let (path, wanted) = (path.to_owned(), owner.to_owned());
        return Err(StorageError::Foreign { path, found, wanted });
    }
    let identity = Identity::new(&identity).map_err(|bad| damaged(format!("identity: {bad}")))?;
    let bazaar = bazaar.map(|bazaar| BazaarId::new(&bazaar)).transpose();
    Ok((identity, bazaar.map_err(|bad| damaged(format!("bazaar: {bad}")))?))
}

/// Sets what makes a commit durable, reads it back, and makes sure that the file can be written.
fn set_up(
    connection: &Connection,
    durability: Durability,
    path: &Path,
) -> Result<(), StorageError> {
    let failed = |error: rusqlite::Error| StorageError::of_sqlite(path, &error);
    let (synchronous, number) = durability.synchronous();
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
    let is = settings(connection).map_err(failed)?;
    if is != ("wal".to_owned(), number) {
        let reason = format!("journal mode and synchronous are {is:?} and cannot be changed");
        return Err(StorageError::Unusable { path: path.into(), trouble: Trouble::Other(reason) });
    }
    // Anybody who holds a write lock, or has made the file read-only, is found out before anybody
    // counts on this process.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(failed)
}

/// The journal mode, and the number of `synchronous`, as the connection has them.
fn settings(connection: &Connection) -> rusqlite::Result<(String, i64)> {
    Ok((
        connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
        connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?,
    ))
}

#[cfg(test)]
mod tests;
