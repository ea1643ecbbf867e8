//! The console's HTTP server: the page, its state once or again and again, and what its buttons post.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use wire::bazaar::ErrorBody;

use super::actions::{Acts, Done};
use super::dashboard::Dashboard;
use super::guard::{self, HEADERS, MAX_BODY_BYTES, Refusal, Route};
use super::window::BUCKET_MS;
use driver::stop::Stop;

const PAGE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/console.css");
const SCRIPT: &str = include_str!("page/console.js");
const ICON: &str = include_str!("page/icon.svg");
const TIMELINE: &str = include_str!("page/timeline.js");

/// Pages that watch at once: a handful of windows on one machine.
const MAX_WATCHERS: usize = 16;
/// Connections that are open at once; a page has at most six.
const MAX_CONNECTIONS: usize = 128;
/// How long a browser may take to send a header or a body.
const MAX_READ_TIME: Duration = Duration::from_secs(10);
/// How long answers in flight may take once the console is told to stop: somebody may just be waiting
/// for a restart.
const MAX_DRAIN: Duration = Duration::from_secs(2);
/// Pause after a failed accept, so that the loop does not spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(10);
/// States that a page has not taken yet; one that takes none for so long is closed.
const MAX_UNREAD: usize = 8;

/// What is shown, and to whom.
#[derive(Debug)]
pub(super) struct ConsoleService {
    acts: Acts,
    dashboard: Arc<Dashboard>,
    port: u16,
    watchers: Arc<Semaphore>,
}

impl ConsoleService {
    pub(super) fn new(acts: Acts, dashboard: Arc<Dashboard>, port: u16) -> Self {
        Self { acts, dashboard, port, watchers: Arc::new(Semaphore::new(MAX_WATCHERS)) }
    }
}

/// Serves until it is told to stop, then lets answers in flight end, within a bound.
pub(super) async fn serve(listener: &TcpListener, shown: &Arc<ConsoleService>, stop: &Stop) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MAX_READ_TIME);
    loop {
        let accepted = tokio::select! {
            accepted = accept(listener, &connections) => accepted,
            () = stop.requested() => break,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the console cannot accept a connection");
                sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let (shown, stop) = (Arc::clone(shown), stop.clone());
        let handler = service_fn(move |request| {
            let (shown, stop) = (Arc::clone(&shown), stop.clone());
            async move { Ok::<_, Infallible>(answer(&shown, request, stop).await) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), handler));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the console's connection ended");
            }
            drop(place);
        });
    }
    if timeout(MAX_DRAIN, graceful.shutdown()).await.is_err() {
        tracing::debug!("the console's answers were still in flight after {MAX_DRAIN:?}");
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

async fn answer(
    shown: &Arc<ConsoleService>,
    request: Request<Incoming>,
    stop: Stop,
) -> Response<Answer> {
    let answered = answer_checked(shown, request, stop).await;
    let mut response = answered.unwrap_or_else(|refusal| refused(&refusal));
    for (name, value) in HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        response.headers_mut().insert(name, value);
    }
    response
}

async fn answer_checked(
    shown: &Arc<ConsoleService>,
    request: Request<Incoming>,
    stop: Stop,
) -> Result<Response<Answer>, Refusal> {
    let (head, body) = request.into_parts();
    let route = guard::check(shown.port, &head.method, head.uri.path(), &head.headers)?;
    Ok(match route {
        Route::Page => text("text/html; charset=utf-8", PAGE),
        Route::Style => text("text/css; charset=utf-8", STYLE),
        Route::Script => text("text/javascript; charset=utf-8", SCRIPT),
        Route::Timeline => text("text/javascript; charset=utf-8", TIMELINE),
        Route::Icon => text("image/svg+xml", ICON),
        Route::State => json(StatusCode::OK, &shown.dashboard.state(0)),
        Route::Events => watch(shown, stop)?,
        Route::Fault => done(shown.acts.fault(&whole(body).await?, stop).await?),
        Route::Load => done(shown.acts.load(&whole(body).await?)?),
        Route::Cache => done(shown.acts.cache(&whole(body).await?).await?),
    })
}

async fn whole(body: Incoming) -> Result<Bytes, Refusal> {
    let reading = Limited::new(body, MAX_BODY_BYTES).collect();
    match timeout(MAX_READ_TIME, reading).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("body: longer than {MAX_BODY_BYTES} bytes");
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        Ok(Err(error)) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("body: {error}"))),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body: did not arrive in time")),
    }
}

/// The state again and again, as server-sent events: the first with the whole last minute, each
/// further one with what is new.
fn watch(shown: &Arc<ConsoleService>, stop: Stop) -> Result<Response<Answer>, Refusal> {
    let place = Arc::clone(&shown.watchers).try_acquire_owned().map_err(|_| {
        let message = format!("{MAX_WATCHERS} pages watch already; close one");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message)
    })?;
    let (states, unread) = mpsc::channel(MAX_UNREAD);
    let dashboard = Arc::clone(&shown.dashboard);
    tokio::spawn(async move {
        let _place = place;
        let mut ticks = interval(Duration::from_millis(BUCKET_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut next_bucket = 0;
        while !stop.is_requested() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.requested() => return,
            }
            let state = dashboard.state(next_bucket);
            next_bucket = state.next_bucket(next_bucket);
            // JSON has no line breaks, so it is one line of the event.
            let Ok(json) = serde_json::to_string(&state) else { return };
            if states.try_send(Bytes::from(format!("data: {json}\n\n"))).is_err() {
                // The page is gone, or does not read; if it comes back, it begins anew.
                return;
            }
        }
    });
    let mut response = Response::new(Answer::Events(unread));
    let event_stream = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, event_stream);
    Ok(response)
}

fn done(done: Done) -> Response<Answer> {
    json(StatusCode::OK, &done)
}

fn refused(refusal: &Refusal) -> Response<Answer> {
    let body = ErrorBody::new(refusal.status.as_u16(), refusal.message.as_str());
    let mut response = json(refusal.status, &body);
    if let Some(allow) = &refusal.allow
        && let Ok(allow) = HeaderValue::from_str(allow.as_str())
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Answer> {
    // What is answered are plain structures, which always have a form in JSON.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Answer::Whole(Some(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(content_type: &'static str, body: &'static str) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(Bytes::from_static(body.as_bytes()))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A body: all at once, or whatever comes.
enum Answer {
    Whole(Option<Bytes>),
    Events(mpsc::Receiver<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Events(states) => states.poll_recv(context),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Events(_) => SizeHint::default(),
        }
    }
}
