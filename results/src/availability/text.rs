//! Availability for people: when what was back, what it cost, and the same over all faults.

use crate::table::{Pick, Row, Table};

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
const OVERALL: &str =
    "Over all faults of a kind, in ms. The interval is the median's, from six faults on.";

/// Which fault a line is about.
const FAULT: [&str; 3] = ["fault", "done", "role"];
/// The figures of the first three tables.
const OF_TIMES: [&str; 9] = [
    "at_us",
    "detected_ms",
    "election_ms",
    "takeover_ms",
    "first_ack_ms",
    "backlog_drained_ms",
    "p99_back_ms",
    "longest_gap_ms",
    "back_in_sync_ms",
];
const OF_COSTS: [&str; 7] =
    ["new_leader", "failed", "unknown", "retried", "lost", "doubled", "stale"];
const OF_GOODPUT: [&str; 9] = [
    "trades_before_per_s",
    "trades_missing",
    "trades_missing_noise",
    "trades_missing_ms",
    "reads_before_per_s",
    "reads_missing",
    "reads_missing_noise",
    "reads_missing_ms",
    "p99_before_ms",
];

/// The figures of the fourth table.
const SHOWN_OVERALL: [&str; 9] = [
    "detected_ms",
    "election_ms",
    "takeover_ms",
    "first_ack_ms",
    "backlog_drained_ms",
    "p99_back_ms",
    "back_in_sync_ms",
    "trades_missing_ms",
    "reads_missing_ms",
];

/// The answer sheets as aligned text: a table of times, one of costs, one of goodput, and, if there are
/// several faults of a kind, one over all of them. The trial is named only if there are several.
#[must_use]
pub fn text(faults: &Table, kinds: &Table) -> String {
    let parts = [(TIMES, &OF_TIMES[..]), (COSTS, &OF_COSTS[..]), (GOODPUT, &OF_GOODPUT[..])];
    let mut parts: Vec<String> =
        parts.map(|(caption, names)| format!("{caption}\n{}", sheet(faults, names))).into();
    let several = kinds.only(is_shown);
    if !several.is_empty() {
        let picks = [
            Pick::Value("group"),
            Pick::Value("title"),
            Pick::Value("faults"),
            Pick::Value("seen"),
            Pick::Value("median"),
            Pick::Interval("median"),
            Pick::Value("max"),
        ];
        parts.push(format!("{OVERALL}\n{}", several.to_text(&picks)));
    }
    parts.join("\n")
}

/// A line per fault: which it is, then its figures. Several trials have a table each, since a
/// column with the trial's name would make the lines too long.
fn sheet(faults: &Table, names: &[&'static str]) -> String {
    let picks: Vec<Pick> = FAULT.iter().chain(names).copied().map(Pick::Value).collect();
    let trials = faults.split(&["cell", "trial"]);
    let of_trial = |trial: &Table| {
        let first = trial.rows().next().filter(|_| trials.len() > 1);
        let name = first.map_or_else(String::new, |row| {
            let number = row.cell("trial").as_whole().unwrap_or_default();
            format!("{} #{number}\n", row.word("cell"))
        });
        name + &trial.to_text(&picks)
    };
    trials.iter().map(of_trial).collect::<Vec<_>>().join("\n")
}

/// Not of a kind of which there is one fault, nor a figure that was never seen.
fn is_shown(row: Row<'_>) -> bool {
    let number = |name: &str| row.cell(name).as_whole().unwrap_or_default();
    SHOWN_OVERALL.contains(&row.word("figure")) && number("faults") >= 2 && number("seen") > 0
}
