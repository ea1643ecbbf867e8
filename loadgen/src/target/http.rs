//! One request over HTTP, sent as clients of the load send theirs.

use std::time::Duration;

pub(crate) use driver::http::Reply;
use driver::http::{measuring_client, send};
use reqwest::{Client, Method};

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

/// Who says nothing for so long hangs, however much there is to tell. Much longer than any leader takes to be found.
const SILENCE: Duration = Duration::from_secs(10);

/// A client that waits as long as each request says, for an answer that goes on.
pub(crate) fn client() -> reqwest::Result<Client> {
    measuring_client().read_timeout(SILENCE).build()
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
    match request.build() {
        Ok(request) => send(client, request, ask.max_bytes).await,
        Err(error) => Reply::NotSent(error.to_string()),
    }
}
