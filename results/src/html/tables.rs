//! The rows of `summary.csv` as tables, one per operation. No figure is left out or rounded away.

use super::format::{NONE, capitalised, exact_ms, or_none};
use crate::compare::{CacheEffect, CacheEffects};
use crate::lateness::Lateness;
use crate::records::Op;
use crate::report::{OpenLoop, Report};
use crate::stats::Basis;
use crate::summary::{OPS, SummaryRow, op_name};

/// The section.
pub(super) struct Tables {
    /// How to read the tables, a sentence each.
    pub(super) notes: Vec<&'static str>,
    pub(super) tables: Vec<Table>,
}

/// All settings of one operation.
pub(super) struct Table {
    pub(super) id: String,
    pub(super) caption: String,
    pub(super) header: Vec<&'static str>,
    pub(super) rows: Vec<Line>,
}

/// One setting.
pub(super) struct Line {
    pub(super) cell: String,
    pub(super) values: Vec<Value>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    /// Between which bounds it lies, if that can be told.
    pub(super) interval: Option<String>,
}

impl Tables {
    pub(super) fn new(figures: &Report) -> Self {
        let summary = &figures.summary;
        let tables = OPS.into_iter().filter_map(|op| {
            let rows: Vec<&SummaryRow> = summary.iter().filter(|row| row.op == op).collect();
            (!rows.is_empty()).then(|| Table::new(op, &rows))
        });
        let rates = figures.open_loop.iter().map(Table::of_rates);
        let cache = (!figures.cache_effects.0.is_empty())
            .then(|| Table::of_the_cache(&figures.cache_effects));
        Self {
            notes: notes(summary),
            tables: cache.into_iter().chain(tables).chain(rates).collect(),
        }
    }
}

fn notes(summary: &[SummaryRow]) -> Vec<&'static str> {
    let has = |basis| summary.iter().any(|row| row.interval_basis == Some(basis));
    let open = summary.iter().any(|row| row.rate_per_s.is_some());
    let mut notes = vec![
        "Latencies are in milliseconds, of answered operations (ok and rejected, which is a well-formed \
         no to what was asked; a 503 is none), without the warm-up. What is accepted per second are the \
         ok ones alone. Percentiles are those of HDR histograms with three significant digits.",
    ];
    if has(Basis::Trials) {
        notes.push("Brackets hold 95% bootstrap intervals, drawn from whole trials.");
    }
    if has(Basis::Slices) {
        notes.push(
            "Brackets of settings with fewer than three trials are drawn from slices of a trial: they say \
             how steady a figure was within it, and nothing about how trials differ. They are no \
             intervals of what another trial would show, and nothing is claimed from them.",
        );
    }
    if open {
        notes.push(
            "Latencies are those of users who come at set times, whatever became of the ones before: \
             they count from the moment at which an operation was due, and hold what it waited for a \
             client that was free (columns “waited” below), since clients are busy for as long as \
             the service is slow. A latency that is less than five times the generator’s own lateness at \
             the same percentile (columns “late”) says more about the generator, and is withheld. \
             The uncorrected ones count from its sending, as most tools do; they hide what an operation waited for \
             because the ones before it were slow, and stand here for comparison only.",
        );
    }
    notes
}

/// A column: its title, and what a row has in it.
type Column = (&'static str, fn(&SummaryRow) -> Value);

/// What was set. A column that is the same in every row says nothing, and is left out: the settings
/// have a table of their own.
const SETTINGS: [Column; 6] = [
    ("p", |row| plain(row.p.to_string())),
    ("cache", |row| plain(if row.cache { "on" } else { "off" }.to_owned())),
    ("clients", |row| plain(row.clients.to_string())),
    ("rate per s", |row| plain(or_none(row.rate_per_s, |rate| rate.to_string()))),
    ("build", |row| plain(or_none(row.build.clone(), |build| build))),
    ("trials", |row| plain(row.trials.to_string())),
];

/// What was measured. A column in which no row has anything is left out.
const FIGURES: [Column; 18] = [
    ("median", |row| told(row, "p50", latency(row.p50_us, row.p50_low_us, row.p50_high_us))),
    ("uncorrected median", |row| latency(row.uncorrected_p50_us, None, None)),
    ("p90", |row| told(row, "p90", latency(row.p90_us, row.p90_low_us, row.p90_high_us))),
    ("p99", |row| told(row, "p99", latency(row.p99_us, row.p99_low_us, row.p99_high_us))),
    ("uncorrected p99", |row| latency(row.uncorrected_p99_us, None, None)),
    ("p99.9", |row| told(row, "p999", latency(row.p999_us, row.p999_low_us, row.p999_high_us))),
    ("uncorrected p99.9", |row| latency(row.uncorrected_p999_us, None, None)),
    ("max", |row| told(row, "max", latency(row.max_us, None, None))),
    ("uncorrected max", |row| latency(row.uncorrected_max_us, None, None)),
    ("mean", |row| told(row, "mean", mean(row))),
    ("accepted per s", |row| throughput(row)),
    ("count", |row| plain(row.count.to_string())),
    ("ok", |row| plain(row.ok.to_string())),
    ("rejected", |row| plain(row.rejected.to_string())),
    ("failed", |row| plain(row.failed.to_string())),
    ("unknown", |row| plain(row.unknown.to_string())),
    ("cache hits", |row| plain(or_none(row.cache_hits, |hits| hits.to_string()))),
    ("misses", |row| plain(or_none(row.cache_misses, |misses| misses.to_string()))),
];

/// A figure, unless it says too much about the generator.
fn told(row: &SummaryRow, figure: &str, value: Value) -> Value {
    if row.is_withheld(figure) { plain("withheld".to_owned()) } else { value }
}

fn plain(text: String) -> Value {
    Value { text, interval: None }
}

fn latency(us: Option<u64>, low_us: Option<u64>, high_us: Option<u64>) -> Value {
    let bounds = low_us.zip(high_us);
    let interval = bounds.map(|(low, high)| format!("[{}, {}]", exact_ms(low), exact_ms(high)));
    Value { text: or_none(us, exact_ms), interval }
}

fn mean(row: &SummaryRow) -> Value {
    let ms = |us: f64| format!("{:.3}", us / 1000.0);
    let bounds = row.mean_low_us.zip(row.mean_high_us);
    let interval = bounds.map(|(low, high)| format!("[{}, {}]", ms(low), ms(high)));
    Value { text: or_none(row.mean_us, ms), interval }
}

fn throughput(row: &SummaryRow) -> Value {
    let bounds = row.throughput_low_per_s.zip(row.throughput_high_per_s);
    let interval = bounds.map(|(low, high)| format!("[{low:.1}, {high:.1}]"));
    Value { text: or_none(row.throughput_per_s, |rate| format!("{rate:.1}")), interval }
}

impl Table {
    /// What the cache does to medians.
    fn of_the_cache(effects: &CacheEffects) -> Self {
        let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
        let line = |effect: &CacheEffect| Line {
            cell: format!("{}, {}", op_name(effect.op), effect.place()),
            values: vec![
                plain(format!("{:.3}", effect.off_us / 1000.0)),
                plain(format!("{:.3}", effect.on_us / 1000.0)),
                Value {
                    text: percent(effect.on_us / effect.off_us),
                    interval: effect
                        .ratio
                        .map(|ratio| format!("[{}, {}]", percent(ratio.low), percent(ratio.high))),
                },
                plain(effect.change.as_str().to_owned()),
            ],
        };
        Self {
            id: "figures-cache".to_owned(),
            caption: "What the cache does to medians".to_owned(),
            header: vec!["without", "with it", "change", "the cache is"],
            rows: effects.0.iter().map(line).collect(),
        }
    }

    /// What an open loop's generator did, and how far the service followed.
    fn of_rates(open_loop: &OpenLoop) -> Self {
        let rate = |rate: Option<f64>| plain(or_none(rate, |rate| format!("{rate:.1}")));
        let line = |(cell, lateness): &(String, Lateness)| Line {
            cell: cell.clone(),
            values: vec![
                rate(lateness.offered_per_s()),
                rate(lateness.sent_per_s()),
                rate(lateness.answered_per_s()),
                rate(lateness.accepted_per_s()),
                plain(lateness.unsent.to_string()),
                latency(lateness.own.percentile_us(0.5), None, None),
                latency(lateness.own.percentile_us(0.99), None, None),
                latency(lateness.own.max_us(), None, None),
                latency(lateness.waited.percentile_us(0.5), None, None),
                latency(lateness.waited.percentile_us(0.99), None, None),
                latency(lateness.waited.max_us(), None, None),
            ],
        };
        Self {
            id: "figures-rates".to_owned(),
            caption:
                "Iterations offered, answered (ok or rejected) and accepted (ok); how late the \
                      generator itself was; how long operations waited for a client that was free"
                    .to_owned(),
            header: vec![
                "offered per s",
                "sent per s",
                "answered per s",
                "accepted per s",
                "never sent",
                "late, median",
                "late, p99",
                "late, max",
                "waited, median",
                "waited, p99",
                "waited, max",
            ],
            rows: open_loop.cells.iter().map(line).collect(),
        }
    }

    fn new(op: Op, rows: &[&SummaryRow]) -> Self {
        let differs =
            |(_, value): &&Column| rows.windows(2).any(|pair| value(pair[0]) != value(pair[1]));
        let measured = |(_, value): &&Column| rows.iter().any(|row| value(row).text != NONE);
        let settings = SETTINGS.iter().filter(differs);
        let columns: Vec<&Column> = settings.chain(FIGURES.iter().filter(measured)).collect();
        let name = op_name(op);
        Self {
            id: format!("figures-{name}"),
            caption: capitalised(match op {
                Op::Query => "queries",
                Op::Trade => "trades",
                Op::Lookup => "lookups",
            }),
            header: columns.iter().map(|(title, _)| *title).collect(),
            rows: rows
                .iter()
                .map(|row| Line {
                    cell: row.cell.clone(),
                    values: columns.iter().map(|(_, value)| value(row)).collect(),
                })
                .collect(),
        }
    }
}
