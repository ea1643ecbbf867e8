//! Latency percentiles, the same way everywhere.
//!
//! Latencies go into an HDR histogram with three significant digits, so no figure is off by more
//! than a thousandth, however long the tail. The percentile is the nearest rank: `percentile(0.99)`
//! is the smallest recorded latency that at least 99 % of the recorded ones do not exceed, read
//! from the histogram, never interpolated, and never more than the exact maximum. Mean and maximum
//! are exact, from the raw values.

use hdrhistogram::Histogram;

/// How many significant digits the histogram keeps.
const SIGNIFICANT_DIGITS: u8 = 3;

/// Latencies above this are counted as this much in the percentiles: an hour, far beyond any
/// client's timeout, so that one absurd row cannot make the histogram grow without bound.
const LONGEST_US: u64 = 3_600_000_000;

/// The latencies of one kind of operation.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    sum_us: u128,
    max_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS)
            .expect("the bounds and the digits are constants that hdrhistogram accepts");
        Self { histogram, sum_us: 0, max_us: 0 }
    }
}

impl Latencies {
    /// Adds one latency, in microseconds.
    pub fn record(&mut self, latency_us: u64) {
        self.histogram.saturating_record(latency_us);
        self.sum_us += u128::from(latency_us);
        self.max_us = self.max_us.max(latency_us);
    }

    /// Adds all latencies of another sample.
    pub fn merge(&mut self, other: &Self) {
        self.histogram += &other.histogram;
        self.sum_us += other.sum_us;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The exact mean in microseconds; nothing without latencies.
    #[must_use]
    pub fn mean_us(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum_us as f64 / self.count() as f64)
    }

    /// The exact maximum in microseconds; nothing without latencies.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max_us)
    }

    /// The latency that a share `quantile` (0 to 1) of the operations did not exceed, in
    /// microseconds, as the module's header defines it; nothing without latencies.
    #[must_use]
    pub fn percentile_us(&self, quantile: f64) -> Option<u64> {
        (self.count() > 0).then(|| self.histogram.value_at_quantile(quantile).min(self.max_us))
    }
}

/// What each latency counts as in a histogram: the highest value that it cannot tell from it.
#[derive(Debug)]
pub(super) struct Rounding(Histogram<u64>);

impl Rounding {
    pub(super) fn new() -> Self {
        Self(Latencies::default().histogram)
    }

    pub(super) fn round(&self, latency_us: u64) -> u64 {
        self.0.highest_equivalent(latency_us.clamp(1, LONGEST_US))
    }
}

impl FromIterator<u64> for Latencies {
    fn from_iter<I: IntoIterator<Item = u64>>(latencies_us: I) -> Self {
        let mut latencies = Self::default();
        for latency_us in latencies_us {
            latencies.record(latency_us);
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let latencies: Latencies = (1..=1000).collect();
        assert_eq!(latencies.count(), 1000);
        assert_eq!(latencies.percentile_us(0.5), Some(500));
        assert_eq!(latencies.percentile_us(0.9), Some(900));
        assert_eq!(latencies.percentile_us(0.99), Some(990));
        assert_eq!(latencies.percentile_us(0.999), Some(999));
        assert_eq!(latencies.percentile_us(1.0), Some(1000));
        assert_eq!(latencies.mean_us(), Some(500.5));
        assert_eq!(latencies.max_us(), Some(1000));
    }

    #[test]
    fn merged_samples_are_one_sample() {
        let mut merged: Latencies = (1..=500).collect();
        merged.merge(&(501..=1000).collect());
        let whole: Latencies = (1..=1000).collect();
        assert_eq!(merged.percentile_us(0.99), whole.percentile_us(0.99));
        assert_eq!((merged.mean_us(), merged.max_us()), (whole.mean_us(), whole.max_us()));
    }

    #[test]
    fn nothing_measured_has_no_percentiles() {
        let latencies = Latencies::default();
        assert_eq!(latencies.percentile_us(0.5), None);
        assert_eq!(latencies.mean_us(), None);
        assert_eq!(latencies.max_us(), None);
    }

    #[test]
    fn one_latency_is_every_percentile() {
        let latencies: Latencies = [1_234_567].into_iter().collect();
        assert_eq!(latencies.percentile_us(0.5), Some(1_234_567));
        assert_eq!(latencies.percentile_us(0.999), Some(1_234_567));
    }

    #[test]
    fn large_latencies_keep_three_digits() {
        let latencies: Latencies = (1..=1000).map(|n| n * 1000).collect();
        let p99 = latencies.percentile_us(0.99).unwrap();
        assert!((990_000..=990_990).contains(&p99), "{p99}");
    }

    #[test]
    fn an_absurd_latency_is_kept_as_the_maximum() {
        let latencies: Latencies = [u64::MAX].into_iter().collect();
        assert_eq!(latencies.max_us(), Some(u64::MAX));
        assert_eq!(latencies.count(), 1);
    }
}
