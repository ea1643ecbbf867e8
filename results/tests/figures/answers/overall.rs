//! What the checks found, and all faults of a kind together.

use results::availability::{
    AvailabilityRow, FaultGroup, Found, attribute, overall, write_overall_csv,
};
use results::checks::{CheckResult, ConsistencyReport, FaultAnomalies, RunSummary, TrialName};
use results::records::{Fact, Model};
use results::timeline::Role;
use results::verdict::Verdict;

use super::{killed, load, open, outage, said, sheet, sheets, usual_us};
use crate::rows::cell;

fn checked(verdict: Option<Verdict>, anomalies: Vec<FaultAnomalies>) -> ConsistencyReport {
    let result = |name: &str| CheckResult {
        name: name.to_owned(),
        claim: String::new(),
        verdict,
        lacks: vec![],
        left_out: vec![],
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
            target: None,
            model: Model::Stocks,
            seed: 1,
            started_at: String::new(),
            trials: 1,
            finished_trials: 1,
            operations: 0,
            acknowledged_trades: 0,
            reads: 0,
            faults: 2,
            deaths: 0,
            client_breaks: 0,
            first_client_break: None,
            late_answers: 0,
            lost_senders: 0,
            first_lost_sender: None,
        },
        checks: names.map(result).to_vec(),
        gates: vec![],
        anomalies,
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
    let anomalies =
        FaultAnomalies { trial: trial.clone(), fault: Some(2), lost: 1, doubled: 2, stale: 3 };
    let elsewhere = FaultAnomalies { trial: TrialName { trial: 2, ..trial }, ..anomalies.clone() };
    attribute(&mut rows, &checked(Some(Verdict::Fail), vec![elsewhere, anomalies]));
    let found: Vec<_> = rows.iter().map(|row| (row.lost, row.doubled, row.stale)).collect();
    assert_eq!(found, [(Some(0), Some(0), Some(0)), (Some(1), Some(2), Some(3))]);
}

#[test]
fn what_was_not_checked_is_not_zero() {
    let mut rows = sheets(&load(usual_us), vec![killed(1, "catalog", 5_000)]);
    attribute(&mut rows, &checked(None, vec![]));
    assert_eq!((rows[0].lost, rows[0].doubled, rows[0].stale), (None, None, None));
}

/// What is known to be lost, doubled and stale with no violation found if these checks do not apply to the target, and
/// `added` is one check more that could tell.
fn known_without(names: &[&str], added: Option<&str>) -> (Option<u64>, Option<u64>, Option<u64>) {
    let mut report = checked(Some(Verdict::Pass), vec![]);
    let more = added.map(|name| CheckResult { name: name.to_owned(), ..report.checks[0].clone() });
    report.checks.extend(more);
    for check in report.checks.iter_mut().filter(|check| names.contains(&check.name.as_str())) {
        (check.verdict, check.lacks) = (None, vec![Fact::RequestKeys]);
    }
    let mut rows = sheets(&load(usual_us), vec![killed(1, "catalog", 5_000)]);
    attribute(&mut rows, &report);
    let trial = TrialName { cell: cell(0.5, true).id, trial: 1 };
    let found = Found::new(&report, &[trial]);
    let of_fault = (rows[0].lost, rows[0].doubled, rows[0].stale);
    assert_eq!(of_fault, (found.lost, found.doubled, found.stale));
    of_fault
}

#[test]
fn a_check_that_does_not_apply_leaves_unknown_only_what_no_other_looks_for() {
    let (survive, once, told) =
        ("acknowledged-orders-survive", "exactly-once", "state-is-what-was-told");
    assert_eq!(known_without(&[], None), (Some(0), Some(0), Some(0)));
    assert_eq!(known_without(&[once], None), (Some(0), None, Some(0)));
    assert_eq!(known_without(&["no-stale-read"], None), (Some(0), Some(0), None));
    assert_eq!(known_without(&[survive], None), (None, Some(0), Some(0)), "half of it is seen");
    assert_eq!(known_without(&[survive, once], Some(told)), (Some(0), None, Some(0)));
}

#[test]
fn a_check_that_applies_and_could_not_tell_leaves_it_unknown_whatever_the_others_say() {
    let mut report = checked(Some(Verdict::Pass), vec![]);
    report.checks[1].verdict = None;
    let mut rows = sheets(&load(usual_us), vec![killed(1, "catalog", 5_000)]);
    attribute(&mut rows, &report);
    assert_eq!((rows[0].lost, rows[0].doubled, rows[0].stale), (None, None, Some(0)));
}

#[test]
fn all_faults_of_a_kind_have_a_median_an_interval_and_a_maximum() {
    let one = sheet(&load(usual_us), vec![killed(1, "order-3", 5_000)]);
    let leader = |ms: u64| AvailabilityRow {
        role: Role::Leader,
        outage_us: ms,
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
