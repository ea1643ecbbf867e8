//! The one line that people came for.

use super::overall::{FaultGroup, OverallRow};
use super::row::{AvailabilityRow, outages};
use crate::text::{counted, three_digits};

/// What the leader's deaths cost, and its pauses if there were any; nothing if no leader was hit. `overall`
/// is what [`overall`](super::overall()) says of the same faults.
#[must_use]
pub fn headline(rows: &[AvailabilityRow], overall: &[OverallRow]) -> Option<String> {
    let sentences: Vec<String> = [
        (FaultGroup::LeaderKill, "leader kill", "leader kills"),
        (FaultGroup::LeaderPause, "leader pause", "leader pauses"),
        (FaultGroup::LeaderDisk, "leader disk fault", "leader disk faults"),
    ]
    .into_iter()
    .filter_map(|(group, one, many)| {
        let hit: Vec<&AvailabilityRow> =
            rows.iter().filter(|row| FaultGroup::of(row) == group).collect();
        let acks = overall.iter().find(|row| row.group == group && row.figure == "first_ack_ms");
        (!hit.is_empty()).then(|| sentence(&hit, acks, one, many))
    })
    .collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// About faults of one group, of which there is at least one.
fn sentence(rows: &[&AvailabilityRow], acks: Option<&OverallRow>, one: &str, many: &str) -> String {
    let times = acks.map_or_else(String::new, first_acks);
    let of_outages = || outages(rows.iter().copied());
    let retried: Option<u64> = of_outages().map(|row| row.retried).sum();
    let retried = retried.map(|retried| format!(", {retried} retried")).unwrap_or_default();
    let sum = |count: fn(&AvailabilityRow) -> u64| of_outages().map(count).sum::<u64>();
    format!(
        "{}: {times}; {} failed, {} unknown{retried}{}.",
        counted(rows.len() as u64, one, many),
        counted(sum(|row| row.failed), "operation", "operations"),
        sum(|row| row.unknown),
        anomalies(rows),
    )
}

fn first_acks(acks: &OverallRow) -> String {
    let (Some(median), Some(longest)) = (acks.median, acks.max) else {
        return "no trade was seen to be acknowledged afterwards".to_owned();
    };
    let median = three_digits(median);
    let times = match acks.interval_low.zip(acks.interval_high) {
        _ if acks.seen == 1 => format!("{median} ms"),
        None => format!("{median} ms (median), {} ms at most", three_digits(longest)),
        Some((low, high)) => format!(
            "{median} ms (median, 95 % interval {} to {}), {} ms at most",
            three_digits(low),
            three_digits(high),
            three_digits(longest)
        ),
    };
    let missing = match acks.faults - acks.seen {
        0 => String::new(),
        missing => format!(", none seen after {missing} of them"),
    };
    format!("first acknowledged trade after {times}{missing}")
}

/// What was lost, doubled and stale; nothing if that could not be told of every fault.
fn anomalies(rows: &[&AvailabilityRow]) -> String {
    let sum = |count: fn(&AvailabilityRow) -> Option<u64>| {
        rows.iter().map(|row| count(row)).sum::<Option<u64>>()
    };
    let lost = sum(|row| row.lost);
    match (lost, sum(|row| row.doubled), sum(|row| row.stale)) {
        (Some(lost), Some(doubled), Some(stale)) => {
            let reads = counted(stale, "stale read", "stale reads");
            format!("; {} lost, {doubled} doubled, {reads}", counted(lost, "order", "orders"))
        }
        _ => String::new(),
    }
}
