//! What a query selects from an SQLite database, row by row. The database is opened for reading only, so that nothing of
//! the target is changed, and a query that never ends is interrupted.
//!
//! One on this machine is read where it is, under SQLite's own locks, while the service goes on: what is selected is of one moment. One
//! on another host is copied first (`copy`), and the copy counts only if it is of one moment too. Whatever keeps it from being read
//! is an error: nothing is known of that place then, and nothing is ever taken for empty.

mod copy;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags, ffi};
use serde_json::{Map, Value as Json};
use supervisor::host::HostLink;
use targets::state::MAX_SOURCE_BYTES;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use copy::Copy;

/// How many rows are read ahead of whoever takes them.
const ROWS_AHEAD: usize = 1024;

/// Copies a database from another host; nothing of one on this machine.
///
/// # Errors
/// If it cannot be copied `within` that time.
pub(super) async fn fetched(
    host: Option<&Arc<HostLink>>,
    path: &Path,
    within: Duration,
) -> Result<Option<Copy>, String> {
    match host {
        Some(host) => Copy::of(&**host, path, within).await.map(Some),
        None => Ok(None),
    }
}

/// Hands on what `query` selects: each row's number, from 1, and its values by their columns' names.
///
/// # Errors
/// If the database cannot be read, it takes longer than `within`, or `take` gives one.
pub(super) async fn select(
    path: PathBuf,
    query: String,
    within: Duration,
    mut take: impl FnMut(u64, &Json) -> Result<(), String>,
) -> Result<(), String> {
    let (rows, mut received) = mpsc::channel(ROWS_AHEAD);
    let (opened, interrupt) = oneshot::channel();
    let named = path.display().to_string();
    let selecting = spawn_blocking(move || {
        let database = open(&path)?;
        // Whoever wants to interrupt may have gone already; then nobody takes rows either.
        let _ = opened.send(database.get_interrupt_handle());
        send_rows(&database, &query, &rows).map_err(|error| said(&error))
    });
    let taken = tokio::time::timeout(within, async {
        let mut number = 0;
        while let Some(row) = received.recv().await {
            number += 1;
            take(number, &row)?;
        }
        selecting.await.map_err(|error| error.to_string())?
    });
    match taken.await {
        Ok(taken) => taken.map_err(|reason| format!("{named}: {reason}")),
        Err(_) => {
            let interrupt: Option<InterruptHandle> = interrupt.await.ok();
            interrupt.inspect(|handle| handle.interrupt());
            Err(format!("{named}: the query did not end within {} s", within.as_secs()))
        }
    }
}

fn open(path: &Path) -> Result<Connection, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_SOURCE_BYTES {
        return Err(format!("it is longer than {} MiB", MAX_SOURCE_BYTES >> 20));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| error.to_string())
}

fn send_rows(
    database: &Connection,
    query: &str,
    rows: &mpsc::Sender<Json>,
) -> rusqlite::Result<()> {
    let mut statement = database.prepare(query)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut selected = statement.query([])?;
    while let Some(row) = selected.next()? {
        let mut values = Map::new();
        for (index, name) in names.iter().enumerate() {
            values.insert(name.clone(), json(row.get_ref(index)?));
        }
        if rows.blocking_send(Json::Object(values)).is_err() {
            // Nobody takes them any more.
            return Ok(());
        }
    }
    Ok(())
}

/// Why a query selects nothing. What SQLite says of a journal that is left is of writing, which nobody wanted.
fn said(error: &rusqlite::Error) -> String {
    match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_READONLY_ROLLBACK) => {
            "a transaction was broken off in it, and is not rolled back yet".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A value as JSON has it. Texts that were stored as bytes are texts.
fn json(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn database(folder: &tempfile::TempDir) -> (PathBuf, Connection) {
        let path = folder.path().join("stocks.db");
        let database = Connection::open(&path).unwrap();
        let text = "PRAGMA journal_mode = WAL; CREATE TABLE stocks (name TEXT, quantity INTEGER, price REAL);
                    INSERT INTO stocks VALUES ('Tux', 7, 1.5), ('Fox', NULL, 2)";
        database.execute_batch(text).unwrap();
        (path, database)
    }

    async fn rows(path: PathBuf, query: &str) -> Result<Vec<Json>, String> {
        let mut rows = Vec::new();
        let taken = select(path, query.to_owned(), LONG, |number, row| {
            rows.push(json!([number, row]));
            Ok(())
        });
        taken.await?;
        Ok(rows)
    }

    #[tokio::test]
    async fn rows_are_read_by_name_while_the_service_has_its_database_open() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _service) = database(&folder);
        let read = rows(path, "SELECT name, quantity, price AS p FROM stocks").await.unwrap();
        let tux = json!([1, {"name": "Tux", "quantity": 7, "p": 1.5}]);
        assert_eq!(read, [tux, json!([2, {"name": "Fox", "quantity": null, "p": 2.0}])]);
    }

    #[tokio::test]
    async fn nothing_is_changed_and_what_is_wrong_is_said_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let (path, service) = database(&folder);
        let error = rows(path.clone(), "SELECT nme FROM stocks").await.unwrap_err();
        assert!(error.contains("stocks.db: no such column: nme"), "{error}");
        let error = rows(path, "DELETE FROM stocks").await.unwrap_err();
        assert!(error.contains("readonly"), "{error}");
        let count =
            service.query_row("SELECT count(*) FROM stocks", [], |row| row.get::<_, i64>(0));
        assert_eq!(count.unwrap(), 2);
        let error = rows(folder.path().join("missing.db"), "SELECT 1").await.unwrap_err();
        assert!(error.contains("missing.db: "), "{error}");
        assert!(!folder.path().join("missing.db").exists());
    }

    #[tokio::test]
    async fn what_a_broken_transaction_has_left_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stocks.db");
        let service = Connection::open(&path).unwrap();
        // A transaction that is larger than the cache is written to the database before it ends.
        let text =
            "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; CREATE TABLE stocks (text TEXT);
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100)
                    INSERT INTO stocks SELECT hex(zeroblob(2000)) FROM n;
                    BEGIN; UPDATE stocks SET text = 'x' || text";
        service.execute_batch(text).unwrap();
        for suffix in ["", "-journal"] {
            let of = |name: &str| folder.path().join(format!("{name}{suffix}"));
            std::fs::copy(of("stocks.db"), of("left.db")).unwrap();
        }
        let left = folder.path().join("left.db");
        let error = rows(left, "SELECT count(*) FROM stocks").await.unwrap_err();
        assert!(
            error.ends_with(
                "left.db: a transaction was broken off in it, and is not rolled back yet"
            ),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_query_without_end_is_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _service) = database(&folder);
        let endless =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
        let short = Duration::from_millis(50);
        let error = select(path, endless.to_owned(), short, |_, _| Ok(())).await.unwrap_err();
        assert!(error.ends_with("the query did not end within 0 s"), "{error}");
    }
}
