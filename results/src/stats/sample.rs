//! The answered operations of a trial, and what they are cut into.

use serde::{Deserialize, Serialize};

/// What was drawn with replacement to see how a figure varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Whole trials: the interval holds what makes trials differ.
    Trials,
    /// Slices of too few trials: the interval says nothing about how trials differ.
    Slices,
}

/// From the first send to the last answer, in microseconds since the run's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSpan {
    /// The first send.
    pub first_us: u64,
    /// The last answer.
    pub last_us: u64,
}

impl Default for LoadSpan {
    fn default() -> Self {
        Self { first_us: u64::MAX, last_us: 0 }
    }
}

impl LoadSpan {
    /// Extends it to an operation.
    pub fn cover(&mut self, start_us: u64, end_us: u64) {
        self.first_us = self.first_us.min(start_us);
        self.last_us = self.last_us.max(end_us);
    }

    /// How long it is in microseconds; 0 if it covers nothing.
    #[must_use]
    pub fn us(self) -> u64 {
        self.last_us.saturating_sub(self.first_us)
    }

    /// How long it is in seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.us() as f64 / 1e6
    }
}

/// The answered operations of one kind in one trial.
#[derive(Clone, Debug, Default)]
pub struct TrialSample {
    /// When there was load, from whatever operation.
    pub span: LoadSpan,
    /// The operations.
    pub operations: Vec<Answer>,
}

/// An answered operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it was sent, in microseconds since the run's origin.
    pub start_us: u64,
    /// Its latency in microseconds.
    pub latency_us: u64,
    /// Whether the answer was what was asked for. Throughput counts these alone.
    pub is_accepted: bool,
}
