//! What `GET /metrics` shows of a replica's thread.

use base::metrics::Metrics;
use prometheus::{Histogram, IntCounter, IntGauge};

pub(super) struct Meters {
    pub(super) batch_sizes: Histogram,
    pub(super) flushes: IntCounter,
    pub(super) epoch: IntGauge,
    pub(super) in_sync: IntGauge,
    pub(super) committed: IntGauge,
    pub(super) takeovers: IntCounter,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            batch_sizes: metrics
                .batch_sizes("order_batch_size", "Orders that shared one flush of the disk."),
            flushes: metrics.counter("order_flushes_total", "Transactions committed."),
            epoch: metrics.gauge("order_epoch", "The newest epoch on this replica's disk."),
            in_sync: metrics.gauge("order_in_sync", "In-sync replicas, as last heard."),
            committed: metrics.gauge("order_committed", "The last committed order number."),
            takeovers: metrics.counter("order_takeovers_total", "Epochs begun as their leader."),
        }
    }
}
