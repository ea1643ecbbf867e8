//! A figure, and between which bounds it lies.

use serde::{Deserialize, Serialize};

/// How often an interval is to hold the truth.
pub const CONFIDENCE: f64 = 0.95;

/// Between which bounds a figure lies, with [`CONFIDENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies in it, its bounds included.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A figure in its own unit, with its interval in the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// What was measured.
    pub value: f64,
    /// Its interval; nothing if there was too little to tell.
    #[serde(flatten)]
    pub interval: Option<Interval>,
}

impl Estimate {
    /// A figure without an interval.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { value, interval: None }
    }

    /// The same in another unit, of which `factor` are one of this.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let interval = self
            .interval
            .map(|Interval { low, high }| Interval { low: low * factor, high: high * factor });
        Self { value: self.value * factor, interval }
    }
}
