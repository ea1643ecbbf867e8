//! Thresholds that are looked at while the load runs: those on figures of operations. What faults cost and what
//! the checks find is known at the end only.

use super::figure::{Figure, OF_OPERATIONS};
use super::threshold::Threshold;
use crate::records::Op;
use crate::stats::Latencies;
use crate::summary::{OPS, op_name};

/// What one kind of operation came to within some seconds.
#[derive(Clone, Debug)]
pub struct Lately {
    /// Which kind.
    pub op: Op,
    /// Within how many seconds.
    pub seconds: f64,
    /// How long those took that were answered.
    pub latencies: Latencies,
    /// How many were accepted.
    pub accepted: u64,
    /// How many were certainly without effect.
    pub failed: u64,
    /// How many perhaps had one.
    pub unknown: u64,
}

impl Lately {
    /// Of an operation that nobody did within these seconds.
    #[must_use]
    pub fn new(op: Op, seconds: f64) -> Self {
        let (accepted, failed, unknown) = (0, 0, 0);
        Self { op, seconds, latencies: Latencies::default(), accepted, failed, unknown }
    }

    /// The same figures as in a summary's row.
    fn figure(&self, name: &str) -> Option<f64> {
        let percentile = |quantile| self.latencies.percentile_us(quantile).map(|us| us as f64);
        match name {
            "mean_us" => self.latencies.mean_us(),
            "p50_us" => percentile(0.5),
            "p90_us" => percentile(0.9),
            "p99_us" => percentile(0.99),
            "p999_us" => percentile(0.999),
            "max_us" => self.latencies.max_us().map(|us| us as f64),
            "throughput_per_s" => Some(self.accepted as f64 / self.seconds),
            "failed" => Some(self.failed as f64),
            "unknown" => Some(self.unknown as f64),
            _ => None,
        }
    }
}

impl Threshold {
    /// Whether it can be looked at while the load runs.
    #[must_use]
    pub fn can_be_watched(&self) -> bool {
        matches!(self.figure, Figure::Operation(..))
    }

    /// The value that breaks it, if the last seconds do. A figure that nothing was measured of breaks nothing.
    #[must_use]
    pub fn broken_by(&self, lately: &[Lately]) -> Option<f64> {
        let Figure::Operation(op, index) = self.figure else { return None };
        let of_op = lately.iter().find(|lately| lately.op == op)?;
        let value = of_op.figure(OF_OPERATIONS[index].0)?;
        (!self.limit.is_kept_by(value)).then_some(value)
    }
}

/// The figures of which a threshold can be watched, in words.
#[must_use]
pub fn watchable() -> String {
    format!("{} of {}", OF_OPERATIONS.map(|(name, _)| name).join(", "), OPS.map(op_name).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lately() -> [Lately; 1] {
        let latencies = (1..=100).map(|ms| ms * 1_000).collect();
        [Lately { latencies, accepted: 50, unknown: 2, ..Lately::new(Op::Trade, 5.0) }]
    }

    fn broken_by(text: &str, lately: &[Lately]) -> Option<f64> {
        text.parse::<Threshold>().unwrap().broken_by(lately)
    }

    #[test]
    fn what_the_last_seconds_break_is_told_with_its_value() {
        for (text, value) in [
            ("trade.max_us < 50000", Some(100_000.0)),
            ("trade.max_us <= 100000", None),
            ("trade.throughput_per_s >= 20", Some(10.0)),
            ("trade.throughput_per_s >= 10", None),
            ("trade.unknown < 2", Some(2.0)),
            ("trade.failed <= 0", None),
            ("trade.mean_us < 50500", Some(50_500.0)),
        ] {
            assert_eq!(broken_by(text, &lately()), value, "{text}");
        }
    }

    #[test]
    fn silence_breaks_a_throughput_and_no_latency() {
        let silent = [Lately::new(Op::Query, 5.0)];
        assert_eq!(broken_by("query.p99_us < 1", &silent), None);
        assert_eq!(broken_by("query.throughput_per_s > 1", &silent), Some(0.0));
        assert_eq!(broken_by("trade.throughput_per_s > 1", &silent), None);
    }

    #[test]
    fn every_figure_of_operations_can_be_watched_and_no_other() {
        for (name, _) in OF_OPERATIONS {
            let threshold: Threshold = format!("trade.{name} < 1000000").parse().unwrap();
            assert!(threshold.can_be_watched());
            assert!(lately()[0].figure(name).is_some(), "{name}");
        }
        for text in ["failover.first_ack_ms.max < 1", "consistency = pass"] {
            assert!(!text.parse::<Threshold>().unwrap().can_be_watched());
            assert_eq!(broken_by(text, &lately()), None);
        }
    }
}
