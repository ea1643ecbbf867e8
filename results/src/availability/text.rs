//! Availability for people: when what was back, what it cost, and the same over all faults.

use super::overall::{OverallRow, overall};
use super::{AvailabilityRow, FaultGroup};
use crate::text::{aligned, three_digits};

/// The line above the first table.
const TIMES: &str = "Times in ms since the fault; election and takeover are durations; in sync: since \
                     the restart or resume.\nDrained: everything due before the first ack was \
                     answered. p99 back: within 10 % of before, for 500 operations.";
/// The line above the second.
const COSTS: &str = "What each fault cost.";
/// The line above the third.
const GOODPUT: &str = "Goodput: what was accepted per s before the fault, and what was missing until all was \
                       drained. Closed loop: how many\nfewer than at the rate before; so many as the noise may \
                       be missing by chance. Open loop: how many failed or are unknown;\nwhat came late is \
                       not missing.";
/// The line above the fourth.
const OVERALL: &str = "Over all faults of a kind. The interval is the median's, 95 %, from six \
                       faults on.";

/// The figures of the fourth table: column of the file, and what people call it.
const SHOWN_OVERALL: [(&str, &str); 9] = [
    ("detected_ms", "detected, ms"),
    ("election_ms", "election, ms"),
    ("takeover_ms", "takeover, ms"),
    ("first_ack_ms", "first ack, ms"),
    ("backlog_drained_ms", "drained, ms"),
    ("p99_back_ms", "p99 back, ms"),
    ("back_in_sync_ms", "in sync, ms"),
    ("trades_missing_ms", "trades missing, ms"),
    ("reads_missing_ms", "reads missing, ms"),
];

/// The answer sheets as aligned text: a table of times, one of costs, one of goodput, and, if there are
/// several faults of a kind, one over all of them. The trial is named only if there are several.
#[must_use]
pub fn table(rows: &[AvailabilityRow]) -> String {
    let mut parts = vec![
        format!("{TIMES}\n{}", sheet(rows, &TIMES_HEADER, times)),
        format!("{COSTS}\n{}", sheet(rows, &COSTS_HEADER, costs)),
        format!("{GOODPUT}\n{}", sheet(rows, &GOODPUT_HEADER, goodput)),
    ];
    let lines: Vec<Vec<String>> = overall(rows).iter().filter_map(overall_line).collect();
    if !lines.is_empty() {
        parts.push(format!("{OVERALL}\n{}", aligned(&OVERALL_HEADER, 2, &lines)));
    }
    parts.join("\n")
}

const TIMES_HEADER: [&str; 9] = [
    "at s",
    "detected",
    "election",
    "takeover",
    "first ack",
    "drained",
    "p99 back",
    "longest gap",
    "in sync",
];

fn times(row: &AvailabilityRow) -> Vec<String> {
    vec![
        format!("{:.1}", row.at_us as f64 / 1e6),
        figure(row.detected_ms),
        figure(row.election_ms),
        figure(row.takeover_ms),
        figure(row.first_ack_ms),
        figure(row.backlog_drained_ms),
        figure(row.p99_back_ms),
        figure(row.longest_gap_ms),
        figure(row.back_in_sync_ms),
    ]
}

const COSTS_HEADER: [&str; 7] =
    ["leads", "failed", "unknown", "retried", "lost", "doubled", "stale"];

fn costs(row: &AvailabilityRow) -> Vec<String> {
    vec![
        row.new_leader.map_or_else(dash, |leader| format!("order-{leader}")),
        row.failed.to_string(),
        row.unknown.to_string(),
        row.retried.to_string(),
        count(row.lost),
        count(row.doubled),
        count(row.stale),
    ]
}

const GOODPUT_HEADER: [&str; 9] =
    ["trades/s", "missing", "noise", "in ms", "reads/s", "missing", "noise", "in ms", "p99 ms"];

fn goodput(row: &AvailabilityRow) -> Vec<String> {
    vec![
        whole(row.trades_before_per_s),
        whole(row.trades_missing),
        whole(row.trades_missing_noise),
        figure(row.trades_missing_ms),
        whole(row.reads_before_per_s),
        whole(row.reads_missing),
        whole(row.reads_missing_noise),
        figure(row.reads_missing_ms),
        figure(row.p99_before_ms),
    ]
}

/// A line per fault: which it is, then its figures. Several trials have a table each, since a
/// column with the trial's name would make the lines too long.
fn sheet(
    rows: &[AvailabilityRow],
    figures: &[&str],
    line: fn(&AvailabilityRow) -> Vec<String>,
) -> String {
    let header = [&["fault", "done", "role"], figures].concat();
    let trials: Vec<&[AvailabilityRow]> =
        rows.chunk_by(|a, b| a.trial == b.trial && a.cell == b.cell).collect();
    let of_trial = |rows: &&[AvailabilityRow]| {
        let lines: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let done = format!("{} {}", row.action, row.process);
                let fault = vec![row.fault.to_string(), done, row.role.to_string()];
                [fault, line(row)].concat()
            })
            .collect();
        let name = match rows.first() {
            Some(row) if trials.len() > 1 => format!("{} #{}\n", row.cell, row.trial),
            _ => String::new(),
        };
        name + &aligned(&header, 3, &lines)
    };
    trials.iter().map(of_trial).collect::<Vec<_>>().join("\n")
}

const OVERALL_HEADER: [&str; 7] = ["faults", "figure", "number", "seen", "median", "95 %", "most"];

/// Nothing for a kind of which there is one fault, or a figure that was never seen.
fn overall_line(row: &OverallRow) -> Option<Vec<String>> {
    let (_, name) = SHOWN_OVERALL.iter().find(|(figure, _)| *figure == row.figure)?;
    if row.faults < 2 || row.seen == 0 {
        return None;
    }
    let interval = row.interval_low.zip(row.interval_high);
    Some(vec![
        several(row.group),
        (*name).to_owned(),
        row.faults.to_string(),
        row.seen.to_string(),
        figure(row.median),
        interval.map_or_else(dash, |(low, high)| {
            format!("{} to {}", three_digits(low), three_digits(high))
        }),
        figure(row.max),
    ])
}

fn several(group: FaultGroup) -> String {
    match group {
        FaultGroup::LeaderKill => "leader kills".to_owned(),
        FaultGroup::LeaderPause => "leader pauses".to_owned(),
        of_whom => format!("{of_whom} faults"),
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(dash, three_digits)
}

/// Never `-0`.
fn whole(value: Option<f64>) -> String {
    value.map_or_else(dash, |value| format!("{:.0}", value.round() + 0.0))
}

fn count(number: Option<u64>) -> String {
    number.map_or_else(dash, |number| number.to_string())
}

fn dash() -> String {
    "-".to_owned()
}
