//! Data files that cannot be used, as whole processes find them: each cause has its own line, the
//! process ends with 3, and the file is what it was.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "shared/ports.rs"]
mod ports;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use services::catalog::store::Store;
use services::planted::Bugs;
use services::storage::Durability;

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// A folder that everybody may enter, with a program in it that everybody may start.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A data folder with a whole file of the catalog in it.
    fn with_file(self) -> Self {
        drop(Store::open(&self.data(), Durability::Os, Bugs::default()).unwrap());
        self
    }

    /// A copy of the catalog's program, and of what it becomes, for those who may not enter the
    /// build's folder.
    fn program(&self) -> PathBuf {
        // By another process: a file that this one has open for writing, and a neighbouring test's child
        // with it for a moment, cannot be started.
        let mut copy = Command::new("cp");
        copy.args([env!("CARGO_BIN_EXE_bazaar"), env!("CARGO_BIN_EXE_catalog")]);
        assert!(copy.arg(self.dir.path()).status().unwrap().success());
        self.dir.path().join("catalog")
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// What `command` says as it ends; it must end by itself, with 3 and one line.
fn refused(mut command: Command, data: &Path) -> String {
    let command = command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    let output = command.env("RUST_LOG", "off").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(!said.contains("damaged"), "{said}");
    said
}

/// Runs the catalog under a limit of the shell's.
fn limited(limit: &str) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit {limit}; exec \"$0\" \"$@\"");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_catalog")]);
    shell
}

#[test]
fn a_file_of_another_user_is_named_with_its_owner_and_the_way_out() {
    let place = Place::new().with_file();
    let mut command = Command::new(place.program());
    let (owner, asks) = if is_root() {
        command.uid(NOBODY).gid(NOBODY);
        (0, NOBODY)
    } else {
        // Without another user at hand: a folder that oneself may not enter.
        fs::set_permissions(place.data(), fs::Permissions::from_mode(0o000)).unwrap();
        let me = fs::metadata("/proc/self").unwrap().uid();
        (me, me)
    };
    let said = refused(command, &place.data());
    fs::set_permissions(place.data(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(said.contains("permission denied: "), "{said}");
    if owner == asks {
        assert!(said.contains("give yourself access"), "{said}");
    } else {
        let whose = format!("belongs to user {owner} and has mode 700, and this process runs as");
        assert!(said.contains(&whose) && said.contains("chown"), "{said}");
    }
    assert!(Store::open(&place.data(), Durability::Os, Bugs::default()).is_ok());
}

#[test]
fn a_folder_that_nothing_can_be_written_to_is_named() {
    let place = Place::new().with_file();
    let program = place.program();
    // With the lock file and the database there, only SQLite needs the folder.
    fs::set_permissions(place.data(), fs::Permissions::from_mode(0o500)).unwrap();
    let mut command = Command::new(program);
    if is_root() {
        for file in fs::read_dir(place.data()).unwrap() {
            std::os::unix::fs::chown(file.unwrap().path(), Some(NOBODY), None).unwrap();
        }
        std::os::unix::fs::chown(place.data(), Some(NOBODY), None).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let said = refused(command, &place.data());
    assert!(said.contains("data has mode 500: give yourself access"), "{said}");
}

#[test]
fn a_limit_on_the_size_of_files_is_named() {
    let place = Place::new();
    let said = refused(limited("-f 4"), &place.data());
    assert!(said.contains("the limit on the size of a file is reached"), "{said}");
    // Nothing half made is left in the way of the next start.
    assert!(!place.data().join("catalog.db").exists());
    assert!(Store::open(&place.data(), Durability::Os, Bugs::default()).is_ok());
}

#[test]
fn a_limit_on_open_files_is_named_and_nothing_is_called_damaged() {
    let place = Place::new().with_file();
    let mut named = 0;
    // From too few to be anything to enough to serve; where that is, is not ours to say.
    for files in 5..64 {
        let mut child = limited(&format!("-n {files}"))
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(place.data())
            .env("RUST_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut serves = false;
        for line in lines.map_while(Result::ok) {
            assert!(!line.contains("damaged"), "{files}: {line}");
            named += usize::from(line.contains("too many files are open: raise the limit"));
            serves = line.contains("listening");
            if line.contains("cannot accept") || line.contains("pushing") || named > 3 {
                break;
            }
        }
        let _ = child.kill();
        child.wait().unwrap();
        if named > 3 || (serves && named > 0) {
            break;
        }
    }
    assert!(named > 0, "no limit was hit while the file was opened");
}

#[test]
fn a_write_lock_that_another_program_holds_is_named() {
    let place = Place::new().with_file();
    let file = place.data().join("catalog.db");
    let program = rusqlite::Connection::open(&file).unwrap();
    program.execute_batch("BEGIN IMMEDIATE").unwrap();
    let said = refused(Command::new(env!("CARGO_BIN_EXE_catalog")), &place.data());
    let named = format!("cannot use {}: another program holds a lock on it", file.display());
    assert!(said.contains(&named), "{said}");
    program.execute_batch("ROLLBACK").unwrap();
    assert!(Store::open(&place.data(), Durability::Os, Bugs::default()).is_ok());
}

// ---- a disk that is full -----------------------------------------------------------------------

/// A shell in which a small file system of its own can be mounted, for root as for everybody else who may
/// have a namespace. A machine that allows neither, as many containers do, leaves `test` out, and it is
/// said; where [`ALL_TESTS`] is set, it fails.
fn with_own_mounts(test: &str) -> Option<Command> {
    let mut refused = String::new();
    for way in ["-m", "-Urm"] {
        let mount = "mount -t tmpfs -o size=8k none /mnt";
        let tried = Command::new("unshare").args([way, "sh", "-c", mount]).output();
        match tried {
            Ok(output) if output.status.success() => {
                let mut shell = Command::new("unshare");
                shell.args([way, "sh", "-c"]);
                return Some(shell);
            }
            Ok(output) => refused.push_str(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => refused.push_str(&format!("unshare: {error}")),
        }
    }
    let reason = refused.trim().replace('\n', "; ");
    assert!(std::env::var_os(ALL_TESTS).is_none(), "nothing can be mounted here: {reason}");
    // Not by the macro: what that prints is shown of tests that fail only.
    let line = format!("LEFT OUT: {test}: nothing can be mounted here: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// In the environment: no test may be left out.
const ALL_TESTS: &str = "ALL_TESTS";

#[test]
fn a_full_disk_is_named_when_a_file_is_made_and_when_it_is_opened() {
    let named = "no space is left on its disk";
    // Too small for the file, and too small for what SQLite needs beside it.
    for size in ["20k", "50k"] {
        let Some(mut shell) = with_own_mounts("a disk that is full") else { return };
        let script = format!("mount -t tmpfs -o size={size} none /mnt && exec \"$0\" \"$@\"");
        shell.args([&script, env!("CARGO_BIN_EXE_catalog")]);
        let said = refused(shell, Path::new("/mnt/data"));
        assert!(said.contains(named), "{size}: {said}");
    }
}

#[test]
fn a_read_only_file_system_is_named() {
    let Some(mut shell) = with_own_mounts("a file system that is read-only") else { return };
    shell.args(["mount -t tmpfs -o ro none /mnt && exec \"$0\" \"$@\""]);
    shell.arg(env!("CARGO_BIN_EXE_catalog"));
    let said = refused(shell, Path::new("/mnt/data"));
    assert!(said.contains("its file system is read-only"), "{said}");
}

#[test]
fn a_disk_that_fills_up_ends_the_process_with_its_own_line_and_code() {
    let Some(mut shell) = with_own_mounts("a disk that fills up") else { return };
    let [free] = ports::reserved(Ipv4Addr::LOCALHOST);
    let script = "mount -t tmpfs -o size=200k none /mnt || exit 9
        \"$0\" --listen $1 --front-end 127.0.0.1:9 --data-dir /mnt/data & pid=$!
        read -r go; dd if=/dev/zero of=/mnt/full bs=1k 2>/dev/null; echo full; wait $pid";
    let mut child = shell
        .args([script, env!("CARGO_BIN_EXE_catalog"), &free.to_string()])
        .env("RUST_LOG", "off")
        .env("DOUBLE_TROUBLE_SECRET", TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = |epoch: u64| tell(free, epoch);
    while told(1) != Some(200) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was told anything");
        std::thread::yield_now();
    }
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let mut full = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut full).unwrap();
    assert_eq!(full, "full\n");
    // Each new epoch is a write; the write-ahead log has no room for many.
    let last = (2..1000).find(|epoch| told(*epoch) != Some(200));
    assert!(last.is_some(), "the disk was never full");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("committing trades failed: cannot use /mnt/data/catalog.db: "), "{said}");
    assert!(said.contains("no space is left on its disk") && !said.contains("damaged"), "{said}");
}

/// What internal endpoints want.
const TOKEN: &str = "open-sesame";

/// Tells the catalog of an epoch; the status of its answer.
fn tell(catalog: std::net::SocketAddr, epoch: u64) -> Option<u16> {
    let body = format!(
        r#"{{"version":1,"epoch":{epoch},"leader":1,"leader_incarnation":"i","in_sync":[],"bazaar":"b","committed":0,"by_everybody":true}}"#
    );
    let length = body.len();
    let mut stream = std::net::TcpStream::connect(catalog).ok()?;
    let head = "POST /configuration HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    let head = format!("{head}x-double-trouble-secret: {TOKEN}\r\n");
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{body}").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
