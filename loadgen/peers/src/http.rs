//! One connection to a server, and one question at a time on it: what a client of any side is.

use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes: none that is asked for here has more than a few hundred.
const MOST_BYTES: usize = 1 << 20;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Its body as JSON.
    ///
    /// # Errors
    /// If it is none, or the status is no success.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        self.accepted()?;
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    /// Its status must be a success.
    ///
    /// # Errors
    /// With status and body, if it is not.
    pub(crate) fn accepted(&self) -> anyhow::Result<()> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&self.body);
        Err(anyhow!("status {}: {}", self.status, body.chars().take(200).collect::<String>()))
    }
}

/// A connection, opened when it is first needed and again after it broke.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// One that is not open yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Whom it leads to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is open, so far as this end knows.
    pub(crate) fn is_open(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    /// GET.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.call(Method::GET, path, String::new()).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> anyhow::Result<Answer> {
        self.call(Method::POST, path, body).await
    }

    async fn call(&mut self, method: Method, path: &str, body: String) -> anyhow::Result<Answer> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => self.open().await?,
        };
        sender.ready().await?;
        let is_post = method == Method::POST;
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(HOST, self.address.to_string());
        if is_post {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let response = sender.send_request(request.body(Full::from(body))?).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_err(|error| anyhow!("the answer broke off: {error}"))?.to_bytes();
        self.sender = Some(sender);
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }

    async fn open(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with its sender; what broke it, the next question says.
        tokio::spawn(connection);
        Ok(sender)
    }
}
