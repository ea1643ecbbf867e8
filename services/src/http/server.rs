//! The accept loop, and what every request passes through: the table, the secret, the bounds.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use wire::bazaar::MAX_BODY_BYTES;
use wire::headers;

use super::endpoint::{self, Access, Endpoint, Match};
use super::{Answer, Places, Request};
use crate::metrics::HttpMetrics;
use crate::planted::Bugs;

/// Requests of one kind of access that are worked on at once. Each holds a body and a few
/// buffers; far beyond what a laptop can answer, and a bound all the same.
const MAX_CONCURRENT: usize = 1024;
/// How long a request waits for one of those places before it is told to come back.
const MAX_WAIT_FOR_PLACE: Duration = Duration::from_secs(2);
/// Connections that are open at once.
const MAX_CONNECTIONS: usize = 4096;
/// Batches of replicated orders are larger than what clients send, but not by much.
const MAX_INTERNAL_BODY_BYTES: usize = 8 * 1024 * 1024;
/// How long a client may take to send a header, or a body: longer is a stuck or hostile one.
const MAX_READ_TIME: Duration = Duration::from_secs(30);
/// How long requests in flight may take to end once the service is told to stop.
const MAX_DRAIN: Duration = Duration::from_secs(3);
/// Pause after a failed accept (out of file descriptors, say), so that the loop does not spin.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(10);

/// What a service is to the server: its table, and what it does for each row.
pub trait Service: Send + Sync + 'static {
    /// What the service calls its endpoints.
    type Route: Copy + Send + Sync + 'static;

    /// Every endpoint.
    const ENDPOINTS: &'static [Endpoint<Self::Route>];

    /// Answers one request.
    fn handle(
        self: Arc<Self>,
        route: Self::Route,
        request: Request,
    ) -> impl Future<Output = Answer> + Send;
}

/// What the server needs besides the service.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The shared secret; internal endpoints demand it if there is one.
    pub secret: Option<Arc<str>>,
    /// Where requests are counted.
    pub metrics: HttpMetrics,
    /// What is planted.
    pub bugs: Bugs,
}

struct Server<S> {
    service: Arc<S>,
    config: ServerConfig,
    client_places: Semaphore,
    internal_places: Semaphore,
}

/// Serves until `shutdown` completes, then lets requests in flight end, within a bound.
pub async fn serve<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send,
) {
    let server = Arc::new(Server {
        service,
        config,
        client_places: Semaphore::new(MAX_CONCURRENT),
        internal_places: Semaphore::new(MAX_CONCURRENT),
    });
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(MAX_READ_TIME);

    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = &mut shutdown => break,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        let handler = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, std::convert::Infallible>(server.answer(request).await) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), handler));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(MAX_DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight after {MAX_DRAIN:?}");
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(connections).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

impl<S: Service> Server<S> {
    async fn answer(&self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let begun = Instant::now();
        let found = endpoint::find(S::ENDPOINTS, request.method(), request.uri().path());
        let (path, answer) = match found {
            Err(answer) => ("unknown", answer),
            Ok(found) => {
                (found.path, self.answer_found(found, request).await.unwrap_or_else(|no| no))
            }
        };
        self.config.metrics.observe(path, answer.status(), begun.elapsed());
        answer.into_response()
    }

    async fn answer_found(
        &self,
        found: Match<S::Route>,
        request: hyper::Request<Incoming>,
    ) -> Result<Answer, Answer> {
        if found.access != Access::Public {
            self.check_secret(request.headers())?;
        }
        let places = match Places::of(found.access, self.config.bugs) {
            Places::Clients => &self.client_places,
            Places::Internal => &self.internal_places,
        };
        let max_body = match found.access {
            Access::Public | Access::Work => MAX_BODY_BYTES,
            Access::Internal => MAX_INTERNAL_BODY_BYTES,
        };
        let _place = match tokio::time::timeout(MAX_WAIT_FOR_PLACE, places.acquire()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) | Err(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                return Err(Answer::error_without_effect(status, "too many requests at once"));
            }
        };
        let request = read_whole(request, max_body).await?;
        Ok(Arc::clone(&self.service).handle(found.route, request).await)
    }

    fn check_secret(&self, headers: &HeaderMap) -> Result<(), Answer> {
        let Some(secret) = &self.config.secret else { return Ok(()) };
        let given = headers.get(headers::SECRET).map_or(&b""[..], |value| value.as_bytes());
        if constant_time_eq(given, secret.as_bytes()) {
            Ok(())
        } else {
            let message = format!("this endpoint needs the header {}", headers::SECRET);
            Err(Answer::error(StatusCode::FORBIDDEN, message))
        }
    }
}

/// Compares without telling by its duration how much was right.
fn constant_time_eq(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len()
        && given.iter().zip(wanted).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

async fn read_whole(request: hyper::Request<Incoming>, max_body: usize) -> Result<Request, Answer> {
    let (head, body) = request.into_parts();
    let too_large = || {
        let message = format!("body: longer than {max_body} bytes");
        Answer::error(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if body.size_hint().lower() > max_body as u64 {
        return Err(too_large());
    }
    let reading = Limited::new(body, max_body).collect();
    let body = match tokio::time::timeout(MAX_READ_TIME, reading).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(error)) => {
            return Err(Answer::error(StatusCode::BAD_REQUEST, format!("body: {error}")));
        }
        Err(_) => {
            return Err(Answer::error(StatusCode::REQUEST_TIMEOUT, "body: did not arrive in time"));
        }
    };
    Ok(Request {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or("").to_owned(),
        headers: head.headers,
        body,
    })
}
