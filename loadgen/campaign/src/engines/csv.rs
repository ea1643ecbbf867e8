//! `engines.csv`: a line for each figure of each system, empty where nothing was measured.

use results::stats::Estimate;
use serde::Serialize;

use super::comparison::System;

/// One figure of one system.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    system: &'a str,
    /// `load`, the name of a kind of fault, or `all runs`.
    step: &'a str,
    /// How many clients, of `load`.
    clients: Option<u32>,
    figure: &'a str,
    /// How many rounds, faults or runs it is of.
    of: Option<usize>,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    max: Option<f64>,
}

/// Its lines.
pub(super) fn lines(system: &System) -> Vec<Line<'_>> {
    let blank = |step, figure| Line {
        system: &system.name,
        step,
        clients: None,
        figure,
        of: None,
        value: None,
        low: None,
        high: None,
        max: None,
    };
    let totals = &system.totals;
    let [passed, failed, inconclusive] = totals.runs;
    let count = |number: u64| Some(number as f64);
    let mut lines: Vec<Line<'_>> = [
        ("passed", count(passed as u64)),
        ("failed_runs", count(failed as u64)),
        ("inconclusive", count(inconclusive as u64)),
        ("lost", totals.found.lost.and_then(count)),
        ("doubled", totals.found.doubled.and_then(count)),
        ("stale", totals.found.stale.and_then(count)),
        ("failed", count(totals.failed)),
        ("unknown", count(totals.unknown)),
    ]
    .into_iter()
    .map(|(figure, value)| Line {
        value,
        of: Some(passed + failed + inconclusive),
        ..blank("all runs", figure)
    })
    .collect();
    for (clients, figures) in &system.load {
        let all: [(&str, Option<Estimate>); 6] = [
            ("accepted_per_s", figures.accepted_per_s),
            ("trades_per_s", figures.changes_per_s),
            ("trade_p50_us", figures.change_p50_us),
            ("trade_p99_us", figures.change_p99_us),
            ("query_p50_us", figures.read_p50_us),
            ("query_p99_us", figures.read_p99_us),
        ];
        lines.extend(all.into_iter().map(|(figure, estimate)| {
            let interval = estimate.and_then(|estimate| estimate.interval);
            Line {
                clients: Some(*clients),
                of: Some(figures.rounds),
                value: estimate.map(|estimate| estimate.value),
                low: interval.map(|interval| interval.low),
                high: interval.map(|interval| interval.high),
                ..blank("load", figure)
            }
        }));
    }
    for (kind, outages) in &system.faults {
        let all = [("first_ack_ms", &outages.first_ack), ("longest_gap_ms", &outages.longest_gap)];
        lines.extend(all.into_iter().map(|(figure, row)| Line {
            of: row.as_ref().map(|row| row.faults),
            value: row.as_ref().and_then(|row| row.median),
            low: row.as_ref().and_then(|row| row.interval_low),
            high: row.as_ref().and_then(|row| row.interval_high),
            max: row.as_ref().and_then(|row| row.max),
            ..blank(kind, figure)
        }));
    }
    lines
}
