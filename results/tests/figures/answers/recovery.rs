//! What an outage costs, and when everything is as before.

use results::records::{Action, Observation, Op, Outcome};

use super::{
    MS, about, killed, load, open, outage, ready, sheet, sheets, trade_at, undone, usual_us,
};
use crate::rows::{cell, in_sync_changed, leader_changed, manifest};
use crate::synthetic::measured;

#[test]
fn an_outage_under_an_open_loop_is_late_and_loses_nothing() {
    let row = sheet(&open(load(outage(5_000, 5_100))), vec![killed(1, "catalog", 5_000)]);
    assert_eq!(row.first_ack_ms, Some(100.0));
    // What is due at the last moment of the outage is answered at its end.
    assert_eq!(row.backlog_drained_ms, Some(100.0));
    assert_eq!((row.p99_before_ms, row.p99_steady_percent), (Some(10.0), Some(100.0)));
    assert_eq!(row.p99_back_ms, Some(100.0));
    assert!(about(row.trades_before_per_s, 1000.0), "{row:?}");
    assert_eq!((row.trades_missing, row.trades_missing_ms), (Some(0.0), Some(0.0)));
    assert_eq!(row.trades_missing_noise, None, "it was counted");
}

#[test]
fn latencies_that_stay_up_after_the_backlog_put_off_the_percentile() {
    let aftermath = |at_ms| match at_ms {
        5_100..5_400 => 15 * MS,
        _ => outage(5_000, 5_100)(at_ms),
    };
    let row = sheet(&open(load(aftermath)), vec![killed(1, "catalog", 5_000)]);
    assert_eq!(row.backlog_drained_ms, Some(100.0));
    assert_eq!(row.p99_back_ms, Some(395.0), "a spell may have five slow ones");
}

/// Five clients are kept waiting, and nobody else asks until they are answered.
fn closed_outage(from_ms: u64, to_ms: u64) -> Vec<Observation> {
    let mut rows = load(usual_us);
    rows.retain(|row| !(from_ms * MS..to_ms * MS).contains(&row.start_us));
    let waiting = (from_ms - 5..from_ms).map(|at_ms| trade_at(at_ms, (to_ms - at_ms) * MS));
    rows.retain(|row| !(from_ms * MS - 5 * MS..from_ms * MS).contains(&row.start_us));
    rows.extend(waiting);
    rows
}

#[test]
fn an_outage_under_a_closed_loop_loses_what_nobody_asked_for() {
    let row = sheet(&closed_outage(5_000, 5_400), vec![killed(1, "catalog", 5_000)]);
    assert_eq!(
        row.first_ack_ms,
        Some(403.0),
        "sent at 5401, after which the slow one of 5400 ends"
    );
    assert_eq!(row.backlog_drained_ms, Some(410.0));
    assert!(
        row.trades_missing.is_some_and(|missing| (385.0..=400.0).contains(&missing)),
        "{row:?}"
    );
    assert!(row.trades_missing_noise.is_some_and(|noise| noise < 10.0), "{row:?}");
    assert!(about(row.trades_missing_ms, 392.0), "{row:?}");
    assert_eq!((row.reads_before_per_s, row.reads_missing), (None, None), "nothing was read");
    // Five operations among hundreds: not back before they were answered.
    assert_eq!(row.p99_back_ms, Some(410.0));
}

#[test]
fn what_calm_service_is_missing_now_and_then_is_no_loss() {
    let mut rows = load(usual_us);
    // A hundredth of a second without answers, in every tenth.
    rows.retain(|row| row.start_us % (100 * MS) < 90 * MS);
    let row = sheet(&rows, vec![killed(1, "catalog", 5_090)]);
    assert_eq!(row.backlog_drained_ms, Some(20.0), "as in every tenth of a second");
    // The rate before would have given 18, and 10 came: no more than what is missing anyway.
    assert!(about(row.trades_missing, 8.0) && about(row.trades_missing_noise, 9.0), "{row:?}");
}

#[test]
fn more_answers_than_before_are_told_as_such() {
    let mut rows = load(usual_us);
    rows.retain(|row| row.start_us >= 5_000 * MS || (row.start_us / MS).is_multiple_of(2));
    let row = sheet(&rows, vec![killed(1, "catalog", 5_000)]);
    assert!(about(row.trades_before_per_s, 500.0), "{row:?}");
    assert!(row.trades_missing.is_some_and(|missing| missing < 0.0), "{row:?}");
}

/// Reads and trades by turns; the catalog dies, and for 400 ms trades wait while reads are answered.
#[test]
fn reads_and_trades_are_missing_apart_and_a_refused_trade_is_no_goodput() {
    let mut rows = load(|_| 2 * MS);
    for (index, row) in rows.iter_mut().enumerate() {
        if index % 2 == 0 {
            row.op = Op::Query;
        } else if index % 4 == 1 {
            row.outcome = Outcome::Rejected;
        }
    }
    rows.retain(|row| row.op == Op::Query || !(4_998..5_400).contains(&(row.start_us / MS)));
    rows.push(trade_at(4_999, 401 * MS));
    let row = sheet(&rows, vec![killed(1, "catalog", 5_000)]);
    assert_eq!(row.backlog_drained_ms, Some(406.0), "{row:?}");
    assert!(about(row.trades_before_per_s, 250.0) && about(row.reads_before_per_s, 500.0));
    assert!(about(row.trades_missing, 100.0), "{row:?}");
    assert!(row.reads_missing.is_some_and(|missing| missing.abs() <= 1.0), "{row:?}");
}

#[test]
fn failed_and_unknown_operations_are_what_an_open_loop_loses() {
    let mut rows = open(load(usual_us));
    for row in &mut rows[5_000..5_030] {
        row.outcome = Outcome::Failed;
    }
    rows[5_030].outcome = Outcome::Unknown;
    let row = sheet(&rows, vec![killed(1, "catalog", 5_000)]);
    assert_eq!((row.failed, row.unknown, row.trades_missing), (30, 1, Some(31.0)));
    assert!(about(row.trades_missing_ms, 31.0), "{row:?}");
    // Sent at 5031, acknowledged at 5033; the last one due before that took 2 ms, too.
    assert_eq!((row.backlog_drained_ms, row.p99_back_ms), (Some(34.0), Some(34.0)));
}

#[test]
fn a_percentile_that_stays_up_is_never_back() {
    let slower = |at_ms| if at_ms < 5_000 { usual_us(at_ms) } else { usual_us(at_ms) * 6 / 5 };
    let row = sheet(&load(slower), vec![killed(1, "catalog", 5_000)]);
    assert_eq!((row.p99_before_ms, row.p99_back_ms), (Some(10.0), None));
    assert!(row.first_ack_ms.is_some());

    let hardly = |at_ms| if at_ms < 5_000 { usual_us(at_ms) } else { usual_us(at_ms) * 11 / 10 };
    let row = sheet(&load(hardly), vec![killed(1, "catalog", 5_000)]);
    assert_eq!(row.p99_back_ms, Some(11.0), "with the slow one that was due at the fault");
}

#[test]
fn two_failures_in_a_hundred_keep_the_percentile_away() {
    let mut rows = load(usual_us);
    for row in rows[5_000..].iter_mut().step_by(50) {
        row.outcome = Outcome::Failed;
    }
    assert_eq!(sheet(&rows, vec![killed(1, "catalog", 5_000)]).p99_back_ms, None);
}

#[test]
fn a_percentile_that_comes_and_goes_by_itself_says_nothing_about_a_fault() {
    // Six slow ones in a row, every seven hundred: less than one in a hundred, but most spells
    // have all six of them.
    let restless = |at_ms: u64| if at_ms % 700 < 6 { 50 * MS } else { usual_us(at_ms) };
    let row = sheet(&load(restless), vec![killed(1, "catalog", 5_000)]);
    assert_eq!(row.p99_before_ms, Some(10.0));
    assert!(row.p99_steady_percent.is_some_and(|percent| percent < 35.0), "{row:?}");
    assert_eq!(row.p99_back_ms, None);
}

#[test]
fn a_load_that_ends_too_soon_leaves_the_recovery_unseen() {
    let late = killed(1, "catalog", 9_600);
    let row = sheet(&open(load(outage(9_600, 9_650))), vec![late.clone()]);
    assert_eq!(row.backlog_drained_ms, Some(50.0));
    assert_eq!((row.p99_before_ms, row.p99_back_ms), (Some(10.0), None));

    // Without the recorder's last word, something may have been under way that nobody wrote down.
    let rows = open(load(outage(9_600, 9_650)));
    let manifest = manifest("failover", vec![cell(0.5, true)]);
    let cut_short = measured(manifest, &rows, &[late], &[]);
    assert_eq!((cut_short[0].first_ack_ms, cut_short[0].backlog_drained_ms), (Some(50.0), None));
}

#[test]
fn too_short_a_time_before_says_nothing_about_what_is_normal() {
    let row = sheet(&load(outage(900, 950)), vec![killed(1, "catalog", 900)]);
    assert_eq!((row.p99_before_ms, row.p99_steady_percent, row.p99_back_ms), (None, None, None));
    let goodput = (row.trades_before_per_s, row.trades_missing, row.trades_missing_ms);
    assert_eq!(goodput, (None, None, None));
    let row = sheet(&open(load(outage(900, 950))), vec![killed(1, "catalog", 900)]);
    let counted = (row.trades_before_per_s, row.trades_missing, row.trades_missing_ms);
    assert_eq!(counted, (None, Some(0.0), None), "what can be counted needs no normal");
    assert_eq!(row.backlog_drained_ms, Some(50.0));
}

#[test]
fn a_fault_within_another_is_held_to_the_calm_before_both() {
    let events = vec![killed(1, "catalog", 5_000), killed(2, "order-1", 5_050)];
    let rows = sheets(&open(load(outage(5_000, 5_100))), events);
    let [first, second] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(first.p99_before_ms, Some(10.0));
    assert_eq!(first.backlog_drained_ms, None, "it was drained in the other's time");
    assert_eq!(first.p99_back_ms, None);
    assert_eq!(second.p99_before_ms, Some(10.0));
    assert_eq!((second.backlog_drained_ms, second.p99_back_ms), (Some(50.0), Some(50.0)));
}

#[test]
fn what_is_normal_is_read_off_a_bazaar_that_is_whole() {
    let cell = cell(0.5, true);
    // One replica less is twice as slow here, until it is in sync again at 4 s.
    let degraded = |at_ms| {
        if (1_500..4_000).contains(&at_ms) { usual_us(at_ms) * 2 } else { usual_us(at_ms) }
    };
    let kill = killed(1, "order-1", 1_500);
    let events = vec![
        leader_changed(&cell, 0, 1, 3, "1 2 3"),
        kill.clone(),
        in_sync_changed(&cell, 1_520 * MS, 3, "2 3"),
        undone(Action::Restart, &kill, 3_500),
        in_sync_changed(&cell, 4_000 * MS, 3, "1 2 3"),
        killed(2, "catalog", 6_000),
        ready(&kill, 3_600),
    ];
    let rows = sheets(&load(degraded), events.clone());
    assert_eq!((rows[0].ended_ms, rows[0].back_in_sync_ms), (Some(2_000.0), Some(500.0)));
    // The last spell before 4 s that has no more than five of the slow ones, one in fifty.
    assert_eq!(rows[0].p99_back_ms, Some(2_201.0));
    assert_eq!((rows[1].p99_before_ms, rows[1].p99_back_ms), (Some(10.0), Some(10.0)));

    // If it never comes back, the second fault is held to the time before the first.
    let mut without = events;
    without.remove(4);
    let rows = sheets(&load(degraded), without);
    assert_eq!((rows[1].p99_before_ms, rows[1].p99_steady_percent), (Some(10.0), Some(100.0)));
    assert_eq!(rows[1].trades_before_per_s, rows[0].trades_before_per_s);
}
