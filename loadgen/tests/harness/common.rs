//! Runs the harness as its users do: as a process, with the services' binaries beside it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use results::records::{EventKind, RunFolder};

use crate::ports;

/// Far beyond what anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The harness, about to be run in `folder`.
pub(crate) fn harness(folder: &Path, arguments: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_double-trouble"));
    for service in ["front-end", "catalog", "order"] {
        let binary = program.with_file_name(service);
        assert!(binary.is_file(), "{binary:?} is missing: cargo build --workspace --bins");
    }
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs the harness to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    harness(folder, arguments).output().unwrap()
}

/// The exit code, stdout and stderr of a run.
pub(crate) fn ended(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Writes a plan into `folder` and names it.
pub(crate) fn plan(folder: &Path, text: &str) -> String {
    let path = folder.join("plan.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The folder of the newest run.
pub(crate) fn latest(folder: &Path) -> RunFolder {
    RunFolder::new(fs::canonicalize(folder.join("results/runs/latest")).unwrap())
}

/// A harness that runs, killed at the end of the test if it still does.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_in(folder, arguments, &[])
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_in(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = harness(folder, arguments);
        command.envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// Reads lines up to and including the one that contains `text`.
    pub(crate) fn read_until(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without saying {text:?}, after {lines:?}");
            let found = line.contains(text);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// Reads until each of `texts` was said, in whatever order.
    pub(crate) fn read_until_all(&mut self, texts: &[&str]) {
        let mut left = texts.to_vec();
        while !left.is_empty() {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without saying {left:?}");
            left.retain(|text| !line.contains(text));
        }
    }

    /// The services that run: each is the child of a guard, which the program has started.
    pub(crate) fn services(&self) -> Vec<u32> {
        children(self.child.id()).into_iter().flat_map(children).collect()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for its end: its exit code, and the rest of its stdout.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let rest = std::io::read_to_string(&mut self.stdout).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a run's clients trade, and returns the pids of its bazaar.
pub(crate) fn pids_under_load(folder: &Path) -> Vec<u32> {
    eventually("a run under load", || {
        let run = RunFolder::new(fs::canonicalize(folder.join("results/runs/latest")).ok()?);
        let events = run.events().ok()?;
        let began = events.iter().any(|event| event.event == EventKind::LoadBegan);
        let started = events.iter().filter(|event| event.event == EventKind::Started);
        let pids: Vec<_> = started.filter_map(|event| event.pid).collect();
        let measured = run.observations().ok()?.len() > 100;
        (began && measured && pids.len() == 5).then_some(pids)
    })
}

/// Waits until none of the processes runs.
pub(crate) fn assert_gone(pids: &[u32]) {
    for pid in pids {
        eventually("the end of a child", || (!is_running(*pid)).then_some(()));
    }
}

fn children(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything; then come the state and the parent.
        let its_parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?;
        (its_parent == parent).then_some(pid)
    });
    all.collect()
}

/// Whether a process runs; one that only waits to be reaped does not.
fn is_running(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X'))
}

/// A base port for a bazaar's five processes: no other test's bazaar takes one of them, nor does an
/// outgoing connection, though nobody listens there while a process is dead.
pub(crate) fn free_base_port() -> u16 {
    let [base, ..]: [_; 5] = ports::reserved(Ipv4Addr::LOCALHOST);
    base.port()
}

/// The files and folders in `folder`, sorted.
pub(crate) fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}

/// Sends a GET, with a token or without, and reads the whole answer.
pub(crate) fn get(address: &str, path: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!("x-double-trouble-secret: {token}\r\n"));
    let token = token.unwrap_or_default();
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{token}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
