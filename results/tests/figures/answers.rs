//! The answer sheet's figures, each with what gives it, what leaves it empty, and its traps.
//!
//! The load is a thousand operations a second from 0 to 10 s, a trade at each millisecond. It takes
//! 2 ms, every fiftieth 10 ms, which is therefore the 99th percentile; 11 ms is within 10 % of it.

use results::availability::{
    AvailabilityRow, FaultGroup, GapRow, about_gaps, attribute, gaps, kinds_table, measure,
    overall, table, text, write_gaps_csv, write_overall_csv,
};
use results::checks::{CheckResult, ConsistencyReport, FaultAnomalies, RunSummary, TrialName};
use results::records::{Action, CacheState, Event, EventKind, Observation, Op, Outcome};
use results::timeline::Role;
use results::verdict::Verdict;

use crate::rows::{cell, in_sync_changed, injected, leader_changed, manifest, operation, order};
use crate::synthetic::{Run, measured};

const MS: u64 = 1000;

/// The sheets as text.
fn said(rows: &[AvailabilityRow]) -> String {
    text(&table(rows), &kinds_table(&overall(rows)))
}

/// The latency of the operation that is due in this millisecond, when nothing is wrong.
fn usual_us(at_ms: u64) -> u64 {
    if at_ms.is_multiple_of(50) { 10 * MS } else { 2 * MS }
}

/// The trade that is due in this millisecond, in a closed loop, with this latency.
fn trade_at(at_ms: u64, latency_us: u64) -> Observation {
    let trade = operation(&cell(0.5, true), Op::Trade, at_ms * MS, latency_us);
    Observation { request_id: Some(at_ms.to_string().into()), ..trade }
}

/// Ten seconds of load, with latencies of one's own.
fn load(latency_us: impl Fn(u64) -> u64) -> Vec<Observation> {
    (0..10_000).map(|at_ms| trade_at(at_ms, latency_us(at_ms))).collect()
}

/// The same load, planned for its times.
fn open(mut rows: Vec<Observation>) -> Vec<Observation> {
    for row in &mut rows {
        row.planned_us = Some(row.start_us);
    }
    rows
}

/// Nobody answers from here to there: what is due in between is answered at its end.
fn outage(from_ms: u64, to_ms: u64) -> impl Fn(u64) -> u64 {
    move |at_ms| match at_ms {
        _ if (from_ms..to_ms).contains(&at_ms) => (to_ms - at_ms) * MS,
        _ => usual_us(at_ms),
    }
}

fn killed(fault: u32, process: &str, at_ms: u64) -> Event {
    let kill = injected(&cell(0.5, true), fault, Action::Kill, process, at_ms * MS);
    Event { target: Some(process.to_owned()), ..kill }
}

fn undone(action: Action, of: &Event, at_ms: u64) -> Event {
    Event { action: Some(action), at_us: at_ms * MS, ..of.clone() }
}

/// The process that was hit is ready again.
fn ready(of: &Event, at_ms: u64) -> Event {
    Event { event: EventKind::Ready, ..undone(Action::Restart, of, at_ms) }
}

fn finished() -> Event {
    let cell = cell(0.5, true);
    Event::new(cell.id, 1, 11_000 * MS, EventKind::Finished)
}

fn sheets(observations: &[Observation], mut events: Vec<Event>) -> Vec<AvailabilityRow> {
    events.push(finished());
    measured(manifest("failover", vec![cell(0.5, true)]), observations, &events, &[])
}

fn sheet(observations: &[Observation], events: Vec<Event>) -> AvailabilityRow {
    let mut rows = sheets(observations, events);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn about(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= expected * 0.05)
}

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
    assert_eq!((row.role, FaultGroup::of(&row)), (Role::FrontEnd, FaultGroup::FrontEnd));
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

fn checked(verdict: Option<Verdict>, harm: Vec<FaultAnomalies>) -> ConsistencyReport {
    let result = |name: &str| CheckResult {
        name: name.to_owned(),
        claim: String::new(),
        verdict,
        examined: vec![],
        violations: 0,
        maxima: Default::default(),
        doubts: vec![],
        evidence: vec![],
    };
    let names = ["acknowledged-orders-survive", "exactly-once", "no-stale-read"];
    ConsistencyReport {
        format: 1,
        verdict: Verdict::Pass,
        run: RunSummary {
            kind: String::new(),
            plan_name: String::new(),
            seed: 1,
            started_at: String::new(),
            trials: 1,
            finished_trials: 1,
            operations: 0,
            acknowledged_trades: 0,
            reads: 0,
            faults: 2,
            deaths: 0,
        },
        checks: names.map(result).to_vec(),
        gates: vec![],
        harm,
        digests: vec![],
        reproduce: String::new(),
        files: vec![],
    }
}

#[test]
fn what_the_checks_found_is_on_the_sheet_of_the_fault_that_did_it() {
    let mut rows =
        sheets(&load(usual_us), vec![killed(1, "catalog", 2_000), killed(2, "catalog", 5_000)]);
    assert_eq!((rows[0].lost, rows[0].doubled, rows[0].stale), (None, None, None));
    let trial = TrialName { cell: cell(0.5, true).id, trial: 1 };
    let harm =
        FaultAnomalies { trial: trial.clone(), fault: Some(2), lost: 1, doubled: 2, stale: 3 };
    let elsewhere = FaultAnomalies { trial: TrialName { trial: 2, ..trial }, ..harm.clone() };
    attribute(&mut rows, &checked(Some(Verdict::Fail), vec![elsewhere, harm]));
    let found: Vec<_> = rows.iter().map(|row| (row.lost, row.doubled, row.stale)).collect();
    assert_eq!(found, [(Some(0), Some(0), Some(0)), (Some(1), Some(2), Some(3))]);
}

#[test]
fn what_was_not_checked_is_not_zero() {
    let mut rows = sheets(&load(usual_us), vec![killed(1, "catalog", 5_000)]);
    attribute(&mut rows, &checked(None, vec![]));
    assert_eq!((rows[0].lost, rows[0].doubled, rows[0].stale), (None, None, None));
}

#[test]
fn all_faults_of_a_kind_have_a_median_an_interval_and_a_maximum() {
    let one = sheet(&load(usual_us), vec![killed(1, "order-3", 5_000)]);
    let leader = |ms: u64| AvailabilityRow {
        role: Role::Leader,
        first_ack_ms: Some(ms as f64),
        p99_back_ms: (ms > 3).then_some(ms as f64),
        failed: ms,
        ..one.clone()
    };
    let mut rows: Vec<_> = (1..=7).map(leader).collect();
    rows.push(one.clone());
    let all = overall(&rows);
    let of = |group, figure: &str| {
        all.iter().find(|row| row.group == group && row.figure == figure).unwrap()
    };
    let acks = of(FaultGroup::LeaderKill, "first_ack_ms");
    assert_eq!((acks.faults, acks.seen), (7, 7));
    assert_eq!((acks.median, acks.max, acks.total), (Some(4.0), Some(7.0), None));
    assert_eq!((acks.interval_low, acks.interval_high), (Some(1.0), Some(7.0)));
    let back = of(FaultGroup::LeaderKill, "p99_back_ms");
    assert_eq!((back.seen, back.median, back.interval_low), (4, Some(5.5), None));
    assert_eq!(of(FaultGroup::LeaderKill, "failed").total, Some(28.0));
    assert_eq!(of(FaultGroup::LeaderKill, "lost").total, None);
    assert_eq!(of(FaultGroup::Follower, "first_ack_ms").faults, 1);

    let mut file = Vec::new();
    write_overall_csv(&all, &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert!(text.contains("\nleader-kill,first_ack_ms,7,7,4.0,1.0,7.0,7.0,\n"), "{text}");
    let shown = said(&rows);
    let line =
        shown.lines().find(|line| line.starts_with("leader kill ") && line.contains("first ack"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(words[words.len() - 7..], ["7", "7", "4.00", "1.00", "to", "7.00", "7.00"]);
    assert!(!shown.contains("\nfollower "), "one fault is no kind: {shown}");
}

#[test]
fn the_tables_fit_a_wide_terminal() {
    let row = sheet(&open(load(outage(5_000, 5_100))), vec![killed(1, "front-end", 5_000)]);
    let other = AvailabilityRow { cell: "p0.5-cache-off-r1000".to_owned(), ..row.clone() };
    let text = said(&[row, other]);
    let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 122, "{widest}: {text}");
}
