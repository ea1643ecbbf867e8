//! `availability.csv`, its table and its headline. Times in the stories are milliseconds.

use results::availability::{self, AvailabilityRow, kinds_table, overall, table, write_csv};
use results::records::{Action, Cell, Event, EventKind, FinalRow, Observation, Op, Outcome};
use results::timeline::{FaultKind, Role};

use crate::rows::{
    cell, in_sync_changed, injected, leader_changed, manifest, operation, order, trade,
};
use crate::synthetic;

const MS: u64 = 1000;

fn the_cell() -> Cell {
    cell(0.5, true)
}

fn measured(
    observations: &[Observation],
    events: &[Event],
    final_rows: &[FinalRow],
) -> Vec<AvailabilityRow> {
    let manifest = manifest("failover", vec![Cell { trials: 2, ..the_cell() }]);
    synthetic::measured(manifest, observations, events, final_rows)
}

fn only(rows: Vec<AvailabilityRow>) -> AvailabilityRow {
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.into_iter().next().unwrap()
}

fn event(at_us: u64, kind: EventKind, of: &Event) -> Event {
    Event { at_us, event: kind, ..of.clone() }
}

#[test]
fn every_step_of_a_leaders_death_is_timed_from_the_kill() {
    let cell = the_cell();
    let kill = injected(&cell, 1, Action::Kill, "order-3", 1000 * MS);
    let changed = leader_changed(&cell, 1012 * MS, 2, 2, "1 2");
    let restart = injected(&cell, 1, Action::Restart, "order-3", 3000 * MS);
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        kill.clone(),
        event(1001 * MS, EventKind::Confirmed, &kill),
        Event { suspected_us: Some(1002 * MS), ..changed.clone() },
        event(1020 * MS, EventKind::LeaderServes, &changed),
        restart.clone(),
        event(3001 * MS, EventKind::Confirmed, &restart),
        in_sync_changed(&cell, 3250 * MS, 2, "1 2 3"),
    ];
    let observations = vec![
        trade(&cell, "before", 980 * MS, 990 * MS),
        // Sent before the kill, numbered by the old leader, answered from its socket's buffer.
        trade(&cell, "old-epoch", 995 * MS, 1000 * MS + 300),
        Observation { attempts: 2, ..trade(&cell, "stalled", 999 * MS, 1035 * MS) },
        trade(&cell, "later", 1030 * MS, 1044 * MS),
        trade(&cell, "last", 3990 * MS, 4000 * MS),
    ];
    let final_rows = vec![
        order(&cell, "before", 1),
        order(&cell, "old-epoch", 1),
        order(&cell, "stalled", 2),
        order(&cell, "later", 2),
        order(&cell, "last", 2),
    ];
    let row = only(measured(&observations, &events, &final_rows));
    assert_eq!((row.fault, row.action, row.role), (1, FaultKind::Kill, Role::Leader));
    assert_eq!((row.process.as_str(), row.pid, row.at_us), ("order-3", Some(4242), 1000 * MS));
    assert_eq!(row.confirmed_ms, Some(1.0));
    assert_eq!(row.detected_ms, Some(2.0));
    assert_eq!(row.new_leader_ms, Some(12.0));
    assert_eq!(row.serving_ms, Some(20.0));
    assert_eq!(row.new_leader, Some(2));
    assert_eq!(row.first_ack_ms, Some(35.0));
    assert_eq!(row.longest_gap_ms, Some(2956.0));
    assert_eq!((row.failed, row.unknown, row.retried), (0, 0, Some(1)));
    assert_eq!(row.back_in_sync_ms, Some(250.0));
}

#[test]
fn a_leader_serves_at_the_latest_when_it_acknowledges_a_trade() {
    let cell = the_cell();
    let changed = leader_changed(&cell, 1012 * MS, 2, 2, "1 2");
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        injected(&cell, 1, Action::Kill, "order-3", 1000 * MS),
        changed.clone(),
        event(1041 * MS, EventKind::LeaderServes, &changed),
    ];
    let observations = vec![trade(&cell, "a", 1005 * MS, 1030 * MS)];
    let row = only(measured(&observations, &events, &[order(&cell, "a", 2)]));
    assert_eq!((row.first_ack_ms, row.serving_ms), (Some(30.0), Some(30.0)));
    assert_eq!(row.takeover_ms, Some(18.0));
}

#[test]
fn what_was_not_seen_stays_empty() {
    let cell = the_cell();
    let events = vec![injected(&cell, 1, Action::Kill, "order-3", 1000 * MS)];
    let row = only(measured(&[], &events, &[]));
    let times = [row.confirmed_ms, row.detected_ms, row.new_leader_ms, row.serving_ms];
    assert_eq!(times, [None; 4]);
    assert_eq!((row.first_ack_ms, row.longest_gap_ms, row.back_in_sync_ms), (None, None, None));
    assert_eq!(row.new_leader, None);

    let mut file = Vec::new();
    write_csv(&[row], &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    let line = "p0.5-cache-on,1,1,kill,leader,order-3,leader,4242,1000000,,,,,,,,,,,,,,,,,,,,,,,,0,0,0,,,,\n";
    assert!(text.ends_with(line), "{text}");
}

#[test]
fn without_the_logs_a_leaders_first_ack_is_not_guessed() {
    let cell = the_cell();
    let events = vec![
        injected(&cell, 1, Action::Kill, "order-3", 1000 * MS),
        leader_changed(&cell, 1012 * MS, 2, 2, "1 2"),
    ];
    let observations = vec![trade(&cell, "a", 1020 * MS, 1030 * MS)];
    assert_eq!(only(measured(&observations, &events, &[])).first_ack_ms, None);
}

#[test]
fn a_change_of_leader_belongs_to_the_fault_before_it_and_to_no_other() {
    let cell = the_cell();
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        injected(&cell, 1, Action::Kill, "order-3", 1000 * MS),
        leader_changed(&cell, 1010 * MS, 2, 2, "1 2"),
        injected(&cell, 2, Action::Kill, "order-2", 1500 * MS),
        leader_changed(&cell, 1540 * MS, 3, 1, "1"),
        injected(&cell, 1, Action::Restart, "order-3", 4000 * MS),
        injected(&cell, 2, Action::Restart, "order-2", 5000 * MS),
        in_sync_changed(&cell, 4300 * MS, 1, "1 3"),
        in_sync_changed(&cell, 5200 * MS, 1, "1 2 3"),
    ];
    let unknown = trade(&cell, "lost", 1499 * MS, 1600 * MS);
    let failed = operation(&cell, Op::Query, 1100 * MS, 5 * MS);
    let observations = vec![
        trade(&cell, "first", 1005 * MS, 1030 * MS),
        Observation { outcome: Outcome::Failed, ..failed },
        Observation { outcome: Outcome::Unknown, ..unknown },
        trade(&cell, "second", 1510 * MS, 1580 * MS),
    ];
    let final_rows = vec![order(&cell, "first", 2), order(&cell, "second", 3)];
    let rows = measured(&observations, &events, &final_rows);
    assert_eq!(rows.len(), 2);
    let summary: Vec<_> = rows
        .iter()
        .map(|row| (row.new_leader, row.new_leader_ms, row.first_ack_ms, row.failed, row.unknown))
        .collect();
    assert_eq!(
        summary,
        [(Some(2), Some(10.0), Some(30.0), 1, 0), (Some(1), Some(40.0), Some(80.0), 0, 1)]
    );
    assert_eq!(rows[0].back_in_sync_ms, Some(300.0));
    assert_eq!(rows[1].back_in_sync_ms, Some(200.0));
}

#[test]
fn a_leader_killed_before_it_served_leaves_the_ack_to_its_successor() {
    let cell = the_cell();
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        injected(&cell, 1, Action::Kill, "order-3", 1000 * MS),
        leader_changed(&cell, 1010 * MS, 2, 2, "1 2"),
        injected(&cell, 2, Action::Kill, "order-2", 1012 * MS),
        leader_changed(&cell, 1030 * MS, 3, 1, "1"),
    ];
    let observations = vec![trade(&cell, "a", 1001 * MS, 1050 * MS)];
    let rows = measured(&observations, &events, &[order(&cell, "a", 3)]);
    assert_eq!((rows[0].first_ack_ms, rows[1].first_ack_ms), (Some(50.0), Some(38.0)));
    assert_eq!(rows[0].serving_ms, None);
}

#[test]
fn a_followers_death_is_timed_to_the_first_trade_sent_after_it() {
    let cell = the_cell();
    let kill = injected(&cell, 1, Action::Kill, "order-1", 1000 * MS);
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        Event { target: Some("follower".to_owned()), ..kill },
        in_sync_changed(&cell, 1030 * MS, 3, "2 3"),
        injected(&cell, 1, Action::Restart, "order-1", 2000 * MS),
        in_sync_changed(&cell, 2100 * MS, 3, "1 2 3"),
    ];
    let observations = vec![
        trade(&cell, "under-way", 999 * MS, 1006 * MS),
        trade(&cell, "after", 1001 * MS, 1040 * MS),
    ];
    let row = only(measured(&observations, &events, &[]));
    assert_eq!(row.role, Role::Follower);
    assert_eq!((row.first_ack_ms, row.new_leader_ms), (Some(40.0), None));
    assert_eq!(row.back_in_sync_ms, Some(100.0));
}

#[test]
fn a_named_replica_that_led_is_a_leader_and_a_catalog_is_neither() {
    let cell = the_cell();
    let named = |process: &str, at_us| Event {
        target: Some(process.to_owned()),
        ..injected(&cell, 1, Action::Kill, process, at_us)
    };
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 2, "1 2 3"),
        named("order-2", 100 * MS),
        leader_changed(&cell, 120 * MS, 2, 3, "1 3"),
        named("order-1", 200 * MS),
        named("catalog", 300 * MS),
    ];
    let roles: Vec<Role> = measured(&[], &events, &[]).iter().map(|row| row.role).collect();
    assert_eq!(roles, [Role::Leader, Role::Follower, Role::Of("catalog".parse().unwrap())]);
}

#[test]
fn a_pause_too_short_to_be_noticed_has_an_ack_but_no_comeback() {
    let cell = the_cell();
    let events = vec![
        leader_changed(&cell, 10 * MS, 1, 3, "1 2 3"),
        injected(&cell, 1, Action::Pause, "order-3", 1000 * MS),
        injected(&cell, 1, Action::Resume, "order-3", 1050 * MS),
        in_sync_changed(&cell, 5000 * MS, 3, "1 2 3"),
    ];
    let observations = vec![trade(&cell, "a", 1001 * MS, 1060 * MS)];
    let row = only(measured(&observations, &events, &[order(&cell, "a", 1)]));
    assert_eq!((row.action, row.first_ack_ms), (FaultKind::Pause, Some(60.0)));
    assert_eq!(row.back_in_sync_ms, None);
}

#[test]
fn trials_are_kept_apart() {
    let cell = the_cell();
    let kill = injected(&cell, 1, Action::Kill, "order-3", 1000 * MS);
    let changed = leader_changed(&cell, 1010 * MS, 2, 2, "1 2");
    let events = vec![
        kill.clone(),
        changed.clone(),
        Event { trial: 2, ..kill },
        Event { trial: 2, at_us: 1030 * MS, ..changed },
    ];
    let observation = trade(&cell, "a", 1005 * MS, 1050 * MS);
    let rows = measured(&[observation], &events, &[order(&cell, "a", 2)]);
    let acks: Vec<_> = rows.iter().map(|row| (row.trial, row.first_ack_ms)).collect();
    assert_eq!(acks, [(1, Some(50.0)), (2, None)]);
    assert!(text(&rows).contains("p0.5-cache-on #2"), "{}", text(&rows));
}

fn headline(rows: &[AvailabilityRow]) -> Option<String> {
    availability::headline(rows, &overall(rows))
}

fn text(rows: &[AvailabilityRow]) -> String {
    availability::text(&table(rows), &kinds_table(&overall(rows)))
}

fn killed(fault: u32, first_ack_ms: Option<f64>) -> AvailabilityRow {
    let cell = the_cell();
    let at_us = u64::from(fault) * 1_500_000;
    let events = vec![injected(&cell, fault, Action::Kill, "order-3", at_us)];
    AvailabilityRow { first_ack_ms, retried: Some(2), ..only(measured(&[], &events, &[])) }
}

#[test]
fn the_headline_gives_median_and_maximum_over_leader_kills() {
    let rows = [killed(1, Some(30.0)), killed(2, Some(61.25)), killed(3, Some(40.0))];
    assert_eq!(
        headline(&rows).unwrap(),
        "3 leader kills: first acknowledged trade after 40.0 ms (median), 61.2 ms at most; \
         0 operations failed, 0 unknown, 6 retried."
    );
}

#[test]
fn the_headline_owns_up_to_what_was_not_seen() {
    let rows = [killed(1, Some(30.0)), killed(2, Some(50.0)), killed(3, None)];
    let said = headline(&rows).unwrap();
    assert!(said.contains("50.0 ms at most, none seen after 1 of them;"), "{said}");
    let said = headline(&[killed(1, None)]).unwrap();
    assert!(said.starts_with("1 leader kill: no trade was seen to be acknowledged"), "{said}");
    let follower = AvailabilityRow { role: Role::Follower, ..killed(1, Some(3.0)) };
    assert_eq!(headline(&[follower]), None);
}

#[test]
fn each_table_has_a_line_per_fault_with_dashes_for_what_is_missing() {
    let text = text(&[killed(1, Some(30.0)), killed(2, None)]);
    let lines: Vec<&str> = text.lines().collect();
    let of = |fault: &str| -> Vec<&str> {
        lines.iter().copied().filter(|line| line.starts_with(fault)).collect()
    };
    let [times, costs, _] = of("1      kill order-3  leader  ")[..] else { panic!("{text}") };
    assert!(times.contains("1.5") && times.contains("30.0"), "{text}");
    assert!(costs.split_whitespace().any(|word| word == "2"), "two were retried: {text}");
    let [times, _, goodput] = of("2      kill order-3  leader  ")[..] else { panic!("{text}") };
    assert_eq!(goodput.split_whitespace().filter(|&word| word == "-").count(), 9, "{text}");
    assert!(!times.contains("30.0"), "{text}");
    assert_eq!(times.split_whitespace().filter(|&word| word == "-").count(), 8, "{text}");
}
