//! The configuration on the front-end's disk: one row, replaced as a whole.
//!
//! It is written before anybody learns of it (rule R1). A front-end that came back with an older
//! configuration than it had announced could give an epoch away twice.
//!
//! With it goes the highest number that was known to be committed (rule L3). It may lag: it is there
//! to notice, once files were lost, that what is left is too little.

use std::path::Path;

use base::storage::{Database, Durability, StorageError};
use rusqlite::{OptionalExtension, Row, params};
use wire::configuration::Configuration;
use wire::ids::{BazaarId, ConfigVersion, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::json::{FromJson, ToJson};

/// Names the file, `front-end.db`.
const OWNER: &str = "front-end";
/// `in_sync` holds ids and databases as a JSON array, so that the shell shows them readably. The
/// bazaar stands in the file's `owner` table too, as in every other file.
const SCHEMA: &str = "
    CREATE TABLE configuration (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        version  INTEGER NOT NULL,
        epoch    INTEGER NOT NULL,
        leader   INTEGER NOT NULL,
        leader_incarnation TEXT NOT NULL,
        in_sync  TEXT NOT NULL,
        bazaar   TEXT NOT NULL,
        committed    INTEGER NOT NULL, -- the highest number known to be so when this was written
        by_everybody INTEGER NOT NULL CHECK (by_everybody IN (0, 1)),
        new_catalog  TEXT -- the new file of the catalog for which everybody was asked
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
        let stored = load(&database)?;
        Ok((Self { database }, stored))
    }

    /// Replaces what is stored. On return it is as durable as the file was opened for.
    pub fn write(&mut self, configuration: &Configuration) -> rusqlite::Result<()> {
        let in_sync = configuration.in_sync.to_json();
        let change = self.database.change()?;
        change
            .prepare_cached(
                "INSERT OR REPLACE INTO configuration (only_row, version, epoch, leader,
                     leader_incarnation, in_sync, bazaar, committed, by_everybody, new_catalog)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                configuration.version.0,
                configuration.epoch.0,
                configuration.leader.0,
                configuration.leader_incarnation.as_str(),
                in_sync,
                configuration.bazaar.as_str(),
                configuration.committed.0,
                configuration.by_everybody,
                configuration.new_catalog.as_ref().map(Identity::as_str),
            ])?;
        change.set_bazaar(&configuration.bazaar)?;
        change.commit()
    }

    /// What an error of this file means, in words that say what to do.
    #[must_use]
    pub fn explain(&self, error: &rusqlite::Error) -> StorageError {
        self.database.explain(error)
    }
}

fn load(database: &Database) -> Result<Option<Configuration>, StorageError> {
    let damaged =
        |reason: String| StorageError::Damaged { path: database.path().to_owned(), reason };
    let configuration = database
        .connection
        .query_row(
            "SELECT version, epoch, leader, leader_incarnation, in_sync, bazaar, committed,
                    by_everybody, new_catalog FROM configuration",
            [],
            configuration,
        )
        .optional()
        .map_err(|error| database.explain(&error))?;
    if let Some(Configuration { leader, in_sync, .. }) = &configuration {
        let is_ascending = in_sync.is_sorted_by(|one, next| one.id < next.id);
        if !is_ascending || in_sync.iter().all(|member| member.id != *leader) {
            return Err(damaged(format!("replica {leader} leads, but is not in sync")));
        }
    }
    Ok(configuration)
}

fn configuration(row: &Row<'_>) -> rusqlite::Result<Configuration> {
    fn text<T, E: std::fmt::Display>(
        row: &Row<'_>,
        column: usize,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> rusqlite::Result<T> {
        let kind = rusqlite::types::Type::Text;
        parse(&row.get::<_, String>(column)?).map_err(|problem| {
            let problem = problem.to_string().into();
            rusqlite::Error::FromSqlConversionFailure(column, kind, problem)
        })
    }
    let has_new_catalog = row.get::<_, Option<String>>(8)?.is_some();
    let new_catalog = has_new_catalog.then(|| text(row, 8, Identity::new)).transpose()?;
    Ok(Configuration {
        version: ConfigVersion(row.get(0)?),
        epoch: Epoch(row.get(1)?),
        leader: ReplicaId(row.get(2)?),
        leader_incarnation: text(row, 3, Incarnation::new)?,
        in_sync: text(row, 4, |text| FromJson::from_json(text.as_bytes()))?,
        bazaar: text(row, 5, BazaarId::new)?,
        committed: OrderNo(row.get(6)?),
        by_everybody: row.get(7)?,
        new_catalog,
    })
}

#[cfg(test)]
mod tests {
    use wire::configuration::Member;

    use super::*;

    fn configuration(version: u64) -> Configuration {
        Configuration {
            version: ConfigVersion(version),
            epoch: Epoch(2),
            leader: ReplicaId(3),
            leader_incarnation: Incarnation::new("i3").unwrap(),
            in_sync: [1, 3].map(member).to_vec(),
            bazaar: BazaarId::new("b-1").unwrap(),
            committed: OrderNo(10 * version),
            by_everybody: version.is_multiple_of(2),
            new_catalog: version.is_multiple_of(2).then(|| Identity::new("c1").unwrap()),
        }
    }

    fn member(id: u8) -> Member {
        Member { id: ReplicaId(id), identity: Identity::new(&format!("d{id}")).unwrap() }
    }

    fn open(dir: &Path) -> Result<(Store, Option<Configuration>), StorageError> {
        Store::open(dir, Durability::Flush)
    }

    #[test]
    fn the_newest_configuration_is_there_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, stored) = open(dir.path()).unwrap();
        assert_eq!(stored, None);
        store.write(&configuration(4)).unwrap();
        store.write(&configuration(5)).unwrap();
        drop(store);
        let (store, stored) = open(dir.path()).unwrap();
        assert_eq!(stored, Some(configuration(5)));
        assert_eq!(store.database.bazaar(), Some(&configuration(5).bazaar));
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
        let one = r#"{"id":1,"identity":"d1"}"#;
        let three = r#"{"id":3,"identity":"d3"}"#;
        let reversed = format!("[{three},{one}]");
        let doubled = format!("[{three},{three}]");
        let without = format!("[{one}]");
        for in_sync in [&*without, &reversed, &doubled, "[]", "[1,3]", "1,3"] {
            let dir = tempfile::tempdir().unwrap();
            let (store, _) = open(dir.path()).unwrap();
            let connection = &store.database.connection;
            let insert =
                "INSERT INTO configuration VALUES (1, 4, 2, 3, 'i3', ?1, 'b-1', 0, 1, NULL)";
            connection.execute(insert, [in_sync]).unwrap();
            drop(store);
            let refused = open(dir.path()).map(|(_, stored)| stored);
            assert!(matches!(refused, Err(StorageError::Damaged { .. })), "{in_sync}");
        }
    }
}
