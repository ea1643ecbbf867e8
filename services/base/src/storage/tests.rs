use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::thread;

use super::*;

const SCHEMA: &str = "CREATE TABLE t (x INTEGER) STRICT";

fn open_with(dir: &Path, durability: Durability) -> Result<Database, StorageError> {
    Database::open(dir, "order-1", durability, SCHEMA)
}

fn open(dir: &Path) -> Result<Database, StorageError> {
    open_with(dir, Durability::Flush)
}

/// What a person is told; one line.
fn refused(dir: &Path) -> String {
    let line = open(dir).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The same file as another program has it.
fn shell(dir: &Path) -> Connection {
    Connection::open(dir.join("order-1.db")).unwrap()
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(dir.path()).unwrap();
    database.connection.execute("INSERT INTO t VALUES (7)", []).unwrap();
    drop(database);
    let database = open(dir.path()).unwrap();
    let x: i64 = database.connection.query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
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
fn the_advice_for_a_damaged_file_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::write(dir.path().join("order-1.db"), "no database at all").unwrap();
    let line = refused(dir.path());
    assert!(line.contains("order-1.db is damaged (file is not a database)"), "{line}");
    assert!(line.contains("and keep it") && line.contains("start again"), "{line}");
    assert!(!line.contains("delete") && !line.contains("remove"), "{line}");
}

#[test]
fn a_file_that_is_gone_while_its_log_is_there_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("order-1.db-wal"), "the newest orders").unwrap();
    let line = refused(dir.path());
    assert!(line.contains("order-1.db is missing, but") && line.contains("keep it"), "{line}");
    assert!(!dir.path().join("order-1.db").exists());
    assert_eq!(fs::read(dir.path().join("order-1.db-wal")).unwrap(), b"the newest orders");
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

// ---- identity and layout -----------------------------------------------------------------------

#[test]
fn each_file_draws_an_identity_and_keeps_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let drawn = open(one.path()).unwrap().identity().clone();
    assert_eq!(open(one.path()).unwrap().identity(), &drawn);
    assert_ne!(open(other.path()).unwrap().identity(), &drawn);
    // A file that is lost and made again is another one.
    fs::remove_file(one.path().join("order-1.db")).unwrap();
    assert_ne!(open(one.path()).unwrap().identity(), &drawn);
}

#[test]
fn the_bazaar_is_written_with_the_change_that_tells_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut database = open(dir.path()).unwrap();
    assert_eq!(database.bazaar(), None);
    let bazaar = BazaarId::new("b-1").unwrap();
    database.change().unwrap().set_bazaar(&bazaar).unwrap();
    drop(database);
    let mut database = open(dir.path()).unwrap();
    assert_eq!(database.bazaar(), None, "that change was not committed");
    let change = database.change().unwrap();
    change.set_bazaar(&bazaar).unwrap();
    change.commit().unwrap();
    drop(database);
    assert_eq!(open(dir.path()).unwrap().bazaar(), Some(&bazaar));
}

/// What the release before wrote, word for word, around the tables of each process.
const FIRST_LAYOUT: &str = "
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
    CREATE TABLE owner (name TEXT NOT NULL) STRICT;
    INSERT INTO owner VALUES ('order-1');
";

#[test]
fn a_file_of_the_release_before_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    shell(dir.path()).execute_batch(FIRST_LAYOUT).unwrap();
    let before = fs::read(dir.path().join("order-1.db")).unwrap();
    let line = refused(dir.path());
    assert!(line.contains("order-1.db has layout 1, of an earlier version"), "{line}");
    assert!(line.contains("layout 2") && line.contains("another --data-dir"), "{line}");
    assert_eq!(fs::read(dir.path().join("order-1.db")).unwrap(), before);
}

#[test]
fn a_file_of_a_later_release_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    shell(dir.path()).pragma_update(None, "user_version", LAYOUT + 1).unwrap();
    let line = refused(dir.path());
    assert!(line.contains("order-1.db has layout 3, of a later version"), "{line}");
    let found: i64 =
        shell(dir.path()).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(found, 3);
}

#[test]
fn a_database_of_another_program_is_not_called_damaged() {
    let dir = tempfile::tempdir().unwrap();
    shell(dir.path()).execute_batch("CREATE TABLE photos (name TEXT)").unwrap();
    let line = refused(dir.path());
    assert!(line.contains("is a database that this program did not make"), "{line}");
}

// ---- what makes a commit durable ---------------------------------------------------------------

#[test]
fn commits_are_as_durable_as_asked_for_in_a_new_file_and_in_an_old_one() {
    for (durability, synchronous) in [(Durability::Flush, 2), (Durability::Os, 0)] {
        let dir = tempfile::tempdir().unwrap();
        for start in ["first", "second"] {
            let database = open_with(dir.path(), durability).unwrap();
            let is = settings(&database.connection).unwrap();
            assert_eq!(is, ("wal".to_owned(), synchronous), "{durability:?}, {start} start");
        }
    }
    // And a file that was used in one way can be used in the other.
    let dir = tempfile::tempdir().unwrap();
    for (durability, synchronous) in [(Durability::Os, 0), (Durability::Flush, 2)] {
        let database = open_with(dir.path(), durability).unwrap();
        assert_eq!(settings(&database.connection).unwrap().1, synchronous);
    }
}

// ---- locks -------------------------------------------------------------------------------------

#[test]
fn a_lock_of_another_program_is_named_at_the_start() {
    for lock in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()).unwrap());
        let shell = shell(dir.path());
        shell.execute_batch(lock).unwrap();
        let line = refused(dir.path());
        assert!(line.contains("another program holds a lock on it"), "{line}");
        shell.execute_batch("ROLLBACK").unwrap();
        assert!(open(dir.path()).is_ok());
    }
}

#[test]
fn a_file_that_another_program_keeps_for_itself_is_named_as_locked() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let shell = shell(dir.path());
    shell.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    shell.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    let line = refused(dir.path());
    assert!(line.contains("another program holds a lock on it"), "{line}");
}

#[test]
fn a_change_waits_for_a_lock_of_another_program_and_then_goes_through() {
    let dir = tempfile::tempdir().unwrap();
    let mut database = open(dir.path()).unwrap();
    let shell = shell(dir.path());
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (done, waiting) = mpsc::channel();
    let writer = thread::spawn(move || {
        let change = database.change().unwrap();
        change.execute("INSERT INTO t VALUES (1)", []).unwrap();
        change.commit().unwrap();
        done.send(()).unwrap();
    });
    // Longer than SQLite itself waits: the change does not fail, and does not come through either.
    let early = waiting.recv_timeout(BUSY_TIMEOUT + Duration::from_millis(200));
    assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout));
    shell.execute_batch("ROLLBACK").unwrap();
    waiting.recv_timeout(Duration::from_secs(20)).unwrap();
    writer.join().unwrap();
    let rows: i64 = shell.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

// ---- who may look ------------------------------------------------------------------------------

#[test]
fn folder_and_files_are_their_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("made/on/the/way");
    let database = open(&data).unwrap();
    database.connection.execute("INSERT INTO t VALUES (7)", []).unwrap();
    assert_eq!(mode(&data), 0o700);
    for file in ["order-1.db", "order-1.db-wal", "order-1.db-shm", "order-1.lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

#[test]
fn files_that_are_open_to_others_are_closed_and_the_folder_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["order-1.db", "order-1.lock"] {
        let open = fs::Permissions::from_mode(0o666);
        fs::set_permissions(dir.path().join(file), open).unwrap();
    }
    let said = said_by(|| drop(open(dir.path()).unwrap()));
    assert!(said.contains("is open to other users (mode 755)"), "{said}");
    assert_eq!(mode(dir.path()), 0o755);
    for file in ["order-1.db", "order-1.lock"] {
        assert_eq!(mode(&dir.path().join(file)), 0o600, "{file}");
    }
}

/// What `work` logs on this thread.
fn said_by(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, work);
    let lines = lines.0.lock().unwrap();
    String::from_utf8(lines.clone()).unwrap()
}

#[cfg(feature = "planted-bugs")]
#[test]
fn the_bug_that_leaves_the_flush_out_does_so_whatever_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let database = open_with(dir.path(), Durability::Flush).unwrap();
    let database = database.with_bugs(Bugs::default().with(Bug::LeaveOutFlush));
    assert_eq!(settings(&database.connection).unwrap(), ("wal".to_owned(), 0));
}
