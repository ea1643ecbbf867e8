//! The summary as a table for people.

use super::SummaryRow;
use crate::records::Op;
use crate::stats::{Basis, Estimate};
use crate::text::aligned;

/// What one column shows: its title and its cells.
type Column = (&'static str, fn(&SummaryRow) -> String);

/// The columns that say which row it is; those in the middle only if rows differ in them.
const OF_SETTINGS: [Column; 3] = [
    ("op", |row| op_name(row.op).to_owned()),
    ("p", |row| row.p.to_string()),
    ("cache", |row| if row.cache { "on" } else { "off" }.to_owned()),
];

const RATE: Column = ("rate/s", |row| row.rate_per_s.map_or_else(dash, |rate| rate.to_string()));

const BUILD: Column = ("build", |row| row.build.clone().unwrap_or_else(dash));

/// The figures, the median first: it is the one to quote.
const FIGURES: [Column; 6] = [
    ("count", |row| row.count.to_string()),
    ("median", |row| unless_withheld(row, "p50", with_interval(row.p50()))),
    ("p99", |row| unless_withheld(row, "p99", with_interval(row.p99()))),
    ("p99.9", |row| unless_withheld(row, "p999", whole(row.p999_us))),
    ("max", |row| unless_withheld(row, "max", whole(row.max_us))),
    ("ops/s", |row| with_interval(row.throughput())),
];

/// What an open loop would claim if it counted from the moment of sending.
const UNCORRECTED: [Column; 3] = [
    ("uncorr. median", |row| whole(row.uncorrected_p50_us)),
    ("uncorr. p99", |row| whole(row.uncorrected_p99_us)),
    ("uncorr. max", |row| whole(row.uncorrected_max_us)),
];

const COUNTS: [Column; 4] = [
    ("hits", |row| hit_share(row).map_or_else(dash, |share| format!("{:.1}%", share * 100.0))),
    ("rejected", |row| row.rejected.to_string()),
    ("failed", |row| row.failed.to_string()),
    ("unknown", |row| row.unknown.to_string()),
];

/// The rows as aligned text, latencies in microseconds, one line each, below a caption.
#[must_use]
pub fn table(rows: &[SummaryRow]) -> String {
    let is_open = rows.iter().any(|row| row.rate_per_s.is_some());
    let has_builds = rows.iter().any(|row| row.build.is_some());
    let mut columns = OF_SETTINGS.to_vec();
    columns.extend(is_open.then_some(RATE));
    columns.extend(has_builds.then_some(BUILD));
    let left = columns.len();
    columns.extend(FIGURES);
    columns.extend(UNCORRECTED.into_iter().filter(|_| is_open));
    columns.extend(COUNTS);
    let mut ordered: Vec<&SummaryRow> = rows.iter().collect();
    // By operation first, so that the figures that one compares stand below each other.
    ordered.sort_by(|a, b| {
        let rate = |row: &SummaryRow| row.rate_per_s.unwrap_or(0.0);
        a.op.cmp(&b.op)
            .then(a.p.total_cmp(&b.p))
            .then(rate(a).total_cmp(&rate(b)))
            .then(b.cache.cmp(&a.cache))
            .then(a.build.cmp(&b.build))
    });
    let header: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let line = |row: &SummaryRow| columns.iter().map(|(_, cell)| cell(row)).collect();
    let lines: Vec<Vec<String>> = ordered.into_iter().map(line).collect();
    format!("{}\n{}", caption(rows, is_open), aligned(&header, left, &lines))
}

/// The line above the table.
fn caption(rows: &[SummaryRow], is_open: bool) -> String {
    let has = |basis| rows.iter().any(|row| row.interval_basis == Some(basis));
    let intervals = if has(Basis::Slices) {
        "brackets: how steady a figure was within its trial; where other trials would lie takes three of them"
    } else if has(Basis::Trials) {
        "95% intervals from trials"
    } else {
        "too little was measured for intervals"
    };
    let open = if is_open {
        " Latencies count from the moment at which an operation was due; uncorrected ones, from the \
         moment of sending, hide what a slow service makes later ones wait. Withheld: less than five times \
         the generator's own lateness."
    } else {
        ""
    };
    format!(
        "Latencies in µs, of answered operations (ok and rejected); ops/s: accepted (ok) alone; {intervals}; \
         hits are the cache's share of queries.{open}"
    )
}

fn unless_withheld(row: &SummaryRow, figure: &str, shown: String) -> String {
    if row.is_withheld(figure) { "withheld".to_owned() } else { shown }
}

fn whole(value: Option<u64>) -> String {
    value.map_or_else(dash, |value| value.to_string())
}

/// `151 [148, 155]`.
fn with_interval(estimate: Option<Estimate>) -> String {
    let Some(Estimate { value, interval }) = estimate else { return dash() };
    let interval = interval.map_or_else(String::new, |interval| {
        format!(" [{:.0}, {:.0}]", interval.low, interval.high)
    });
    format!("{value:.0}{interval}")
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
pub(crate) fn hit_share(row: &SummaryRow) -> Option<f64> {
    let (hits, misses) = (row.cache_hits?, row.cache_misses?);
    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
}
