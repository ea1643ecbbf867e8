//! A small pooled HTTP client for the services' endpoints.
//!
//! Every call has a timeout and a limit on the answer's body. Failures keep apart what matters
//! to anybody who judges an outcome: a refused connection certainly had no effect; a timeout or a
//! broken connection may have had one.

use std::borrow::Cow;
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

/// The longest answer that is read: several times a page of a dump with long names.
pub(crate) const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
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
    headers: Vec<(Cow<'static, str>, String)>,
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
        let json = (CONTENT_TYPE.as_str().into(), "application/json".to_owned());
        Ok(Self { method: Method::POST, path: path.into(), headers: vec![json], body: body.into() })
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    fn request(&self, address: SocketAddr) -> Result<Request<Full<Bytes>>, HttpError> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(format!("http://{address}{}", self.path))
            .body(Full::new(self.body.clone()))
            .map_err(|error| HttpError::Unsendable(error.to_string()))?;
        for (name, value) in &self.headers {
            let unsendable =
                |error: String| HttpError::Unsendable(format!("header {name}: {error}"));
            let value =
                HeaderValue::from_str(value).map_err(|error| unsendable(error.to_string()))?;
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|error| unsendable(error.to_string()))?;
            request.headers_mut().insert(name, value);
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::testing::FakeService;

    const TIMEOUT: Duration = Duration::from_secs(10);

    async fn get(address: SocketAddr, timeout: Duration) -> Result<Reply, HttpError> {
        HttpClient::new().call(address, &Call::get("/path?a=b"), timeout).await
    }

    #[tokio::test]
    async fn an_answer_has_status_headers_and_body() {
        let service = FakeService::start().await;
        service.answer("/path", 404, r#"{"error":{"code":404,"message":"Stock not found"}}"#);
        let reply = get(service.address(), TIMEOUT).await.unwrap();
        assert_eq!(
            (reply.status, reply.message()),
            (StatusCode::NOT_FOUND, "Stock not found".into())
        );
        assert!(reply.header("content-length").is_some());
        let error = HttpClient::new().get_json::<u8>(service.address(), "/path", TIMEOUT).await;
        assert_eq!(error.unwrap_err().to_string(), "status 404 Not Found: Stock not found");
    }

    #[tokio::test]
    async fn a_post_carries_its_json_and_its_headers() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let call = Call::post_json("/orders", &[1, 2]).unwrap().header("idempotency-key", "k-1");
        let client = HttpClient::new();
        let sent = client.call(address, &call, TIMEOUT);
        let received = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"[1,2]") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue").await.unwrap();
            String::from_utf8(request).unwrap()
        };
        let (reply, request) = tokio::join!(sent, received);
        assert!(reply.unwrap().json::<bool>().unwrap());
        assert!(request.starts_with("POST /orders HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("idempotency-key: k-1\r\n"), "{request}");
        assert!(request.contains("content-type: application/json\r\n"), "{request}");
    }

    #[tokio::test]
    async fn nobody_listening_is_a_refusal() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(get(address, TIMEOUT).await.unwrap_err(), HttpError::Refused);
    }

    #[tokio::test]
    async fn silence_is_a_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let timeout = Duration::from_millis(20);
        let error = get(listener.local_addr().unwrap(), timeout).await.unwrap_err();
        assert_eq!(error, HttpError::Timeout(timeout));
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_short_is_a_broken_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        };
        let (error, ()) = tokio::join!(get(address, TIMEOUT), cut);
        assert!(matches!(error.unwrap_err(), HttpError::Broken(_)));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_not_read() {
        let service = FakeService::start().await;
        service.answer("/path", 200, "x".repeat(MAX_ANSWER_BYTES + 1));
        let error = get(service.address(), TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken(_)), "{error}");
    }

    #[tokio::test]
    async fn a_body_that_is_something_else_is_quoted() {
        let service = FakeService::start().await;
        service.answer("/path", 200, "<html>");
        let error = HttpClient::new().get_json::<u8>(service.address(), "/path", TIMEOUT).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("unexpected answer: ") && error.ends_with("in <html>"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_written_is_not_sent() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let call = Call::get("/").header("idempotency-key", "line\nbreak");
        let error = HttpClient::new().call(address, &call, TIMEOUT).await.unwrap_err();
        assert!(matches!(error, HttpError::Unsendable(_)), "{error}");
    }
}
