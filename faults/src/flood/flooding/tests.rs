//! Floods of small listeners.

use records::built_in;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::schedule::FloodKind;

const SOON: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 8;

async fn flooded(kind: FloodKind) -> (TcpListener, Flooding) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = u32::try_from(CONNECTIONS).unwrap().try_into().unwrap();
    let flood = Flood { kind, connections };
    let flooding = Flooding::start(built_in::front_end(), address, "/orders", flood).unwrap();
    (listener, flooding)
}

async fn accept(listener: &TcpListener) -> Vec<TcpStream> {
    let mut accepted = Vec::new();
    for _ in 0..CONNECTIONS {
        accepted.push(timeout(SOON, listener.accept()).await.unwrap().unwrap().0);
    }
    accepted
}

async fn seen(flooding: &Flooding) -> Tally {
    timeout(SOON, flooding.seen()).await.expect("it is seen")
}

async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Everything that is sent until a text has been.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(end) {
        said.push(timeout(SOON, stream.read_u8()).await.unwrap().unwrap());
    }
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn idle_connections_say_nothing_and_go_with_their_flood() {
    let (listener, flooding) = flooded(FloodKind::Idle).await;
    let accepted = accept(&listener).await;
    let all = Tally { opened: CONNECTIONS, refused: 0, closed: 0 };
    assert_eq!(seen(&flooding).await, all);
    assert_eq!(flooding.end(), all);
    for mut stream in accepted {
        let mut said = Vec::new();
        // Its end, however it comes.
        let _ = timeout(SOON, stream.read_to_end(&mut said)).await.expect("it is closed");
        assert!(said.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_is_opened_again() {
    let (listener, flooding) = flooded(FloodKind::Idle).await;
    drop(accept(&listener).await);
    let _again = accept(&listener).await;
    // What is accepted is counted by the other end in its own time.
    let again = || flooding.counts.tally().opened == 2 * CONNECTIONS;
    timeout(SOON, until(again)).await.expect("all are opened again");
    assert_eq!(flooding.end().closed, CONNECTIONS);
}

#[tokio::test]
async fn slow_bodies_have_begun_when_they_are_asked_for_and_go_on_byte_by_byte() {
    let (listener, flooding) = flooded(FloodKind::SlowBodies).await;
    let mut accepted = accept(&listener).await;
    for stream in &mut accepted {
        let head = read_until(stream, "\r\n\r\n").await;
        assert!(head.starts_with("POST /orders HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Length: 100\r\n"), "{head}");
    }
    assert_eq!(*flooding.counts.begun.borrow(), 0, "nobody has asked for a body");
    for stream in &mut accepted {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    }
    assert_eq!(seen(&flooding).await, Tally { opened: CONNECTIONS, refused: 0, closed: 0 });
    assert_eq!(read_until(&mut accepted[0], "  ").await, "  ");
}

#[tokio::test]
async fn slow_bodies_that_are_refused_have_not_begun() {
    let (listener, flooding) = flooded(FloodKind::SlowBodies).await;
    for mut stream in accept(&listener).await {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n").await.unwrap();
    }
    let closed = || flooding.counts.tally().closed == CONNECTIONS;
    timeout(SOON, until(closed)).await.expect("all are closed");
    assert_eq!(*flooding.counts.begun.borrow(), 0);
}

#[tokio::test]
async fn stuck_readers_have_begun_when_an_answer_waits_and_never_take_it() {
    let (listener, flooding) = flooded(FloodKind::StuckReaders).await;
    let mut accepted = accept(&listener).await;
    for stream in &mut accepted {
        let asked = read_until(stream, "\r\n\r\n").await;
        assert!(asked.starts_with("GET /metrics HTTP/1.1\r\n"), "{asked}");
    }
    assert_eq!(*flooding.counts.begun.borrow(), 0, "nobody has been answered");
    for stream in &mut accepted {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    }
    assert_eq!(seen(&flooding).await, Tally { opened: CONNECTIONS, refused: 0, closed: 0 });
    // Whatever the system holds for both ends is full at some time, and nobody makes room in it.
    let stream = &mut accepted[0];
    let mut written = 0;
    while written < 64 << 20 {
        match stream.try_write(&[0; 1 << 16]) {
            Ok(more) => written += more,
            Err(_) => break,
        }
    }
    assert!(written < 64 << 20, "somebody reads");
}

#[tokio::test]
async fn a_process_that_refuses_is_not_seen_flooded() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let flood = Flood { kind: FloodKind::Idle, connections: 2.try_into().unwrap() };
    let flooding = Flooding::start(built_in::catalog(), address, "/trade", flood).unwrap();
    timeout(SOON, until(|| flooding.counts.tally().refused >= 2)).await.expect("both are refused");
    assert_eq!(*flooding.counts.begun.borrow(), 0);
    assert_eq!(flooding.end().opened, 0);
}
