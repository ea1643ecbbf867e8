//! What the tests start: small programs in Python, none of which can outlive its test by much.
//!
//! Each ends by itself after a minute, and so does each that it forks.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use supervisor::tree::{GuardProgram, Limits, Surroundings, Tree, TreeCommand};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// For what takes milliseconds, on a machine that is loaded to the brim.
pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const LOG_BYTES: u64 = 1024 * 1024;

const PRELUDE: &str = r#"
import os, signal, sys, time
signal.alarm(60)
def say(*words):
    os.write(1, (' '.join(map(str, words)) + '\n').encode())
def fork():
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
    return pid
def child():
    "Starts a child that says its pid and does nothing."
    if fork() == 0:
        say('pid', os.getpid())
        while True:
            signal.pause()
def wait():
    say('up')
    while True:
        signal.pause()
"#;

/// The command of a program in Python.
pub(crate) fn python(program: &str) -> Vec<OsString> {
    python_words(program).into_iter().map(OsString::from).collect()
}

/// The same as texts.
pub(crate) fn python_words(program: &str) -> Vec<String> {
    ["python3", "-u", "-c", &format!("{PRELUDE}\n{program}")].map(str::to_owned).to_vec()
}

/// The example `harness`, built beside the tests, as a guard's program.
pub(crate) fn harness() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/harness")
}

pub(crate) fn guard() -> GuardProgram {
    GuardProgram::new(harness(), ["guard"])
}

/// In a folder, with a log there.
pub(crate) fn surroundings(folder: &Path) -> Surroundings {
    Surroundings::new(folder, folder.join("log"), LOG_BYTES)
}

pub(crate) fn tree_command(folder: &Path, command: Vec<OsString>) -> TreeCommand {
    TreeCommand { command, surroundings: surroundings(folder), limits: Limits::default() }
}

pub(crate) async fn start(folder: &Path, program: &str) -> Tree {
    Tree::start(&guard(), tree_command(folder, python(program))).await.unwrap()
}

/// Answers every request with this, while the test runs: who is asked by a probe need not be a process that has to start first. Returns its
/// port.
pub(crate) async fn answering(status: &str, body: &str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = format!("HTTP/1.0 {status}\r\n\r\n{body}");
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            // Whoever goes away early has asked nothing.
            if connection.read(&mut [0; 4096]).await.is_ok() {
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        }
    });
    port
}

/// Waits until `found` finds something.
pub(crate) async fn eventually<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come to be");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The pids that a program has said, once there are so many.
pub(crate) async fn pids(log: &Path, count: usize) -> Vec<u32> {
    eventually("all pids in the log", || {
        let text = fs::read_to_string(log).ok()?;
        let pids: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("pid ")?.parse().ok()).collect();
        (pids.len() == count).then_some(pids)
    })
    .await
}

pub(crate) async fn said(log: &Path, line: &str) {
    let has = || fs::read_to_string(log).ok()?.lines().any(|other| other == line).then_some(());
    eventually(line, has).await;
}

/// The state letter of a process; `None` if it is gone or only waits to be noticed.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next().filter(|state| !"ZX".contains(*state))
}

pub(crate) fn parent(pid: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse().unwrap()
}

pub(crate) fn all_gone(pids: &[u32]) -> bool {
    pids.iter().all(|pid| state(*pid).is_none())
}
