//! A front-end, a catalog and one replica, each a process over one folder. They end with the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use services::http::{Call, Peers, Reply};
use tempfile::TempDir;

use crate::ports;

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the processes know each other by.
const SECRET: &str = "a-secret-of-these-tests";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    FrontEnd,
    Catalog,
    Order,
}

const ALL: [Name; 3] = [Name::Catalog, Name::Order, Name::FrontEnd];

pub(crate) struct Processes {
    folder: TempDir,
    addresses: [SocketAddr; 3],
    running: [Option<Child>; 3],
    /// What is planted in all of them.
    bug: Option<&'static str>,
    peers: Peers,
}

impl Processes {
    /// Starts all three, and waits until they are ready.
    pub(crate) async fn start(bug: Option<&'static str>) -> Self {
        let host = own_address();
        let mut processes = Self {
            folder: TempDir::new().unwrap(),
            addresses: ports::reserved(host),
            running: [None, None, None],
            bug,
            peers: Peers::new(Some(Arc::from(SECRET))),
        };
        ALL.into_iter().for_each(|name| processes.launch(name));
        for name in ALL {
            processes.ready(name).await;
        }
        processes
    }

    fn address(&self, name: Name) -> SocketAddr {
        self.addresses[name as usize]
    }

    fn launch(&mut self, name: Name) {
        let mut command = Command::new(match name {
            Name::FrontEnd => env!("CARGO_BIN_EXE_front-end"),
            Name::Catalog => env!("CARGO_BIN_EXE_catalog"),
            Name::Order => env!("CARGO_BIN_EXE_order"),
        });
        command.env("DOUBLE_TROUBLE_SECRET", SECRET).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.arg("--parent-pid").arg(std::process::id().to_string());
        command.arg("--data-dir").arg(self.folder.path());
        command.args(["--durability", "os"]);
        command.arg("--listen").arg(self.address(name).to_string());
        if name != Name::Catalog {
            command.arg("--catalog").arg(self.address(Name::Catalog).to_string());
            command.arg("--replica").arg(format!("1={}", self.address(Name::Order)));
        }
        if name != Name::FrontEnd {
            command.arg("--front-end").arg(self.address(Name::FrontEnd).to_string());
        }
        if name == Name::Order {
            command.args(["--id", "1"]);
        }
        if let Some(bug) = self.bug {
            command.args(["--plant", bug]);
        }
        self.running[name as usize] = Some(command.spawn().unwrap());
    }

    /// SIGKILL, and a new process over what it leaves.
    pub(crate) async fn kill_and_restart(&mut self, name: Name) {
        let mut child = self.running[name as usize].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        self.launch(name);
        self.ready(name).await;
    }

    /// A new process over a new file, in place of one that was stopped.
    pub(crate) fn start_over(&mut self, name: Name, file: &Path) {
        for suffix in ["", "-wal", "-shm"] {
            // The process took the other two with it if it could.
            let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
        }
        assert!(!file.exists());
        self.launch(name);
    }

    /// Stops a process as an operator does; its file.
    pub(crate) fn stop(&mut self, name: Name) -> PathBuf {
        let mut child = self.running[name as usize].take().unwrap();
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        child.wait().unwrap();
        self.folder.path().join(match name {
            Name::FrontEnd => "front-end.db",
            Name::Catalog => "catalog.db",
            Name::Order => "order-1.db",
        })
    }

    async fn ready(&mut self, name: Name) {
        let call = Call::get("/healthz");
        self.until(&format!("{name:?} is ready"), async |processes| {
            let child = processes.running[name as usize].as_mut().unwrap();
            assert_eq!(child.try_wait().unwrap(), None, "{name:?} has ended");
            let reply = processes.try_ask(name, &call).await;
            reply.filter(|reply| reply.status == StatusCode::OK)
        })
        .await;
    }

    /// Whether a process that was started has ended by itself.
    pub(crate) fn has_ended(&mut self, name: Name) -> bool {
        self.running[name as usize].as_mut().unwrap().try_wait().unwrap().is_some()
    }

    pub(crate) async fn try_ask(&self, name: Name, call: &Call) -> Option<Reply> {
        self.peers.call(self.address(name), call, PATIENCE).await.ok()
    }

    /// Asks a process that is ready.
    pub(crate) async fn ask(&self, name: Name, call: &Call) -> Reply {
        self.try_ask(name, call).await.unwrap()
    }

    /// Looks again and again until there is something.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&mut Self) -> Option<T>,
    ) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look(self).await {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
            tokio::task::yield_now().await;
        }
    }
}

/// An address of this machine that nobody else is likely to use: a process that is started again finds its
/// port free, since connections to others begin at 127.0.0.1.
fn own_address() -> Ipv4Addr {
    let [a, b, c, ..] = uuid::Uuid::new_v4().into_bytes();
    Ipv4Addr::new(127, a, b, c.clamp(2, 254))
}

/// A test that fails leaves no process behind.
impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
