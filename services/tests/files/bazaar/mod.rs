//! Five processes on free ports over one folder. They end with the test, however it ends.
//!
//! What they say, and how it is waited for, is in `said`.

mod said;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use services::http::Peers;
use tempfile::TempDir;

use crate::ports;

/// A generous bound on anything awaited; reached only when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at something that cannot be waited for otherwise.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// What the processes of one bazaar know each other by.
pub(crate) const SECRET: &str = "a-secret-of-these-tests";
/// Stocks that neither sell out nor fill up.
const STOCKS: &str = "Stock1 9.99 0 500000\nStock2 19.99 0 500000\nStock3 29.99 0 500000\n";
const CAP: &str = "1000000";

/// One of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    FrontEnd,
    Catalog,
    Order(u8),
}

pub(crate) const ORDERS: [Name; 3] = [Name::Order(1), Name::Order(2), Name::Order(3)];
pub(crate) const ALL: [Name; 5] =
    [Name::Catalog, Name::Order(1), Name::Order(2), Name::Order(3), Name::FrontEnd];

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrontEnd => f.write_str("front-end"),
            Self::Catalog => f.write_str("catalog"),
            Self::Order(id) => write!(f, "order-{id}"),
        }
    }
}

/// The processes, running or not, and what they work on.
pub(crate) struct Bazaar {
    folder: TempDir,
    /// The front-end's, those of the replicas by their ids, and the catalog's.
    addresses: [SocketAddr; 5],
    running: BTreeMap<Name, Child>,
    /// Replicas that the front-end is told to do without.
    without: Vec<u8>,
    /// How many files each process may have open, if the machine's limit is not to count.
    open_files: Option<u32>,
    /// What else processes are started with.
    flags: BTreeMap<Name, Vec<String>>,
    /// As a client of the bazaar.
    public: Peers,
    /// As one of its own.
    internal: Peers,
}

impl Bazaar {
    /// A folder and ports, and nothing that runs.
    pub(crate) fn prepare() -> Self {
        let bazaar = Self {
            folder: TempDir::new().unwrap(),
            addresses: ports::reserved(Ipv4Addr::LOCALHOST),
            running: BTreeMap::new(),
            without: Vec::new(),
            open_files: None,
            flags: BTreeMap::new(),
            public: Peers::new(None),
            internal: Peers::new(Some(Arc::from(SECRET))),
        };
        fs::create_dir(bazaar.data()).unwrap();
        fs::write(bazaar.folder.path().join("catalog.txt"), STOCKS).unwrap();
        bazaar
    }

    /// A bazaar that is whole.
    pub(crate) async fn start() -> Self {
        let mut bazaar = Self::prepare();
        bazaar.launch_all();
        bazaar.whole().await;
        bazaar
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn address(&self, name: Name) -> SocketAddr {
        let offset = match name {
            Name::FrontEnd => 0,
            Name::Catalog => 4,
            Name::Order(id) => usize::from(id),
        };
        self.addresses[offset]
    }

    // ---- processes ----

    /// Starts a process over whatever its file is by now.
    pub(crate) fn launch(&mut self, name: Name) {
        let log = File::options().create(true).append(true).open(self.log(name)).unwrap();
        let child = self.command(name).stderr(log.try_clone().unwrap()).stdout(log).spawn();
        let before = self.running.insert(name, child.unwrap());
        assert!(before.is_none(), "{name} runs already");
    }

    pub(crate) fn launch_all(&mut self) {
        for name in ALL {
            self.launch(name);
        }
    }

    /// From now on the front-end is started with the order to do without this replica.
    pub(crate) fn do_without(&mut self, id: u8) {
        self.without.push(id);
    }

    /// From now on it is started as at first.
    pub(crate) fn do_with_all(&mut self) {
        self.without.clear();
    }

    /// From now on no process may have more files open than this, whatever it would like to.
    pub(crate) fn limit_open_files(&mut self, files: u32) {
        self.open_files = Some(files);
    }

    /// From now on a process is started with this flag too.
    pub(crate) fn start_with(&mut self, name: Name, flag: &str) {
        self.flags.entry(name).or_default().push(flag.to_owned());
    }

    /// Stops a process as an operator does.
    pub(crate) fn stop(&mut self, name: Name) {
        let mut child = self.running.remove(&name).unwrap();
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        child.wait().unwrap();
    }

    /// Stops everything: first those that ask the others.
    pub(crate) fn stop_all(&mut self) {
        for name in [Name::FrontEnd, Name::Order(1), Name::Order(2), Name::Order(3), Name::Catalog]
        {
            if self.running.contains_key(&name) {
                self.stop(name);
            }
        }
    }

    /// Ends a process that may have ended already.
    pub(crate) fn end(&mut self, name: Name) {
        if self.running.contains_key(&name) {
            self.kill(name);
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self, name: Name) {
        let mut child = self.running.remove(&name).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGSTOP, which has taken effect on return, or SIGCONT.
    pub(crate) fn pause(&self, name: Name, paused: bool) {
        let pid = Pid::from_raw(i32::try_from(self.running[&name].id()).unwrap());
        if !paused {
            return kill(pid, Signal::SIGCONT).unwrap();
        }
        kill(pid, Signal::SIGSTOP).unwrap();
        // Until then it may go on answering on another core.
        let changed = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert_eq!(changed, WaitStatus::Stopped(pid, Signal::SIGSTOP), "{name}");
    }

    /// Waits until a process has ended by itself: its exit code, and the last line that it wrote.
    pub(crate) async fn refuses(&mut self, name: Name) -> Ended {
        let what = format!("the end of {name}");
        let status = self.until(&what, async |bazaar| bazaar.ended(name)).await;
        self.note_end(name, status)
    }

    /// The most memory that a process has ever had resident, in KiB.
    pub(crate) fn peak_kib(&self, name: Name) -> u64 {
        let pid = self.running[&name].id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Whether a process that was started has not ended by itself.
    pub(crate) fn runs(&mut self, name: Name) -> bool {
        self.ended(name).is_err()
    }

    fn ended(&mut self, name: Name) -> Result<ExitStatus, String> {
        let ended = self.running.get_mut(&name).unwrap().try_wait().unwrap();
        ended.ok_or_else(|| self.last_line(name))
    }

    fn command(&self, name: Name) -> Command {
        let program = match name {
            Name::FrontEnd => env!("CARGO_BIN_EXE_front-end"),
            Name::Catalog => env!("CARGO_BIN_EXE_catalog"),
            Name::Order(_) => env!("CARGO_BIN_EXE_order"),
        };
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(files) => {
                let mut shell = Command::new("sh");
                shell
                    .arg("-c")
                    .arg(format!("ulimit -n {files} && exec \"$0\" \"$@\""))
                    .arg(program);
                shell
            }
        };
        command.env("DOUBLE_TROUBLE_SECRET", SECRET).env_remove("RUST_LOG").stdin(Stdio::null());
        command.arg("--parent-pid").arg(std::process::id().to_string());
        command.arg("--data-dir").arg(self.data());
        // What is lost here is whole files, not what a disk had not written yet.
        command.args(["--durability", "os"]);
        command.arg("--listen").arg(self.address(name).to_string());
        if name != Name::Catalog {
            command.arg("--catalog").arg(self.address(Name::Catalog).to_string());
            for id in 1..=3 {
                command.arg("--replica").arg(format!("{id}={}", self.address(Name::Order(id))));
            }
        }
        if name != Name::FrontEnd {
            command.arg("--front-end").arg(self.address(Name::FrontEnd).to_string());
        }
        match name {
            Name::FrontEnd => {
                for id in &self.without {
                    command.arg("--without").arg(id.to_string());
                }
            }
            Name::Catalog => {
                command.arg("--stocks").arg(self.folder.path().join("catalog.txt"));
                command.args(["--cap", CAP]);
            }
            Name::Order(id) => _ = command.arg("--id").arg(id.to_string()),
        }
        command.args(self.flags.get(&name).into_iter().flatten());
        command
    }

    // ---- files ----

    pub(crate) fn file(&self, name: Name) -> PathBuf {
        self.data().join(format!("{name}.db"))
    }

    /// Takes the file of a process that does not run away, with all that belongs to it.
    pub(crate) fn lose(&self, name: Name) {
        assert!(!self.running.contains_key(&name), "{name} still runs");
        let lost = TempDir::new_in(self.folder.path()).unwrap().keep();
        for path in belongings(&self.data(), name) {
            fs::rename(&path, lost.join(path.file_name().unwrap())).unwrap();
        }
    }

    /// Copies the file of a process that does not run.
    pub(crate) fn copy(&self, name: Name) -> Copy {
        assert!(!self.running.contains_key(&name), "{name} still runs");
        let folder = TempDir::new_in(self.folder.path()).unwrap();
        for path in belongings(&self.data(), name) {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Copy { name, folder }
    }

    /// Puts a copy where the process's file is.
    pub(crate) fn put_back(&self, copy: &Copy) {
        self.lose(copy.name);
        for path in belongings(copy.folder.path(), copy.name) {
            fs::copy(&path, self.data().join(path.file_name().unwrap())).unwrap();
        }
    }

    // ---- logs ----

    fn log(&self, name: Name) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    pub(crate) fn last_line(&self, name: Name) -> String {
        let log = fs::read_to_string(self.log(name)).unwrap();
        log.lines().next_back().unwrap_or_default().to_owned()
    }

    /// Whether a process has said this, in any line.
    pub(crate) fn has_said(&self, name: Name, words: &str) -> bool {
        self.times_said(name, words) > 0
    }

    /// How many times a process has said this.
    pub(crate) fn times_said(&self, name: Name, words: &str) -> usize {
        fs::read_to_string(self.log(name)).unwrap().matches(words).count()
    }

    /// The end of everything that was logged, for people.
    fn logs(&self) -> String {
        let tail = |name: Name| {
            let log = fs::read_to_string(self.log(name)).unwrap_or_default();
            let mut lines: Vec<_> = log.lines().rev().take(12).collect();
            lines.reverse();
            format!("--- {name}\n{}\n", lines.join("\n"))
        };
        ALL.map(tail).concat()
    }
}

impl Drop for Bazaar {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.logs());
        }
        for child in self.running.values_mut() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The exit code of a process that ended by itself, and the last line that it wrote.
pub(crate) type Ended = (Option<i32>, String);

/// The file of one process as it once was.
pub(crate) struct Copy {
    name: Name,
    folder: TempDir,
}

/// A database and what SQLite keeps beside it, as far as it is there. A lock is of no use to anybody.
fn belongings(folder: &Path, name: Name) -> Vec<PathBuf> {
    let files = ["db", "db-wal", "db-shm"].map(|ending| folder.join(format!("{name}.{ending}")));
    files.into_iter().filter(|path| path.exists()).collect()
}
