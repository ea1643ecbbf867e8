//! The summary as a table for people.

use super::SummaryRow;
use crate::records::Op;
use crate::text::aligned;

/// The line above the table.
const CAPTION: &str =
    "Latencies in µs, of answered operations; hits are the cache's share of queries.";

/// The rows as aligned text, latencies in microseconds, one line each, below a caption.
#[must_use]
pub fn table(rows: &[SummaryRow]) -> String {
    let header = [
        "op", "p", "cache", "count", "mean", "p50", "p90", "p99", "p99.9", "max", "ops/s", "hits",
        "rejected", "failed", "unknown",
    ];
    let mut ordered: Vec<&SummaryRow> = rows.iter().collect();
    // By operation first, so that the figures that one compares stand below each other.
    ordered.sort_by(|a, b| a.op.cmp(&b.op).then(a.p.total_cmp(&b.p)).then(b.cache.cmp(&a.cache)));
    let lines: Vec<Vec<String>> = ordered.into_iter().map(line).collect();
    format!("{CAPTION}\n{}", aligned(&header, 3, &lines))
}

fn line(row: &SummaryRow) -> Vec<String> {
    let whole = |value: Option<u64>| value.map_or_else(dash, |value| value.to_string());
    let rounded = |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.0}"));
    vec![
        op_name(row.op).to_owned(),
        row.p.to_string(),
        if row.cache { "on" } else { "off" }.to_owned(),
        row.count.to_string(),
        rounded(row.mean_us),
        whole(row.p50_us),
        whole(row.p90_us),
        whole(row.p99_us),
        whole(row.p999_us),
        whole(row.max_us),
        rounded(row.throughput_per_s),
        hit_share(row).map_or_else(dash, |share| format!("{:.1}%", share * 100.0)),
        row.rejected.to_string(),
        row.failed.to_string(),
        row.unknown.to_string(),
    ]
}

/// Not applicable, or nothing measured.
fn dash() -> String {
    "-".to_owned()
}

/// The operation's name as the CSV has it.
pub(crate) fn op_name(op: Op) -> &'static str {
    match op {
        Op::Query => "query",
        Op::Trade => "trade",
        Op::Lookup => "lookup",
    }
}

/// The share of queries that the cache answered, if the front-end said so of any.
pub(super) fn hit_share(row: &SummaryRow) -> Option<f64> {
    let (hits, misses) = (row.cache_hits?, row.cache_misses?);
    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
}
