//! etcd's HTTP gateway: one request, and what its errors say of it.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value as Json;
use tokio::time::{Instant, timeout_at};

use crate::member::Endpoint;

/// The largest answer: a page of a dump has a thousand values of a few hundred bytes.
const MAX_ANSWER_BYTES: usize = 4 << 20;

/// What etcd says before it proposes anything, so that nothing is applied: it knows no leader, or has too much to do.
const BEFORE_PROPOSING: [&str; 2] = ["etcdserver: no leader", "etcdserver: too many requests"];

/// What it says to whoever asks for a revision that has not been yet.
const FUTURE: &str = "etcdserver: mvcc: required revision is a future revision";

/// Connections to the gateways of all members.
pub(super) struct Gateway {
    http: Client<HttpConnector, Full<Bytes>>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(super) enum Problem {
    /// Nothing was sent.
    Unreachable(String),
    /// Something was sent, and nothing came.
    Silent(String),
    /// The revision is of the future.
    Future,
    /// etcd's own words.
    Said(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Silent(why) | Self::Said(why) => out.write_str(why),
            Self::Future => out.write_str(FUTURE),
        }
    }
}

impl Problem {
    /// Whether what was asked may be done nevertheless.
    pub(super) fn may_have_effect(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Future => false,
            Self::Silent(_) => true,
            Self::Said(words) => !BEFORE_PROPOSING.contains(&words.as_str()),
        }
    }

    /// Whether another member may serve where this one did not.
    pub(super) fn is_the_members(&self) -> bool {
        *self != Self::Future
    }
}

impl Gateway {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// What the member there answers to `body`.
    pub(super) async fn post(
        &self,
        at: &Endpoint,
        path: &str,
        body: &Json,
        until: Instant,
    ) -> Result<Json, Problem> {
        let request = Request::post(format!("http://{at}/v3/{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| Problem::Unreachable(error.to_string()))?;
        let answer = timeout_at(until, async {
            let response = self.http.request(request).await.map_err(|error| {
                let words = words_of(&error);
                if error.is_connect() {
                    Problem::Unreachable(words)
                } else {
                    Problem::Silent(words)
                }
            })?;
            let is_ok = response.status().is_success();
            let bytes = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
            let bytes = bytes.map_err(|error| Problem::Silent(words_of(&*error)))?.to_bytes();
            let answer: Json = serde_json::from_slice(&bytes)
                .map_err(|error| Problem::Silent(error.to_string()))?;
            if is_ok { Ok(answer) } else { Err(said(&answer)) }
        });
        answer
            .await
            .unwrap_or_else(|_| Err(Problem::Silent(format!("nothing came from {at} in time"))))
    }
}

/// The problem that an answer with an error's status tells.
fn said(answer: &Json) -> Problem {
    let words =
        answer["message"].as_str().or(answer["error"].as_str()).unwrap_or("an error without words");
    if words == FUTURE { Problem::Future } else { Problem::Said(words.to_owned()) }
}

/// An error with its causes, of which the last says most.
fn words_of(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_said_before_proposing_has_no_effect() {
        for (words, may_have_effect) in [
            ("etcdserver: no leader", false),
            ("etcdserver: too many requests", false),
            ("etcdserver: request timed out", true),
            ("etcdserver: request timed out, possibly due to previous leader failure", true),
            ("etcdserver: leader changed", true),
            ("something new", true),
        ] {
            assert_eq!(
                said(&json!({"message": words})).may_have_effect(),
                may_have_effect,
                "{words}"
            );
        }
        assert_eq!(said(&json!({"error": FUTURE, "code": 11})), Problem::Future);
        assert!(said(&json!(null)).may_have_effect());
    }

    #[tokio::test]
    async fn nothing_was_sent_to_a_port_that_nobody_has_and_a_closed_connection_is_silence() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let at = Endpoint { host: "127.0.0.1".to_owned(), port };
        let until = Instant::now() + std::time::Duration::from_secs(10);
        let gateway = Gateway::new();
        let accept = async {
            let (mut stream, _) = listener.accept().await.expect("it connects");
            let mut bytes = [0; 1024];
            tokio::io::AsyncReadExt::read(&mut stream, &mut bytes).await.expect("it sends");
        };
        let body = json!({});
        let (answer, ()) = tokio::join!(gateway.post(&at, "kv/txn", &body, until), accept);
        assert!(answer.expect_err("nobody answered").may_have_effect());
        drop(listener);
        let problem = gateway.post(&at, "kv/txn", &body, until).await.expect_err("nobody listens");
        assert!(matches!(problem, Problem::Unreachable(_)), "{problem:?}");
    }
}
