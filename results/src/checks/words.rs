//! Numbers as people read them.

/// Microseconds as the milliseconds that people read.
pub(crate) fn milliseconds(us: u64) -> f64 {
    // Exact below 2^53 us, which is 285 years.
    us as f64 / 1_000.0
}
