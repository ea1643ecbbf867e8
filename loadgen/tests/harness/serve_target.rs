//! `serve` and `client` with a target's file: three replicas, a catalog and a front-end that somebody else wrote.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{Running, assert_gone, ended, eventually, get, names, run};
use crate::target::has_python;

/// A target that is up.
struct Served {
    name: &'static str,
    running: Running,
    lines: Vec<String>,
    pids: Vec<u32>,
    /// What `client` has to be told.
    client: Vec<String>,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("targets").join(name)
}

fn serve(folder: &Path, options: &[&str]) -> Served {
    serve_other(folder, "mended", "naive/mended.toml", options)
}

/// The target of that name, which this file describes.
fn serve_other(folder: &Path, name: &'static str, path: &str, options: &[&str]) -> Served {
    let path = file(path);
    let arguments = ["serve", "--target", path.to_str().unwrap()];
    let arguments: Vec<_> = arguments.into_iter().chain(options.iter().copied()).collect();
    let environment = [("TMPDIR", folder.to_str().unwrap())];
    let mut running = Running::start_in(folder, &arguments, &environment);
    let lines = running.read_until("Ctrl-C stops it.");
    let pids = lines.iter().filter_map(|line| line.split("pid ").nth(1)?.trim().parse().ok());
    let told = lines.iter().find_map(|line| line.strip_prefix("Try: double-trouble "));
    let told = told.and_then(|line| line.trim().strip_suffix(" check"));
    let client = told.expect("serve says how to trade").split(' ').map(str::to_owned).collect();
    Served { name, pids: pids.collect(), client, lines, running }
}

impl Served {
    fn client(&self, folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
        let options = self.client.iter().map(String::as_str);
        let all: Vec<_> = options.chain(arguments.iter().copied()).collect();
        ended(&run(folder, &all))
    }

    /// What a line says after this.
    fn said(&self, prefix: &str) -> &str {
        let said = self.lines.iter().find_map(|line| line.strip_prefix(prefix));
        said.unwrap_or_else(|| panic!("{prefix}: {:?}", self.lines)).trim()
    }

    fn stop(self) {
        self.running.signal(Signal::SIGINT);
        let (code, stdout) = self.running.wait();
        assert_eq!(code, Some(0), "{stdout}");
        assert!(stdout.contains(&format!("{} is down.", self.name)), "{stdout}");
        assert_gone(&self.pids);
    }
}

#[test]
fn a_target_is_used_by_hand_and_leaves_nothing_behind() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), &[]);
    assert_eq!(served.pids.len(), 5, "{:?}", served.lines);
    assert!(served.said("Ports: ").starts_with("catalog "), "{:?}", served.lines);
    // Of five ports clients have to know one.
    let ports: Vec<_> = served.client.iter().filter(|one| one.contains('=')).collect();
    assert!(matches!(&ports[..], [port] if port.starts_with("front-end=")), "{ports:?}");

    let (code, stdout, _) = served.client(folder.path(), &["query-stock", "Tux"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.contains("quantity 100, volume 0"), "{stdout}");
    let (code, stdout, _) = served.client(folder.path(), &["trade", "Tux", "bUY", "3"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.starts_with("Buy 3 Tux: order 1, "), "{stdout}");
    let (code, stdout, _) = served.client(folder.path(), &["query-order", "1"]);
    assert_eq!((code, stdout.contains("order 1: Buy 3 Tux")), (Some(0), true), "{stdout}");
    let (code, stdout, _) = served.client(folder.path(), &["trade", "Tux", "Buy", "98"]);
    assert_eq!((code, stdout.contains("rejected: ")), (Some(1), true), "{stdout}");
    let random = ["random", "--repeat", "10", "--p", "1", "--seed", "1"];
    for arguments in [&["check"] as &[&str], &random] {
        let (code, stdout, _) = served.client(folder.path(), arguments);
        assert_eq!(code, Some(0), "{stdout}");
    }
    let (code, _, stderr) = served.client(folder.path(), &["trade", "Tux", "hold", "1"]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("SIDE: is \"hold\", must be Buy or Sell"), "{stderr}");

    // A leader that somebody kills is replaced, and serve says so.
    let line = served.lines.iter().find(|line| line.contains("order-3 ")).unwrap();
    let leader: i32 = line.split("pid ").nth(1).unwrap().trim().parse().unwrap();
    kill(Pid::from_raw(leader), Signal::SIGKILL).unwrap();
    served.running.read_until("order-3 (pid");
    let took_over = served.running.read_until(" leads").pop();
    assert!(took_over.is_some_and(|line| !line.starts_with("order-3")));
    served.stop();
    assert_eq!(names(folder.path()), [] as [PathBuf; 0]);
}

/// What `client` is asked, how it ends, and what it says.
type Step<'a> = (&'a [&'a str], i32, &'a str);

#[test]
fn a_register_and_a_log_are_used_by_hand_in_their_own_words() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &str, &[Step<'_>]); 2] = [
        (
            "store",
            "tests/zoo/store.toml",
            &[
                (&["write", "k1", "7"], 0, "write 7 in k1: done, "),
                (&["read", "k1"], 0, "read k1: 7, "),
                (
                    &["write", "k1", "8", "--expected", "6"],
                    1,
                    "compare-and-set 8 in k1 over 6: rejected: ",
                ),
                (
                    &["write", "k1", "-8", "--expected", "7"],
                    0,
                    "compare-and-set -8 in k1 over 7: done, ",
                ),
                (&["check", "k2"], 0, "4 operations: 4 ok"),
                (&["random", "--repeat", "20", "--p", "0.5", "--seed", "1"], 0, "20 operations: "),
            ],
        ),
        (
            "jobs",
            "tests/zoo/jobs.toml",
            &[
                (&["append", "log1", "7"], 0, "append 7 in log1: "),
                (&["read", "log1"], 0, "read log1: [7], "),
                (&["check"], 0, "2 operations: 2 ok"),
                (
                    &["random", "--repeat", "20", "--p", "0.5", "--keys", "log1"],
                    0,
                    "20 operations: ",
                ),
            ],
        ),
    ];
    for (name, path, steps) in cases {
        let served = serve_other(folder.path(), name, path, &[]);
        for (arguments, expected, line) in steps {
            let (code, stdout, stderr) = served.client(folder.path(), arguments);
            assert_eq!(code, Some(*expected), "{arguments:?}: {stdout}{stderr}");
            assert!(stdout.contains(line), "{arguments:?}: {stdout}");
        }
        let (code, _, stderr) = served.client(folder.path(), &["query-stock", "Tux"]);
        assert_eq!(code, Some(3), "{stderr}");
        assert!(stderr.contains("so there is no query; there is read, "), "{stderr}");
        served.stop();
    }
}

#[test]
fn a_port_that_nobody_told_is_named_and_where_it_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mended = file("naive/mended.toml");
    let arguments = ["client", "--target", mended.to_str().unwrap(), "query-stock", "Tux"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
    assert!(stderr.contains("--port front-end=N: is missing"), "{stderr}");
    assert!(stderr.contains("`serve --target` prints it"), "{stderr}");
    assert!(!stderr.contains("catalog"), "{stderr}");
}

#[test]
fn a_target_that_does_not_become_ready_leaves_no_process_and_no_folder() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = "name = 'slow'\n[processes.slow]\ncommand = [\"python3\", \"-c\", \"import os, time\\n\
                open('pid', 'w').write(str(os.getpid()))\\ntime.sleep(60)\"]\n\
                readiness_probe = { log_line = 'never', timeout_seconds = SECONDS }\n";
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let environment = [("TMPDIR", temporary.to_str().unwrap())];
    let pid = folder.path().join("pid");
    for (seconds, expected) in [("60", 0), ("1", 3)] {
        fs::write(folder.path().join("slow.toml"), text.replace("SECONDS", seconds)).unwrap();
        let arguments = ["serve", "--target", "slow.toml"];
        let running = Running::start_in(folder.path(), &arguments, &environment);
        let started = eventually("its start", || fs::read_to_string(&pid).ok()?.parse().ok());
        if expected == 0 {
            running.signal(Signal::SIGINT);
        }
        assert_eq!(running.wait().0, Some(expected));
        assert_gone(&[started]);
        assert_eq!(names(&temporary), [] as [PathBuf; 0]);
        fs::remove_file(&pid).unwrap();
    }
}

#[test]
fn a_console_beside_a_target_shows_what_it_has_and_kills_its_leader() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path(), &["--console", "--console-port", "0"]);
    let address = served.said("Console: http://").trim_end_matches('/').to_owned();
    let state = || -> Value {
        let answer = get(&address, "/state", None);
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let known = eventually("a leader", || Some(state()).filter(|one| !one["leader"].is_null()));
    assert_eq!(known["leader"]["in_sync"], Value::Null);
    assert_eq!(known["system"]["name"], "mended");
    assert_eq!(known["system"]["operations"]["trade"]["many"], "trades");
    assert_eq!(known["cache"], Value::Null);
    let offers =
        serde_json::json!({"disks": false, "files": false, "floods": true, "links": false});
    assert_eq!(known["offers"], offers);
    let roles = known["processes"].as_array().unwrap().iter().map(|one| &one["role"]);
    assert_eq!(roles.collect::<Vec<_>>(), ["catalog", "front-end", "order", "order", "order"]);

    let press = |path: &str, body: &str| post(&address, path, body);
    assert!(press("/load", r#"{"on":true}"#).starts_with("HTTP/1.1 200"));
    eventually("acknowledged trades", || {
        Some(()).filter(|()| state()["totals"]["acknowledged"].as_u64() > Some(10))
    });
    let before = known["leader"]["id"].clone();
    assert!(press("/fault", r#"{"action":"kill","target":"leader"}"#).starts_with("HTTP/1.1 200"));
    eventually("another leader", || Some(()).filter(|()| state()["leader"]["id"] != before));
    assert!(press("/cache", r#"{"on":false}"#).contains("no cache that can be switched"));
    served.stop();
}

/// Posts as the page does.
fn post(address: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
