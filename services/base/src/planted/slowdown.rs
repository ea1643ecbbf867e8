//! Trades that take longer than they would have, to prove that a comparison of builds finds it.
//!
//! A rule that is left out breaks a promise; this breaks none, and the checks must not mind it. What
//! must find it is `double-trouble compare`.

#[cfg(feature = "planted-bugs")]
use std::time::Duration;
use std::time::Instant;

/// By how much trades are slowed: not at all, unless the feature is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slowdown {
    #[cfg(feature = "planted-bugs")]
    percent: u16,
}

#[cfg(feature = "planted-bugs")]
impl Slowdown {
    /// By so many per cent of the time that a trade spends at the leader.
    #[must_use]
    pub(super) fn percent(percent: u16) -> Self {
        Self { percent }
    }

    /// Waits for its share of the time since `began`. On a thread that may sleep: the runtime's own
    /// timers are rounded up to whole milliseconds, which would be another slowdown.
    pub async fn pass(self, began: Instant) {
        if self.percent == 0 {
            return;
        }
        let longer = self.share_of(began.elapsed());
        // A runtime that is shutting down does not wait, and neither need a trade then.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(longer)).await;
    }

    fn share_of(self, taken: Duration) -> Duration {
        taken * u32::from(self.percent) / 100
    }
}

#[cfg(not(feature = "planted-bugs"))]
impl Slowdown {
    /// Nothing is slowed in a build without the feature.
    pub async fn pass(self, _began: Instant) {}
}

#[cfg(all(test, feature = "planted-bugs"))]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_a_fifth() {
        let taken = Duration::from_micros(5_000);
        assert_eq!(Slowdown::percent(20).share_of(taken), Duration::from_micros(1_000));
        assert_eq!(Slowdown::default().share_of(taken), Duration::ZERO);
    }
}
