//! Rule S4: a place is taken by a whole request only.

use std::time::Duration;

use services::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::{Desk, patient};
use crate::talk::{WITH_TOKEN, ask, connect, rest, status, within};

/// A request whose body does not come.
async fn unfinished(address: std::net::SocketAddr, line: &str, length: usize) -> TcpStream {
    let mut stream = connect(address).await;
    let head = format!("{line} HTTP/1.1\r\nContent-Length: {length}\r\n{WITH_TOKEN}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_bodies_do_not_come_stop_nobody() {
    let (_desk, address) = Desk::start(Limits { concurrent: 2, ..patient() }).await;
    let mut held = Vec::new();
    for line in ["POST /now", "POST /internal"] {
        for _ in 0..20 {
            held.push(unfinished(address, line, 10).await);
        }
    }
    for (line, headers) in [("POST /now", ""), ("GET /now", ""), ("POST /internal", WITH_TOKEN)] {
        assert_eq!(status(&ask(address, line, headers, "body").await), 200, "{line}");
    }
    // One that comes at last is answered as well.
    let mut late = held.pop().unwrap();
    late.write_all(b"0123456789").await.unwrap();
    let mut said = [0; 12];
    within(late.read_exact(&mut said)).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_ends_its_connection() {
    let limits = Limits { body_time: Duration::from_millis(50), ..patient() };
    let (_desk, address) = Desk::start(limits).await;
    let mut stream = unfinished(address, "POST /now", 10).await;
    assert_eq!(status(&rest(&mut stream).await), 408);
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_long_bodies_of_strangers_share_a_few_places() {
    let limits = Limits { large_bodies: 1, small_body_bytes: 100, ..patient() };
    let (_desk, address) = Desk::start(limits).await;
    let head = "POST /now HTTP/1.1\r\nContent-Length: 5000\r\n\r\n";
    let mut first = connect(address).await;
    first.write_all(head.as_bytes()).await.unwrap();
    // Whichever of the two is read first keeps its place; the other is told to come back.
    let mut second = connect(address).await;
    second.write_all(head.as_bytes()).await.unwrap();
    let told = within(async {
        tokio::select! {
            told = status_line(&mut first) => told,
            told = status_line(&mut second) => told,
        }
    });
    assert_eq!(told.await, "HTTP/1.1 503");
    assert_eq!(status(&ask(address, "POST /now", "", "a trade is short").await), 200);
    let long = "x".repeat(5000);
    assert_eq!(status(&ask(address, "POST /internal", WITH_TOKEN, &long).await), 200);
}

async fn status_line(stream: &mut TcpStream) -> String {
    let mut said = [0; 12];
    stream.read_exact(&mut said).await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}
