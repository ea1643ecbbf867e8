//! The clock that stamps what happens to processes; guards, services and harness share it, for it is the machine's. Another host's
//! is mapped to it ([`crate::host::HostClock`]).

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

/// Microseconds of `CLOCK_MONOTONIC`.
#[must_use]
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .expect("Linux has always had CLOCK_MONOTONIC, and the pointer is our own");
    u64::try_from(Duration::from(now).as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds of the wall clock, for people alone: it may jump.
pub(crate) fn wall_us() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
