//! The accept loop, and what every request passes through: origin, token, table, bounds.
//!
//! What is answered from what is here waits for nothing, and costs no task, no timer and no future of its own.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request;
use hyper::http::uri::PathAndQuery;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use wire::bazaar::MAX_BODY_BYTES;
use wire::headers;
use wire::internal::{MAX_TOGETHER, MemberRequest, TogetherRequest};

use super::body::{self, Bounds, too_long};
use super::capacity::{Capacity, too_many};
use super::connections::{Connection, Connections, Gone, Heard, Told, Turn};
use super::endpoint::{self, Access};
use super::members::{self, Members};
use super::service::{Handler, Service};
use super::stream::Stream;
use super::token::{Token, ignore_protocol_headers};
use super::{Answer, BadRequest, Bulkhead, HttpConfig, Load, Request, strangers};
use crate::metrics::{HttpMetrics, PathMetrics};
use crate::planted::{Bug, Bugs};
use crate::tasks::{self, Boxed, Tasks, boxed};

/// Batches of replicated orders are larger than what clients send, but not by much.
pub(super) const MAX_INTERNAL_BODY_BYTES: usize = 8 * 1024 * 1024;
/// How long requests in flight may take to end once the service is told to stop.
const MAX_DRAIN: Duration = Duration::from_secs(3);
/// Pause after a failed accept, so that the loop does not spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(10);
/// What requests are counted under that are for a path which does not exist.
const UNKNOWN: &str = "unknown";
/// And those of strangers, whatever they are for.
const REFUSED: &str = "refused";

/// What the server needs besides the service.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The bazaar's token. A process always has one; without one everybody is taken for one of the
    /// bazaar's own, as suits services that run in one process with their tests.
    pub secret: Option<Arc<str>>,
    /// Who may ask, and how much is put up with.
    pub http: HttpConfig,
    /// Where requests are counted.
    pub metrics: HttpMetrics,
    /// What is planted.
    pub bugs: Bugs,
}

struct Server {
    handler: Handler,
    token: Token,
    on_loopback: bool,
    http: HttpConfig,
    counted: Counted,
    bugs: Bugs,
    capacity: Capacity,
    large_bodies: Semaphore,
}

/// What is sent: an answer that is whole, or many that come one after the other.
type Content = Either<Full<Bytes>, Members>;

/// The answer to a request.
enum Answering {
    /// It is there, and is taken once.
    Now(Option<Response<Content>>),
    /// Something has to be waited for.
    Later(Boxed<'static, Response<Content>>),
}

/// What a request is for, and who asks.
#[derive(Clone, Copy)]
struct Wanted {
    /// The row of the table.
    index: usize,
    access: Access,
    has_token: bool,
    /// It was looked whether there is an answer here, and there is none: that is not looked for twice.
    has_looked: bool,
}

/// Where requests are counted.
struct Counted {
    /// By the row of the table.
    rows: Vec<PathMetrics>,
    unknown: PathMetrics,
    refused: PathMetrics,
}

/// Serves until `shutdown` completes, then lets requests in flight end, within a bound.
pub fn serve<'a, S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send + 'a,
) -> Boxed<'a, ()> {
    serve_any(listener, Handler::new(service), config, boxed(shutdown))
}

// Never inlined: inlined into a service's crate, it would bring the whole protocol with it.
#[inline(never)]
fn serve_any(
    listener: TcpListener,
    handler: Handler,
    config: ServerConfig,
    shutdown: Boxed<'_, ()>,
) -> Boxed<'_, ()> {
    Box::pin(accept_all(listener, handler, config, shutdown))
}

async fn accept_all(
    listener: TcpListener,
    handler: Handler,
    mut config: ServerConfig,
    mut shutdown: Boxed<'_, ()>,
) {
    let limits = config.http.limits.with_bugs(config.bugs);
    config.http.limits = limits;
    let connections = Connections::new(limits, config.bugs);
    // What is accepted inherits it (socket(7)).
    if let Err(error) = setsockopt(&listener, sockopt::SndBuf, &limits.unread_bytes) {
        tracing::warn!(%error, "answers that nobody reads take more memory than they should");
    }
    let server = Arc::new(Server::new(handler, config, listener.local_addr().ok()));
    let mut http = http1::Builder::new();
    // How long a header may take is seen to for all connections together.
    http.header_read_timeout(None).max_buf_size(limits.header_bytes);
    tasks::spawn(Connections::watch_headers(Arc::downgrade(&connections)));

    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener) => accepted,
            () = &mut shutdown => break,
        };
        let tcp = match accepted {
            Ok(tcp) => tcp,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                connections.spare_one();
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let connection = Arc::new(connections.accept().await);
        let handler = service_fn({
            let (server, connection) = (Arc::clone(&server), Arc::clone(&connection));
            move |request| server.answer(request, &connection)
        });
        let socket = tcp.as_raw_fd();
        let stream = Stream::new(tcp, limits, Arc::clone(&connection));
        let serving = http.serve_connection(TokioIo::new(stream), handler);
        tasks::spawn(async move {
            let mut serving = pin!(serving);
            loop {
                tokio::select! {
                    ended = &mut serving => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "connection ended");
                        }
                        return;
                    }
                    // The socket is open as long as it is served.
                    told = connection.told(|| has_sent(socket)) => match told {
                        Told::Gone => return tracing::debug!("connection gave way, or idled for too long"),
                        Told::Closing => serving.as_mut().graceful_shutdown(),
                    },
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(MAX_DRAIN, connections.close()).await.is_err() {
        tracing::warn!("requests were still in flight after {MAX_DRAIN:?}");
    }
}

async fn accept(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the other side has sent what was not read yet.
fn has_sent(socket: RawFd) -> bool {
    let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    recv(socket, &mut [0], look).is_ok_and(|bytes| bytes > 0)
}

impl Server {
    fn new(handler: Handler, config: ServerConfig, address: Option<SocketAddr>) -> Self {
        let ServerConfig { secret, http, metrics, bugs } = config;
        let counted = Counted {
            rows: handler.rows.iter().map(|row| metrics.of(row.path)).collect(),
            unknown: metrics.of(UNKNOWN),
            refused: metrics.of(REFUSED),
        };
        Self {
            handler,
            token: Token::new(secret),
            on_loopback: address.is_some_and(|address| address.ip().is_loopback()),
            capacity: Capacity::new(http.limits),
            large_bodies: Semaphore::new(http.limits.large_bodies),
            http,
            counted,
            bugs,
        }
    }

    /// Answers a request, in its turn.
    fn answer(
        self: &Arc<Self>,
        request: hyper::Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Answering {
        if !connection.is_blocked() {
            return self.answer_next(request, connection);
        }
        let (server, connection) = (Arc::clone(self), Arc::clone(connection));
        Answering::later(async move {
            // Anybody who does not take its answers gets no further ones.
            connection.unblocked().await;
            let Ok(answer) = server.answer_next(request, &connection).await;
            answer
        })
    }

    fn answer_next(
        self: &Arc<Self>,
        request: hyper::Request<Incoming>,
        connection: &Arc<Connection>,
    ) -> Answering {
        let begun = Instant::now();
        let mut wanted = match self.wanted(&request, connection) {
            Ok(wanted) => wanted,
            Err((counted, answer)) => return Answering::now(answer, counted, begun),
        };
        let (head, body) = request.into_parts();
        let request = self.without_body(head, wanted.has_token);
        if body.is_end_stream()
            && let Some(answer) = self.look_here(&mut wanted, &request, connection)
        {
            return Answering::now(answer, &self.counted.rows[wanted.index], begun);
        }
        let (server, heard) = (Arc::clone(self), Heard::of(connection));
        Answering::later(async move {
            let answer = server.answer_whole(wanted, request, body, heard.connection()).await;
            let answer = answer.unwrap_or_else(whole);
            let counted = &server.counted.rows[wanted.index];
            counted.observe(answer.status().as_str(), begun.elapsed());
            answer
        })
    }

    /// What a request is for; or the answer to one that is not looked at any further, and where it is counted.
    fn wanted(
        &self,
        request: &hyper::Request<Incoming>,
        connection: &Connection,
    ) -> Result<Wanted, (&PathMetrics, Answer)> {
        let (method, headers) = (request.method(), request.headers());
        let stranger = strangers::check(method, request.uri(), headers, &self.http.names);
        if let Err(stranger) = stranger
            && !self.bugs.has(Bug::AnswerStrangers)
        {
            return Err((&self.counted.refused, stranger.answer()));
        }
        let has_token = self.token.is_in(headers);
        if !connection.is_admitted(has_token) {
            let answer = too_many("connections").header(CONNECTION, CLOSE);
            return Err((&self.counted.refused, answer));
        }
        let found = endpoint::find(&self.handler.rows, method.as_str(), request.uri().path());
        let index = found.map_err(|answer| (&self.counted.unknown, answer))?;
        let is_own = has_token || self.bugs.has(Bug::AdmitAnybody);
        match self.handler.rows[index].admit(headers, is_own, self.on_loopback) {
            Some(access) => Ok(Wanted { index, access, has_token, has_looked: false }),
            None => Err((&self.counted.rows[index], without_token())),
        }
    }

    /// The request, as far as its header says it.
    fn without_body(&self, mut head: request::Parts, has_token: bool) -> Request {
        if !has_token && !self.bugs.has(Bug::BelieveAnybody) {
            ignore_protocol_headers(&mut head.headers);
        }
        let target = head.uri.into_parts().path_and_query;
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Request { target, headers: head.headers, body: Bytes::new() }
    }

    /// The answer to a request without a body, if nothing and nobody has to be waited for.
    fn look_here(
        &self,
        wanted: &mut Wanted,
        request: &Request,
        connection: &Arc<Connection>,
    ) -> Option<Answer> {
        let row = &self.handler.rows[wanted.index];
        row.asks?;
        let _place = self.capacity.take_free(Bulkhead::of(wanted.access, row.load, self.bugs))?;
        let _turn = Turn::begin(connection).ok()?;
        wanted.has_looked = true;
        self.handler.service.answer_here(wanted.index, request)
    }

    /// The answer to a request whose body is still to come, if it has one.
    async fn answer_whole(
        self: &Arc<Self>,
        wanted: Wanted,
        mut request: Request,
        body: Incoming,
        connection: &Arc<Connection>,
    ) -> Result<Response<Content>, Answer> {
        let Wanted { index, access, has_token, .. } = wanted;
        let early = match self.bugs.has(Bug::PlaceBeforeBody) {
            true => Some(self.place(access, self.handler.rows[index].load).await?),
            false => None,
        };
        // A place is taken by a whole request only.
        request.body = self.read(body, access, has_token).await?;
        let turn = Turn::begin(connection).map_err(|Gone| too_many("connections"))?;
        if self.handler.together == Some(index) {
            let members = Members::begun(self.begin_all(&request)?, turn).await;
            return Ok(Response::new(Either::Right(members)));
        }
        self.work(wanted, early, request).await.map(whole)
    }

    async fn read(&self, body: Incoming, access: Access, has_token: bool) -> Result<Bytes, Answer> {
        let limits = &self.http.limits;
        let bytes = bytes_of(access);
        let large = (!has_token).then_some((limits.small_body_bytes, &self.large_bodies));
        body::read(body, Bounds { bytes, time: limits.body_time, large }).await
    }

    /// Begins to work on each of the requests that came as one.
    fn begin_all(self: &Arc<Self>, request: &Request) -> Result<Tasks<(usize, Answer)>, Answer> {
        let TogetherRequest { requests } = request.json()?;
        if requests.len() > MAX_TOGETHER {
            let problem = format!("at most {MAX_TOGETHER} travel together");
            return Err(BadRequest::new("requests", problem).into());
        }
        let mut working = Tasks::new();
        for (place, member) in requests.into_iter().enumerate() {
            let server = Arc::clone(self);
            working.spawn(async move { (place, server.answer_member(member).await) });
        }
        Ok(working)
    }

    async fn answer_member(&self, member: MemberRequest) -> Answer {
        let begun = Instant::now();
        let path = member.target.split('?').next().unwrap_or_default();
        let (counted, answer) = match endpoint::find(&self.handler.rows, &member.method, path) {
            Err(answer) => (&self.counted.unknown, answer),
            Ok(index) => {
                let answer = self.work_on_member(index, member).await;
                (&self.counted.rows[index], answer.unwrap_or_else(|no| no))
            }
        };
        counted.observe(answer.status().as_str(), begun.elapsed());
        answer
    }

    async fn work_on_member(&self, index: usize, member: MemberRequest) -> Result<Answer, Answer> {
        let row = &self.handler.rows[index];
        if row.load != Load::Trade {
            return Err(BadRequest::new("target", "only trades travel together").into());
        }
        let request = members::request(member)?;
        let access = row.admit(&request.headers, true, self.on_loopback);
        let access = access.ok_or_else(without_token)?;
        if request.body.len() > bytes_of(access) {
            return Err(too_long(bytes_of(access)));
        }
        let wanted = Wanted { index, access, has_token: true, has_looked: false };
        self.work(wanted, None, request).await
    }

    async fn work<'a>(
        &'a self,
        wanted: Wanted,
        early: Option<SemaphorePermit<'a>>,
        request: Request,
    ) -> Result<Answer, Answer> {
        let Wanted { index, access, has_looked, .. } = wanted;
        let found = &self.handler.rows[index];
        let load = match found.asks {
            Some(peer) if has_looked => Load::Question(peer),
            _ => found.load,
        };
        let mut place = match early {
            Some(place) if !has_looked => place,
            _ => self.place(access, load).await?,
        };
        if let Some(peer) = found.asks.filter(|_| !has_looked) {
            if let Some(answer) = self.handler.service.answer_here(index, &request) {
                return Ok(answer);
            }
            // Who waits for another process keeps no place of those who need not.
            drop(place);
            place = self.place(access, Load::Question(peer)).await?;
        }
        let answer = self.handler.service.handle(index, request).await;
        drop(place);
        Ok(answer)
    }

    async fn place(&self, access: Access, load: Load) -> Result<SemaphorePermit<'_>, Answer> {
        self.capacity.take(Bulkhead::of(access, load, self.bugs)).await
    }
}

impl Answering {
    fn now(answer: Answer, counted: &PathMetrics, begun: Instant) -> Self {
        counted.observe(answer.status().as_str(), begun.elapsed());
        Self::Now(Some(whole(answer)))
    }

    fn later(answer: impl Future<Output = Response<Content>> + Send + 'static) -> Self {
        Self::Later(boxed(answer))
    }
}

impl Future for Answering {
    type Output = Result<Response<Content>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            // Nobody asks a future again that is through.
            Self::Now(answer) => Poll::Ready(Ok(answer.take().expect("an answer is taken once"))),
            Self::Later(answer) => answer.as_mut().poll(context).map(Ok),
        }
    }
}

/// How long a body may be.
fn bytes_of(access: Access) -> usize {
    match access {
        Access::Public | Access::Work | Access::Local => MAX_BODY_BYTES,
        Access::Internal => MAX_INTERNAL_BODY_BYTES,
    }
}

fn whole(answer: Answer) -> Response<Content> {
    answer.into_response().map(|body| Either::Left(Full::new(body)))
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

fn without_token() -> Answer {
    let message =
        format!("this endpoint needs the bazaar's token in the header {}", headers::SECRET);
    Answer::error_without_effect(StatusCode::FORBIDDEN, message)
}
