//! Another host's clock, as ours tells it: every time of it is mapped to ours, with a bound.
//!
//! A question and its answer say that the other clock read a value somewhere between two of our times. In the middle is the best guess, and
//! half of the time between them the bound, whatever the ways there and back took: that is how NTP does it (RFC 5905, section 8), and as there the
//! exchange with the shortest way is believed. The bound of an old exchange grows by what two clocks may drift apart.
//!
//! The invariant: the true time lies within the bound of what is said. Hosts of one kernel share its clock, and have no bound.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use crate::locked::locked;

/// How many exchanges are remembered: at one a second, half a minute.
const REMEMBERED: usize = 32;
/// How fast two clocks may drift apart, in millionths: the kernel slews a clock by at most 500, and a crystal is off by less than 100,
/// of either host.
const MAX_DRIFT_PPM: u64 = 1_200;

/// One question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    /// When it was asked, on our clock.
    pub(super) sent_us: u64,
    /// What the other clock read.
    pub(super) theirs_us: u64,
    /// When the answer was there, on our clock.
    pub(super) received_us: u64,
    /// The wall clock there less the wall clock here, in the middle.
    pub(super) wall_ahead_us: i64,
}

impl Exchange {
    /// What their clock is ahead of ours, and how far that may be off.
    fn ahead(&self) -> (i64, u64) {
        let way_us = self.received_us.saturating_sub(self.sent_us);
        let middle_us = self.sent_us + way_us / 2;
        // Microseconds since a start fit for 292,000 years.
        (self.theirs_us.cast_signed() - middle_us.cast_signed(), way_us.div_ceil(2))
    }

    /// The bound at one of our times.
    fn bound_us(&self, ours_us: u64) -> u64 {
        let age_us = ours_us.abs_diff(self.received_us);
        self.ahead().1 + (age_us.saturating_mul(MAX_DRIFT_PPM)).div_ceil(1_000_000)
    }
}

/// A time of another host's clock on ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The time, in microseconds of our `CLOCK_MONOTONIC`.
    pub at_us: u64,
    /// How far it may be off, in microseconds.
    pub bound_us: u64,
}

/// The clock of another host.
#[derive(Debug, Default)]
pub struct HostClock {
    exchanges: Mutex<VecDeque<Exchange>>,
    more: Condvar,
    /// Whether it is ours.
    same: std::sync::atomic::AtomicBool,
}

impl HostClock {
    /// Notes that it is the clock of this kernel.
    pub(super) fn found_same(&self) {
        self.same.store(true, std::sync::atomic::Ordering::SeqCst);
    }

    /// Whether it is the clock of this kernel, so that nothing needs to be mapped.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.same.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Takes an exchange in. Says how many are remembered now.
    pub(super) fn learn(&self, exchange: Exchange) -> usize {
        let mut exchanges = locked(&self.exchanges);
        if exchanges.len() == REMEMBERED {
            exchanges.pop_front();
        }
        exchanges.push_back(exchange);
        self.more.notify_all();
        exchanges.len()
    }

    /// Blocks until so many exchanges are known, or for as long as `within`. Says whether they are.
    pub(super) fn wait_for(&self, count: usize, within: Duration) -> bool {
        let exchanges = locked(&self.exchanges);
        let few = |exchanges: &mut VecDeque<Exchange>| exchanges.len() < count;
        let waited = self.more.wait_timeout_while(exchanges, within, few);
        waited.is_ok_and(|(exchanges, _)| exchanges.len() >= count)
    }

    /// One of their times, on our clock.
    #[must_use]
    pub fn ours(&self, theirs_us: u64) -> Mapped {
        if self.is_same() {
            return Mapped { at_us: theirs_us, bound_us: 0 };
        }
        let exchanges = locked(&self.exchanges);
        let mapped = exchanges.iter().map(|exchange| {
            let at_us = theirs_us.cast_signed() - exchange.ahead().0;
            let at_us = u64::try_from(at_us).unwrap_or(0);
            Mapped { at_us, bound_us: exchange.bound_us(at_us) }
        });
        // Before the first exchange nothing is started, so there is no time to map.
        let nothing = Mapped { at_us: theirs_us, bound_us: u64::MAX };
        mapped.min_by_key(|mapped| mapped.bound_us).unwrap_or(nothing)
    }

    /// How far a time that is read there now may be off once it is mapped, in microseconds.
    #[must_use]
    pub fn bound_us(&self, now_us: u64) -> u64 {
        if self.is_same() {
            return 0;
        }
        let exchanges = locked(&self.exchanges);
        exchanges.iter().map(|exchange| exchange.bound_us(now_us)).min().unwrap_or(u64::MAX)
    }

    /// How it goes, for people: `; its wall clock is 3.000 ms ahead`. Empty if nobody knows.
    #[must_use]
    pub fn describe(&self) -> String {
        match (self.is_same(), self.wall_ahead_us()) {
            (true, _) => "; the same clock as the harness's".to_owned(),
            // Exact below 2^53 us.
            (false, Some(us)) => format!("; its wall clock is {:.3} ms ahead", us as f64 / 1_000.0),
            (false, None) => String::new(),
        }
    }

    /// What the wall clock there is ahead of the one here, in microseconds, by the best exchange.
    fn wall_ahead_us(&self) -> Option<i64> {
        let exchanges = locked(&self.exchanges);
        let best = exchanges.iter().min_by_key(|exchange| exchange.ahead().1);
        best.map(|exchange| exchange.wall_ahead_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3_600_000_000;

    /// An exchange with a clock that is ahead by an hour, whose ways took so long.
    fn exchange(sent_us: u64, there_us: u64, back_us: u64) -> Exchange {
        let theirs_us = HOUR_US + sent_us + there_us;
        let received_us = sent_us + there_us + back_us;
        Exchange { sent_us, theirs_us, received_us, wall_ahead_us: 5 }
    }

    #[test]
    fn a_time_is_mapped_within_its_bound_however_uneven_the_ways_are() {
        for (there_us, back_us) in [(50, 50), (0, 100), (100, 0), (7, 8)] {
            let clock = HostClock::default();
            clock.learn(exchange(1_000_000, there_us, back_us));
            let mapped = clock.ours(HOUR_US + 1_000_000);
            assert!(mapped.at_us.abs_diff(1_000_000) <= mapped.bound_us, "{mapped:?}");
            assert!(mapped.bound_us <= (there_us + back_us).div_ceil(2) + 1, "{mapped:?}");
        }
    }

    #[test]
    fn the_shortest_way_is_believed_until_it_is_too_long_ago() {
        let clock = HostClock::default();
        clock.learn(exchange(0, 10, 10));
        clock.learn(exchange(1_000_000, 0, 50_000));
        let soon = clock.ours(HOUR_US + 1_000_000);
        assert!(soon.bound_us < 2_000, "{soon:?}");
        clock.learn(exchange(60_000_000, 0, 50_000));
        let later = clock.ours(HOUR_US + 60_000_000);
        assert!(later.bound_us < 26_000 && later.bound_us > 20_000, "{later:?}");
        assert!(later.at_us.abs_diff(60_000_000) <= later.bound_us, "{later:?}");
    }

    #[test]
    fn a_drift_that_a_clock_may_have_stays_within_the_bound() {
        let clock = HostClock::default();
        clock.learn(exchange(0, 10, 10));
        // Ten seconds later by ours, it has gained what it may.
        let theirs_us = HOUR_US + 10_000_000 + 10_000;
        let mapped = clock.ours(theirs_us);
        assert!(mapped.at_us.abs_diff(10_000_000) <= mapped.bound_us, "{mapped:?}");
    }

    #[test]
    fn the_clock_of_the_same_kernel_has_no_bound() {
        let clock = HostClock::default();
        clock.learn(exchange(0, 10, 10));
        clock.found_same();
        assert_eq!(clock.ours(77), Mapped { at_us: 77, bound_us: 0 });
        assert_eq!(clock.bound_us(1), 0);
    }
}
