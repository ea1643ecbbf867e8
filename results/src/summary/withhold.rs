//! Which figures of an open loop say too much about its generator to be told.

use super::SummaryRow;
use crate::lateness::is_withheld;
use crate::stats::Latencies;

/// Empties every latency of a row, with its interval, that is not well above the generator's own lateness
/// at the same percentile, and names it in the row. The uncorrected ones hold no lateness.
pub(super) fn withhold(row: &mut SummaryRow, own: &Latencies) {
    let percentile = |quantile| own.percentile_us(quantile).map(|us| us as f64);
    let mut withheld = Vec::new();
    let percentiles = [
        ("p50", 0.5, &mut row.p50_us, [&mut row.p50_low_us, &mut row.p50_high_us]),
        ("p90", 0.9, &mut row.p90_us, [&mut row.p90_low_us, &mut row.p90_high_us]),
        ("p99", 0.99, &mut row.p99_us, [&mut row.p99_low_us, &mut row.p99_high_us]),
        ("p999", 0.999, &mut row.p999_us, [&mut row.p999_low_us, &mut row.p999_high_us]),
    ];
    for (name, quantile, figure_us, bounds) in percentiles {
        if figure_us.is_some_and(|us| is_withheld(us as f64, percentile(quantile))) {
            *figure_us = None;
            bounds.into_iter().for_each(|bound| *bound = None);
            withheld.push(name);
        }
    }
    if row.max_us.is_some_and(|us| is_withheld(us as f64, percentile(1.0))) {
        row.max_us = None;
        withheld.push("max");
    }
    if row.mean_us.is_some_and(|us| is_withheld(us, own.mean_us())) {
        (row.mean_us, row.mean_low_us, row.mean_high_us) = (None, None, None);
        withheld.push("mean");
    }
    row.withheld = withheld.join(" ");
}
