//! Availability for people: a table, and the one line that they came for.

use super::{AvailabilityRow, FaultKind, Role};
use crate::stats::median;
use crate::text::{aligned, counted, three_digits};

/// The line above the table.
const CAPTION: &str = "Times in ms since the fault; back in sync since the restart or resume.";

/// The rows as aligned text, durations in milliseconds, below a caption. The cell is shown only if
/// there are several cells or trials.
#[must_use]
pub fn table(rows: &[AvailabilityRow]) -> String {
    let several =
        rows.windows(2).any(|pair| pair[0].cell != pair[1].cell || pair[0].trial != pair[1].trial);
    let mut header = vec![
        "fault",
        "done",
        "role",
        "at s",
        "confirmed",
        "detected",
        "new leader",
        "serves",
        "first ack",
        "longest gap",
        "leads",
        "failed",
        "unknown",
        "retried",
        "back in sync",
    ];
    let mut left = 3;
    if several {
        header.insert(0, "trial");
        left += 1;
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut cells = line(row);
            if several {
                cells.insert(0, format!("{} #{}", row.cell, row.trial));
            }
            cells
        })
        .collect();
    format!("{CAPTION}\n{}", aligned(&header, left, &lines))
}

fn line(row: &AvailabilityRow) -> Vec<String> {
    let dash = || "-".to_owned();
    let ms = |value: Option<f64>| value.map_or_else(dash, three_digits);
    vec![
        row.fault.to_string(),
        format!("{} {}", row.action, row.process),
        row.role.to_string(),
        format!("{:.1}", row.at_us as f64 / 1e6),
        ms(row.confirmed_ms),
        ms(row.detected_ms),
        ms(row.new_leader_ms),
        ms(row.serving_ms),
        ms(row.first_ack_ms),
        ms(row.longest_gap_ms),
        row.new_leader.map_or_else(dash, |leader| format!("order-{leader}")),
        row.failed.to_string(),
        row.unknown.to_string(),
        row.retried.to_string(),
        ms(row.back_in_sync_ms),
    ]
}

/// What the leader's deaths cost, and its pauses if there were any; nothing if no leader was hit.
#[must_use]
pub fn headline(rows: &[AvailabilityRow]) -> Option<String> {
    let sentences: Vec<String> = [
        (FaultKind::Kill, "leader kill", "leader kills"),
        (FaultKind::Pause, "leader pause", "leader pauses"),
    ]
    .into_iter()
    .filter_map(|(action, one, many)| {
        let hit: Vec<&AvailabilityRow> =
            rows.iter().filter(|row| row.action == action && row.role == Role::Leader).collect();
        sentence(&hit, one, many)
    })
    .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn sentence(rows: &[&AvailabilityRow], one: &str, many: &str) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let number = rows.len() as u64;
    let acks: Vec<f64> = rows.iter().filter_map(|row| row.first_ack_ms).collect();
    let longest = acks.iter().copied().max_by(f64::total_cmp);
    let times = match (median(&acks), longest) {
        (Some(only), _) if acks.len() == 1 => {
            format!("first acknowledged trade after {} ms", three_digits(only))
        }
        (Some(median), Some(longest)) => format!(
            "first acknowledged trade after {} ms (median), {} ms at most",
            three_digits(median),
            three_digits(longest)
        ),
        _ => "no trade was seen to be acknowledged afterwards".to_owned(),
    };
    let missing = number - acks.len() as u64;
    let missing = if missing > 0 && !acks.is_empty() {
        format!(", none seen after {missing} of them")
    } else {
        String::new()
    };
    let sum = |count: fn(&AvailabilityRow) -> u64| rows.iter().map(|row| count(row)).sum::<u64>();
    Some(format!(
        "{}: {times}{missing}; {} failed, {} unknown, {} retried.",
        counted(number, one, many),
        counted(sum(|row| row.failed), "operation", "operations"),
        sum(|row| row.unknown),
        sum(|row| row.retried),
    ))
}
