//! Why a file cannot be used: each cause has a line of its own that says what happened to what, and
//! what to do.
//!
//! "Damaged" is said only of files that are: what a person is told to do with a damaged file must
//! not be done to one whose disk is full. And no advice destroys anything: a file is moved aside and
//! kept, since what it held can be made good from the other processes' files only as long as those
//! are there.
//!
//! SQLite says *that* it could not open or write a file, and not always why. Then a file of our own
//! is tried at the same place, and the operating system says why.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::Uid;
use rusqlite::ErrorCode;

use super::{LAYOUT, access};

/// Why a database cannot be used. Whatever it is, the file has been left as it is.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process of the same kind has it open.
    #[error("{path} is in use by another process")]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// Its content cannot be read.
    #[error(
        "{path} is damaged ({reason}); it was left as it is. Move it aside, with its -wal and -shm, \
         and keep it; then start again while the other processes of the bazaar are up, and what it \
         held is made good from them"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// How.
        reason: String,
    },
    /// It is gone, and what belongs beside it is not.
    #[error(
        "{path} is missing, but {leftover} is there: put the file back, or move {leftover} aside too \
         and keep it; then start again while the other processes of the bazaar are up, and what is \
         missing is made good from them"
    )]
    Orphaned {
        /// The database.
        path: PathBuf,
        /// What is there.
        leftover: PathBuf,
    },
    /// It belongs to another process.
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
    /// It is a database, and none of this program's.
    #[error(
        "{path} is a database that this program did not make; it was left as it is: give another \
         --data-dir"
    )]
    Unknown {
        /// The database.
        path: PathBuf,
    },
    /// An earlier version of the program made it.
    #[error(
        "{path} has layout {found}, of an earlier version; this one reads layout {LAYOUT}. It was left \
         as it is: start the version that made it to read it, or give this one another --data-dir"
    )]
    Earlier {
        /// The database.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// A later version of the program made it.
    #[error(
        "{path} has layout {found}, of a later version; this one reads layout {LAYOUT}. It was left as \
         it is: start the version that made it, or give this one another --data-dir"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// Something else is in the way, and the file may be as good as ever.
    #[error("cannot use {path}: {trouble}")]
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// What is in the way.
        trouble: Trouble,
    },
}

/// What is in the way of a file that may be as good as ever.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Another program holds a lock on it.
    #[error(
        "another program holds a lock on it (a sqlite3 shell, or a backup?): end that program, or its \
         transaction, and start again"
    )]
    Locked,
    /// Not for this user.
    #[error("permission denied: {0}")]
    Denied(String),
    /// It can be read, and not written.
    #[error(
        "it, its folder or its file system is read-only: make it writable, or give another --data-dir"
    )]
    ReadOnly,
    /// There is no space.
    #[error("no space is left on its disk, or the quota is used up: make room and start again")]
    Full,
    /// The process may not write files of this size.
    #[error("the limit on the size of a file is reached: raise it (ulimit -f) and start again")]
    FileSize,
    /// No further file can be opened.
    #[error("too many files are open: raise the limit (ulimit -n) and start again")]
    OpenFiles,
    /// The disk, or its driver, reports an error.
    #[error("the disk reports an error ({0}): the system's log (dmesg) may say more")]
    Disk(String),
    /// Anything else, in the words of the part that reported it.
    #[error("{0}")]
    Other(String),
}

impl StorageError {
    /// What an error of the operating system means.
    #[must_use]
    pub fn of_io(path: &Path, error: &io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), trouble: Trouble::of_io(path, error) }
    }

    /// What an error of SQLite means. Tries the file's folder where SQLite does not say.
    #[must_use]
    pub fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path_of = path.to_owned();
        if is_damage(error) {
            return Self::Damaged { path: path_of, reason: error.to_string() };
        }
        Self::Unusable { path: path_of, trouble: Trouble::of_sqlite(error, || try_folder(path)) }
    }
}

impl Trouble {
    /// What an error of the operating system, about `path`, means.
    #[must_use]
    pub fn of_io(path: &Path, error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EACCES | Errno::EPERM) => Self::Denied(whose(path)),
            Some(Errno::EROFS) => Self::ReadOnly,
            Some(Errno::ENOSPC | Errno::EDQUOT) => Self::Full,
            Some(Errno::EFBIG) => Self::FileSize,
            Some(Errno::EMFILE | Errno::ENFILE) => Self::OpenFiles,
            Some(Errno::EIO) => Self::Disk(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }

    /// What an error of SQLite means; `tried` says what the operating system has against a file of
    /// our own at the same place, and is asked where SQLite leaves that open.
    #[must_use]
    pub fn of_sqlite(error: &rusqlite::Error, tried: impl FnOnce() -> Option<Self>) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => tried().unwrap_or(Self::ReadOnly),
            Some(ErrorCode::SystemIoFailure) => {
                tried().unwrap_or_else(|| Self::Disk(error.to_string()))
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                tried().unwrap_or_else(|| Self::Other(error.to_string()))
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

/// SQLite says that the file is no database, or a value in it cannot be what its column says.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, QueryReturnedNoRows,
    };
    match error {
        FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
        QueryReturnedNoRows => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}

/// Writes a file of our own beside the database, and removes it: as large as what SQLite needs to
/// begin with.
fn try_folder(database: &Path) -> Option<Trouble> {
    let path = database.with_extension("try");
    let written = access::private().truncate(true).open(&path).and_then(|mut file| {
        file.write_all(&[0; 64 * 1024])?;
        file.sync_all()
    });
    // If it cannot be removed it could not be made either.
    let _ = fs::remove_file(&path);
    let error = written.err()?;
    let about = if path.exists() { &path } else { database.parent()? };
    Some(Trouble::of_io(about, &error))
}

/// Whose a file is, who asks, and what to do about it.
fn whose(path: &Path) -> String {
    let asks = Uid::effective().as_raw();
    // The nearest thing that can be looked at: what is in a closed folder cannot.
    let found = path.ancestors().find_map(|at| fs::metadata(at).ok().map(|found| (at, found)));
    let Some((at, found)) = found else {
        return format!("this process runs as user {asks}");
    };
    let (owner, mode) = (found.uid(), found.permissions().mode() & 0o777);
    let at = at.display();
    if owner == asks {
        format!("{at} has mode {mode:03o}: give yourself access (chmod u+rwX)")
    } else {
        format!(
            "{at} belongs to user {owner} and has mode {mode:03o}, and this process runs as user \
             {asks}: start it as user {owner}, or give the data folder to user {asks} (chown -R)"
        )
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    fn system(errno: Errno) -> io::Error {
        io::Error::from_raw_os_error(errno as i32)
    }

    #[test]
    fn only_a_damaged_file_is_called_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("order-1.db");
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT_INDEX] {
            let line = StorageError::of_sqlite(&path, &sqlite(code)).to_string();
            assert!(line.contains("order-1.db is damaged ("), "{line}");
        }
        for (code, says) in [
            (ffi::SQLITE_FULL, "no space is left"),
            (ffi::SQLITE_BUSY, "another program holds a lock"),
            (ffi::SQLITE_BUSY_RECOVERY, "another program holds a lock"),
            (ffi::SQLITE_READONLY, "is read-only"),
            (ffi::SQLITE_READONLY_DIRECTORY, "is read-only"),
            (ffi::SQLITE_IOERR_FSYNC, "disk I/O error): the system's log"),
            (ffi::SQLITE_IOERR_WRITE, "the disk reports an error"),
            (ffi::SQLITE_CANTOPEN, "unable to open database file"),
            (ffi::SQLITE_NOMEM, "out of memory"),
        ] {
            let line = StorageError::of_sqlite(&path, &sqlite(code)).to_string();
            assert!(line.starts_with(&format!("cannot use {}: ", path.display())), "{line}");
            assert!(line.contains(says) && !line.contains("damaged"), "{code}: {line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is left behind");
    }

    #[test]
    fn what_sqlite_leaves_open_the_operating_system_answers() {
        let opening = sqlite(ffi::SQLITE_CANTOPEN);
        for tried in [Trouble::OpenFiles, Trouble::ReadOnly, Trouble::Denied(String::new())] {
            assert_eq!(Trouble::of_sqlite(&opening, || Some(tried.clone())), tried);
        }
        // The file that SQLite shares among processes is made longer by writing: a full disk is an
        // I/O error to it.
        let shared = sqlite(ffi::SQLITE_IOERR_SHMSIZE);
        assert_eq!(Trouble::of_sqlite(&shared, || Some(Trouble::Full)), Trouble::Full);
        // What SQLite does say is not asked again.
        let full = sqlite(ffi::SQLITE_FULL);
        assert_eq!(Trouble::of_sqlite(&full, || panic!("asked")), Trouble::Full);
    }

    #[test]
    fn each_error_of_the_operating_system_has_its_own_line() {
        let path = Path::new("/");
        for (errno, says) in [
            (Errno::EROFS, "is read-only"),
            (Errno::ENOSPC, "no space is left"),
            (Errno::EDQUOT, "the quota is used up"),
            (Errno::EFBIG, "ulimit -f"),
            (Errno::EMFILE, "ulimit -n"),
            (Errno::ENFILE, "too many files are open"),
            (Errno::EIO, "dmesg"),
            (Errno::ELOOP, "symbolic links"),
        ] {
            let line = StorageError::of_io(path, &system(errno)).to_string();
            assert!(line.starts_with("cannot use /: ") && line.contains(says), "{line}");
        }
    }

    #[test]
    fn a_permission_that_is_lacking_says_whose_the_file_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
        let missing = dir.path().join("order-1.db");
        let line = StorageError::of_io(&missing, &system(Errno::EACCES)).to_string();
        assert!(line.contains("permission denied: "), "{line}");
        assert!(line.contains(&format!("{} has mode 500", dir.path().display())), "{line}");
        if !Uid::effective().is_root() {
            return;
        }
        std::os::unix::fs::chown(dir.path(), Some(4711), None).unwrap();
        let line = StorageError::of_io(&missing, &system(Errno::EACCES)).to_string();
        assert!(line.contains("belongs to user 4711 and has mode 500"), "{line}");
        assert!(line.contains("this process runs as user 0") && line.contains("chown"), "{line}");
    }
}
