//! The bazaar's own token: who holds it is one of the bazaar's processes, or its operator.
//!
//! Every request that carries it may use internal endpoints and the headers of the protocols.
//! Without it an internal endpoint is 403, and those headers are as if they had not been sent. *A web
//! page posts to the catalog's list with epoch 2^63-1, and no trade is ever applied again.*

use std::fmt;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::HeaderName;
use wire::headers;

const SECRET: HeaderName = HeaderName::from_static(headers::SECRET);

/// What a request has to carry. Without a token at all everybody counts as one of the bazaar's own:
/// services in one process with their tests, never a process of its own.
#[derive(Clone, Default)]
pub(super) struct Token(Option<Arc<str>>);

impl Token {
    pub(super) fn new(token: Option<Arc<str>>) -> Self {
        Self(token)
    }

    /// Whether a request with these headers comes from one of the bazaar's own.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let Some(wanted) = &self.0 else { return true };
        let given = headers.get(SECRET);
        given.is_some_and(|given| constant_time_eq(given.as_bytes(), wanted.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Token(..)" } else { "Token(none)" })
    }
}

/// Takes the headers of the protocols out, which nobody without the token may send. A usual request
/// has none of them, and is only looked at.
pub(super) fn ignore_protocol_headers(headers: &mut HeaderMap) {
    if headers.keys().any(|name| headers::OF_THE_PROTOCOLS.contains(&name.as_str())) {
        for name in headers::OF_THE_PROTOCOLS {
            headers.remove(*name);
        }
    }
}

/// Compares without telling by its duration how much was right.
fn constant_time_eq(given: &[u8], wanted: &[u8]) -> bool {
    given.len() == wanted.len()
        && given.iter().zip(wanted).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_the_whole_token_will_do() {
        let token = Token::new(Some("open sesame".into()));
        let with = |given: &'static str| {
            let name = HeaderName::from_static(headers::SECRET);
            token.is_in(&HeaderMap::from_iter([(name, HeaderValue::from_static(given))]))
        };
        assert!(with("open sesame"));
        for wrong in ["", "open", "open sesamE", "open sesame "] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert!(!format!("{token:?}").contains("sesame"));
    }

    #[test]
    fn what_clients_may_send_stays() {
        let mut headers = HeaderMap::new();
        for name in headers::OF_THE_PROTOCOLS.iter().chain(&[headers::IDEMPOTENCY_KEY, "x-other"]) {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        ignore_protocol_headers(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, [headers::IDEMPOTENCY_KEY, "x-other"]);
    }
}
