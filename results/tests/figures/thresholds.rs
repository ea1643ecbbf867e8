//! Thresholds: held, broken, and not measured.

use results::availability::{self, AvailabilityRow, FaultGroup};
use results::lateness::Lateness;
use results::measurements::Measurements;
use results::records::{Event, EventKind, Fact, Op, Promises, RunFolder, Target};
use results::run::Run;
use results::summary::{mark_withheld, summarise};
use results::thresholds::{
    self, FILE, Figures, Threshold, ThresholdResult, evaluate, evaluate_run,
};
use results::timeline::FaultKind;
use results::verdict::Verdict;

use crate::rows::{cell, manifest, operation};
use crate::synthetic;

/// Queries of 1 to 1000 µs in one cell and of 2001 to 3000 µs in the other.
fn of_two_cells(threshold: &str) -> ThresholdResult {
    let cells = [cell(0.0, true), cell(0.0, false)];
    let rows: Vec<_> = (1..=1000)
        .flat_map(|n| {
            let fast = operation(&cells[0], Op::Query, n * 5_000, n);
            [fast, operation(&cells[1], Op::Query, n * 5_000, 2_000 + n)]
        })
        .collect();
    let summary = summarise(&manifest("bench", cells.to_vec()), &rows);
    let figures =
        Figures { summary: &summary, availability: &[], consistency: Some(Verdict::Pass) };
    evaluate(&[threshold.parse().unwrap()], &figures).remove(0)
}

#[test]
fn a_threshold_without_a_cell_must_hold_in_the_worst() {
    let held = of_two_cells("query.p50_us <= 2501");
    assert_eq!((held.verdict, held.cell.as_deref()), (Verdict::Pass, Some("p0-cache-off")));
    let broken = of_two_cells("query.p50_us < 2500");
    assert_eq!((broken.verdict, broken.reason.as_str()), (Verdict::Fail, "2501 in p0-cache-off"));
    let slowest = of_two_cells("query.throughput_per_s > 1000000");
    assert_eq!(slowest.verdict, Verdict::Fail);
}

/// The same, with a generator that was 600 µs late itself in the slower cell.
fn of_a_late_generator(threshold: &str) -> ThresholdResult {
    let cells = [cell(0.0, true), cell(0.0, false)];
    let rows: Vec<_> = (1..=1000)
        .flat_map(|n| {
            let fast = operation(&cells[0], Op::Query, n * 5_000, n);
            [fast, operation(&cells[1], Op::Query, n * 5_000, 2_000 + n)]
        })
        .collect();
    let mut summary = summarise(&manifest("bench", cells.to_vec()), &rows);
    let own = std::iter::repeat_n(600, 1_000).collect();
    let lateness = Lateness { own_by_op: [(Op::Query, own)].into(), ..Lateness::default() };
    mark_withheld(&mut summary, &[(cells[1].id.as_str(), lateness)].into());
    let figures = Figures { summary: &summary, availability: &[], consistency: None };
    evaluate(&[threshold.parse().unwrap()], &figures).remove(0)
}

#[test]
fn what_the_generator_made_late_may_keep_a_threshold_and_breaks_none() {
    // 2,501 µs are less than five times 600; without the generator it would have been less.
    assert_eq!(of_a_late_generator("query.p50_us <= 2501").verdict, Verdict::Pass);
    let unsure = of_a_late_generator("query.p50_us < 2500");
    assert_eq!(unsure.verdict, Verdict::Inconclusive);
    assert!(unsure.reason.ends_with("too much is the generator's own lateness"), "{unsure:?}");
    assert_eq!(
        of_a_late_generator("p0-cache-off:query.p50_us > 2000").verdict,
        Verdict::Inconclusive
    );
    let other = of_a_late_generator("query.p50_us < 400");
    assert_eq!((other.verdict, other.cell.as_deref()), (Verdict::Fail, Some("p0-cache-on")));
}

#[test]
fn a_threshold_on_a_cell_asks_that_cell_only() {
    let held = of_two_cells("p0-cache-on:query.p50_us <= 500");
    assert_eq!((held.verdict, held.measured), (Verdict::Pass, Some(500.0)));
    assert_eq!(of_two_cells("p0-cache-on:query.p50_us < 500").verdict, Verdict::Fail);
}

#[test]
fn what_was_not_measured_is_inconclusive_and_never_held() {
    let trades = of_two_cells("trade.p99_us < 5000");
    assert_eq!((trades.verdict, trades.measured), (Verdict::Inconclusive, None));
    assert_eq!(trades.reason, "no such operation was answered");
    let faults = of_two_cells("failover.first_ack_ms.max < 100");
    assert_eq!(faults.reason, "no leader was hit");
}

#[test]
fn consistency_is_what_the_checks_came_to() {
    assert_eq!(of_two_cells("consistency = pass").verdict, Verdict::Pass);
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let figures = Figures { summary: &[], availability: &[], consistency: Some(verdict) };
        let results = evaluate(&["consistency = pass".parse().unwrap()], &figures);
        assert_eq!(thresholds::verdict(&results), verdict);
    }
}

fn held_against(threshold: &str, rows: &[AvailabilityRow]) -> ThresholdResult {
    let figures = Figures { summary: &[], availability: rows, consistency: None };
    evaluate(&[threshold.parse().unwrap()], &figures).remove(0)
}

#[test]
fn times_after_faults_are_taken_over_all_that_hit_a_leader() {
    let rows = availability::measure(&synthetic::failover().read());
    let longest = held_against("failover.first_ack_ms.max < 340", &rows);
    assert_eq!(longest.verdict, Verdict::Pass, "{longest:?}");
    assert!(longest.measured.unwrap() > 300.0);
    let median = held_against("failover.first_ack_ms.median < 10", &rows);
    assert_eq!(median.verdict, Verdict::Fail);
    let mut unseen = rows.clone();
    unseen[0].first_ack_ms = None;
    let unsure = held_against("failover.first_ack_ms.max < 340", &unseen);
    assert_eq!(unsure.verdict, Verdict::Inconclusive, "{unsure:?}");
    let broken = held_against("failover.first_ack_ms.max < 100", &unseen);
    assert_eq!(broken.verdict, Verdict::Fail);
}

/// Kills of leaders, by their first acknowledgement, if there was one, and their longest gap.
fn kills(outages: &[(Option<f64>, f64)]) -> Vec<AvailabilityRow> {
    let rows = availability::measure(&synthetic::failover().read());
    let kill = rows.into_iter().find(|row| FaultGroup::of(row) == FaultGroup::LeaderKill).unwrap();
    let of = |&(first_ack_ms, gap_ms): &(Option<f64>, f64)| AvailabilityRow {
        first_ack_ms,
        longest_gap_ms: Some(gap_ms),
        harness_stalled_ms: None,
        ..kill.clone()
    };
    outages.iter().map(of).collect()
}

fn said(threshold: &str, rows: &[AvailabilityRow]) -> (Verdict, String) {
    let result = held_against(threshold, rows);
    (result.verdict, result.reason)
}

#[test]
fn a_fault_that_was_not_seen_to_end_took_at_least_as_long_as_nothing_was_answered() {
    let rows = kills(&[(Some(300.0), 290.0), (None, 4_800.0), (Some(200.0), 190.0)]);
    let max = |threshold| said(threshold, &rows);
    let at_least = (Verdict::Fail, "at least 4800".to_owned());
    assert_eq!(max("leader-kill.first_ack_ms.max < 2000"), at_least);
    assert_eq!(held_against("leader-kill.first_ack_ms.max < 2000", &rows).measured, Some(4_800.0));
    let open = (Verdict::Inconclusive, "300; but of 1 faults it was not seen".to_owned());
    assert_eq!(max("leader-kill.first_ack_ms.max < 5000"), open);
    // Two of three are known, so the one in the middle is.
    assert_eq!(max("leader-kill.first_ack_ms.median < 2000").0, Verdict::Pass);
    assert_eq!(max("leader-kill.first_ack_ms.median < 300").0, Verdict::Fail);
    let none = kills(&[(None, 4_800.0)]);
    assert_eq!(said("leader-kill.first_ack_ms.median < 2000", &none), at_least);
    let never = (Verdict::Inconclusive, "it was never seen".to_owned());
    assert_eq!(said("leader-kill.first_ack_ms.median < 5000", &none), never);
    assert_eq!(
        said("leader-kill.detected_ms.max > 1", &kills(&[])).1,
        "no leader was hit in this way"
    );
}

#[test]
fn what_the_machine_may_have_taken_breaks_no_threshold() {
    let mut rows = kills(&[(Some(300.0), 290.0), (Some(2_400.0), 2_390.0)]);
    let gap = "leader-kill.longest_gap_ms.max < 2000";
    assert_eq!(said(gap, &rows), (Verdict::Fail, "2390".to_owned()));
    rows[1].harness_stalled_ms = Some(900.0);
    let unsure = "2390; without the time for which the machine stalled the harness, 1490";
    assert_eq!(said(gap, &rows), (Verdict::Inconclusive, unsure.to_owned()));
    rows[1].harness_stalled_ms = Some(200.0);
    assert_eq!(said(gap, &rows).0, Verdict::Fail, "it took long enough without that");
    rows[1].longest_gap_ms = Some(1_900.0);
    assert_eq!(said(gap, &rows).0, Verdict::Pass, "all of it together was soon enough");
}

#[test]
fn a_threshold_on_one_kind_of_fault_asks_no_other() {
    let mut rows = kills(&[(Some(300.0), 290.0), (Some(1_500.0), 1_490.0)]);
    rows[1].action = FaultKind::Pause;
    assert_eq!(said("leader-kill.longest_gap_ms.max < 1000", &rows).0, Verdict::Pass);
    assert_eq!(said("leader-pause.longest_gap_ms.max < 1000", &rows).0, Verdict::Fail);
    assert_eq!(said("failover.longest_gap_ms.max < 1000", &rows).0, Verdict::Fail);
    assert_eq!(said("leader-slow.longest_gap_ms.max < 1000", &rows).0, Verdict::Inconclusive);
}

#[test]
fn a_runs_thresholds_come_from_its_manifest_and_leave_a_file() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    let mut run = synthetic::failover();
    run.write(&folder);
    let evaluated = || {
        let run = Run::open(&folder).unwrap();
        evaluate_run(&Measurements::new(&run), Verdict::Pass).unwrap()
    };
    assert_eq!(evaluated(), []);
    assert!(!folder.path(FILE).exists() && thresholds::read(&folder).unwrap().is_empty());
    run.manifest.thresholds = vec!["query.p50_us < 1".to_owned(), "consistency = pass".to_owned()];
    run.write(&folder);
    let results = evaluated();
    let verdicts: Vec<Verdict> = results.iter().map(|result| result.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fail, Verdict::Pass]);
    assert_eq!(thresholds::read(&folder).unwrap(), results);
    let table = thresholds::table(&results);
    assert!(table.contains("\nBROKEN  query.p50_us < 1"), "{table}");
}

#[test]
fn a_figure_of_what_a_target_does_not_have_is_told_apart_from_one_that_was_not_measured() {
    let why = |threshold: &str, facts: &[Fact]| {
        let target = Target::new("toy", facts.iter().copied(), Promises::default());
        threshold.parse::<Threshold>().unwrap().why_not_applicable(&target)
    };
    let leads = "the target does not tell who leads";
    let all = [Fact::Trades, Fact::Leader, Fact::LeaderHistory];
    assert_eq!(why("failover.first_ack_ms.max < 5", &[Fact::Trades]).as_deref(), Some(leads));
    assert_eq!(why("failover.first_ack_ms.max < 5", &[Fact::Trades, Fact::Leader]), None);
    assert!(why("failover.detected_ms.max < 5", &[Fact::Trades, Fact::Leader]).is_some());
    assert_eq!(why("failover.detected_ms.max < 5", &all), None);
    let queries = why("query.p99_us < 5", &all);
    assert_eq!(queries.as_deref(), Some("the target has no queries"));
    assert_eq!(why("consistency = pass", &[]), None);
}

#[test]
fn a_threshold_that_ended_a_load_is_broken_and_one_that_ended_none_was_kept() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    let mut run = synthetic::failover();
    let cell = run.manifest.cells[0].id.clone();
    run.manifest.abort_on = vec!["query.p99_us < 50000".to_owned(), "trade.failed <= 9".to_owned()];
    let evaluated = |run: &synthetic::Run| {
        evaluate_run(&Measurements::new(&run.read_from(root.path())), Verdict::Pass).unwrap()
    };
    let verdicts = |results: &[ThresholdResult]| -> Vec<Verdict> {
        results.iter().map(|result| result.verdict).collect()
    };
    let unfinished = evaluated(&run);
    assert_eq!(verdicts(&unfinished), [Verdict::Inconclusive; 2]);
    run.events.push(Event::new(cell.as_str(), 1, 19_000_000, EventKind::Finished));
    let kept = evaluated(&run);
    assert_eq!(verdicts(&kept), [Verdict::Pass; 2], "{kept:?}");
    run.events.push(Event {
        target: Some("query.p99_us < 50000".to_owned()),
        detail: Some("61234".to_owned()),
        ..Event::new(cell.as_str(), 1, 9_000_000, EventKind::LoadCutShort)
    });
    let broken = evaluated(&run);
    assert_eq!(verdicts(&broken), [Verdict::Fail, Verdict::Pass]);
    assert_eq!(broken[0].measured, Some(61_234.0));
    assert!(broken[0].reason.contains("its load was cut short after"), "{broken:?}");
    assert_eq!(thresholds::verdict(&thresholds::read(&folder).unwrap()), Verdict::Fail);
}
