//! What a trial's rows must be, rule by rule. Whole runs are in `results/tests/corpus`.

use super::*;
use crate::records::{DumpRow, EventKind, Fact, FinalKind, Promises, Row as _, Target};

const CELL: &str = "cell";

fn numbered<T>(rows: impl IntoIterator<Item = T>) -> Vec<Numbered<T>> {
    (2..).zip(rows).map(|(line, row)| Numbered { line, row }).collect()
}

fn dumped(rows: impl IntoIterator<Item = FinalRow>) -> Vec<DumpRow> {
    (2..).zip(rows).map(|(line, row)| row.keep(line).unwrap()).collect()
}

fn event(at_us: u64, kind: EventKind) -> Event {
    Event::new(CELL, 1, at_us, kind)
}

/// A trial that was finished with so many rows of each file.
fn finished(observations: u64, final_rows: u64) -> Vec<Event> {
    let mut end = event(9_000, EventKind::Finished);
    end.observation_rows = Some(observations);
    end.event_rows = Some(2);
    end.final_rows = Some(final_rows);
    vec![event(10, EventKind::Started), end]
}

fn row(source: &str, kind: FinalKind, order_no: Option<u64>) -> FinalRow {
    FinalRow { order_no, ..FinalRow::new(CELL, 1, source, kind) }
}

/// What is said of a trial whose final rows are the last of the file.
fn audited(format: u32, events: Vec<Event>, final_rows: Vec<FinalRow>) -> Result<Missing, Misfit> {
    let (events, final_rows) = (numbered(events), dumped(final_rows));
    let observations = Part { rows: &[], is_last: true, is_torn: false };
    let final_rows = Part { rows: &final_rows, is_last: true, is_torn: false };
    audit(format, &Target::bazaar(3), &Parts { observations, events: &events, final_rows })
}

fn misfit(file: &'static str, line: u64, reason: &str) -> Result<Missing, Misfit> {
    Err(Misfit { file, line, reason: reason.to_owned() })
}

#[test]
fn the_marker_is_the_last_event_and_has_the_numbers() {
    assert_eq!(audited(3, finished(0, 0), vec![]), Ok(Missing::default()));
    let mut after = finished(0, 0);
    after.push(event(20, EventKind::Healed));
    let reason = "it stands after the trial's `finished` in line 3";
    assert_eq!(audited(3, after, vec![]), misfit(Event::FILE, 4, reason));
    let mut uncounted = finished(0, 0);
    uncounted[1].final_rows = None;
    let reason = "it does not say how many rows were written";
    assert_eq!(audited(3, uncounted, vec![]), misfit(Event::FILE, 3, reason));
    let late = vec![event(9_001, EventKind::Started), finished(0, 0).remove(1)];
    let reason = "9001 us is after the trial was finished at 9000 us";
    assert_eq!(audited(3, late, vec![]), misfit(Event::FILE, 2, reason));
}

#[test]
fn a_trial_without_a_marker_is_not_asked_for_what_comes_at_its_end() {
    let begun = vec![event(10, EventKind::Started)];
    let cut = vec![row("order-1", FinalKind::Source, Some(5))];
    assert_eq!(audited(3, begun, cut), Ok(Missing::default()));
}

#[test]
fn rows_are_held_against_the_numbers() {
    let one = vec![row("order-1", FinalKind::Source, Some(0))];
    let missing = audited(3, finished(4, 3), one.clone()).unwrap();
    assert_eq!(
        missing.reasons,
        ["observations.csv lacks 4 of the 4 rows of it", "final.csv lacks 2 of the 3 rows of it"]
    );
    assert!(missing.is_dump_cut);
    let reason = "the recorder wrote 0 rows of the trial, and this is one more";
    assert_eq!(audited(3, finished(0, 0), one), misfit(FinalRow::FILE, 2, reason));
    let mut fewer = finished(0, 0);
    fewer.insert(1, event(20, EventKind::Healed));
    let reason = "the recorder had written 2 events of the trial, and there are 3";
    assert_eq!(audited(3, fewer, vec![]), misfit(Event::FILE, 4, reason));
}

#[test]
fn rows_that_are_missing_before_another_trial_are_a_hole() {
    let (events, rows) =
        (numbered(finished(0, 2)), dumped([row("order-1", FinalKind::Source, None)]));
    let observations = Part { rows: &[], is_last: true, is_torn: false };
    let final_rows = Part { rows: &rows, is_last: false, is_torn: false };
    let told = audit(3, &Target::bazaar(3), &Parts { observations, events: &events, final_rows });
    let reason = "rows after it are missing: final.csv lacks 1 of the 2 rows of it";
    assert_eq!(told, misfit(FinalRow::FILE, 2, reason));
}

#[test]
fn a_dump_begins_once_and_ascends() {
    let source = |name| row(name, FinalKind::Source, None);
    let order = |number| row("order-1", FinalKind::Order, Some(number));
    let told = |rows: Vec<FinalRow>| audited(3, finished(0, rows.len() as u64), rows);
    assert_eq!(told(vec![source("order-1"), order(1), order(2)]), Ok(Missing::default()));
    for (rows, line, reason) in [
        (vec![order(1)], 2, "there is no `source` row of order-1 before it"),
        (
            vec![source("order-1"), order(2), order(1)],
            4,
            "order 1 of order-1 stands after its order 2",
        ),
        (vec![source("order-1"), source("order-1")], 3, "the dump of order-1 begins twice"),
        (
            vec![source("order-1"), source("catalog"), source("order-1")],
            4,
            "the dump of order-1 is there twice",
        ),
    ] {
        assert_eq!(told(rows), misfit(FinalRow::FILE, line, reason));
    }
}

#[test]
fn a_target_that_is_not_dumped_lists_its_orders_as_it_likes() {
    let order = |number| row("order-1", FinalKind::Order, Some(number));
    let rows = vec![row("order-1", FinalKind::Source, None), order(2), order(1), order(1)];
    let (events, rows) = (numbered(finished(0, rows.len() as u64)), dumped(rows));
    let observations = Part { rows: &[], is_last: true, is_torn: false };
    let final_rows = Part { rows: &rows, is_last: true, is_torn: false };
    let shop = Target::new("shop", [Fact::LogsInOrder], Promises::default());
    let told = audit(3, &shop, &Parts { observations, events: &events, final_rows });
    assert_eq!(told, Ok(Missing::default()));
}

#[test]
fn without_numbers_the_last_dump_is_taken_at_its_word() {
    let ended = || vec![event(10, EventKind::Started), event(9_000, EventKind::Finished)];
    let log = |name, committed: u64| {
        let orders = (1..=2).map(move |number| row(name, FinalKind::Order, Some(number)));
        std::iter::once(row(name, FinalKind::Source, Some(committed))).chain(orders)
    };
    // One that lacks what it has committed may be a replica that lost it, unless it is the last.
    let rows = log("order-1", 7).chain(log("order-2", 2)).collect();
    assert!(!audited(1, ended(), rows).unwrap().is_dump_cut);
    let rows = log("order-1", 2).chain(log("order-2", 7)).collect();
    let missing = audited(1, ended(), rows).unwrap();
    assert!(missing.is_dump_cut);
    assert_eq!(missing.reasons[1], "final.csv ends within order-2: it has 2 of 7 trades");
}
