//! A part that owns state panics, in a real process: the process ends, with a line and an exit code of
//! its own (rule G4). Needs services in which a panic can be planted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "shared/ports.rs"]
mod ports;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The exit code for a panic.
const EXIT_PANIC: i32 = 5;
/// A replica that nobody plays.
const NOBODY: &[&str] = &["--replica=1=127.0.0.1:9"];
/// A bazaar's second process.
const REPLICA: usize = 1;
/// Its third.
const FRONT_END: usize = 2;
/// What a bazaar's processes know each other by.
const SECRET: &str = "11111111-2222-4333-8444-555555555555";
/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    address: SocketAddr,
    /// Who has to run for this one to come to its panic.
    others: Vec<Self>,
    _dir: TempDir,
}

/// A bazaar's catalog, replica and front-end, in which a part of one panics.
fn bazaar(part: &str, of: usize) -> Process {
    let [catalog, replica, front_end] = ports::reserved(Ipv4Addr::LOCALHOST);
    let to = [
        format!("--catalog={catalog}"),
        format!("--replica=1={replica}"),
        format!("--front-end={front_end}"),
    ];
    let [to_catalog, to_replica, to_front_end] = to.each_ref().map(String::as_str);
    let programs = [
        (env!("CARGO_BIN_EXE_catalog"), catalog, vec![to_front_end]),
        (env!("CARGO_BIN_EXE_order"), replica, vec!["--id=1", to_catalog, to_front_end]),
        (env!("CARGO_BIN_EXE_front-end"), front_end, vec![to_catalog, to_replica]),
    ];
    let mut all: Vec<Process> = Vec::new();
    for (index, (program, address, more)) in programs.into_iter().enumerate() {
        all.push(Process::start_at(address, program, (index == of).then_some(part), &more));
    }
    let mut panicking = all.swap_remove(of);
    panicking.others = all;
    panicking
}

impl Process {
    fn start(program: &str, part: &str, more: &[&str]) -> Self {
        let [address] = ports::reserved(Ipv4Addr::LOCALHOST);
        Self::start_at(address, program, Some(part), more)
    }

    fn start_at(address: SocketAddr, program: &str, part: Option<&str>, more: &[&str]) -> Self {
        Self::start_telling(Stdio::piped(), address, program, part, more)
    }

    fn start_telling(
        stderr: Stdio,
        address: SocketAddr,
        program: &str,
        part: Option<&str>,
        more: &[&str],
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let child = Command::new(program)
            .arg(format!("--listen={address}"))
            .arg(format!("--data-dir={}", dir.path().display()))
            .args(part.map(|part| format!("--panic-at={part}")))
            .args(more)
            .env("DOUBLE_TROUBLE_SECRET", SECRET)
            .stderr(stderr)
            .spawn()
            .unwrap();
        Self { child, address, others: Vec::new(), _dir: dir }
    }

    /// Asks for something, if it is still there to be asked.
    fn get(&self, path: &str) -> String {
        let begun = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(self.address) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            std::thread::yield_now();
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-double-trouble-secret: {SECRET}\r\n\
             Connection: close\r\n\r\n"
        );
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Asks again and again, until the status is this.
    fn get_until(&self, path: &str, status: u16) {
        let begun = Instant::now();
        loop {
            let said = self.get(path);
            if said.starts_with(&format!("HTTP/1.1 {status} ")) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {said}");
        }
    }

    /// Waits for its end, which must be that of a panic in `part`.
    fn ended_by(mut self, part: &str) {
        let mut stderr = self.child.stderr.take().unwrap();
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            ended.send(said)
        });
        let said = end.recv_timeout(PATIENCE).expect("it ends by itself");
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(EXIT_PANIC), "{said}");
        let line = format!("error: {part} panicked; start this process again");
        assert_eq!(said.lines().last(), Some(line.as_str()), "{said}");
    }
}

/// A test that fails leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The log is on the disk that is full: a process that could not say why it ends was aborted instead, and
/// its exit code told nobody anything.
#[test]
fn a_process_whose_last_words_cannot_be_written_ends_all_the_same() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ([address], writer) = (ports::reserved(Ipv4Addr::LOCALHOST), Some("order-writer"));
    let program = env!("CARGO_BIN_EXE_order");
    let mut replica = Process::start_telling(full.into(), address, program, writer, &["--id=1"]);
    assert_eq!(replica.child.wait().unwrap().code(), Some(EXIT_PANIC));
}

#[test]
fn a_replica_whose_writer_panics_ends() {
    let replica = Process::start(env!("CARGO_BIN_EXE_order"), "order-writer", &["--id=1"]);
    replica.ended_by("the thread that numbers orders");
}

#[test]
fn a_catalog_whose_writer_panics_ends() {
    let catalog = Process::start(env!("CARGO_BIN_EXE_catalog"), "catalog-writer", &[]);
    catalog.ended_by("the thread that decides trades");
}

#[test]
fn a_catalog_whose_pusher_panics_ends() {
    let catalog = Process::start(env!("CARGO_BIN_EXE_catalog"), "catalog-pusher", &[]);
    catalog.ended_by("the task that pushes invalidations");
}

#[test]
fn a_front_end_whose_detector_panics_ends() {
    let front_end = Process::start(env!("CARGO_BIN_EXE_front-end"), "detector", NOBODY);
    front_end.ended_by("the task that chooses leaders");
}

#[test]
fn a_front_end_whose_membership_panics_in_a_requests_hands_ends() {
    let front_end = Process::start(env!("CARGO_BIN_EXE_front-end"), "membership", NOBODY);
    front_end.get("/history");
    front_end.ended_by("what keeps the configuration");
}

#[test]
fn a_front_end_that_tells_the_catalog_nothing_any_more_ends() {
    let front_end = Process::start(env!("CARGO_BIN_EXE_front-end"), "announcer", NOBODY);
    front_end.ended_by("the task that tells the catalog");
}

#[test]
fn a_front_end_that_pings_a_replica_no_more_ends() {
    bazaar("pinger", FRONT_END).ended_by("a task that pings");
}

#[test]
fn a_front_end_that_panics_with_the_caches_lock_in_a_requests_hands_ends() {
    let front_end = Process::start(env!("CARGO_BIN_EXE_front-end"), "cache", NOBODY);
    front_end.get("/stocks/Stock1");
    front_end.ended_by("whoever had the stock cache");
}

#[test]
fn a_replica_whose_call_would_never_be_reported_ends() {
    bazaar("outbox", REPLICA).ended_by("a task that calls others");
}

#[test]
fn a_replica_for_which_time_stands_still_ends() {
    let replica = Process::start(env!("CARGO_BIN_EXE_order"), "ticker", &["--id=1"]);
    replica.ended_by("the task that ticks");
}

#[test]
fn a_replica_that_probes_the_catalog_no_more_ends() {
    let replica = Process::start(env!("CARGO_BIN_EXE_order"), "catalog-prober", &["--id=1"]);
    replica.ended_by("the task that probes the catalog");
}

#[test]
fn a_replica_that_probes_the_front_end_no_more_ends() {
    let replica = Process::start(env!("CARGO_BIN_EXE_order"), "front-end-prober", &["--id=1"]);
    replica.ended_by("the task that probes the front-end");
}

/// No part that owns state: the process goes on, and somebody else goes on with the trade (rule E2).
#[test]
fn a_trade_whose_task_panics_gets_its_number_all_the_same() {
    let replica = bazaar("carrier", REPLICA);
    replica.get_until("/trade?stock_name=Stock1&trade_type=Buy&quantity=1", 500);
    replica.get_until("/query?order_no=1", 200);
}

/// The rule left out: the thread that numbers is gone, and pings are answered by another.
#[test]
fn a_replica_that_outlives_its_writer_answers_pings_for_ever() {
    let more = ["--id=1", "--plant=outlive-panics"];
    let replica = Process::start(env!("CARGO_BIN_EXE_order"), "order-writer", &more);
    // It waits for the thread, which takes nothing any more.
    replica.get_until("/dump", 503);
    replica.get_until("/ping", 200);
}
