//! The pooled client that services call each other with.
//!
//! The one thing it must get right: which failures are certain. A refused connection certainly
//! had no effect; a connection that broke, or an answer that did not come in time, leaves the
//! outcome unknown.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioTimer;
use wire::bazaar::ErrorBody;
use wire::headers;
use wire::internal::MemberRequest;
use wire::json::{FromJson, ToJson};

use super::Attempt;
use crate::planted::{Bug, Bugs};
use crate::tasks::{self, Boxed};

/// The longest answer that is read: a list of unnumbered trades after a long outage fits many
/// times over.
pub(super) const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// How long an idle connection is kept, below the server's 30 seconds for reading a header, so
/// that a server rarely closes a connection just as it is used again.
const IDLE: Duration = Duration::from_secs(20);

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there: the request was not delivered.
    #[error("connection refused")]
    Refused,
    /// No answer within the bound: the request may have been, or may yet be, carried out.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke: the request may have been carried out.
    #[error("connection broken: {0}")]
    Broken(String),
}

impl CallError {
    /// What is certain of a request that was not answered (rule E4). Only a refused connection delivers nothing.
    #[must_use]
    pub fn as_attempt(&self, bugs: Bugs) -> Attempt {
        match self {
            Self::Refused => Attempt::WithoutEffect,
            Self::Timeout(_) | Self::Broken(_) if bugs.has(Bug::SilenceIsNo) => {
                Attempt::WithoutEffect
            }
            Self::Timeout(_) | Self::Broken(_) => Attempt::Unclear,
        }
    }
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
    /// Reads the whole answer.
    pub(super) async fn read(response: hyper::Response<Incoming>) -> Result<Self, CallError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(broken)?;
        Ok(Self { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    /// The body as JSON; `None` if it is something else.
    #[must_use]
    pub fn json<T: FromJson>(&self) -> Option<T> {
        T::from_json(&self.body).ok()
    }

    /// A header, parsed; `None` if it is absent or something else.
    #[must_use]
    pub fn header<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.headers.get(name)?.to_str().ok()?.parse().ok()
    }

    /// What is certain of a request whose answer is no outcome (rule E4). It is believed if it says that
    /// there was no effect.
    #[must_use]
    pub fn as_attempt(&self) -> Attempt {
        match self.json::<ErrorBody>() {
            Some(body) if body.certainly_had_no_effect() => Attempt::WithoutEffect,
            _ => Attempt::Unclear,
        }
    }
}

/// A request to another service.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Call {
    /// A GET of a path, query string included.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A POST of a JSON body.
    pub fn post(path: impl Into<String>, body: &impl ToJson) -> Self {
        Self { method: Method::POST, body: body.to_json().into(), ..Self::get(path) }
    }

    /// Sets a header. The value must be visible ASCII, as all that we send is. If it is set twice,
    /// the last value counts.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The same as one of several that are sent as one. Its body is JSON, hence text.
    pub(super) fn into_member(self) -> MemberRequest {
        let headers = self.headers.into_iter();
        MemberRequest {
            method: self.method.to_string(),
            target: self.path,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }
}

/// Has the tasks of the client's connections spawned as all others are.
#[derive(Clone, Copy, Debug)]
struct Spawner;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawner {
    fn execute(&self, work: F) {
        tasks::spawn(work);
    }
}

/// Connections to other services, shared by everything in a process.
#[derive(Clone, Debug)]
pub struct Peers {
    client: Client<HttpConnector, Full<Bytes>>,
    secret: Option<Arc<str>>,
    /// Whether it has been said that another service knows another token.
    was_told_apart: Arc<AtomicBool>,
}

impl Peers {
    /// Calls carry the shared secret if there is one.
    #[must_use]
    pub fn new(secret: Option<Arc<str>>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(Spawner)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self { client, secret, was_told_apart: Arc::default() }
    }

    /// Sends `call` to `address` and reads the whole answer within `timeout`.
    // Never inlined: inlined into a service's crate, it would bring the whole client with it.
    #[inline(never)]
    pub fn call<'a>(
        &'a self,
        address: SocketAddr,
        call: &'a Call,
        timeout: Duration,
    ) -> Boxed<'a, Result<Reply, CallError>> {
        Box::pin(self.call_within(address, call, timeout))
    }

    async fn call_within(
        &self,
        address: SocketAddr,
        call: &Call,
        timeout: Duration,
    ) -> Result<Reply, CallError> {
        match tokio::time::timeout(timeout, self.exchange(address, call)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::Timeout(timeout)),
        }
    }

    /// Sends `call` to `address` and reads the whole answer, however long that takes.
    pub(super) async fn exchange(
        &self,
        address: SocketAddr,
        call: &Call,
    ) -> Result<Reply, CallError> {
        let reply = Reply::read(self.begin(address, call).await?).await;
        reply.inspect(|reply| self.look_at(reply, address, call))
    }

    /// Says once what services that were started by hand with data folders of their own lack.
    pub(super) fn look_at(&self, reply: &Reply, address: SocketAddr, call: &Call) {
        let is_refused = reply.status == StatusCode::FORBIDDEN;
        if is_refused && !self.was_told_apart.swap(true, Ordering::Relaxed) {
            let path = &call.path;
            tracing::error!(
                "{address} refuses {path}: it has another token; start all services of a bazaar with \
                 the same DOUBLE_TROUBLE_SECRET, or the same --data-dir"
            );
        }
    }

    fn request(
        &self,
        address: SocketAddr,
        call: &Call,
    ) -> Result<hyper::Request<Full<Bytes>>, CallError> {
        let mut request = hyper::Request::builder()
            .method(&call.method)
            .uri(format!("http://{address}{}", call.path))
            .body(Full::new(call.body.clone()))
            .map_err(broken)?;
        let secret = self.secret.iter().map(|secret| (headers::SECRET, &**secret));
        let own = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(secret) {
            let value = HeaderValue::from_str(value)
                .map_err(|error| CallError::Broken(format!("header {name}: {error}")))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        Ok(request)
    }

    /// Sends `call` and waits, for as long as it takes, until the answer begins.
    pub(super) async fn begin(
        &self,
        address: SocketAddr,
        call: &Call,
    ) -> Result<hyper::Response<Incoming>, CallError> {
        self.client.request(self.request(address, call)?).await.map_err(|error| {
            if is_refused(&error) {
                CallError::Refused
            } else {
                CallError::Broken(describe(&error))
            }
        })
    }
}

/// A connection on which something came that is no answer.
pub(super) fn broken(problem: impl fmt::Display) -> CallError {
    CallError::Broken(problem.to_string())
}

fn is_refused(error: &hyper_util::client::legacy::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind() == io::ErrorKind::ConnectionRefused;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause says the most.
fn describe(error: &hyper_util::client::legacy::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_connection_is_certain() {
        let of = |error: CallError| error.as_attempt(Bugs::default());
        assert_eq!(of(CallError::Refused), Attempt::WithoutEffect);
        assert_eq!(of(CallError::Timeout(Duration::ZERO)), Attempt::Unclear);
        assert_eq!(of(CallError::Broken("reset".to_owned())), Attempt::Unclear);
    }
}
