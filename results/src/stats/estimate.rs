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

    /// The same in a larger unit, which is so many of this one. It is divided, and not multiplied with a fraction that
    /// no binary number is: a figure that lies between two decimal places would be told as the other.
    #[must_use]
    pub fn in_units_of(self, unit: f64) -> Self {
        let interval = self
            .interval
            .map(|Interval { low, high }| Interval { low: low / unit, high: high / unit });
        Self { value: self.value / unit, interval }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_in_another_unit_is_the_nearest_number_there_is() {
        let it = Estimate { value: 4895.0, interval: Some(Interval { low: 4889.0, high: 4.0 }) };
        let milliseconds = it.in_units_of(1e3);
        assert_eq!(milliseconds.value.to_bits(), 4.895_f64.to_bits());
        let interval = milliseconds.interval.unwrap();
        assert_eq!(
            [interval.low, interval.high].map(f64::to_bits),
            [4.889_f64, 0.004].map(f64::to_bits)
        );
    }
}
