//! Faults of one planned moment, which have one outage between them.

use results::availability::{AvailabilityRow, FaultGroup, headline, overall};
use results::records::{Action, Event, EventKind, Observation, Outcome};
use results::timeline::Role;

use super::{MS, finished, killed, load, outage, sheets, trade_at, undone, usual_us};
use crate::rows::{cell, injected, leader_changed, manifest, order};
use crate::synthetic::measured;

/// The same fault, planned for this millisecond.
fn planned(event: Event, at_ms: u64) -> Event {
    Event { planned_us: Some(at_ms * MS), ..event }
}

/// A kill of one of several processes, a little after the moment that all of them were planned for.
fn one_of(fault: u32, process: &str, at_us: u64) -> [Event; 2] {
    let kill = injected(&cell(0.5, true), fault, Action::Kill, process, at_us);
    let kill = planned(Event { target: Some(process.to_owned()), ..kill }, 3_000);
    let confirmed = Event { event: EventKind::Confirmed, at_us: at_us + 100, ..kill.clone() };
    [kill, confirmed]
}

/// All replicas are killed at 3 s, order-3, which leads, not as the last. They are back at 5 s, and order-2 leads.
fn all_down(rows: &[Observation]) -> Vec<AvailabilityRow> {
    let cell = cell(0.5, true);
    let changed = leader_changed(&cell, 5_010 * MS, 2, 2, "1 2 3");
    let kills = [
        one_of(1, "order-1", 3_000 * MS + 200),
        one_of(2, "order-3", 3_000 * MS + 600),
        one_of(3, "order-2", 3_001 * MS),
    ];
    let mut events: Vec<Event> =
        kills.iter().map(|[kill, _]| undone(Action::Restart, kill, 4_900)).collect();
    events.extend(kills.into_iter().flatten());
    events.extend([leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"), changed]);
    events.push(killed(4, "catalog", 8_000));
    events.push(finished());
    let logs = [order(&cell, "2999", 1), order(&cell, "3003", 2)];
    measured(manifest("failover", vec![cell]), rows, &events, &logs)
}

/// Trades that were sent from 3 to 5 s are answered at 5.05 s; five of them are not, at 5.02 s.
fn two_seconds_without_an_answer() -> Vec<Observation> {
    let mut rows = load(outage(3_000, 5_050));
    for row in &mut rows[3_100..3_105] {
        (row.outcome, row.end_us) = (Outcome::Failed, 5_020 * MS);
    }
    rows
}

#[test]
fn all_faults_of_one_moment_show_the_same_outage() {
    let rows = all_down(&two_seconds_without_an_answer());
    let roles: Vec<_> = rows.iter().map(|row| row.role).collect();
    assert_eq!(roles[..3], [Role::Follower, Role::Leader, Role::Follower]);
    // Each counts from its own injection to the same moments.
    let at_us = |row: &AvailabilityRow, ms: Option<f64>| ms.map(|ms| row.at_us + (ms * 1e3) as u64);
    for row in &rows[..3] {
        assert_eq!(at_us(row, row.first_ack_ms), Some(5_050 * MS), "{row:#?}");
        assert_eq!(at_us(row, row.backlog_drained_ms), Some(5_050 * MS), "{row:#?}");
        assert_eq!(at_us(row, row.new_leader_ms), Some(5_010 * MS), "{row:#?}");
        assert_eq!((row.new_leader, row.failed, row.unknown), (Some(2), 5, 0), "{row:#?}");
        assert!(row.longest_gap_ms.is_some_and(|ms| (2_049.0..=2_050.0).contains(&ms)), "{row:#?}");
        assert!(row.trades_missing.is_some_and(|missing| missing > 0.0), "{row:#?}");
        assert_eq!(row.p99_before_ms, Some(10.0), "{row:#?}");
    }
    assert_eq!((rows[3].failed, rows[3].first_ack_ms), (0, Some(3.0)));
}

#[test]
fn the_sentence_about_a_leader_among_them_tells_of_the_outage() {
    let rows = all_down(&two_seconds_without_an_answer());
    let said = headline(&rows, &overall(&rows)).unwrap();
    assert!(
        said.starts_with(
            "1 leader kill: first acknowledged trade after 2049 ms; 5 operations failed"
        ),
        "{said}"
    );
}

#[test]
fn what_several_faults_of_a_kind_cost_together_is_added_up_once() {
    let rows = all_down(&two_seconds_without_an_answer());
    let overall = overall(&rows);
    let of_followers = |figure: &str| {
        let is_it = |row: &&results::availability::OverallRow| {
            row.group == FaultGroup::Follower && row.figure == figure
        };
        overall.iter().find(is_it).unwrap()
    };
    let failed = of_followers("failed");
    assert_eq!((failed.faults, failed.seen, failed.total), (2, 2, Some(5.0)));
    assert_eq!(of_followers("trades_missing").total, rows[0].trades_missing);
}

#[test]
fn faults_that_share_an_outage_have_no_interval_since_they_are_not_independent() {
    let kills = |planned_ms: fn(u64) -> u64| {
        let kill = |(fault, at_ms): (u32, u64)| {
            planned(killed(fault, "catalog", at_ms), planned_ms(at_ms))
        };
        let rows = sheets(&load(usual_us), (1..).zip(2_000..2_007).map(kill).collect());
        let overall = overall(&rows);
        overall.into_iter().find(|row| row.figure == "failed").unwrap().interval_low
    };
    assert_eq!(kills(|at_ms| at_ms), Some(0.0));
    assert_eq!(kills(|_| 2_000), None);
}

#[test]
fn the_first_trade_after_several_faults_is_one_that_was_sent_when_all_of_them_had_worked() {
    // The follower dies first; what is sent before the catalog is dead, too, is answered still.
    let mut rows = load(outage(3_000, 4_000));
    rows.push(trade_at(3_000, 300));
    let kills = [one_of(1, "order-1", 2_999 * MS + 500), one_of(2, "catalog", 3_000 * MS + 100)];
    let found = sheets(&rows, kills.into_iter().flatten().collect());
    let acks: Vec<_> = found.iter().map(|row| row.first_ack_ms).collect();
    assert_eq!(acks, [Some(1000.5), Some(999.9)]);
}

#[test]
fn a_blow_at_the_successor_has_an_outage_of_its_own() {
    let cell = cell(0.5, true);
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        planned(killed(1, "order-3", 3_000), 3_000),
        leader_changed(&cell, 3_020 * MS, 2, 2, "1 2"),
        planned(killed(2, "order-2", 3_040), 3_000),
        leader_changed(&cell, 3_060 * MS, 3, 1, "1"),
        finished(),
    ];
    let rows = [trade_at(3_005, 25 * MS), trade_at(3_045, 30 * MS)];
    let logs = [order(&cell, "3005", 2), order(&cell, "3045", 3)];
    let found = measured(manifest("failover", vec![cell]), &rows, &events, &logs);
    let seen: Vec<_> = found.iter().map(|row| (row.new_leader, row.first_ack_ms)).collect();
    assert_eq!(seen, [(Some(2), Some(30.0)), (Some(1), Some(35.0))]);
}

#[test]
fn faults_that_only_happen_to_meet_keep_their_own_windows() {
    let mut rows = load(usual_us);
    rows[3_100].outcome = Outcome::Failed;
    let found = sheets(&rows, vec![killed(1, "catalog", 3_000), killed(2, "order-1", 3_000)]);
    assert_eq!(found.iter().map(|row| row.failed).collect::<Vec<_>>(), [0, 1]);
}
