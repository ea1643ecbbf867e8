//! All faults of a kind together: what one of them is to be expected to cost.

use super::format::{NONE, capitalised, some_ms};
use crate::availability::{AvailabilityRow, FaultGroup, OverallRow, overall};
use crate::text::three_digits;

/// The table.
pub(super) struct Kinds {
    pub(super) titles: [&'static str; COLUMNS.len()],
    pub(super) lines: Vec<KindLine>,
}

/// All faults of a kind.
pub(super) struct KindLine {
    pub(super) kind: String,
    pub(super) values: Vec<KindValue>,
}

/// One figure over all faults of a kind.
pub(super) struct KindValue {
    /// The median, or the sum of what can be added up.
    pub(super) text: String,
    /// The median's interval and the maximum, a line each.
    pub(super) more: Vec<String>,
}

impl Kinds {
    pub(super) fn new(rows: &[AvailabilityRow]) -> Self {
        Self { titles: COLUMNS.map(|(_, title)| title), lines: lines(&overall(rows)) }
    }
}

/// The columns of the table by kind of fault: the figure of `availability-overall.csv`, and its title.
const COLUMNS: [(&str, &str); 12] = [
    ("new_leader_ms", "new leader"),
    ("first_ack_ms", "first ack"),
    ("backlog_drained_ms", "drained"),
    ("p99_back_ms", "p99 back"),
    ("longest_gap_ms", "longest gap"),
    ("trades_missing_ms", "trades missing, as ms of service"),
    ("reads_missing_ms", "reads missing, as ms of service"),
    ("failed", "failed"),
    ("unknown", "unknown"),
    ("lost", "lost"),
    ("doubled", "doubled"),
    ("stale", "stale"),
];

fn lines(rows: &[OverallRow]) -> Vec<KindLine> {
    let line = |group: FaultGroup| {
        let of_group =
            |name: &str| rows.iter().find(|row| row.group == group && row.figure == name);
        let faults = of_group("failed")?.faults;
        Some(KindLine {
            kind: format!("{} ({faults})", capitalised(&group.to_string())),
            values: COLUMNS.iter().map(|(name, _)| KindValue::new(of_group(name))).collect(),
        })
    };
    FaultGroup::ALL.into_iter().filter_map(line).collect()
}

impl KindValue {
    fn new(row: Option<&OverallRow>) -> Self {
        let none = Self { text: NONE.to_owned(), more: Vec::new() };
        let Some(row) = row.filter(|row| row.seen > 0) else { return none };
        if let Some(total) = row.total {
            return Self { text: format!("{total:.0}"), more: Vec::new() };
        }
        let bounds = row.interval_low.zip(row.interval_high);
        let interval =
            bounds.map(|(low, high)| format!("[{}, {}]", three_digits(low), three_digits(high)));
        let max = (row.seen > 1).then(|| format!("max {}", some_ms(row.max)));
        let seen = (row.seen < row.faults).then(|| format!("{} of {}", row.seen, row.faults));
        Self {
            text: some_ms(row.median),
            more: [interval, max, seen].into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::tests::leader_kill;
    use super::*;

    #[test]
    fn many_faults_of_a_kind_have_a_median_with_its_bounds_and_a_maximum() {
        let rows: Vec<AvailabilityRow> = (1..=6)
            .map(|ms| AvailabilityRow { first_ack_ms: Some(f64::from(ms)), ..leader_kill() })
            .chain([AvailabilityRow { first_ack_ms: None, ..leader_kill() }])
            .collect();
        let kinds = Kinds::new(&rows);
        assert_eq!(kinds.lines.len(), 1);
        assert_eq!(kinds.lines[0].kind, "Leader kill (7)");
        let first_ack = &kinds.lines[0].values[1];
        assert_eq!(first_ack.text, "3.50");
        assert_eq!(first_ack.more, ["[1.00, 6.00]", "max 6.00", "6 of 7"]);
    }
}
