//! One request over HTTP, and how far it got. It is sent once, and the answer's length is bounded.

use std::time::Duration;

use driver::http::{innermost, measuring_client};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response};

/// How far a request got.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was answered. The body has one byte more than the bound if it is too long.
    Answered {
        /// The status.
        status: u16,
        /// The headers.
        headers: HeaderMap,
        /// The body.
        body: Vec<u8>,
    },
    /// Nothing was sent.
    NotSent(String),
    /// It may have been sent; no whole answer came.
    Lost(String),
}

/// A request.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// The method.
    pub(crate) method: Method,
    /// The whole URL.
    pub(crate) url: &'a str,
    /// The headers.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    /// The body, if it has one.
    pub(crate) body: Option<String>,
    /// After how long it is given up.
    pub(crate) deadline: Duration,
    /// The longest body that is read whole, in bytes.
    pub(crate) max_bytes: usize,
}

/// A client that waits as long as each request says.
pub(crate) fn client() -> reqwest::Result<Client> {
    /// Each request has a deadline of its own, which is shorter.
    const NEVER_LONGER: Duration = Duration::from_secs(600);
    measuring_client(NEVER_LONGER).build()
}

/// Sends a request, and reads the answer.
pub(crate) async fn ask(client: &Client, ask: Ask<'_>) -> Reply {
    let mut request = client.request(ask.method, ask.url).timeout(ask.deadline);
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    if let Some(body) = ask.body {
        request = request.body(body);
    }
    match request.send().await {
        Ok(response) => read(response, ask.max_bytes).await,
        Err(error) if error.is_connect() || error.is_builder() => Reply::NotSent(innermost(&error)),
        Err(error) => Reply::Lost(innermost(&error)),
    }
}

async fn read(mut response: Response, max_bytes: usize) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while body.len() <= max_bytes {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Reply::Lost(innermost(&error)),
        }
    }
    body.truncate(max_bytes + 1);
    Reply::Answered { status, headers, body }
}
