//! Gaps: whose they are, and those that are nobody's.

use results::availability::{GapRow, about_gaps, gaps, measure, write_gaps_csv};
use results::records::{Action, Event, EventKind, Observation};

use super::{MS, finished, killed, load, outage, ready, sheet, undone, usual_us};
use crate::rows::{cell, manifest};
use crate::synthetic::Run;

/// The catalog is killed at 2 s and back within 20 ms. Nobody trades from 4.5 to 5.715 s, which has
/// nothing to do with it.
fn a_gap_without_a_fault() -> (Vec<Observation>, Vec<Event>) {
    let mut rows = load(outage(2_000, 2_020));
    rows.retain(|row| !(4_500..5_715).contains(&(row.start_us / MS)));
    let kill = killed(1, "catalog", 2_000);
    let restart = undone(Action::Restart, &kill, 2_010);
    (rows, vec![kill.clone(), restart, ready(&kill, 2_015)])
}

fn gaps_of(observations: &[Observation], mut events: Vec<Event>) -> Vec<GapRow> {
    events.push(finished());
    let manifest = manifest("failover", vec![cell(0.5, true)]);
    let observations = observations.to_vec();
    let run = Run { manifest, observations, events, final_rows: vec![] }.read();
    gaps(&run, &measure(&run))
}

#[test]
fn a_gap_after_all_was_drained_is_not_the_faults() {
    let (rows, events) = a_gap_without_a_fault();
    let row = sheet(&rows, events.clone());
    assert_eq!(row.backlog_drained_ms, Some(20.0));
    // From the fault to the first answer after it, and not 1,215 ms.
    assert!(row.longest_gap_ms.is_some_and(|ms| ms <= 20.0), "{row:?}");
    assert_eq!(row.harness_stalled_ms, None);
}

#[test]
fn a_gap_without_a_fault_is_told_as_that() {
    let (rows, events) = a_gap_without_a_fault();
    let found = gaps_of(&rows, events);
    assert_eq!(found.len(), 1, "{found:?}");
    // The last one sent before takes 2 ms; so does the first one after, beside a slow one.
    assert_eq!((found[0].at_us, found[0].gap_us), (4_501 * MS, 1_216 * MS));
    assert!(found[0].lasting.is_empty() && found[0].harness_stalled_us.is_none());
    let said = about_gaps(&found).unwrap();
    let expected = "Longest time without an answer to a trade that no fault explains: 1216 ms (the only one of \
                    100 ms or more), 4.5 s into the run (p0.5-cache-on trial 1); nothing was broken then";
    assert!(said.starts_with(expected), "{said}");
    let mut file = Vec::new();
    write_gaps_csv(&found, &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert!(text.ends_with("\np0.5-cache-on,1,4501000,1216000,,\n"), "{text}");
}

#[test]
fn where_the_machine_stalled_the_harness_gap_and_sheet_say_so() {
    let stalled = |from_ms: u64, to_ms: u64| Event {
        planned_us: Some(from_ms * MS),
        ..Event::new(cell(0.5, true).id, 1, to_ms * MS, EventKind::HarnessStalled)
    };
    let (rows, mut events) = a_gap_without_a_fault();
    events.extend([stalled(1_900, 2_005), stalled(4_510, 5_700), stalled(8_000, 8_150)]);
    assert_eq!(sheet(&rows, events.clone()).harness_stalled_ms, Some(105.0));
    let found = gaps_of(&rows, events);
    assert_eq!(found[0].harness_stalled_us, Some(1_190 * MS));
    let said = about_gaps(&found).unwrap();
    assert!(said.ends_with(", but the machine stalled the harness for 1190 ms of it."), "{said}");
}

#[test]
fn a_gap_while_something_was_broken_that_kept_nobody_waiting_names_the_fault() {
    let (rows, events) = a_gap_without_a_fault();
    let found = gaps_of(&rows, events[..1].to_vec());
    assert_eq!((found[0].gap_us, found[0].lasting.to_string().as_str()), (1_216 * MS, "1"));
    let said = about_gaps(&found).unwrap();
    assert!(said.ends_with("; what was broken then (fault 1) kept no trade waiting."), "{said}");
}

#[test]
fn what_was_sent_before_a_pause_took_hold_is_no_first_ack() {
    let pause = Event { action: Some(Action::Pause), ..killed(1, "catalog", 5_000) };
    let confirmed = Event { event: EventKind::Confirmed, at_us: 5_004 * MS, ..pause.clone() };
    let slow_to_stop =
        |at_ms| if at_ms < 5_002 { usual_us(at_ms) } else { outage(5_002, 5_100)(at_ms) };
    let row = sheet(&load(slow_to_stop), vec![pause, confirmed]);
    assert_eq!(row.first_ack_ms, Some(100.0));
}
