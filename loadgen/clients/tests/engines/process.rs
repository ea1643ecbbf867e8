//! An engine's processes, of which none outlives its test: the guard kills them, and the kernel does if the test is killed.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value as Json};
use tempfile::TempDir;

/// What a test needs, and where it may write.
pub(crate) struct Programs {
    folder: TempDir,
}

impl Programs {
    /// Nothing, which is said, if one of `programs` is not installed.
    pub(crate) fn find(packages: &str, programs: &[&str]) -> Option<Self> {
        let is_there = |program: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        };
        let missing: Vec<&str> =
            programs.iter().chain(&["setpriv"]).filter(|name| !is_there(name)).copied().collect();
        if !missing.is_empty() {
            eprintln!(
                "skipped: {} is not installed (apt-get install {packages})",
                missing.join(", ")
            );
            return None;
        }
        Some(Self { folder: tempfile::tempdir().expect("a folder") })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A process that is killed when nobody needs it any more.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_as(&[], &[&[program], arguments].concat())
    }

    /// The same as somebody else, whom options of setpriv name.
    pub(crate) fn start_as(user: &[&str], command: &[&str]) -> Self {
        let mut started = Command::new("setpriv");
        started.args(["--pdeathsig", "KILL"]).args(user).args(command).current_dir("/");
        started.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(started.spawn().expect("it starts"))
    }

    pub(crate) fn kill(self) {}
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A free port for each name. They are free together, so no two are the same.
pub(crate) fn free_ports<const N: usize>(names: [&str; N]) -> Json {
    let listeners = names.map(|name| (name, TcpListener::bind("127.0.0.1:0").expect("a port")));
    let port = |(name, listener): &(&str, TcpListener)| {
        ((*name).to_owned(), listener.local_addr().expect("bound").port().into())
    };
    Json::Object(listeners.iter().map(port).collect::<Map<_, _>>())
}
