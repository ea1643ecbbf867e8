//! Data folders and files are their owner's alone: orders are nobody else's business, and anybody who
//! can replace a file can rewrite history.
//!
//! A folder that is made is `0700`, files are `0600` from the moment they are made (SQLite gives the
//! `-wal` and `-shm` beside a database the database's own mode). Files that are found with more are
//! tightened: they are this program's own. A folder that is found with more is left as it is, with a
//! warning: it may be a folder that others share for other reasons (`--data-dir .`).

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::StorageError;

/// What the group and everybody else may do.
const OTHERS: u32 = 0o077;

/// Makes the folder if it is not there.
pub(crate) fn prepare_folder(dir: &Path) -> Result<(), StorageError> {
    let failed = |error: io::Error| StorageError::of_io(dir, &error);
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            return Err(failed(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & OTHERS != 0 {
                tracing::warn!(
                    "the data folder {} is open to other users (mode {mode:03o}); it was there \
                     already and is left as it is: `chmod 700` closes it",
                    dir.display()
                );
            }
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    // Folders on the way are made as usual; only the data folder itself is ours.
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        // Several processes of a bazaar start at once and share the folder.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How a file is opened for writing: made, if it is not there, for its owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Takes what others may do with a database, and with what lies beside it, away.
pub(super) fn tighten_files(database: &Path) -> Result<(), StorageError> {
    let beside = |suffix: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path
    };
    let lock = database.with_extension("lock");
    for path in [database.into(), beside("-wal"), beside("-shm"), lock.into_os_string()] {
        let path = Path::new(&path);
        let failed = |error: io::Error| StorageError::of_io(path, &error);
        let mode = match fs::metadata(path) {
            Ok(found) => found.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if mode & OTHERS != 0 {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).map_err(failed)?;
        }
    }
    Ok(())
}
