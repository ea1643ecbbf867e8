//! The bazaar's front-end, as a client speaks to it.
//!
//! A request is sent once: what the front-end does not hide from its clients must be seen. What
//! comes back is a [`Reply`], which says how far the request got and judges nothing.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, ClientBuilder, Method, Request, Response, Url};
use results::records::CacheState;
use wire::bazaar::TradeRequest;
use wire::headers;
use wire::ids::OrderNo;

/// A client that has an address.
#[derive(Clone, Debug)]
pub struct FrontEnd {
    client: Client,
    base: Url,
}

/// How far a request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// What the front-end said about its cache.
        cache: Option<CacheState>,
        /// How often the front-end asked the order service for it, if it said so.
        attempts: Option<u32>,
        /// The body.
        body: Vec<u8>,
    },
    /// No connection came about, so it was never sent.
    NotSent(String),
    /// It may have been sent; no whole answer came.
    Lost(String),
}

/// The answers of the bazaar are a few hundred bytes; anybody who sends more than this is no bazaar.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Settings of a client that measures: one connection that stays open, nothing between it and
/// the bazaar, nothing sent twice.
pub fn measuring_client(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .timeout(timeout)
        .no_proxy()
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // Plain HTTP only: the machine's certificates need not be read.
        .tls_certs_only(std::iter::empty())
}

impl FrontEnd {
    /// `client`, speaking to `address` (`host:port`).
    ///
    /// # Errors
    /// `address` is no host and port.
    pub fn new(client: Client, address: &str) -> Result<Self, BadAddress> {
        // Url drops port 80, so the port is looked for in the text.
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let base = port.and_then(|_| Url::parse(&format!("http://{address}/")).ok());
        let base = base.filter(|url| url.has_host() && url.path() == "/" && url.query().is_none());
        Ok(Self { client, base: base.ok_or_else(|| BadAddress(address.to_owned()))? })
    }

    /// The query of a stock.
    ///
    /// # Errors
    /// The request cannot be put together.
    pub fn query_stock(&self, stock_name: &str) -> reqwest::Result<Request> {
        let mut url = self.url("stocks");
        url.query_pairs_mut().append_pair("stock_name", stock_name);
        self.client.request(Method::GET, url).build()
    }

    /// The query of an order.
    ///
    /// # Errors
    /// The request cannot be put together.
    pub fn query_order(&self, order_no: OrderNo) -> reqwest::Result<Request> {
        let mut url = self.url("orders");
        url.query_pairs_mut().append_pair("order_no", &order_no.to_string());
        self.client.request(Method::GET, url).build()
    }

    /// A trade under an idempotency key.
    ///
    /// # Errors
    /// The request cannot be put together.
    pub fn trade(&self, trade: &TradeRequest, key: &str) -> reqwest::Result<Request> {
        // A trade is three plain fields, which always have a form in JSON.
        let body = serde_json::to_vec(trade).unwrap_or_default();
        self.client
            .request(Method::POST, self.url("orders"))
            .header(CONTENT_TYPE, "application/json")
            .header(headers::IDEMPOTENCY_KEY, key)
            .body(body)
            .build()
    }

    /// Sends a request, and reads the answer to its last byte.
    pub async fn send(&self, request: Request) -> Reply {
        match self.client.execute(request).await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => Reply::NotSent(innermost(&error)),
            Err(error) => Reply::Lost(innermost(&error)),
        }
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }
}

async fn read(mut response: Response) -> Reply {
    let status = response.status().as_u16();
    let cache = match response.headers().get(headers::CACHE).map(|value| value.as_bytes()) {
        Some(b"hit") => Some(CacheState::Hit),
        Some(b"miss") => Some(CacheState::Miss),
        _ => None,
    };
    let attempts = response.headers().get(headers::ATTEMPTS);
    let attempts = attempts.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER_BYTES => {
                body.extend_from_slice(&chunk);
            }
            Ok(Some(_)) => return Reply::Lost("the answer is too long".to_owned()),
            Ok(None) => return Reply::Answered { status, cache, attempts, body },
            Err(error) => return Reply::Lost(innermost(&error)),
        }
    }
}

/// What went wrong, without the layers around it.
#[must_use]
pub fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The text is no host and port.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("address {0:?}: must be a host and a port, for example 127.0.0.1:30001")]
pub struct BadAddress(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn front_end(address: &str) -> Result<FrontEnd, BadAddress> {
        FrontEnd::new(measuring_client(Duration::from_secs(5)).build().unwrap(), address)
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert!(front_end("127.0.0.1:30001").is_ok());
        assert!(front_end("localhost:30001").is_ok());
        assert!(front_end("[::1]:80").is_ok());
        for refused in [
            "",
            "host",
            "host:",
            "http://host:1",
            "a b:1",
            "host:99999",
            "host:1/path",
            "host:1?x=1",
        ] {
            assert_eq!(front_end(refused).unwrap_err(), BadAddress(refused.to_owned()));
        }
    }

    #[test]
    fn names_are_escaped() {
        let request = front_end("h:1").unwrap().query_stock("a b&c=é").unwrap();
        assert_eq!(request.url().as_str(), "http://h:1/stocks?stock_name=a+b%26c%3D%C3%A9");
    }

    #[test]
    fn a_trade_carries_its_key() {
        let trade: TradeRequest =
            serde_json::from_str(r#"{"stock_name":"Stock1","trade_type":"buy","quantity":"3"}"#)
                .unwrap();
        let request = front_end("h:1").unwrap().trade(&trade, "key-1").unwrap();
        assert_eq!(request.headers()[headers::IDEMPOTENCY_KEY], "key-1");
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap();
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"stock_name": "Stock1", "trade_type": "Buy", "quantity": 3})
        );
    }

    #[tokio::test]
    async fn a_refused_connection_was_never_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let front_end = front_end(&address).unwrap();
        let reply = front_end.send(front_end.query_stock("Stock1").unwrap()).await;
        assert!(matches!(reply, Reply::NotSent(_)), "{reply:?}");
    }

    #[tokio::test]
    async fn a_connection_that_breaks_before_the_answer_loses_it() {
        use tokio::io::AsyncReadExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut byte = [0; 1];
            socket.read_exact(&mut byte).await.unwrap();
        });
        let front_end = front_end(&address).unwrap();
        let reply = front_end.send(front_end.query_stock("Stock1").unwrap()).await;
        server.await.unwrap();
        assert!(matches!(reply, Reply::Lost(_)), "{reply:?}");
    }
}
