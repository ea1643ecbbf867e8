//! What each kind of fault has on its sheet.

use results::availability::FaultGroup;
use results::records::{Action, CacheState, Event, EventKind, Op};
use results::timeline::Role;

use super::{
    MS, finished, killed, load, open, outage, ready, said, sheet, sheets, undone, usual_us,
};
use crate::rows::{cell, leader_changed, manifest, order};
use crate::synthetic::measured;

/// A leader is paused, and killed and started again by another fault before it is resumed.
#[test]
fn a_pause_ends_with_another_faults_restart_and_later_faults_have_their_baseline() {
    // Everything is twice as slow until the process is back.
    let slow_at_first = |at_ms| if at_ms < 3_050 { usual_us(at_ms) * 2 } else { usual_us(at_ms) };
    let pause = Event { action: Some(Action::Pause), ..killed(1, "order-3", 2_000) };
    let kill = killed(2, "order-3", 2_500);
    let restart = undone(Action::Restart, &kill, 3_000);
    let back = ready(&kill, 3_050);
    let skipped = Event { event: EventKind::Skipped, ..undone(Action::Resume, &pause, 4_000) };
    let events = vec![pause, kill, restart, back, skipped, killed(3, "catalog", 6_000)];
    let rows = sheets(&load(slow_at_first), events);
    let ended: Vec<_> = rows.iter().map(|row| row.ended_ms).collect();
    assert_eq!(ended, [Some(1_000.0), Some(500.0), None]);
    assert_eq!(
        rows.iter().map(|row| row.p99_before_ms).collect::<Vec<_>>(),
        [Some(20.0), Some(20.0), Some(10.0)]
    );
}

#[test]
fn a_paused_front_end_is_measured_without_a_single_trade() {
    let mut rows = open(load(outage(5_000, 6_000)));
    for row in &mut rows {
        (row.op, row.cache) = (Op::Query, Some(CacheState::Hit));
    }
    let pause = Event { action: Some(Action::Pause), ..killed(1, "front-end", 5_000) };
    let confirmed = Event { event: EventKind::Confirmed, at_us: 5_003 * MS, ..pause.clone() };
    let resume = undone(Action::Resume, &pause, 6_000);
    let row = sheet(&rows, vec![pause, confirmed, resume]);
    let front_end = "front-end".parse().unwrap();
    let found = (row.role, FaultGroup::of(&row));
    assert_eq!(found, (Role::Of(front_end), FaultGroup::Of(front_end)));
    assert_eq!((row.first_ack_ms, row.longest_gap_ms), (None, None));
    assert_eq!((row.ended_ms, row.backlog_drained_ms), (Some(1_000.0), Some(1_000.0)));
    assert_eq!(row.p99_back_ms, Some(1_000.0));
    assert_eq!((row.reads_missing, row.trades_missing), (Some(0.0), None));

    // The same of a leader: reads do not need it.
    let row = sheet(&rows, vec![killed(1, "order-3", 5_000)]);
    assert_eq!(row.backlog_drained_ms, None);
}

#[test]
fn a_catalog_without_trades_is_back_with_the_first_read_past_the_cache() {
    let mut rows = load(usual_us);
    for row in &mut rows {
        (row.op, row.cache) = (Op::Query, Some(CacheState::Hit));
    }
    (rows[5_010].cache, rows[5_010].end_us) = (Some(CacheState::Miss), 5_300 * MS);
    let row = sheet(&rows, vec![killed(1, "catalog", 5_000)]);
    // The slow one that was due just before is still under way.
    assert_eq!(row.backlog_drained_ms, Some(301.0));
}

#[test]
fn a_cut_link_has_a_sheet_with_what_applies() {
    let cut = Event {
        action: Some(Action::Cut),
        target: Some("leader <-> follower".to_owned()),
        pid: None,
        ..killed(1, "order-3 <-> order-1", 5_000)
    };
    let heal = undone(Action::Heal, &cut, 7_000);
    let row = sheet(&open(load(outage(5_000, 5_100))), vec![cut, heal]);
    assert_eq!((row.role, row.action.to_string().as_str()), (Role::Link, "cut"));
    assert_eq!((row.ended_ms, row.first_ack_ms), (Some(2_000.0), Some(100.0)));
    assert_eq!((row.p99_back_ms, row.back_in_sync_ms), (Some(100.0), None));
    assert!(said(&[row]).contains("cut order-3 <-> order-1"));
}

#[test]
fn an_election_and_a_takeover_are_durations() {
    let cell = cell(0.5, true);
    let changed = leader_changed(&cell, 5_012 * MS, 2, 2, "1 2");
    let events = vec![
        Event { target: Some("leader".to_owned()), ..killed(1, "order-3", 5_000) },
        Event { suspected_us: Some(5_002 * MS), ..changed.clone() },
        Event { event: EventKind::LeaderServes, at_us: 5_020 * MS, ..changed },
        finished(),
    ];
    let rows = load(outage(5_000, 5_050));
    let logs = [order(&cell, "5003", 2)];
    let row = measured(manifest("failover", vec![cell]), &rows, &events, &logs).remove(0);
    assert_eq!(
        (row.detected_ms, row.election_ms, row.takeover_ms),
        (Some(2.0), Some(10.0), Some(8.0))
    );
    assert_eq!((row.first_ack_ms, row.backlog_drained_ms), (Some(50.0), Some(50.0)));
}
