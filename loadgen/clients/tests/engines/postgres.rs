//! A primary and a hot standby of PostgreSQL, without Patroni: a test promotes the standby itself.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::client::until;
use crate::process::Process;

/// PostgreSQL's programs, which Debian keeps outside of PATH.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    user: Vec<&'static str>,
}

impl Postgres {
    /// The programs, and a folder below `folder` that they may write. Nothing, which is said, if they are not installed.
    pub(crate) fn find(folder: &Path) -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs = versions.map(|version| version.path().join("bin"));
        let Some(programs) = programs.filter(|folder| folder.join("initdb").is_file()).max() else {
            eprintln!("skipped: PostgreSQL is not installed (apt-get install postgresql)");
            return None;
        };
        // It refuses to run as root.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let user = match is_root {
            true => vec!["--reuid", "postgres", "--regid", "postgres", "--init-groups"],
            false => Vec::new(),
        };
        let own = folder.join("postgres");
        let mut make = Command::new("install");
        make.args(["-d", "-m", "700"])
            .args(if is_root { &["-o", "postgres"][..] } else { &[] })
            .arg(&own);
        assert!(make.status().expect("install runs").success());
        let mut open = Command::new("chmod");
        assert!(open.arg("755").arg(folder).status().expect("chmod runs").success());
        Some(Self { programs, folder: own, user })
    }

    /// Makes a new server and starts it.
    pub(crate) fn primary(&self, port: &Json) -> Process {
        self.run(
            "initdb",
            &["-D", &self.data("primary"), "-A", "trust", "-U", "postgres", "--no-sync"],
        );
        self.start("primary", port)
    }

    /// Copies the server at `primary`, and starts the copy as its standby.
    pub(crate) fn standby(&self, primary: &Json, port: &Json) -> Process {
        let copy = [
            "-h",
            "127.0.0.1",
            "-p",
            &primary.to_string(),
            "-U",
            "postgres",
            "-D",
            &self.data("standby"),
        ];
        self.run("pg_basebackup", &[&copy[..], &["-R", "--no-sync", "--checkpoint=fast"]].concat());
        self.start("standby", port)
    }

    /// Makes the standby the primary.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", &["promote", "-D", &self.data("standby")]);
    }

    fn data(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn start(&self, name: &str, port: &Json) -> Process {
        let program = self.programs.join("postgres");
        let (program, data, port) = (program.to_string_lossy(), self.data(name), port.to_string());
        let server = [&*program, "-D", &data, "-p", &port, "-c", "unix_socket_directories="];
        let process = Process::start_as(&self.user, &server);
        let ready = || self.command("pg_isready", &["-h", "127.0.0.1", "-p", &port]).status();
        until(|| ready().is_ok_and(|status| status.success()));
        process
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output =
            self.command(program, arguments).stderr(Stdio::piped()).output().expect("it runs");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .args(&self.user)
            .arg(self.programs.join(program))
            .args(arguments);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}
