//! Rule S4: a connection that neither reads nor writes nor ends is ended, and internal peers get in when
//! the public is full.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use services::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::desk::{Desk, FOREVER, patient};
use crate::talk::{WITH_TOKEN, ask, connect, rest, status, within};

/// Small limits, under which only a lack of room ends a connection.
pub(crate) fn narrow() -> Limits {
    Limits { newcomers: 4, clients: 4, peers: 4, ..patient() }
}

/// A connection that pipelines requests and never reads: its answers are stuck.
pub(crate) async fn pipelining(address: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = within(socket.connect(address)).await.unwrap();
    let requests = format!("GET {path} HTTP/1.1\r\n\r\n").repeat(400);
    // It may be told to go in the middle of it.
    let _ = stream.write_all(requests.as_bytes()).await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_pipeline_and_never_read_lock_nobody_out() {
    let (_desk, address) = Desk::start(narrow()).await;
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(pipelining(address, "/big").await);
    }
    for _ in 0..20 {
        assert_eq!(status(&ask(address, "GET /now", "", "").await), 200);
        assert_eq!(status(&ask(address, "GET /internal", WITH_TOKEN, "").await), 200);
    }
    // A client that had to go sees the end of its connection; nothing of it is kept.
    let mut ended = 0;
    for mut stream in held {
        let mut bytes = vec![0; 1 << 20];
        let mut read = 0;
        while let Ok(Ok(more @ 1..)) =
            tokio::time::timeout(Duration::from_secs(1), stream.read(&mut bytes)).await
        {
            read += more;
        }
        ended += usize::from(read < 400 * 64 * 1024);
    }
    assert!(ended >= 30, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_loses_its_connection() {
    let limits = Limits { write_time: Duration::from_millis(50), ..patient() };
    let (desk, address) = Desk::start(limits).await;
    let stream = pipelining(address, "/big").await;
    // The requests that were never looked at are gone with the connection.
    let read = read_late(&desk, stream).await;
    assert!(read < 400 * 64 * 1024, "{read}");
}

/// How much is there to read for somebody who reads nothing until the server has given up, or waits for it:
/// at most all 400 answers.
pub(crate) async fn read_late(desk: &Desk, mut stream: TcpStream) -> usize {
    let mut bytes = vec![0; 1 << 20];
    let mut read = 0;
    within(async {
        while desk_is_busy(desk).await {}
        while read < 400 * 64 * 1024
            && let Ok(more @ 1..) = stream.read(&mut bytes).await
        {
            read += more;
        }
    })
    .await;
    read
}

/// Whether a further request was answered since the last look, a while ago.
async fn desk_is_busy(desk: &Desk) -> bool {
    let before = desk.answered.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(500)).await;
    desk.answered.load(Ordering::SeqCst) != before
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pipelined_is_not_worked_on_before_its_predecessors_answer_is_taken() {
    let (desk, address) = Desk::start(patient()).await;
    // Answers without a body are the case in which nothing else holds them up.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = within(socket.connect(address)).await.unwrap();
    let requests = "GET /empty HTTP/1.1\r\n\r\n".repeat(1000);
    let (mut sent, mut place) = (0_usize, 0);
    // Until the server takes no more and works on nothing: it waits for its answers to be taken.
    loop {
        let more = stream.write(&requests.as_bytes()[place..]);
        match tokio::time::timeout(Duration::from_millis(500), more).await {
            Ok(written) => {
                let written = written.unwrap();
                sent += written;
                place = (place + written) % requests.len();
            }
            // On a busy machine it may still have some before it that it had taken.
            Err(_) if desk_is_busy(&desk).await => {}
            Err(_) => break,
        }
        assert!(sent < 200_000_000, "everything is taken in");
    }
    assert_eq!(status(&ask(address, "GET /now", "", "").await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_get_in_when_every_client_is_being_worked_for() {
    let (desk, address) = Desk::start(narrow()).await;
    let waiting: Vec<_> = (0..4).map(|_| tokio::spawn(ask(address, "GET /wait", "", ""))).collect();
    desk.has_waiting(4).await;
    let turned_away = ask(address, "GET /now", "", "").await;
    assert_eq!(status(&turned_away), 503);
    assert!(turned_away.contains("retry-after") && turned_away.contains("too many connections"));
    for _ in 0..8 {
        assert_eq!(status(&ask(address, "GET /internal", WITH_TOKEN, "").await), 200);
    }
    desk.open.send_replace(true);
    for waiting in waiting {
        let answer = waiting.await.unwrap();
        assert_eq!(status(&answer), 200, "a client whose request is worked on keeps its place");
    }
    assert_eq!(status(&ask(address, "GET /now", "", "").await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_give_way() {
    let (_desk, address) = Desk::start(narrow()).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        let mut stream = connect(address).await;
        // Half a header is no request.
        stream.write_all(b"GET /now HTTP/1.1\r\nX-Half").await.unwrap();
        silent.push(stream);
    }
    for _ in 0..8 {
        assert_eq!(status(&ask(address, "GET /now", "", "").await), 200);
        assert_eq!(status(&ask(address, "GET /internal", WITH_TOKEN, "").await), 200);
    }
    assert_eq!(rest(&mut silent[0]).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_never_finished_is_read_no_further_than_its_bound() {
    let (desk, address) = Desk::start(patient()).await;
    let mut stream = connect(address).await;
    let head = format!("GET /now HTTP/1.1\r\nX-Long: {}", "x".repeat(400_000));
    // The server hangs up in the middle of it, whatever the system has taken meanwhile.
    let _ = within(stream.write_all(head.as_bytes())).await;
    let said = rest(&mut stream).await;
    assert!(said.is_empty() || status(&said) == 431, "{said}");
    assert_eq!(desk.answered.load(Ordering::SeqCst), 0);
    // What a front-end announces to many replicas fits.
    let long = format!("X-Configuration: {}\r\n", "x".repeat(25_000));
    assert_eq!(status(&ask(address, "GET /now", &long, "").await), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_idles_or_dawdles_over_a_header_is_ended() {
    let limits = Limits { header_time: Duration::from_millis(50), ..patient() };
    let (_desk, address) = Desk::start(limits).await;
    for begins in ["", "GET /now HTTP/1.1\r\nX-Half", "GET /now HTTP/1.1\r\n\r\n"] {
        let mut stream = connect(address).await;
        stream.write_all(begins.as_bytes()).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(!begins.ends_with("\r\n\r\n") || status(&said) == 200, "{said}");
    }
}

/// As many as were seen to lock the front-end out for minutes, against the limits that it has.
#[tokio::test(flavor = "multi_thread")]
async fn four_thousand_answers_that_nobody_reads_take_what_they_are_long_and_no_more() {
    const NEVER_READ: usize = 4200;
    services::process::raise_open_files_limit();
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let files = 2 * NEVER_READ as u64 + 500;
    assert!(limit >= files, "{files} open files are needed, and {limit} allowed: see ulimit -Hn");
    let (desk, address) = Desk::start(Limits { write_time: FOREVER, ..Limits::default() }).await;
    let before = resident_kib();
    let mut held = Vec::new();
    for _ in 0..NEVER_READ {
        held.push(pipelining(address, "/big").await);
    }
    for (line, headers) in [("GET /now", ""), ("GET /internal", WITH_TOKEN)] {
        assert_eq!(status(&ask(address, line, headers, "").await), 200);
    }
    // A few answers each wait to be taken, those that the system holds included, and no more are made.
    let answered = desk.answered.load(Ordering::SeqCst);
    assert!((NEVER_READ / 2..10 * NEVER_READ).contains(&answered), "{answered}");
    let more = resident_kib().saturating_sub(before);
    assert!(more < 768 * 1024, "{more} KiB");
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
