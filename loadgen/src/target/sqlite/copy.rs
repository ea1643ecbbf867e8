//! A copy of a database that is on another host and in use, as it was at one moment.
//!
//! A database is up to three files: its own, the log of what was written and is not in it yet (`-wal`), and the journal of a
//! transaction that is under way (`-journal`). They are read one after the other while the service goes on writing: a checkpoint
//! between two of them moves rows from the one that is yet to be read into the one that was read before, and a copy without them
//! would accuse the service of their loss. SQLite's locks, which tell a reader on the same machine of that, end there.
//!
//! The rule: the database is read first, the two beside it after that, and then all are looked at once more. The copy counts if the
//! database still has every byte that was read, and each of the other two begins as it did: the salts of a log and the nonce of a
//! journal are there, and both are new whenever one is begun again. Then no checkpoint was written while they were read, so what was
//! committed before that is in the copy. What was only put behind a log's end meanwhile is later, and does no harm. A copy that does not
//! count is thrown away and made again, a few times.
//!
//! Only a file that the host says is not there is none. One that cannot be read, or of which nobody knows, is an error: without it
//! the copy would show an older state.
//!
//! What is in a journal that was left by a killed process belongs to no transaction that was committed. SQLite refuses to read such a copy, as
//! it does on the same machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use supervisor::host::HostLink;
use targets::state::MAX_SOURCE_BYTES;
use tempfile::TempDir;
use tokio::time::timeout;

/// How often a copy is made before the database counts as one that never rests: a checkpoint comes once in a thousand pages, so two in a
/// row are rare already.
const TRIES: usize = 5;
/// How much of a log's or a journal's beginning tells it from the one that follows it: the header of a log is 32 bytes long, and
/// the fields of a journal's 28.
const HEADER_BYTES: usize = 32;
/// What a copy is called.
const NAME: &str = "copy.db";
/// What the files beside a database are called behind its name.
const BESIDE: [&str; 2] = ["-journal", "-wal"];

/// Where a database is copied from.
pub(super) trait Original: Sync {
    /// All of a file; nothing if it is not there.
    fn whole(&self, path: &Path) -> impl Future<Output = Result<Option<Vec<u8>>, String>> + Send;

    /// A file's first bytes, [`HEADER_BYTES`] at least if it has as many; nothing if it is not there.
    fn beginning(
        &self,
        path: &Path,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, String>> + Send;

    /// Whether a file has, byte by byte, what a copy of it has.
    fn is_like(
        &self,
        path: &Path,
        copy: &Path,
    ) -> impl Future<Output = Result<bool, String>> + Send;
}

impl Original for HostLink {
    async fn whole(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        self.read_if_there(path, MAX_SOURCE_BYTES).await.map_err(|error| error.to_string())
    }

    async fn beginning(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        HostLink::beginning(self, path).await.map_err(|error| error.to_string())
    }

    async fn is_like(&self, path: &Path, copy: &Path) -> Result<bool, String> {
        self.holds_the_same(copy, path).await.map_err(|error| error.to_string())
    }
}

/// A copy of a database, as long as it is kept.
pub(in crate::target) struct Copy {
    folder: TempDir,
}

impl Copy {
    /// Makes one of the database at `path`.
    ///
    /// # Errors
    /// If one of its files cannot be read there or written here, it takes longer than `within`, or the database never rests.
    pub(super) async fn of(
        original: &impl Original,
        path: &Path,
        within: Duration,
    ) -> Result<Self, String> {
        let copied = timeout(within, async {
            for _ in 0..TRIES {
                if let Some(copy) = Self::tried(original, path).await? {
                    return Ok(copy);
                }
            }
            Err(format!("it was written to while it was copied, {TRIES} times in a row"))
        });
        let copied = copied
            .await
            .unwrap_or_else(|_| Err(format!("copying it took longer than {} s", within.as_secs())));
        copied.map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// Makes one; nothing if the files do not fit each other.
    async fn tried(original: &impl Original, path: &Path) -> Result<Option<Self>, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let copy = Self { folder };
        let Some(content) = original.whole(path).await? else {
            return Err("there is no such file".to_owned());
        };
        copy.keep("", &content)?;
        let mut headers = Vec::new();
        for suffix in BESIDE {
            if let Some(content) = original.whole(&with(path, suffix)).await? {
                copy.keep(suffix, &content)?;
                headers.push((suffix, header(content)));
            }
        }
        if !original.is_like(path, &copy.path()).await? {
            return Ok(None);
        }
        // One that was empty, or is begun only now, was nothing at that moment.
        for (suffix, read) in headers.into_iter().filter(|(_, read)| !read.is_empty()) {
            let now = original.beginning(&with(path, suffix)).await?;
            if now.map(header) != Some(read) {
                return Ok(None);
            }
        }
        Ok(Some(copy))
    }

    /// Where it is.
    pub(in crate::target) fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn keep(&self, suffix: &str, content: &[u8]) -> Result<(), String> {
        let kept = std::fs::write(with(&self.path(), suffix), content);
        kept.map_err(|error| format!("cannot keep a copy of it: {error}"))
    }
}

/// The file beside a database that has this suffix.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn header(mut content: Vec<u8>) -> Vec<u8> {
    content.truncate(HEADER_BYTES);
    content
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rusqlite::Connection;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    /// A service with a database, which writes to it while it is copied: before each of the copier's questions it does what `meanwhile` says
    /// for the number of that question.
    struct Service {
        path: PathBuf,
        database: Mutex<Connection>,
        asked: AtomicUsize,
        meanwhile: fn(usize, &Connection),
        _folder: TempDir,
    }

    impl Service {
        fn new(mode: &str, meanwhile: fn(usize, &Connection)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("orders.db");
            let database = Connection::open(&path).unwrap();
            let text = format!(
                "PRAGMA journal_mode = {mode}; PRAGMA wal_autocheckpoint = 0; CREATE TABLE orders (n INTEGER, text TEXT)"
            );
            database.execute_batch(&text).unwrap();
            checkpoint(&database);
            add(&database, 1);
            let (database, asked) = (Mutex::new(database), AtomicUsize::new(0));
            Self { path, database, asked, meanwhile, _folder: folder }
        }

        fn go_on(&self) {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            (self.meanwhile)(number, &self.database.lock().unwrap());
        }

        fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
            self.go_on();
            match std::fs::read(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                read => read.map(Some).map_err(|error| error.to_string()),
            }
        }

        async fn copied(&self) -> Result<Vec<i64>, String> {
            let copy = Copy::of(self, &self.path, LONG).await?;
            let database = Connection::open(copy.path()).unwrap();
            let mut statement = database.prepare("SELECT n FROM orders ORDER BY n").unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            Ok(rows.map(Result::unwrap).collect())
        }
    }

    impl Original for Service {
        async fn whole(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
            self.read(path)
        }

        async fn beginning(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
            self.read(path)
        }

        async fn is_like(&self, path: &Path, copy: &Path) -> Result<bool, String> {
            Ok(self.read(path)? == Some(std::fs::read(copy).unwrap()))
        }
    }

    fn add(database: &Connection, number: usize) {
        let number = i64::try_from(number).unwrap();
        database.execute("INSERT INTO orders VALUES (?1, 'x')", [number]).unwrap();
    }

    fn checkpoint(database: &Connection) {
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    /// What is asked for first, second and so on.
    const LOG: usize = 2;
    const DATABASE_AGAIN: usize = 3;
    const LOG_AGAIN: usize = 4;

    #[tokio::test]
    async fn what_a_checkpoint_moves_while_the_files_are_read_is_in_the_copy() {
        for mode in ["WAL", "DELETE"] {
            let service = Service::new(mode, |number, database| {
                if number == LOG {
                    add(database, 2);
                    checkpoint(database);
                }
            });
            assert_eq!(service.copied().await, Ok(vec![1, 2]), "{mode}");
        }
    }

    #[tokio::test]
    async fn a_log_that_was_begun_again_does_not_bring_back_what_it_had_before() {
        // Whatever of the old one is read after that is older than the database.
        let service = Service::new("WAL", |number, database| {
            if number == LOG_AGAIN {
                checkpoint(database);
                add(database, 2);
            }
        });
        assert_eq!(service.copied().await, Ok(vec![1, 2]));
        let tries = service.asked.load(Ordering::Relaxed);
        assert!(tries > LOG_AGAIN + 1, "it was copied again");
    }

    #[tokio::test]
    async fn what_is_only_added_behind_the_logs_end_does_no_harm() {
        let service = Service::new("WAL", |number, database| {
            if number >= DATABASE_AGAIN {
                add(database, number);
            }
        });
        assert_eq!(service.copied().await, Ok(vec![1]));
        assert_eq!(service.asked.load(Ordering::Relaxed), LOG_AGAIN + 1);
    }

    #[tokio::test]
    async fn a_database_that_never_rests_is_not_known() {
        let service = Service::new("WAL", |number, database| {
            add(database, number + 2);
            checkpoint(database);
        });
        let error = service.copied().await.unwrap_err();
        let expected = "orders.db: it was written to while it was copied, 5 times in a row";
        assert!(error.ends_with(expected), "{error}");
    }

    /// A host that has this file of a database, and says of each other one the same.
    struct Host {
        has: &'static str,
        of_others: Result<Option<Vec<u8>>, String>,
    }

    impl Original for Host {
        async fn whole(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
            if path == Path::new(self.has) {
                Ok(Some(b"rows".to_vec()))
            } else {
                self.of_others.clone()
            }
        }

        async fn beginning(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
            self.whole(path).await
        }

        async fn is_like(&self, _path: &Path, _copy: &Path) -> Result<bool, String> {
            Ok(true)
        }
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_read_is_not_one_that_is_not_there() {
        let copied = async |has, of_others| {
            let copied = Copy::of(&Host { has, of_others }, Path::new("/a.db"), LONG).await;
            copied.map(|copy| copy.folder.path().read_dir().unwrap().count())
        };
        assert_eq!(copied("/a.db", Ok(None)).await, Ok(1));
        assert_eq!(copied("/a.db", Ok(Some(Vec::new()))).await, Ok(3));
        let late = || Err("host n1: no answer within 60 s".to_owned());
        let expected = "/a.db: host n1: no answer within 60 s".to_owned();
        assert_eq!(copied("/a.db", late()).await, Err(expected));
        let missing = "/a.db: there is no such file".to_owned();
        assert_eq!(copied("/other.db", Ok(None)).await, Err(missing));
    }
}
