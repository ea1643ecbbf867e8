//! Thresholds: held, broken, and not measured.

use results::availability;
use results::lateness::Lateness;
use results::measurements::Measurements;
use results::records::{Event, EventKind, Fact, Op, Promises, RunFolder, Target};
use results::run::Run;
use results::summary::{mark_withheld, summarise};
use results::thresholds::{
    self, FILE, Figures, Threshold, ThresholdResult, evaluate, evaluate_run,
};
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

#[test]
fn times_after_faults_are_taken_over_all_that_hit_a_leader() {
    let run = synthetic::failover();
    let rows = availability::measure(&run.read());
    let held_against = |threshold: &str, rows| {
        let threshold: Threshold = threshold.parse().unwrap();
        let figures = Figures { summary: &[], availability: rows, consistency: None };
        evaluate(&[threshold], &figures).remove(0)
    };
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
