//! The time that is put down to a fault.

/// From a fault up to, and without, the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// When the fault was injected.
    pub(super) at_us: u64,
    /// When the next one was; nothing for the last.
    pub(super) until_us: Option<u64>,
}

impl Window {
    pub(super) fn contains(self, us: u64) -> bool {
        us >= self.at_us && self.until_us.is_none_or(|until_us| us < until_us)
    }

    /// Milliseconds from the fault; nothing for what came before it, which it cannot have caused.
    pub(super) fn ms_until(self, us: u64) -> Option<f64> {
        us.checked_sub(self.at_us).map(|us| us as f64 / 1000.0)
    }
}
