//! Reading a body whole, before anything is taken for its request (rule S4).
//!
//! *Otherwise: 1,024 requests whose bodies do not come hold all places, and a replica that is asked
//! for a ping meanwhile is taken for dead.* What unfinished bodies hold is bounded, too: most of them
//! are small, and the large ones share a few places.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body, Incoming};
use tokio::sync::Semaphore;

use super::Answer;

/// How much of a body is read, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) bytes: usize,
    pub(super) time: Duration,
    /// Who reads more than so many bytes needs one of these places.
    pub(super) large: Option<(usize, &'a Semaphore)>,
}

/// The 413 for a body that is longer than so many bytes.
pub(super) fn too_long(most: usize) -> Answer {
    let message = format!("body: longer than {most} bytes");
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// The body, or why there is none.
pub(super) async fn read(body: Incoming, bounds: Bounds<'_>) -> Result<Bytes, Answer> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(bounds.time, collect(body, bounds)).await {
        Ok(read) => read,
        Err(_) => Err(Answer::error(StatusCode::REQUEST_TIMEOUT, "body: did not arrive in time")),
    }
}

async fn collect(mut body: Incoming, bounds: Bounds<'_>) -> Result<Bytes, Answer> {
    let mut place = None;
    let mut check = |length: usize| {
        if length > bounds.bytes {
            return Err(too_long(bounds.bytes));
        }
        if let Some((small, large)) = bounds.large
            && length > small
            && place.is_none()
        {
            place = Some(large.try_acquire().map_err(|_| {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Answer::error_without_effect(status, "too many long bodies at once")
            })?);
        }
        Ok(())
    };
    // What its header says, so that nothing is read in vain; it need not say anything.
    check(usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX))?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| Answer::error(StatusCode::BAD_REQUEST, format!("body: {error}")))?;
        let Ok(data) = frame.into_data() else { continue };
        check(first.len() + rest.len() + data.len())?;
        if first.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}
