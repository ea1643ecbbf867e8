//! A small pooled HTTP client for the services' endpoints.
//!
//! Every call has a timeout and a limit on the answer's body. Failures keep apart what matters
//! to whoever judges an outcome: a refused connection certainly had no effect; a timeout or a
//! broken connection may have had one.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::bazaar::ErrorBody;

/// The longest answer that is read: a dump of some hundred thousand orders.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long an idle connection is kept: below what the services wait for a request's header, so
/// that a connection is rarely closed just as it is used again.
const IDLE: Duration = Duration::from_secs(20);
/// How much of an unexpected body is quoted in a message, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// Why a call gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Nobody listens there: the request was not delivered.
    #[error("connection refused")]
    Refused,
    /// No whole answer within the bound: the request may have been, or may yet be, carried out.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The connection broke, or the answer was cut short or too long: the request may have been
    /// carried out.
    #[error("connection broken: {0}")]
    Broken(String),
    /// The request itself cannot be written, and was not sent.
    #[error("cannot be sent: {0}")]
    Unsendable(String),
    /// An answer with another status than the caller can use.
    #[error("status {status}: {message}")]
    Status {
        /// The status.
        status: StatusCode,
        /// The message of the error body, or the beginning of the body.
        message: String,
    },
    /// A 200 whose body is not what was expected.
    #[error("unexpected answer: {0}")]
    Body(String),
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON, whatever the status.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| HttpError::Body(format!("{error} in {}", self.quoted())))
    }

    /// A header's text; `None` if it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The message of an error body, or else the beginning of the body.
    #[must_use]
    pub fn message(&self) -> String {
        match serde_json::from_slice::<ErrorBody>(&self.body) {
            Ok(body) => body.error.message,
            Err(_) => self.quoted(),
        }
    }

    fn quoted(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        text.chars().take(MAX_QUOTED_CHARS).collect()
    }
}

/// A request, without the address it goes to.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Call {
    /// A GET of a path, query string included, both already percent-encoded.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A POST of a JSON body.
    pub fn post_json(path: impl Into<String>, body: &impl Serialize) -> Result<Self, HttpError> {
        let body =
            serde_json::to_vec(body).map_err(|error| HttpError::Unsendable(error.to_string()))?;
        let json = (CONTENT_TYPE.as_str(), "application/json".to_owned());
        Ok(Self { method: Method::POST, path: path.into(), headers: vec![json], body: body.into() })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn request(&self, address: SocketAddr) -> Result<Request<Full<Bytes>>, HttpError> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(format!("http://{address}{}", self.path))
            .body(Full::new(self.body.clone()))
            .map_err(|error| HttpError::Unsendable(error.to_string()))?;
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value)
                .map_err(|error| HttpError::Unsendable(format!("header {name}: {error}")))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        Ok(request)
    }
}

/// Pooled connections. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient {
    /// A client without any connection yet.
    #[must_use]
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client }
    }

    /// Sends `call` to `address` and reads the whole answer within `timeout`.
    pub async fn call(
        &self,
        address: SocketAddr,
        call: &Call,
        timeout: Duration,
    ) -> Result<Reply, HttpError> {
        let request = call.request(address)?;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(HttpError::Timeout(timeout)),
        }
    }

    /// A GET that is answered with 200 and JSON; anything else is an error.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
        timeout: Duration,
    ) -> Result<T, HttpError> {
        let reply = self.call(address, &Call::get(path), timeout).await?;
        if reply.status == StatusCode::OK {
            reply.json()
        } else {
            Err(HttpError::Status { status: reply.status, message: reply.message() })
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, HttpError> {
        let response = self.client.request(request).await.map_err(|error| {
            if is_refused(&error) {
                HttpError::Refused
            } else {
                HttpError::Broken(innermost(&error))
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| HttpError::Broken(error.to_string()))?
            .to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}

fn is_refused(error: &hyper_util::client::legacy::Error) -> bool {
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The innermost cause says the most.
fn innermost(error: &hyper_util::client::legacy::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(
    error: &hyper_util::client::legacy::Error,
) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}
