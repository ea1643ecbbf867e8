//! One request over HTTP, and how far it got.
//!
//! A request is sent once: what a service does not hide from its clients must be seen. What comes back is a [`Reply`], which
//! says how far the request got and judges nothing.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Request, Response, Url};
use targets::operation;

/// How far a request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The headers.
        headers: HeaderMap,
        /// The body; one byte more than was to be read if it is too long.
        body: Vec<u8>,
    },
    /// Nothing was sent.
    NotSent(String),
    /// It may have been sent; no whole answer came.
    Lost(String),
}

/// Settings of a client that measures: one connection that stays open, nothing between it and the service, nothing sent
/// twice. Each request has a deadline of its own.
pub fn measuring_client() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // goose has it built in; what is asked for is what the target file says.
        .no_gzip()
}

/// The request that an operation of a target sends, given up after `deadline`.
///
/// # Errors
/// Why it cannot be sent.
pub fn request(from: operation::Request<'_>, deadline: Duration) -> Result<Request, String> {
    let url = Url::parse(&from.url).map_err(|error| format!("`{}`: {error}", from.url))?;
    let mut request = Request::new(from.method.clone(), url);
    for (name, value) in from.headers {
        let value = HeaderValue::from_str(&value).map_err(|error| format!("{name}: {error}"))?;
        request.headers_mut().append(name.clone(), value);
    }
    *request.body_mut() = from.body.map(|body| body.into_owned().into());
    *request.timeout_mut() = Some(deadline);
    Ok(request)
}

/// Sends a request, and reads the answer to its last byte, or to one more than `max_bytes`.
pub async fn send(client: &Client, request: Request, max_bytes: usize) -> Reply {
    match client.execute(request).await {
        Ok(response) => read(response, max_bytes).await,
        Err(error) if error.is_connect() || error.is_builder() => Reply::NotSent(innermost(&error)),
        Err(error) => Reply::Lost(innermost(&error)),
    }
}

async fn read(mut response: Response, max_bytes: usize) -> Reply {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while body.len() <= max_bytes {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Reply::Lost(innermost(&error)),
        }
    }
    body.truncate(max_bytes.saturating_add(1));
    Reply::Answered { status, headers, body }
}

/// What went wrong, without the layers around it.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn ask(url: &str, max_bytes: usize, deadline: Duration) -> Reply {
        let method = reqwest::Method::GET;
        let (headers, body) = (Vec::new(), None);
        let from = operation::Request { method: &method, url: url.into(), headers, body, deadline };
        let client = measuring_client().build().unwrap();
        send(&client, request(from, deadline).unwrap(), max_bytes).await
    }

    const LONG: Duration = Duration::from_secs(60);

    /// A server that answers one connection's first bytes with `answer`, and its URL.
    async fn server(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut byte = [0; 1];
            socket.read_exact(&mut byte).await.unwrap();
            socket.write_all(answer).await.unwrap();
        });
        (url, server)
    }

    #[tokio::test]
    async fn a_refused_connection_was_never_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let reply = ask(&url, 10, LONG).await;
        assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
    }

    #[tokio::test]
    async fn a_connection_that_breaks_before_the_answer_loses_it() {
        let (url, server) = server(b"").await;
        let reply = ask(&url, 10, LONG).await;
        server.await.unwrap();
        assert!(matches!(reply, Reply::Lost(_)), "{reply:?}");
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_lost_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let reply = ask(&url, 10, Duration::from_millis(1)).await;
        assert_eq!(reply, Reply::Lost("timed out".to_owned()));
    }

    #[tokio::test]
    async fn of_a_long_answer_one_byte_too_many_is_kept() {
        let (url, _server) =
            server(b"HTTP/1.1 200 OK\r\nx-a: b\r\nconnection: close\r\n\r\n0123456789abcdef").await;
        let Reply::Answered { status, headers, body } = ask(&url, 10, LONG).await else {
            panic!("it was answered");
        };
        assert_eq!((status, body.as_slice()), (200, &b"0123456789a"[..]));
        assert_eq!(headers["x-a"], "b");
    }

    #[test]
    fn a_request_that_cannot_be_sent_says_why() {
        let method = reqwest::Method::GET;
        let from = |url: &'static str| operation::Request {
            method: &method,
            url: url.into(),
            headers: Vec::new(),
            body: None,
            deadline: LONG,
        };
        let why = request(from("http://[/"), LONG).unwrap_err();
        assert!(why.starts_with("`http://[/`: "), "{why}");
        assert!(request(from("http://127.0.0.1:1/a?b&&c=%20d"), LONG).is_ok());
    }
}
