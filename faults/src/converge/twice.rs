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

/// Why a look saw nothing that could be equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unequal {
    /// What is wrong.
    Wrong(String),
    /// Nobody answered until the deadline, which may have come at once: it says nothing of what is held.
    NoTime,
}

/// The second of two equal looks, with the time at which the first began. `look` is handed by when it must have begun to
/// read, unless it is to confirm another. Between two looks passes `period`.
pub(super) async fn twice<T>(
    within: Duration,
    period: Duration,
    mut look: impl AsyncFnMut(Option<Instant>) -> Result<Look<T>, Unequal>,
) -> Result<Look<T>, NotConverged> {
    let deadline = Instant::now() + within;
    let mut before: Option<(Vec<Digest>, Since)> = None;
    let mut reason = "no answer in time".to_owned();
    loop {
        let begin_by = before.is_none().then_some(deadline);
        match look(begin_by).await {
            Ok(now) => match before.take() {
                Some((seen, since)) if seen == now.seen => return Ok(Look { since, ..now }),
                earlier => {
                    let changing = "what the services hold was still changing";
                    let alone = "a second dump to compare with did not come in time";
                    reason = if earlier.is_some() { changing } else { alone }.to_owned();
                    before = Some((now.seen, now.since));
                }
            },
            Err(Unequal::Wrong(wrong)) => (before, reason) = (None, wrong),
            // What an earlier look has seen is still what is known.
            Err(Unequal::NoTime) => before = None,
        }
        // What was equal in time may still be confirmed.
        let in_time = before.as_ref().is_some_and(|(_, since)| since.instant < deadline);
        if Instant::now() + period >= deadline && !in_time {
            let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            return Err(NotConverged { within_ms, reason });
        }
        sleep(period).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(50);

    type Looked = Result<Look<u64>, Unequal>;

    fn seen(hash: u64) -> Looked {
        Ok(Look { seen: vec![Digest::of(hash)], since: Since::now(), held: hash })
    }

    fn wrong(what: &str) -> Looked {
        Err(Unequal::Wrong(what.to_owned()))
    }

    /// Why looks that come to `script`, the last of it again and again, are not equal within a second.
    async fn reason(mut script: Vec<fn() -> Looked>) -> String {
        script.reverse();
        let looks = async |_| {
            if script.len() > 1 { script.pop() } else { script.last().copied() }.unwrap()()
        };
        twice(Duration::from_secs(1), PERIOD, looks).await.unwrap_err().reason
    }

    #[tokio::test(start_paused = true)]
    async fn two_equal_looks_that_follow_each_other_count_from_when_the_first_began() {
        let begun = Instant::now();
        let mut script = [seen(1), wrong("torn"), seen(2), seen(2)].into_iter();
        let look = twice(Duration::from_secs(1), PERIOD, async |_| script.next().unwrap());
        assert_eq!(look.await.unwrap().held, 2);
        assert_eq!(begun.elapsed(), 3 * PERIOD);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_wrong_last_is_the_reason_and_a_look_without_time_says_nothing() {
        let no_time = || Err(Unequal::NoTime);
        assert_eq!(reason(vec![|| wrong("it lags"), || wrong("it differs")]).await, "it differs");
        assert_eq!(reason(vec![|| wrong("it lags"), no_time]).await, "it lags");
        assert_eq!(reason(vec![no_time]).await, "no answer in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_began_in_time_may_be_confirmed_after_it() {
        let mut bounds = Vec::new();
        let slow = async |begin_by: Option<Instant>| {
            bounds.push(begin_by.is_some());
            let look = seen(1);
            tokio::time::sleep(Duration::from_secs(5)).await;
            look
        };
        assert_eq!(twice(Duration::from_secs(1), PERIOD, slow).await.unwrap().held, 1);
        assert_eq!(bounds, [true, false], "the second is bound to no deadline");
    }
}
