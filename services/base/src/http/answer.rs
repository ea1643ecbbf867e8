//! What a handler returns: a status, headers, and a body that is whole before it is sent.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use wire::bazaar::ErrorBody;
use wire::internal::MemberAnswer;
use wire::json::ToJson;

use super::BadRequest;
use crate::metrics::{self, Metrics};

/// An answer of any endpoint.
#[derive(Debug)]
pub struct Answer {
    response: Response<Bytes>,
}

impl Answer {
    /// A JSON body.
    pub fn json(status: StatusCode, body: &impl ToJson) -> Self {
        Self::with_body(status, body.to_json().into(), "application/json")
    }

    /// 200 with a JSON body.
    pub fn ok(body: &impl ToJson) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 200 with no body.
    #[must_use]
    pub fn empty() -> Self {
        Self { response: Response::new(Bytes::new()) }
    }

    /// 200 with plain text.
    pub fn text(body: String, content_type: &'static str) -> Self {
        Self::with_body(StatusCode::OK, body.into(), content_type)
    }

    /// A body that is passed on as it came.
    pub fn with_body(status: StatusCode, body: Bytes, content_type: &'static str) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { response }
    }

    /// What `GET /metrics` is answered.
    #[must_use]
    pub fn metrics(metrics: &Metrics) -> Self {
        match metrics.text() {
            Ok(text) => Self::with_body(StatusCode::OK, text.into(), metrics::CONTENT_TYPE),
            Err(error) => Self::error(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    /// The one form of error, `{"error":{"code","message"}}`.
    pub fn error(status: StatusCode, message: impl Into<String>) -> Self {
        Self::error_body(status, &ErrorBody::new(status.as_u16(), message))
    }

    /// The same, with the certainty that nothing was changed.
    pub fn error_without_effect(status: StatusCode, message: impl Into<String>) -> Self {
        Self::error_body(status, &ErrorBody::new(status.as_u16(), message).without_effect())
    }

    fn error_body(status: StatusCode, body: &ErrorBody) -> Self {
        let answer = Self::json(status, body);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            answer.header(RETRY_AFTER, HeaderValue::from_static("1"))
        } else {
            answer
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        self.response
    }

    /// The same as the answer to one of several requests that came as one. Trades' answers are text.
    pub(super) fn into_member(self, member: usize) -> MemberAnswer {
        let (head, body) = self.response.into_parts();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = head.headers.iter();
        MemberAnswer {
            member,
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: text(&body),
        }
    }
}

impl From<BadRequest> for Answer {
    fn from(bad: BadRequest) -> Self {
        Self::error(StatusCode::BAD_REQUEST, bad.to_string())
    }
}
