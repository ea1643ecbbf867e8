//! Services that are started by hand, on loopback and on one data folder, share the token that the
//! first of them draws; those with folders of their own are told apart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "shared/ports.rs"]
mod ports;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that is killed at the end of its test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, listen: SocketAddr, data: &Path, others: &[String]) -> Process {
    let mut command = Command::new(program);
    command.arg(format!("--listen={listen}")).arg("--data-dir").arg(data).args(others);
    command.env_remove("DOUBLE_TROUBLE_SECRET").stderr(Stdio::null());
    Process(command.spawn().unwrap())
}

/// The status of a request; nothing if there is no answer.
fn status(address: SocketAddr, line: &str, body: &str, token: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.0\r\nContent-Length: {length}\r\nX-Double-Trouble-Secret: {token}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn services_that_share_a_data_folder_share_a_token_and_need_none_from_clients() {
    let data = tempfile::tempdir().unwrap();
    let [front_end, catalog, order] = ports::reserved(Ipv4Addr::LOCALHOST);
    let replica = format!("--replica=1={order}");
    let at = |flag: &str, address: SocketAddr| format!("--{flag}={address}");
    let _processes = [
        start(
            env!("CARGO_BIN_EXE_order"),
            order,
            data.path(),
            &[
                "--id=1".to_owned(),
                replica.clone(),
                at("front-end", front_end),
                at("catalog", catalog),
            ],
        ),
        start(env!("CARGO_BIN_EXE_catalog"), catalog, data.path(), &[at("front-end", front_end)]),
        start(
            env!("CARGO_BIN_EXE_front-end"),
            front_end,
            data.path(),
            &[replica, at("catalog", catalog)],
        ),
    ];
    let trade = r#"{"stock_name":"Stock1","trade_type":"Buy","quantity":1}"#;
    let begun = Instant::now();
    while status(front_end, "POST /orders", trade, "") != Some(200) {
        assert!(begun.elapsed() < PATIENCE, "they do not work together");
        std::thread::sleep(Duration::from_millis(10));
    }
    let token = std::fs::read_to_string(data.path().join("token")).unwrap();
    for (address, line) in
        [(front_end, "GET /history"), (catalog, "GET /dump"), (order, "GET /dump")]
    {
        assert_eq!(status(address, line, "", ""), Some(403), "{line}");
        assert_eq!(status(address, line, "", &token), Some(200), "{line}");
    }
}
