//! The configuration on the front-end's disk: one row, replaced as a whole.
//!
//! It is written before anybody learns of it (rule R1). A front-end that came back with an older
//! configuration than it had announced could give an epoch away twice.

use std::path::{Path, PathBuf};

use rusqlite::{OptionalExtension, params};
use wire::configuration::Configuration;
use wire::ids::{ConfigVersion, Epoch, ReplicaId};

use crate::storage::{Database, Durability, StorageError};

/// Names the file, `front-end.db`.
const OWNER: &str = "front-end";
/// `in_sync` holds the ids as a JSON array, so that the shell shows them readably.
const SCHEMA: &str = "
    CREATE TABLE configuration (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        version  INTEGER NOT NULL,
        epoch    INTEGER NOT NULL,
        leader   INTEGER NOT NULL,
        in_sync  TEXT NOT NULL
    ) STRICT;
";

/// The open file.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the file in `dir`, or makes it. Gives back what is stored in it, if anything.
    pub fn open(
        dir: &Path,
        durability: Durability,
    ) -> Result<(Self, Option<Configuration>), StorageError> {
        let database = Database::open(dir, OWNER, durability, SCHEMA)?;
        let path = dir.join(format!("{OWNER}.db"));
        let stored = load(&database, &path)?;
        Ok((Self { database }, stored))
    }

    /// Replaces what is stored. On return it is as durable as the file was opened for.
    pub fn write(&self, configuration: &Configuration) -> rusqlite::Result<()> {
        let in_sync = serde_json::to_string(&configuration.in_sync)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        self.database
            .connection
            .prepare_cached(
                "INSERT OR REPLACE INTO configuration (only_row, version, epoch, leader, in_sync)
                 VALUES (1, ?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                configuration.version.0,
                configuration.epoch.0,
                configuration.leader.0,
                in_sync
            ])
            .map(|_| ())
    }
}

fn load(database: &Database, path: &Path) -> Result<Option<Configuration>, StorageError> {
    let damaged = |reason: String| StorageError::Damaged { path: PathBuf::from(path), reason };
    let row = database
        .connection
        .query_row("SELECT version, epoch, leader, in_sync FROM configuration", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })
        .optional()
        .map_err(|error| damaged(error.to_string()))?;
    let Some((version, epoch, leader, in_sync)) = row else { return Ok(None) };
    let in_sync: Vec<ReplicaId> = serde_json::from_str(&in_sync)
        .map_err(|error| damaged(format!("the in-sync set cannot be read: {error}")))?;
    let leader = ReplicaId(leader);
    if !in_sync.is_sorted() || !in_sync.contains(&leader) {
        return Err(damaged(format!("replica {leader} leads, but is not in sync")));
    }
    let (version, epoch) = (ConfigVersion(version), Epoch(epoch));
    Ok(Some(Configuration { version, epoch, leader, in_sync }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(version: u64) -> Configuration {
        Configuration {
            version: ConfigVersion(version),
            epoch: Epoch(2),
            leader: ReplicaId(3),
            in_sync: vec![ReplicaId(1), ReplicaId(3)],
        }
    }

    fn open(dir: &Path) -> Result<(Store, Option<Configuration>), StorageError> {
        Store::open(dir, Durability::Flush)
    }

    #[test]
    fn the_newest_configuration_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let (store, stored) = open(dir.path()).unwrap();
        assert_eq!(stored, None);
        store.write(&configuration(4)).unwrap();
        store.write(&configuration(5)).unwrap();
        drop(store);
        assert_eq!(open(dir.path()).unwrap().1, Some(configuration(5)));
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        let path = dir.path().join("front-end.db");
        for content in [&b""[..], b"no database at all, but long enough to have a header"] {
            std::fs::write(&path, content).unwrap();
            assert!(matches!(open(dir.path()), Err(StorageError::Damaged { .. })));
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_row_that_makes_no_sense_is_refused() {
        for in_sync in ["[1,2]", "[3,1]", "[]", "1,3"] {
            let dir = tempfile::tempdir().unwrap();
            let (store, _) = open(dir.path()).unwrap();
            let connection = &store.database.connection;
            let insert = "INSERT INTO configuration VALUES (1, 4, 2, 3, ?1)";
            connection.execute(insert, [in_sync]).unwrap();
            drop(store);
            let refused = open(dir.path()).map(|(_, stored)| stored);
            assert!(matches!(refused, Err(StorageError::Damaged { .. })), "{in_sync}");
        }
    }
}
