//! Looks at what is held again and again until two looks that follow each other saw the same.
//!
//! How long a look takes depends on how much there is. It is not the services' time to become equal, so what counts
//! against the bound is when the first of the two equal looks began to read.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::NotConverged;
use crate::clock::monotonic_us;
use crate::dump::Digest;

/// What one look saw.
#[derive(Debug)]
pub(super) struct Look<T> {
    /// Stands for what was seen, source by source.
    pub(super) seen: Vec<Digest>,
    /// When it began to read.
    pub(super) since: Since,
    /// What was seen besides.
    pub(super) held: T,
}

/// A moment, for timers and for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    pub(super) instant: Instant,
    pub(super) monotonic_us: u64,
}

impl Since {
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), monotonic_us: monotonic_us() }
    }
}

/// The second of two equal looks, with the time at which the first began. `look` is handed by when it must have begun to
/// read, unless it is to confirm another; it gives what is wrong, if anything is. Between two looks passes `period`.
pub(super) async fn twice<T>(
    within: Duration,
    period: Duration,
    mut look: impl AsyncFnMut(Option<Instant>) -> Result<Look<T>, String>,
) -> Result<Look<T>, NotConverged> {
    let deadline = Instant::now() + within;
    let mut before: Option<(Vec<Digest>, Since)> = None;
    loop {
        let begin_by = before.is_none().then_some(deadline);
        let reason = match look(begin_by).await {
            Ok(now) => match before.take() {
                Some((seen, since)) if seen == now.seen => return Ok(Look { since, ..now }),
                earlier => {
                    let reason = if earlier.is_some() {
                        "what the services hold was still changing"
                    } else {
                        "a second dump to compare with did not come in time"
                    };
                    before = Some((now.seen, now.since));
                    reason.to_owned()
                }
            },
            Err(reason) => {
                before = None;
                reason
            }
        };
        // What was equal in time may still be confirmed.
        let in_time = before.as_ref().is_some_and(|(_, since)| since.instant < deadline);
        if Instant::now() + period >= deadline && !in_time {
            let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            return Err(NotConverged { within_ms, reason });
        }
        sleep(period).await;
    }
}
