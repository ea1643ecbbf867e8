//! All faults of a kind together: what one of them is to be expected to cost.

use super::tables::{Laid, Line, Shown};
use crate::table::{Form, Row, Table};
use crate::text::capitalised;

/// The figures that are shown of each kind: columns of `availability.csv`.
const SHOWN: [&str; 12] = [
    "new_leader_ms",
    "first_ack_ms",
    "backlog_drained_ms",
    "p99_back_ms",
    "longest_gap_ms",
    "trades_missing_ms",
    "reads_missing_ms",
    "failed",
    "unknown",
    "lost",
    "doubled",
    "stale",
];

/// The table by kind of fault: a row for each kind, a column for each of its figures.
pub(super) fn laid(kinds: &Table) -> Laid {
    // The rows of a kind follow each other.
    let mut groups: Vec<&str> = kinds.rows().map(|row| row.word("group")).collect();
    groups.dedup();
    let lines = groups.into_iter().filter_map(|group| line(kinds, group));
    let title = |figure: &&str| {
        let row = kinds.rows().find(|row| row.word("figure") == *figure);
        (row.map_or("", |row| row.word("title")).to_owned(), "number")
    };
    Laid {
        id: "kinds".to_owned(),
        caption: kinds.caption.to_owned(),
        head: "kind (how many)",
        titles: SHOWN.iter().map(title).collect(),
        rows: lines.collect(),
    }
}

fn line(kinds: &Table, group: &str) -> Option<Line> {
    let of_group = |figure: &str| {
        kinds.rows().find(|row| row.word("group") == group && row.word("figure") == figure)
    };
    let faults = number(of_group(SHOWN[0])?, "faults");
    Some(Line {
        head: format!("{} ({faults})", capitalised(group)),
        anchor: None,
        shown: SHOWN.iter().filter_map(|figure| Some(shown(of_group(figure)?))).collect(),
    })
}

/// The sum of what can be added up; of other figures the median, then its interval, the maximum, and of how
/// many faults it was seen.
fn shown(row: Row<'_>) -> Shown {
    if row.cell("total").is_there() {
        return Shown::of(row.figure("total"));
    }
    let Shown { text, mut more, class } = Shown::of(row.figure("median"));
    let (seen, faults) = (number(row, "seen"), number(row, "faults"));
    if seen > 1 {
        let (column, cell) = row.figure("max");
        more.push(format!("max {}", Form::Page.value(column.unit, cell)));
    }
    if 0 < seen && seen < faults {
        more.push(format!("{seen} of {faults}"));
    }
    Shown { text, more, class }
}

fn number(row: Row<'_>, name: &str) -> u64 {
    row.cell(name).as_whole().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::FaultGroup;
    use crate::availability::{OverallRow, kinds_table};

    fn figure(name: &str) -> OverallRow {
        OverallRow {
            group: FaultGroup::LeaderKill,
            figure: name.to_owned(),
            faults: 7,
            seen: 0,
            median: None,
            interval_low: None,
            interval_high: None,
            max: None,
            total: None,
        }
    }

    #[test]
    fn many_faults_of_a_kind_have_a_median_with_its_bounds_and_a_maximum() {
        let mut rows = SHOWN.map(figure);
        rows[1] = OverallRow {
            seen: 6,
            median: Some(3.5),
            interval_low: Some(1.0),
            interval_high: Some(6.0),
            max: Some(6.0),
            ..figure("first_ack_ms")
        };
        rows[7] =
            OverallRow { seen: 7, median: Some(4.0), total: Some(1204.0), ..figure("failed") };
        let laid = laid(&kinds_table(&rows));
        assert_eq!((laid.rows.len(), laid.rows[0].head.as_str()), (1, "Leader kill (7)"));
        assert_eq!(laid.titles[1].0, "first ack");
        let shown = &laid.rows[0].shown;
        assert_eq!((shown[0].text.as_str(), shown[0].more.len()), ("–", 0), "never seen");
        assert_eq!(shown[1].text, "3.50");
        assert_eq!(shown[1].more, ["[1.00, 6.00]", "max 6.00", "6 of 7"]);
        assert_eq!((shown[7].text.as_str(), shown[7].more.len()), ("1,204", 0), "a sum");
    }
}
