//! A part that owns state panics, in a real process: the process ends, with a line and an exit code of
//! its own (rule G4). Needs services in which a panic can be planted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The exit code for a panic.
const EXIT_PANIC: i32 = 5;
/// A replica that nobody plays.
const NOBODY: &[&str] = &["--replica=1=127.0.0.1:9"];
/// What a bazaar's processes know each other by.
const SECRET: &str = "11111111-2222-4333-8444-555555555555";
/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

struct Process {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Process {
    fn start(program: &str, part: &str, more: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new(program)
            .arg(format!("--listen={address}"))
            .arg(format!("--data-dir={}", dir.path().display()))
            .arg(format!("--panic-at={part}"))
            .args(more)
            .env("DOUBLE_TROUBLE_SECRET", SECRET)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, address, _dir: dir }
    }

    /// Asks for something, if it is still there to be asked.
    fn get(&self, path: &str) {
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
        let _ = stream.read_to_end(&mut Vec::new());
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
