//! What `GET /metrics` shows, in Prometheus text.
//!
//! Every service has a registry of its own, so several can live in one test process.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

/// From a cache hit on loopback (tens of microseconds) to a request that waited for a takeover.
const LATENCY_BUCKETS_SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0,
];
/// The form of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How many requests shared a disk flush.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Creates and registers a process's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests and their latency.
    pub http: HttpMetrics,
}

/// Requests by endpoint and status, and their latency by endpoint.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Metrics {
    /// A registry with the metrics that every service has.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("http_requests_total", "Requests answered, by path and status."),
            &["path", "status"],
        )
        .expect(VALID);
        let seconds = HistogramVec::new(
            HistogramOpts::new("http_request_seconds", "Time to answer a request, by path.")
                .buckets(LATENCY_BUCKETS_SECONDS.to_vec()),
            &["path"],
        )
        .expect(VALID);
        registry.register(Box::new(requests.clone())).expect(VALID);
        registry.register(Box::new(seconds.clone())).expect(VALID);
        Self { registry, http: HttpMetrics { requests, seconds } }
    }

    /// A counter.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        let counter = IntCounter::new(name, help).expect(VALID);
        self.registry.register(Box::new(counter.clone())).expect(VALID);
        counter
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        let gauge = IntGauge::new(name, help).expect(VALID);
        self.registry.register(Box::new(gauge.clone())).expect(VALID);
        gauge
    }

    /// A histogram of batch sizes.
    #[must_use]
    pub fn batch_sizes(&self, name: &str, help: &str) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(BATCH_BUCKETS.to_vec());
        let histogram = Histogram::with_opts(options).expect(VALID);
        self.registry.register(Box::new(histogram.clone())).expect(VALID);
        histogram
    }

    /// All metrics in Prometheus text, of the form [`CONTENT_TYPE`].
    ///
    /// # Errors
    /// If a metric cannot be written down.
    pub fn text(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Names and labels are literals of this crate, each registered once.
const VALID: &str = "a metric's name and labels are valid and used once";

impl HttpMetrics {
    /// What is counted of requests to `path`: a row of a service's table.
    #[must_use]
    pub fn of(&self, path: &'static str) -> PathMetrics {
        PathMetrics { path, all: self.clone(), ok: OnceLock::new(), seconds: OnceLock::new() }
    }
}

/// Requests to one path. Its counters are looked up by their labels once, and shown from their first request on.
#[derive(Debug)]
pub struct PathMetrics {
    path: &'static str,
    all: HttpMetrics,
    /// Nearly every answer is a 200.
    ok: OnceLock<IntCounter>,
    seconds: OnceLock<Histogram>,
}

impl PathMetrics {
    /// Counts one answer; `status` is its three digits.
    pub fn observe(&self, status: &str, took: Duration) {
        let requests = || self.all.requests.with_label_values(&[self.path, status]);
        match status {
            "200" => self.ok.get_or_init(requests).inc(),
            _ => requests().inc(),
        }
        let seconds = || self.all.seconds.with_label_values(&[self.path]);
        self.seconds.get_or_init(seconds).observe(took.as_secs_f64());
    }
}
