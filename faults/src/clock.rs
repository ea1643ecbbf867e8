//! The one origin that stamps operations and faults alike.
//!
//! It is a point of `CLOCK_MONOTONIC`, which all processes of a machine share, so the times that
//! the services report of themselves can be put beside the harness's own. Wall time, which may
//! jump, has no place here.

use std::time::{Duration, Instant};

pub use supervisor::clock::monotonic_us;

/// The beginning of a run. Every time in its files is in microseconds since then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    monotonic_us: u64,
    instant: Instant,
}

impl Origin {
    /// An origin at this moment.
    #[must_use]
    pub fn now() -> Self {
        Self { monotonic_us: monotonic_us(), instant: Instant::now() }
    }

    /// Microseconds since the origin.
    #[must_use]
    pub fn elapsed_us(&self) -> u64 {
        self.since_origin(monotonic_us())
    }

    /// `CLOCK_MONOTONIC` at the origin, in microseconds.
    #[must_use]
    pub fn monotonic_us(&self) -> u64 {
        self.monotonic_us
    }

    /// A time of `CLOCK_MONOTONIC` as microseconds since the origin; 0 for one that lies before.
    #[must_use]
    pub fn since_origin(&self, monotonic_us: u64) -> u64 {
        monotonic_us.saturating_sub(self.monotonic_us)
    }

    /// The instant that lies `us` microseconds after the origin, for timers.
    #[must_use]
    pub fn instant_at(&self, us: u64) -> Instant {
        self.instant + Duration::from_micros(us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_processes_fit_beside_our_own() {
        let origin = Origin::now();
        let before = origin.elapsed_us();
        let elsewhere = origin.since_origin(monotonic_us());
        let after = origin.elapsed_us();
        assert!(before <= elsewhere && elsewhere <= after);
        assert_eq!(origin.since_origin(origin.monotonic_us() + 1500), 1500);
    }

    #[test]
    fn a_time_before_the_origin_is_the_origin() {
        let origin = Origin::now();
        assert_eq!(origin.since_origin(origin.monotonic_us() - 1), 0);
    }
}
