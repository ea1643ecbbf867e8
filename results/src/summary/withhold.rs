//! Which figures of an open loop say too much about its generator to be told.

use super::row::SummaryRow;
use crate::lateness::is_withheld;
use crate::stats::Latencies;

/// Names every latency of a row that is not well above the generator's own lateness at the same
/// percentile. The uncorrected ones hold no lateness.
pub(super) fn mark(row: &mut SummaryRow, own: &Latencies) {
    let whole = |us: Option<u64>| us.map(|us| us as f64);
    let at = |quantile| whole(own.percentile_us(quantile));
    let figures = [
        ("p50", whole(row.p50_us), at(0.5)),
        ("p90", whole(row.p90_us), at(0.9)),
        ("p99", whole(row.p99_us), at(0.99)),
        ("p999", whole(row.p999_us), at(0.999)),
        ("max", whole(row.max_us), whole(own.max_us())),
        ("mean", row.mean_us, own.mean_us()),
    ];
    let withheld = figures.into_iter().filter(|(_, figure_us, own_us)| {
        figure_us.is_some_and(|figure_us| is_withheld(figure_us, *own_us))
    });
    row.withheld = withheld.map(|(name, ..)| name).collect::<Vec<_>>().join(" ");
}

/// Empties what was marked, with its interval.
pub(super) fn empty(row: &mut SummaryRow) {
    for name in row.withheld.split(' ') {
        match name {
            "p50" => (row.p50_us, row.p50_low_us, row.p50_high_us) = (None, None, None),
            "p90" => (row.p90_us, row.p90_low_us, row.p90_high_us) = (None, None, None),
            "p99" => (row.p99_us, row.p99_low_us, row.p99_high_us) = (None, None, None),
            "p999" => (row.p999_us, row.p999_low_us, row.p999_high_us) = (None, None, None),
            "max" => row.max_us = None,
            "mean" => (row.mean_us, row.mean_low_us, row.mean_high_us) = (None, None, None),
            _ => {}
        }
    }
}
