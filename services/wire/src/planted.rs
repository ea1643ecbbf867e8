//! Bounds on what is parsed that can be left out, to prove that a test notices (rules S2 and S3).
//!
//! A value does not know in which process it is parsed, so a bound is left out in the whole process, before
//! that serves. Without the cargo feature `planted-bugs` there are no switches, and every bound holds.

#[cfg(feature = "planted-bugs")]
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "planted-bugs")]
static ANY_NUMBER: AtomicBool = AtomicBool::new(false);
#[cfg(feature = "planted-bugs")]
static ANY_LENGTH: AtomicBool = AtomicBool::new(false);

/// From now on this process takes counters of any size.
#[cfg(feature = "planted-bugs")]
pub fn take_any_number() {
    ANY_NUMBER.store(true, Ordering::Relaxed);
}

/// From now on this process takes names of stocks of any length.
#[cfg(feature = "planted-bugs")]
pub fn take_any_length() {
    ANY_LENGTH.store(true, Ordering::Relaxed);
}

#[cfg(feature = "planted-bugs")]
pub(crate) fn takes_any_number() -> bool {
    ANY_NUMBER.load(Ordering::Relaxed)
}

#[cfg(feature = "planted-bugs")]
pub(crate) fn takes_any_length() -> bool {
    ANY_LENGTH.load(Ordering::Relaxed)
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn takes_any_number() -> bool {
    false
}

#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn takes_any_length() -> bool {
    false
}
