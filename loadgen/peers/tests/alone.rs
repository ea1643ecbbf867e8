//! The program without any peer, on built services: what is our own is measured, and nothing is left behind.
//!
//! The services must be built (`make test` does; `cargo build --workspace --bins` by hand).

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const WITHOUT_ALL: [&str; 2] = ["--without", "nginx,etcd,wrk,oha,fio,valgrind"];

/// The program; killed when the test ends before it, and ended when the test is killed.
struct Running(Child);

impl Running {
    fn start(out: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peers"));
        command.args(WITHOUT_ALL).args(arguments).arg("--out").arg(out);
        command.args(["--parent-pid", &std::process::id().to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Its messages up to the one that has `words` in it, or all.
    fn messages(&mut self, words: Option<&str>) -> String {
        let stderr = self.0.stderr.as_mut().unwrap();
        let mut said = String::new();
        for line in BufReader::new(stderr).lines() {
            said = said + &line.unwrap() + "\n";
            if words.is_some_and(|words| said.contains(words)) {
                break;
            }
        }
        said
    }

    fn ended(mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already, in most cases.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processes whose command names a folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let commands = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let commands = commands.map(|command| String::from_utf8_lossy(&command).replace('\0', " "));
    commands.filter(|command| command.contains(&folder)).collect()
}

#[test]
fn without_any_peer_our_own_rows_are_measured_and_the_others_are_empty() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("peers");
    let tiny = ["--rounds", "2", "--seconds", "0.2", "--kills", "2", "--missed", "20"];
    let few = ["--connections", "2", "--clients", "1,3", "--stocks", "10,20", "--orders", "1500"];
    let mut running = Running::start(&out, &[&tiny[..], &few].concat());
    let said = running.messages(None);
    assert_eq!(running.ended().code(), Some(0), "{said}");

    let table = fs::read_to_string(out.join("peers.csv")).unwrap();
    let mut rows = 0;
    for row in csv::Reader::from_reader(table.as_bytes()).into_records() {
        let row = row.unwrap();
        let (ours, peer, ratio) = (&row[3], &row[6], &row[8]);
        assert!(ours.parse::<f64>().unwrap() > 0.0, "{row:?}");
        let is_own = [
            "",
            "bare hyper",
            "fdatasync of 4 KiB",
            "bazaar before",
            "bazaar with the least",
            "our clients without goose",
        ]
        .contains(&peer);
        assert_eq!(!ratio.is_empty(), is_own && !peer.is_empty(), "{row:?}");
        rows += 1;
    }
    assert!(rows > 20, "{table}");
    let samples = fs::read_to_string(out.join("samples.csv")).unwrap();
    let failed: Vec<_> = samples.lines().filter(|line| line.contains(",failed,")).collect();
    assert!(failed.iter().all(|line| line.ends_with(",0.0")), "{failed:?}");
    let page = fs::read_to_string(out.join("peers.md")).unwrap();
    assert!(page.contains("our own closed loop"), "{page}");
    for name in ["peers.json", "peers.svg", "peers.png", "trade.svg", "trade.png"] {
        assert!(out.join(name).metadata().unwrap().len() > 1_000, "{name}");
    }
    assert!(!out.join("scratch").exists());
    assert_eq!(processes_of(&out), Vec::<String>::new());
}

#[test]
fn a_run_that_is_interrupted_writes_what_it_has_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("peers");
    let mut running = Running::start(&out, &["--only", "start", "--rounds", "1000"]);
    let said = running.messages(Some("start of five services, round 1"));
    assert!(said.contains("round 1 of 1000"), "{said}");
    let pid = Pid::from_child(&running.0);
    kill_process(pid, Signal::TERM).unwrap();
    running.messages(None);
    assert_eq!(running.ended().code(), Some(2));
    let page = fs::read_to_string(out.join("peers.md")).unwrap();
    assert!(page.contains("cut short by a signal"), "{page}");
    assert!(page.contains("| start of five services | start to ready |"), "{page}");
    assert!(!out.join("scratch").exists());
    assert_eq!(processes_of(&out), Vec::<String>::new());
}

#[test]
fn help_names_every_flag_and_bad_usage_ends_before_anything_begins() {
    let help = Command::new(env!("CARGO_BIN_EXE_peers")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for flag in [
        "rounds",
        "seconds",
        "only",
        "without",
        "connections",
        "clients",
        "kills",
        "missed",
        "stocks",
        "orders",
        "out",
        "bin-dir",
    ] {
        assert!(help.contains(&format!("--{flag} ")), "{flag}: {help}");
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("peers");
    let mut running = Running::start(&out, &["--rounds", "0", "--bin-dir", "/nowhere"]);
    let said = running.messages(None);
    assert_eq!(running.ended().code(), Some(3));
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(!out.exists());
}
