//! Trades that travel together have the outcomes that they would have had alone, whatever becomes of the request
//! that they share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::json;
use services::http::{
    Access, Answer, Attempt, Call, CallError, Endpoint, HttpConfig, Peers, Reply, Request,
    ServerConfig, Service, Together, serve,
};
use services::metrics::Metrics;
use services::planted::Bugs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::internal::MAX_TOGETHER;

/// A generous bound on anything awaited; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// What both sides know each other by.
const TOKEN: &str = "open-sesame";

/// Takes trades, and does with each as its number says.
struct Desk {
    /// The numbers of those that have come, and those that were left before they had their answers.
    came: watch::Sender<Vec<u32>>,
    left: watch::Sender<Vec<u32>>,
    /// Trade 1 waits while it is true.
    held: watch::Sender<bool>,
    metrics: Metrics,
}

#[derive(Clone, Copy)]
enum Route {
    Trade,
    Query,
}

/// Says that a trade was left, unless its answer is there.
struct Watched<'a>(&'a Desk, u32);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.left.send_modify(|left| left.push(self.1));
    }
}

impl Service for Desk {
    type Route = Route;
    const ENDPOINTS: &'static [Endpoint<Route>] = &[
        Endpoint::get("/trade", Access::Work, Route::Trade).trading(),
        Endpoint::get("/query", Access::Work, Route::Query),
    ];

    async fn handle(self: Arc<Self>, route: Route, request: Request) -> Answer {
        if let Route::Query = route {
            return Answer::empty();
        }
        let number = match request.parsed::<u32>("number") {
            Ok(number) => number,
            Err(bad) => return bad.into(),
        };
        self.came.send_modify(|came| came.push(number));
        let watched = Watched(&self, number);
        if number == 1 {
            self.held.subscribe().wait_for(|held| !held).await.unwrap();
        }
        assert!(number != 13, "a test's own");
        std::mem::forget(watched);
        let name: Option<String> = request.header("x-request-id").unwrap();
        match number {
            7 => Answer::error_without_effect(StatusCode::SERVICE_UNAVAILABLE, "not serving"),
            _ => Answer::ok(&json!({ "number": number, "name": name })),
        }
    }
}

impl Desk {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let desk = Arc::new(Self {
            came: watch::Sender::default(),
            left: watch::Sender::default(),
            held: watch::Sender::new(false),
            metrics: Metrics::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = ServerConfig {
            secret: Some(TOKEN.into()),
            http: HttpConfig::default(),
            metrics: desk.metrics.http.clone(),
            bugs: Bugs::default(),
        };
        let service = Arc::clone(&desk);
        tokio::spawn(async move { serve(listener, service, config, pending()).await });
        (desk, address)
    }

    /// How many requests to `path` had this status.
    fn counted(&self, path: &str, status: u16) -> u32 {
        let text = String::from_utf8(self.metrics.text().unwrap()).unwrap();
        let wanted = format!("http_requests_total{{path=\"{path}\",status=\"{status}\"}} ");
        let count = text.lines().find_map(|line| line.strip_prefix(&wanted));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it did not happen")
}

fn together() -> Together {
    Together::new(Peers::new(Some(TOKEN.into())))
}

fn trade(number: u32) -> Call {
    Call::get(format!("/trade?number={number}")).header("x-request-id", format!("R{number}"))
}

type Outcome = Result<Reply, CallError>;

/// Begins these calls in one turn. They are joined as they end.
fn begun(calls: Vec<Call>, address: SocketAddr) -> JoinSet<(usize, Outcome)> {
    let together = together();
    let mut asked = JoinSet::new();
    for (index, call) in calls.into_iter().enumerate() {
        let together = together.clone();
        asked.spawn(async move { (index, together.call(address, call, PATIENCE).await) });
    }
    asked
}

/// The outcomes of calls that are made in one turn, in the order of the calls.
async fn outcomes(calls: Vec<Call>, address: SocketAddr) -> Vec<Outcome> {
    let mut ended = within(begun(calls, address).join_all()).await;
    ended.sort_by_key(|(index, _)| *index);
    ended.into_iter().map(|(_, outcome)| outcome).collect()
}

fn statuses(outcomes: &[Outcome]) -> Vec<u16> {
    outcomes.iter().map(|outcome| outcome.as_ref().unwrap().status.as_u16()).collect()
}

/// What is certain of each: the number in its answer, or how its attempt ended.
fn certain(outcomes: &[Outcome]) -> Vec<Result<u64, Attempt>> {
    let of = |outcome: &Outcome| match outcome {
        Ok(reply) => match reply.json::<serde_json::Value>().unwrap()["number"].as_u64() {
            Some(number) => Ok(number),
            None => Err(reply.as_attempt()),
        },
        Err(error) => Err(error.as_attempt(Bugs::default())),
    };
    outcomes.iter().map(of).collect()
}

#[tokio::test]
async fn those_of_one_turn_share_a_request_and_have_answers_of_their_own() {
    let (desk, address) = Desk::start().await;
    let mut calls: Vec<_> = [5, 7, 9].map(trade).into();
    calls.extend(["/trade?number=many", "/query", "/elsewhere"].map(Call::get));
    let outcomes = outcomes(calls, address).await;
    assert_eq!(statuses(&outcomes), [200, 503, 200, 400, 400, 404]);
    let expected = [Ok(5), Err(Attempt::WithoutEffect), Ok(9)];
    assert_eq!(certain(&outcomes)[..3], expected);
    let named = outcomes[2].as_ref().unwrap();
    assert_eq!(named.json::<serde_json::Value>().unwrap()["name"], "R9");
    assert_eq!(named.headers["content-type"], "application/json");
    let refused = outcomes[1].as_ref().unwrap();
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!((desk.counted("/together", 200), desk.counted("/trade", 200)), (1, 2));
    assert_eq!((desk.counted("/trade", 503), desk.counted("unknown", 404)), (1, 1));
}

#[tokio::test]
async fn one_that_has_no_company_is_sent_as_it_is() {
    let (desk, address) = Desk::start().await;
    assert_eq!(certain(&outcomes(vec![trade(5)], address).await), [Ok(5)]);
    assert_eq!((desk.counted("/together", 200), desk.counted("/trade", 200)), (0, 1));
}

#[tokio::test]
async fn those_that_are_too_many_for_one_request_share_several() {
    let (desk, address) = Desk::start().await;
    let calls = (0..=u32::try_from(MAX_TOGETHER).unwrap() + 1).map(|number| trade(100 + number));
    let outcomes = outcomes(calls.collect(), address).await;
    assert_eq!(outcomes.len(), MAX_TOGETHER + 2);
    assert!(certain(&outcomes).iter().all(Result::is_ok));
    assert_eq!(desk.counted("/together", 200), 2);
}

#[tokio::test]
async fn a_slow_one_holds_up_nobody() {
    let (desk, address) = Desk::start().await;
    desk.held.send_replace(true);
    let mut asked = begun([5, 1, 9].map(trade).into(), address);
    let mut first =
        [asked.join_next().await, asked.join_next().await].map(|ended| ended.unwrap().unwrap().0);
    first.sort_unstable();
    assert_eq!(first, [0, 2]);
    desk.held.send_replace(false);
    let (index, outcome) = within(asked.join_next()).await.unwrap().unwrap();
    assert_eq!((index, certain(&[outcome])), (1, vec![Ok(1)]));
    assert_eq!(desk.counted("/together", 200), 1);
}

#[tokio::test]
async fn of_one_that_panics_nothing_is_known_and_of_the_others_everything() {
    let (_desk, address) = Desk::start().await;
    let outcomes = outcomes([5, 13, 9].map(trade).into(), address).await;
    assert_eq!(certain(&outcomes), [Ok(5), Err(Attempt::Unclear), Ok(9)]);
}

/// As alone: a handler ends with the connection that brought its request, and does what it must not leave in a task
/// of its own.
#[tokio::test]
async fn when_the_connection_breaks_what_it_brought_is_left() {
    let (desk, address) = Desk::start().await;
    desk.held.send_replace(true);
    let mut peer = TcpStream::connect(address).await.unwrap();
    let body = r#"{"requests":[{"method":"GET","target":"/trade?number=1","headers":[]}]}"#;
    peer.write_all(&posted(body)).await.unwrap();
    within(desk.came.subscribe().wait_for(|came| came == &[1])).await.unwrap();
    drop(peer);
    within(desk.left.subscribe().wait_for(|left| left == &[1])).await.unwrap();
}

fn posted(body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /together HTTP/1.1\r\nHost: 127.0.0.1\r\nx-double-trouble-secret: {TOKEN}\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    head.into_bytes()
}

async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(bytes).await.unwrap();
    let mut said = String::new();
    within(peer.read_to_string(&mut said)).await.unwrap();
    said
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_whole() {
    let (desk, address) = Desk::start().await;
    let trade = r#"{"method":"GET","target":"/trade?number=5","headers":[]}"#;
    let too_many = format!(r#"{{"requests":[{}]}}"#, vec![trade; MAX_TOGETHER + 1].join(","));
    let malformed = format!(r#"{{"requests":[{trade},{{"method":"GET"}}]}}"#);
    for body in [too_many, malformed] {
        let answer = said(address, &posted(&body)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("requests"), "{answer}");
    }
    assert!(desk.came.borrow().is_empty());
    let answer = said(address, &posted(r#"{"requests":[]}"#)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_member_whose_header_or_body_is_none_is_refused_alone() {
    let (_desk, address) = Desk::start().await;
    let long = "x".repeat(1 << 20);
    let body = json!({"requests": [
        {"method": "GET", "target": "/trade?number=5", "headers": [["x y", "z"]]},
        {"method": "GET", "target": "/trade?number=6", "headers": [], "body": long},
        {"method": "GET", "target": "/trade?number=9", "headers": []},
    ]});
    let answer = said(address, &posted(&body.to_string())).await;
    for part in
        [r#""member":0,"status":400"#, r#""member":1,"status":413"#, r#""member":2,"status":200"#]
    {
        assert!(answer.contains(part), "{part}: {answer}");
    }
}

#[tokio::test]
async fn who_has_another_token_is_refused_and_so_is_each() {
    let (desk, address) = Desk::start().await;
    let stranger = Together::new(Peers::new(Some("another".into())));
    let [one, two] = [5, 9].map(|number| stranger.call(address, trade(number), PATIENCE));
    let (one, two) = within(async { tokio::join!(one, two) }).await;
    assert_eq!(certain(&[one, two]), [Err(Attempt::WithoutEffect); 2]);
    assert!(desk.came.borrow().is_empty());
}

#[tokio::test]
async fn where_nobody_listens_certainly_nothing_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcomes = outcomes([5, 9].map(trade).into(), address).await;
    assert_eq!(certain(&outcomes), [Err(Attempt::WithoutEffect); 2]);
}

/// The outcomes of three trades at a peer that reads them, sends `bytes` and closes the connection.
async fn with_a_peer_that_sends(bytes: &'static str) -> Vec<Result<u64, Attempt>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = vec![0; 64 * 1024];
        let length = stream.read(&mut read).await.unwrap();
        assert!(read[..length].starts_with(b"POST /together "));
        stream.write_all(bytes.as_bytes()).await.unwrap();
    });
    certain(&outcomes([5, 6, 9].map(trade).into(), address).await)
}

const UNCLEAR: Result<u64, Attempt> = Err(Attempt::Unclear);

#[tokio::test]
async fn a_peer_that_dies_before_it_answers_leaves_all_unclear() {
    assert_eq!(with_a_peer_that_sends("").await, [UNCLEAR; 3]);
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(with_a_peer_that_sends(head).await, [UNCLEAR; 3]);
}

#[tokio::test]
async fn a_peer_that_dies_in_mid_answer_leaves_those_unclear_that_it_has_not_answered() {
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
               3F\r\n{\"member\":1,\"status\":200,\"headers\":[],\"body\":\"{\\\"number\\\":6}\"}\n\r\n\
               F\r\n{\"member\":2,\"st\r\n";
    assert_eq!(with_a_peer_that_sends(cut).await, [UNCLEAR, Ok(6), UNCLEAR]);
}

#[tokio::test]
async fn an_answer_for_fewer_than_asked_leaves_the_others_unclear() {
    let fewer = "HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\r\n\
                 {\"member\":1,\"status\":200,\"headers\":[],\"body\":\"{\\\"number\\\":6}\"}\n";
    assert_eq!(with_a_peer_that_sends(fewer).await, [UNCLEAR, Ok(6), UNCLEAR]);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_leaves_all_unclear_that_come_after_it() {
    for nonsense in ["{}\n", "{\"member\":3,\"status\":200,\"headers\":[],\"body\":\"\"}\n"] {
        let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{nonsense}");
        assert_eq!(with_a_peer_that_sends(answer.leak()).await, [UNCLEAR; 3]);
    }
}

#[tokio::test]
async fn each_waits_as_long_as_it_wants_to() {
    let (desk, address) = Desk::start().await;
    desk.held.send_replace(true);
    let together = together();
    let short = together.call(address, trade(1), Duration::from_millis(1));
    let long = together.call(address, trade(5), PATIENCE);
    let (short, long) = within(async { tokio::join!(short, long) }).await;
    assert!(matches!(short, Err(CallError::Timeout(_))), "{short:?}");
    assert_eq!(certain(&[long]), [Ok(5)]);
}
