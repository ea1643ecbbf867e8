//! `POST /together`: trades that arrive as one request ([`TogetherRequest`](wire::internal::TogetherRequest)) and are worked on as if each had come alone.
//!
//! Each takes a place of its own, is counted where it belongs, and is answered as soon as it can be, on a line of its
//! own. The shared request takes no place. *Otherwise: trades that wait for the catalog take those of whoever keeps the
//! bazaar together (rule E5).* If its connection breaks, what that ends is what a broken connection ends of each.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use wire::internal::MemberRequest;
use wire::json::ToJson;

use super::connections::Turn;
use super::endpoint::Row;
use super::{Access, Answer, BadRequest, Endpoint, Request};
use crate::tasks::Tasks;

/// The row of it, in the table of every service that takes trades.
pub(super) const ROW: Row = Endpoint::post("/together", Access::Internal, ()).row;

/// The answers to all of them, in the order in which they come.
pub(super) struct Members {
    working: Tasks<(usize, Answer)>,
    first: Option<Bytes>,
    /// Of the connection: it lasts until all are answered.
    _turn: Turn,
}

/// What a member asks for, as if it had come alone.
pub(super) fn request(member: MemberRequest) -> Result<Request, BadRequest> {
    let headers = headers(member.headers).map_err(|error| BadRequest::new("headers", error))?;
    let target = PathAndQuery::try_from(member.target);
    let target = target.map_err(|error| BadRequest::new("target", error))?;
    Ok(Request { target, headers, body: member.body.into() })
}

/// The headers that travel with a member or with its answer.
pub(super) fn headers(told: Vec<(String, String)>) -> hyper::http::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(told.len());
    for (name, value) in told {
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(headers)
}

impl Members {
    /// Completes once the first of them is answered.
    pub(super) async fn begun(working: Tasks<(usize, Answer)>, turn: Turn) -> Self {
        let mut members = Self { working, first: None, _turn: turn };
        members.first = poll_fn(|context| members.poll_lines(context)).await;
        members
    }

    /// A line for each that is answered by now; nothing once all are. One that panics has no answer, as alone.
    fn poll_lines(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut lines = String::new();
        while let Poll::Ready(next) = self.working.poll_join_next(context) {
            match next {
                Some(Ok((place, answer))) => {
                    lines.push_str(&answer.into_member(place).to_json());
                    lines.push('\n');
                }
                Some(Err(error)) => tracing::error!(%error, "a request ended abnormally"),
                None if lines.is_empty() => return Poll::Ready(None),
                None => break,
            }
        }
        if lines.is_empty() { Poll::Pending } else { Poll::Ready(Some(lines.into())) }
    }
}

impl Body for Members {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let lines = match this.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => this.poll_lines(context),
        };
        lines.map(|lines| lines.map(|lines| Ok(Frame::data(lines))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.working.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(first);
        if self.working.is_empty() {
            hint.set_upper(first);
        }
        hint
    }
}
