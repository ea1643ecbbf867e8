//! Crowds of strangers before real processes: connections that never read, headers and bodies that never
//! end, and names that nobody has. Anybody who behaves is answered meanwhile, peers too, nobody is deposed, and
//! little memory is taken (rules S3 and S4).

use std::io::ErrorKind;
use std::net::SocketAddr;

use hyper::StatusCode;
use nix::sys::resource::{Resource, getrlimit};
use serde_json::{Value, json};
use services::http::{Call, Peers, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use wire::bazaar::MAX_STOCKS;

use crate::bazaar::{Bazaar, LOOK_AGAIN, Name, ORDERS, PATIENCE, SECRET};
use crate::history::{History, join_all};

/// As many as were seen to lock the front-end out for minutes.
const NEVER_READ: usize = 4200;
/// Three times as many connections as may be new at once, and fewer than the system queues.
const AT_ONCE: usize = 3072;
/// Requests that each of these sends.
const PIPELINED: usize = 20;
/// As many headers as were seen to take 165 MB, and their lengths then.
const HEADERS: usize = 400;
const LONG: usize = 400_000;
/// The longest that is read.
const READ: usize = 30_000;
/// As many bodies as were seen to take every place.
const BODIES: usize = 1024;
/// More trades than may wait at the front-end at once.
const WAITING: usize = 1100;
/// Reads of a stock that is in the cache meanwhile.
const READS: usize = 200;
/// After so long without an answer a replica has failed. These crowds were seen to lock everybody out for minutes.
const PING_TIMEOUT_MS: u64 = 3000;
/// Orders between two looks.
const SOME: usize = 20;
/// Names that nobody has, in all pushes together.
const INVENTED: usize = 1_000_000;

/// Has this process open so many files at once, or says what to do.
fn may_open(files: u64) {
    services::process::raise_open_files_limit();
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(limit >= files, "{files} open files are needed, and {limit} allowed: see ulimit -Hn");
}

async fn connect(address: SocketAddr) -> TcpStream {
    timeout(PATIENCE, TcpStream::connect(address)).await.expect("it is accepted").unwrap()
}

/// From now on those who ping wait so long for an answer.
fn be_patient(bazaar: &mut Bazaar, ping_timeout_ms: u64) {
    for name in [Name::FrontEnd].into_iter().chain(ORDERS) {
        bazaar.start_with(name, &format!("--ping-timeout-ms={ping_timeout_ms}"));
    }
}

/// A bazaar that is whole, and deposes nobody because a crowd of a thousand and its tests share two cores.
async fn patient() -> Bazaar {
    let mut bazaar = Bazaar::prepare();
    be_patient(&mut bazaar, PING_TIMEOUT_MS);
    bazaar.launch_all();
    bazaar.whole().await;
    bazaar
}

/// Clients trade and look up, and the bazaar's own are answered, by the same leader as before.
struct Unmoved {
    history: History,
    changes: usize,
}

impl Unmoved {
    async fn before(bazaar: &Bazaar) -> Self {
        let mut history = History::default();
        history.trade(bazaar, SOME).await;
        Self { history, changes: bazaar.changes().await.len() }
    }

    async fn meanwhile(&mut self, bazaar: &Bazaar) {
        self.history.trade(bazaar, SOME).await;
        self.history.is_shown(bazaar).await;
        let changes = bazaar.changes().await;
        assert_eq!(changes.len(), self.changes, "{changes:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_connections_that_pipeline_and_never_read_lock_nobody_out() {
    may_open(NEVER_READ as u64 + 200);
    let mut bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let address = bazaar.address(Name::FrontEnd);
    let before = bazaar.peak_kib(Name::FrontEnd);
    let requests = "GET /stocks/Stock1 HTTP/1.1\r\n\r\n".repeat(PIPELINED);
    let mut held = Vec::new();
    for _ in 0..NEVER_READ {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = timeout(PATIENCE, socket.connect(address)).await.unwrap().unwrap();
        // It may be told to go in the middle of it.
        let _ = stream.write_all(requests.as_bytes()).await;
        held.push(stream);
    }
    // An idle connection may be closed to make room for others, as by any server, and that can cross the
    // next request on it; anybody who comes now is served.
    bazaar.connect_anew();
    unmoved.meanwhile(&bazaar).await;
    let more = bazaar.peak_kib(Name::FrontEnd) - before;
    assert!(more < 128 * 1024, "{more} KiB");
    // They were there all the time: most of them have their answers, which nobody has read.
    let mut answered = 0;
    for stream in &held {
        answered += usize::from(stream.try_read(&mut [0; 16]).is_ok_and(|read| read > 0));
    }
    assert!(answered > NEVER_READ / 2, "{answered}");
}

/// They came while the front-end stood still, so more are accepted at once than may be new. Who has sent a request has
/// done his part: he is read before he is told to go.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_requests_that_are_there_before_they_are_accepted_are_all_answered() {
    may_open(AT_ONCE as u64 + 200);
    let bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    bazaar.pause(Name::FrontEnd, true);
    let mut asked = Vec::new();
    for _ in 0..AT_ONCE {
        let mut stream = connect(bazaar.address(Name::FrontEnd)).await;
        stream
            .write_all(b"GET /stocks/Stock1 HTTP/1.1\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        asked.push(stream);
    }
    bazaar.pause(Name::FrontEnd, false);
    for (number, stream) in asked.iter_mut().enumerate() {
        let mut answer = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an answer");
        // If only that there is no place to work on so many.
        let is_answered =
            ["HTTP/1.1 200 ", "HTTP/1.1 503 "].iter().any(|line| answer.starts_with(line));
        assert!(read.is_ok() && is_answered, "{number}: {read:?} {answer}");
    }
    unmoved.meanwhile(&bazaar).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_headers_that_never_end_take_little_memory() {
    may_open(2 * HEADERS as u64 + 200);
    let bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let address = bazaar.address(Name::FrontEnd);
    let before = bazaar.peak_kib(Name::FrontEnd);
    let mut held = Vec::new();
    for length in [READ, LONG] {
        let head = format!("GET /stocks/Stock1 HTTP/1.1\r\nX-Long: {}", "x".repeat(length));
        for _ in 0..HEADERS {
            let mut stream = connect(address).await;
            // What is too long is read no further: the other side hangs up in the middle of it.
            let _ = timeout(PATIENCE, stream.write_all(head.as_bytes())).await.unwrap();
            held.push(stream);
        }
    }
    unmoved.meanwhile(&bazaar).await;
    let more = bazaar.peak_kib(Name::FrontEnd) - before;
    assert!(more < 64 * 1024, "{more} KiB");
    // Those that can be read are waited for, and the others are gone.
    let is_held = |stream: &TcpStream| matches!(stream.try_read(&mut [0; 16]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    assert_eq!(held[..HEADERS].iter().filter(|stream| is_held(stream)).count(), HEADERS);
    for stream in &mut held[HEADERS..] {
        // Its end is a reset where something that it sent was not read.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.expect("it is ended");
    }
}

/// A request whose body does not come, once it is asked for.
async fn unfinished(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = connect(address).await;
    let head = format!("{head}Content-Length: 100\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut said)).await.expect("an answer").unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 100");
    stream
}

/// A leader that was sent them was deposed, and all work stopped.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_come_depose_nobody_and_stop_nothing() {
    may_open(3 * BODIES as u64 + 200);
    let bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let leader = bazaar.address(bazaar.leader().await);
    let epoch = &bazaar.leadership().await.unwrap()["epoch"];
    let own = format!("x-double-trouble-secret: {SECRET}\r\nx-epoch: {epoch}\r\n");
    let mut held = Vec::new();
    for (address, line, headers) in [
        (leader, "POST /sync", own.as_str()),
        (leader, "POST /sync", ""),
        (bazaar.address(Name::FrontEnd), "POST /orders", ""),
    ] {
        for _ in 0..BODIES {
            held.push(unfinished(address, &format!("{line} HTTP/1.1\r\n{headers}")).await);
        }
        unmoved.meanwhile(&bazaar).await;
    }
}

/// A connection that has sent a trade.
async fn buys_later(bazaar: &Bazaar, number: usize) -> TcpStream {
    let body = json!({"stock_name": "Stock2", "trade_type": "Buy", "quantity": 1}).to_string();
    let request = format!(
        "POST /orders HTTP/1.1\r\nIdempotency-Key: waits-{number}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(bazaar.address(Name::FrontEnd)).await;
    // It may be told to go in the middle of it.
    let _ = stream.write_all(request.as_bytes()).await;
    stream
}

/// Waits until one of them is told that there is no place for it. Who had to make room before its request was read
/// comes again.
async fn until_one_has_no_place(bazaar: &Bazaar, waiting: &mut [TcpStream]) {
    let until = Instant::now() + PATIENCE;
    loop {
        for (number, stream) in waiting.iter_mut().enumerate() {
            let mut first = [0; 12];
            match stream.try_read(&mut first) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(length @ 1..) => {
                    let said = String::from_utf8_lossy(&first[..length]);
                    return assert_eq!(said, "HTTP/1.1 503", "nobody else has an answer");
                }
                Ok(0) | Err(_) => *stream = buys_later(bazaar, number).await,
            }
        }
        assert!(Instant::now() < until, "there is a place for everybody");
        sleep(LOOK_AGAIN).await;
    }
}

/// What the cache has needs no catalog, and no place that a trade may take.
#[tokio::test(flavor = "multi_thread")]
async fn cached_stocks_are_answered_while_more_trades_wait_for_a_stopped_catalog_than_have_a_place()
{
    may_open(2 * WAITING as u64 + 200);
    let mut bazaar = Bazaar::prepare();
    // However slow the machine is, they wait until the catalog goes on, and nobody doubts a leader meanwhile.
    bazaar.start_with(Name::FrontEnd, "--trade-timeout-ms=600000");
    be_patient(&mut bazaar, 60_000);
    bazaar.launch_all();
    bazaar.whole().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let stock = Call::get("/stocks/Stock1");
    assert_eq!(bazaar.ask(&stock).await.unwrap().status, StatusCode::OK);
    bazaar.pause(Name::Catalog, true);
    let mut waiting = Vec::new();
    for number in 0..WAITING {
        waiting.push(buys_later(&bazaar, number).await);
    }
    until_one_has_no_place(&bazaar, &mut waiting).await;
    for _ in 0..READS {
        let hit = bazaar.ask(&stock).await.unwrap();
        assert_eq!(hit.status, StatusCode::OK);
        assert_eq!(hit.headers.get("x-cache").unwrap(), "hit");
    }
    let answered = waiting.iter().filter(|stream| stream.try_read(&mut [0; 1]).is_ok()).count();
    assert!(answered < WAITING / 2, "{answered} no longer wait");
    bazaar.pause(Name::Catalog, false);
    bazaar.whole().await;
    unmoved.meanwhile(&bazaar).await;
}

/// A process that may have few files open answers its peers, and opens its own, no matter who else comes.
#[tokio::test(flavor = "multi_thread")]
async fn where_few_files_may_be_open_a_crowd_leaves_some_for_peers_and_files() {
    const FILES: u32 = 200;
    may_open(u64::from(FILES) * 4);
    let mut bazaar = Bazaar::prepare();
    bazaar.limit_open_files(FILES);
    be_patient(&mut bazaar, PING_TIMEOUT_MS);
    bazaar.launch_all();
    bazaar.whole().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let names = [Name::FrontEnd, Name::Catalog, bazaar.leader().await];
    let mut held = Vec::new();
    for name in names {
        for _ in 0..FILES {
            let mut stream = connect(bazaar.address(name)).await;
            let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await;
            held.push(stream);
        }
    }
    unmoved.meanwhile(&bazaar).await;
    for name in names {
        assert_eq!(bazaar.times_said(name, "cannot accept a connection"), 0, "{name}");
    }
}

async fn push(bazaar: &Bazaar, names: impl Iterator<Item = String>) -> Reply {
    let stocks: Vec<Value> = names.map(|name| json!({"stock_name": name, "version": 1})).collect();
    let call = Call::post("/invalidate", &json!({"stocks": stocks}));
    let own = Peers::new(Some(SECRET.into()));
    own.call(bazaar.address(Name::FrontEnd), &call, PATIENCE).await.unwrap()
}

fn invented(number: usize) -> String {
    format!("Nothing-{number:0>50}")
}

/// They took 190 MB for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_invented_names_in_pushes_are_refused_and_none_is_remembered() {
    let bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let first = push(&bazaar, (0..=MAX_STOCKS).map(invented)).await;
    assert_eq!(first.status, StatusCode::INSUFFICIENT_STORAGE);
    // What it takes to read one.
    let before = bazaar.peak_kib(Name::FrontEnd);
    for begin in (0..INVENTED).step_by(MAX_STOCKS + 1) {
        let refused = push(&bazaar, (begin..=begin + MAX_STOCKS).map(invented)).await;
        assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    }
    let more = bazaar.peak_kib(Name::FrontEnd) - before;
    assert!(more < 48 * 1024, "{more} KiB");
    unmoved.meanwhile(&bazaar).await;
    // There is room for as many as at first: the bazaar has three.
    let fits = push(&bazaar, (0..MAX_STOCKS - 3).map(invented)).await;
    assert_eq!(fits.status, StatusCode::OK);
    assert_eq!(
        push(&bazaar, [invented(MAX_STOCKS)].into_iter()).await.status,
        StatusCode::INSUFFICIENT_STORAGE
    );
    unmoved.meanwhile(&bazaar).await;
}

/// Reads of stocks that nobody has leave room for all that somebody has.
#[tokio::test(flavor = "multi_thread")]
async fn reads_of_invented_stocks_are_remembered_by_nobody() {
    let bazaar = patient().await;
    let mut unmoved = Unmoved::before(&bazaar).await;
    let numbers: Vec<_> = (0..MAX_STOCKS / 4).collect();
    join_all(numbers.chunks(MAX_STOCKS / 32).map(async |numbers| {
        for number in numbers {
            let call = Call::get(format!("/stocks/{}", invented(*number)));
            assert_eq!(bazaar.ask(&call).await.unwrap().status, StatusCode::NOT_FOUND);
        }
    }))
    .await;
    let fits = push(&bazaar, (MAX_STOCKS..2 * MAX_STOCKS - 3).map(invented)).await;
    assert_eq!(fits.status, StatusCode::OK);
    unmoved.meanwhile(&bazaar).await;
}
