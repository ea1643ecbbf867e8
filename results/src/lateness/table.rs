//! Offered, sent and answered rates as a table for people.

use std::collections::HashMap;

use super::Lateness;
use crate::records::Manifest;
use crate::text::{aligned, three_digits};

/// The lines above the table.
const CAPTION: &str = "\
Open loop: iterations per second due, sent, answered (ok or rejected) and accepted (ok) while the schedule
lasted; how many were due and never sent, which no latency contains. In µs: how late the generator itself was,
and how long operations waited for a client that was free, which is part of their latency.";

/// One line for each cell of an open loop, below a caption; nothing if there is none.
#[must_use]
pub fn table(manifest: &Manifest, cells: &HashMap<&str, Lateness>) -> Option<String> {
    let header = [
        "cell",
        "offered/s",
        "sent/s",
        "answered/s",
        "accepted/s",
        "unsent",
        "late p50",
        "p99",
        "max",
        "waited p50",
        "p99",
        "max",
    ];
    let of_cell = |id: &str| cells.get(id).map(|lateness| line(id, lateness));
    let lines: Vec<_> = manifest.cells.iter().filter_map(|cell| of_cell(&cell.id)).collect();
    (!lines.is_empty()).then(|| format!("{CAPTION}\n{}", aligned(&header, 1, &lines)))
}

fn line(cell: &str, lateness: &Lateness) -> Vec<String> {
    let rate = |value: Option<f64>| value.map_or_else(dash, three_digits);
    let whole = |value: Option<u64>| value.map_or_else(dash, |value| value.to_string());
    vec![
        cell.to_owned(),
        rate(lateness.offered_per_s()),
        rate(lateness.sent_per_s()),
        rate(lateness.answered_per_s()),
        rate(lateness.accepted_per_s()),
        lateness.unsent.to_string(),
        whole(lateness.own.percentile_us(0.5)),
        whole(lateness.own.percentile_us(0.99)),
        whole(lateness.own.max_us()),
        whole(lateness.waited.percentile_us(0.5)),
        whole(lateness.waited.percentile_us(0.99)),
        whole(lateness.waited.max_us()),
    ]
}

fn dash() -> String {
    "-".to_owned()
}
