//! A row of `summary.csv`.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::records::Manifest;
use crate::records::Op;
use crate::stats::{Basis, Estimate, Interval};

/// One operation in one cell. Empty means that there was nothing to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The cell's id.
    pub cell: String,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// Whether the front-end cached: `on` or `off`. Says something only where [`Manifest::tells_cache`] holds.
    #[serde(with = "on_off")]
    pub cache: bool,
    /// The target's variant that was started. No column of the CSV: it is part of the cell's id.
    #[serde(skip)]
    pub variant: Option<String>,
    /// How many clients there were.
    pub clients: u32,
    /// How many trials were pooled: those that have at least one row.
    pub trials: u32,
    /// What was done.
    pub op: Op,
    /// How often, whatever came of it.
    pub count: u64,
    /// Done, and acknowledged.
    pub ok: u64,
    /// Answered with a well-formed no.
    pub rejected: u64,
    /// Certainly without effect.
    pub failed: u64,
    /// Perhaps with an effect.
    pub unknown: u64,
    /// Mean latency of the answered ones.
    pub mean_us: Option<f64>,
    /// The median.
    pub p50_us: Option<u64>,
    /// The 90th percentile.
    pub p90_us: Option<u64>,
    /// The 99th percentile.
    pub p99_us: Option<u64>,
    /// The 99.9th percentile.
    pub p999_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
    /// For how long there was load, summed over the trials: from the first send to the last answer
    /// of any operation of the phase.
    pub span_s: f64,
    /// Accepted (ok) operations per second of that.
    pub throughput_per_s: Option<f64>,
    /// Queries that the cache answered.
    pub cache_hits: Option<u64>,
    /// Queries that the catalog was asked for.
    pub cache_misses: Option<u64>,
    /// In an open loop: how many iterations were due per second.
    pub rate_per_s: Option<f64>,
    /// Which of two builds, `a` or `b`, if two were measured side by side.
    pub build: Option<String>,
    /// What the intervals were drawn from: `trials`, or `slices` of them if there were too few.
    pub interval_basis: Option<Basis>,
    /// The interval of the mean. This and the following intervals are 95 % bootstrap intervals, see
    /// [`crate::stats`]; empty if there was too little to tell.
    pub mean_low_us: Option<f64>,
    /// Its upper bound.
    pub mean_high_us: Option<f64>,
    /// The interval of the median.
    pub p50_low_us: Option<u64>,
    /// Its upper bound.
    pub p50_high_us: Option<u64>,
    /// The interval of the 90th percentile.
    pub p90_low_us: Option<u64>,
    /// Its upper bound.
    pub p90_high_us: Option<u64>,
    /// The interval of the 99th percentile.
    pub p99_low_us: Option<u64>,
    /// Its upper bound.
    pub p99_high_us: Option<u64>,
    /// The interval of the 99.9th percentile.
    pub p999_low_us: Option<u64>,
    /// Its upper bound.
    pub p999_high_us: Option<u64>,
    /// The interval of the throughput.
    pub throughput_low_per_s: Option<f64>,
    /// Its upper bound.
    pub throughput_high_per_s: Option<f64>,
    /// In an open loop: the median from the moment of sending, which hides what an operation waited
    /// for because the ones before it were slow. Here and below, never to be quoted alone.
    pub uncorrected_p50_us: Option<u64>,
    /// In an open loop: the 99th percentile from the moment of sending.
    pub uncorrected_p99_us: Option<u64>,
    /// In an open loop: the 99.9th percentile from the moment of sending.
    pub uncorrected_p999_us: Option<u64>,
    /// In an open loop: the longest from the moment of sending.
    pub uncorrected_max_us: Option<u64>,
    /// In an open loop, on the row of queries, here and below: how many iterations came due per
    /// second.
    pub offered_per_s: Option<f64>,
    /// How many of them were sent, per second.
    pub sent_per_s: Option<f64>,
    /// How many of them were answered to the last operation, per second.
    pub answered_per_s: Option<f64>,
    /// How late the generator was through no fault of the service ([`crate::lateness`]): the median.
    pub lateness_p50_us: Option<u64>,
    /// The 99th percentile of that.
    pub lateness_p99_us: Option<u64>,
    /// The longest.
    pub lateness_max_us: Option<u64>,
    /// How long operations waited for a client that was free, which is part of their latency: the median.
    pub waited_p50_us: Option<u64>,
    /// The 99th percentile of that.
    pub waited_p99_us: Option<u64>,
    /// The longest.
    pub waited_max_us: Option<u64>,
    /// In an open loop, on every row: the figures that are left empty since they are less than five times
    /// the generator's own lateness, by name and separated by spaces, for example `p50 p90`.
    pub withheld: String,
}

impl SummaryRow {
    /// Ok and rejected together: the service did its work.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.ok + self.rejected
    }

    /// Whether the figure of this name (`p50`, `p90`, `p99`, `p999`, `max`, `mean`) is withheld.
    #[must_use]
    pub fn is_withheld(&self, figure: &str) -> bool {
        self.withheld.split(' ').any(|name| name == figure)
    }

    /// The mean latency in microseconds, with its interval.
    #[must_use]
    pub fn mean(&self) -> Option<Estimate> {
        estimate(self.mean_us, self.mean_low_us, self.mean_high_us)
    }

    /// The median in microseconds, with its interval.
    #[must_use]
    pub fn p50(&self) -> Option<Estimate> {
        whole(self.p50_us, self.p50_low_us, self.p50_high_us)
    }

    /// The 90th percentile in microseconds, with its interval.
    #[must_use]
    pub fn p90(&self) -> Option<Estimate> {
        whole(self.p90_us, self.p90_low_us, self.p90_high_us)
    }

    /// The 99th percentile in microseconds, with its interval.
    #[must_use]
    pub fn p99(&self) -> Option<Estimate> {
        whole(self.p99_us, self.p99_low_us, self.p99_high_us)
    }

    /// The 99.9th percentile in microseconds, with its interval.
    #[must_use]
    pub fn p999(&self) -> Option<Estimate> {
        whole(self.p999_us, self.p999_low_us, self.p999_high_us)
    }

    /// Accepted operations per second, with its interval.
    #[must_use]
    pub fn throughput(&self) -> Option<Estimate> {
        let (low, high) = (self.throughput_low_per_s, self.throughput_high_per_s);
        estimate(self.throughput_per_s, low, high)
    }
}

fn estimate(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> Option<Estimate> {
    let interval = low.zip(high).map(|(low, high)| Interval { low, high });
    Some(Estimate { value: value?, interval })
}

fn whole(value: Option<u64>, low: Option<u64>, high: Option<u64>) -> Option<Estimate> {
    let float = |value: Option<u64>| value.map(|value| value as f64);
    estimate(float(value), float(low), float(high))
}

/// `on` and `off` instead of `true` and `false`, as the plan and the command line write it.
mod on_off {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` passes a reference")]
    pub(super) fn serialize<S: Serializer>(on: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *on { "on" } else { "off" })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(de::Error::custom(format!("cache must be on or off, not {other}"))),
        }
    }
}
