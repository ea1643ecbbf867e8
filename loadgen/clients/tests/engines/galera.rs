//! Nodes of a Galera cluster.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::process::{Process, Programs};

/// Debian keeps it where not everybody looks.
const SERVER: &str = "/usr/sbin/mariadbd";
const PROVIDER: &str = "/usr/lib/galera/libgalera_smm.so";

/// The names of all ports.
pub(crate) const PORTS: [&str; 12] = [
    "galera-1", "galera-2", "galera-3", "group-1", "group-2", "group-3", "ist-1", "ist-2", "ist-3",
    "sst-1", "sst-2", "sst-3",
];

/// A cluster of three, and the folder that they write in.
pub(crate) struct Galera {
    folder: PathBuf,
    ports: Json,
    user: Vec<&'static str>,
}

impl Galera {
    /// Nothing, which is said, if something is not installed.
    pub(crate) fn find() -> Option<Programs> {
        let packages = "mariadb-server galera-4 rsync";
        let missing = [SERVER, PROVIDER].into_iter().find(|file| !Path::new(file).is_file());
        if let Some(missing) = missing {
            eprintln!("skipped: {missing} is not installed (apt-get install {packages})");
            return None;
        }
        Programs::find(packages, &["mariadb-install-db", "rsync"])
    }

    /// Makes the first node's database.
    pub(crate) fn new(folder: &Path, ports: &Json) -> Self {
        // Started by root, rsync receives as nobody, who may write nowhere.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let user = match is_root {
            true => vec!["--reuid", "mysql", "--regid", "mysql", "--init-groups"],
            false => Vec::new(),
        };
        let galera = Self { folder: folder.join("galera"), ports: ports.clone(), user };
        let owner = if is_root { &["-o", "mysql"][..] } else { &[] };
        for own in [galera.folder.clone(), galera.data(1), galera.data(2), galera.data(3)] {
            run(Command::new("install").args(["-d", "-m", "700"]).args(owner).arg(own));
        }
        run(Command::new("chmod").arg("755").arg(folder));
        run(Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .args(&galera.user)
            .args(["mariadb-install-db", "--no-defaults", "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!("--datadir={}", galera.data(1).display()))
            .current_dir("/"));
        galera
    }

    /// Starts node `n`, which makes a new cluster or joins the others.
    pub(crate) fn start(&self, n: u32, makes_cluster: bool) -> Process {
        let port = |name: &str, n: u32| self.ports[format!("{name}-{n}")].clone();
        let group: Vec<String> =
            (1..=3).map(|n| format!("127.0.0.1:{}", port("group", n))).collect();
        let data = self.data(n);
        let settings = [
            format!("--datadir={}", data.display()),
            format!("--tmpdir={}", self.folder.display()),
            format!("--pid-file={}", data.join("pid").display()),
            format!("--port={}", port("galera", n)),
            format!("--wsrep-provider={PROVIDER}"),
            format!("--wsrep-node-name=galera-{n}"),
            format!("--wsrep-node-address={}", group[n as usize - 1]),
            format!("--wsrep-sst-receive-address=127.0.0.1:{}", port("sst", n)),
            format!("--wsrep-cluster-address=gcomm://{}", group.join(",")),
            format!(
                "--wsrep-provider-options=gmcast.listen_addr=tcp://{};ist.recv_addr=127.0.0.1:{};\
                 gcache.size=32M",
                group[n as usize - 1],
                port("ist", n)
            ),
        ];
        let mut arguments = vec![
            SERVER,
            "--no-defaults",
            "--socket=",
            "--bind-address=127.0.0.1",
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=16M",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON",
            "--wsrep-cluster-name=bazaar",
            "--wsrep-sst-method=rsync",
        ];
        arguments.extend(settings.iter().map(String::as_str));
        arguments.extend(makes_cluster.then_some("--wsrep-new-cluster"));
        Process::start_as(&self.user, &arguments)
    }

    fn data(&self, n: u32) -> PathBuf {
        self.folder.join(format!("galera-{n}"))
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
