//! Runs of targets that give less than the bazaar: what is judged of them, and what is said of the rest.

use std::collections::BTreeSet;

use wire::bazaar::TradeType::Buy;

use super::testing::{CELL, Trial, assert_fails, assert_inconclusive, assert_passes};
use super::{
    CheckStatus, ConsistencyReport, answers, availability_demand, client_reads, exactly_once,
    fresh_reads, linearizability, numbering, progress, read_order, real_time, survival,
};
use crate::records::{
    Acknowledged, Action, Event, EventKind, Fact, Numbering, Op, Outcome, Promises, Sides, Target,
};
use crate::verdict::Verdict;

/// What a service tells that answers queries and trades, and nothing else.
const LITTLE: [Fact; 7] = [
    Fact::Queries,
    Fact::Trades,
    Fact::Quantity,
    Fact::OrderNumbers,
    Fact::InitialStocks,
    Fact::StatusCodes,
    Fact::NoRestock,
];

/// Everything else.
fn all_but_little() -> Vec<Fact> {
    Fact::ALL.into_iter().filter(|fact| !LITTLE.contains(fact)).collect()
}

/// A service that only sells: no leader, no volume, no lookups, no state.
fn little() -> Trial {
    let promises = Promises { sides: Sides::Takes, ..Promises::default() };
    let mut trial = Trial::of(&all_but_little(), promises);
    trial.finals.clear();
    trial.events.push(Event::new(CELL, 1, 0, EventKind::Started));
    trial.events.last_mut().unwrap().process = Some("order-1".parse().unwrap());
    sell(&mut trial, "r1", 3, 1, (1_000, 2_000));
    show(&mut trial, 97, (2_500, 3_000));
    sell(&mut trial, "r2", 4, 2, (3_500, 4_000));
    show(&mut trial, 93, (4_500, 5_000));
    trial
}

/// A trade of which no process tells anything.
fn sell(trial: &mut Trial, id: &str, quantity: u32, order_no: u64, interval: (u64, u64)) {
    trial.attempt(1, id, Outcome::Ok, interval);
    let row = trial.observations.last_mut().unwrap();
    (row.quantity, row.order_no, row.status) = (Some(quantity), Some(order_no), Some(200));
}

/// A read that tells no volume.
fn show(trial: &mut Trial, quantity: u32, interval: (u64, u64)) {
    trial.show(2, "Stock1", quantity, 0, interval);
    trial.observations.last_mut().unwrap().seen_volume = None;
}

fn with_status(report: &ConsistencyReport, status: CheckStatus) -> BTreeSet<&str> {
    let checks = report.checks.iter().filter(|check| check.status() == status);
    checks.map(|check| check.name.as_str()).collect()
}

#[test]
fn a_run_without_leader_volume_lookups_and_state_is_judged_by_the_rest() {
    let report = little().report();
    assert_eq!(report.violations(), 0, "{}", report.to_text());
    let judged = [
        "order-numbers",
        "no-stale-read",
        "client-reads-forward",
        "reads-forward",
        "numbers-follow-time",
        "answered-while-possible",
        "no-unordered-death",
        "no-deadlock",
    ];
    assert_eq!(with_status(&report, CheckStatus::Judged(Verdict::Pass)), judged.into());
    let absent = [
        "acknowledged-orders-survive",
        "shown-orders-stay",
        "exactly-once",
        "replicas-identical",
        "catalog-and-log-agree",
        "conservation",
        "reads-show-real-states",
        "linearizable",
        "state-is-what-was-told",
        "replicas-hold-the-same",
        "stocks-agree",
        "orders-explain-stocks",
    ];
    assert_eq!(with_status(&report, CheckStatus::NotApplicable), absent.into());
}

#[test]
fn what_does_not_apply_is_told_and_counted_and_is_no_pass() {
    let report = little().report();
    let text = report.to_text();
    assert!(text.contains("12 do not apply to this target."), "{text}");
    assert!(text.contains("\nNot applicable\n"), "{text}");
    let line = "  \"each stock's history is linearizable\": the target does not tell volumes.\n";
    assert!(text.contains(line), "{text}");
    let part = "  of \"order numbers are unique and without gaps\": no log leaves a number out: the target \
                does not show which orders its replicas hold.\n";
    assert!(text.contains(part), "{text}");
    assert!(text.contains("by-hand on toy"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    let linearizable =
        json["checks"].as_array().unwrap().iter().find(|check| check["name"] == "linearizable");
    let linearizable = linearizable.unwrap();
    assert_eq!(linearizable["lacks"], serde_json::json!(["volume"]));
    assert!(linearizable["verdict"].is_null());
    let back: ConsistencyReport = serde_json::from_value(json).unwrap();
    assert_eq!(back.checks, report.checks);
}

#[test]
fn a_run_that_names_no_target_is_asked_what_it_always_was() {
    let report = Trial::new().report();
    assert_eq!(report.checks.len(), super::names().count());
    assert_eq!(with_status(&report, CheckStatus::NotApplicable), BTreeSet::new());
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("lacks") && !json.contains("left_out"), "{json}");
}

#[test]
fn where_nothing_was_judged_the_verdict_is_inconclusive_and_says_so() {
    let mut trial = little();
    trial.observations.clear();
    trial.manifest.target = Some(Target::new("toy", [Fact::Queries], Promises::default()));
    let report = trial.report();
    // That no process died says nothing of what the target answers.
    let passed = with_status(&report, CheckStatus::Judged(Verdict::Pass));
    assert_eq!(passed, ["no-unordered-death"].into());
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(report.nothing_judged());
}

/// A service of which only this is described, and that answered to the end: a pass of everything that it is asked.
fn of_facts(facts: &[Fact], promises: Promises) -> Trial {
    let mut trial = Trial::new();
    trial.finals.clear();
    trial.manifest.stocks.clear();
    trial.manifest.target = Some(Target::new("toy", facts.iter().copied(), promises));
    trial.events.push(Event::new(CELL, 1, 0, EventKind::Started));
    trial.events.last_mut().unwrap().process = Some("order-1".parse().unwrap());
    trial
}

#[test]
fn that_a_service_answers_is_no_pass_where_nothing_is_known_of_what_it_should_answer() {
    let mut one_get = of_facts(&[Fact::Queries, Fact::StatusCodes], Promises::default());
    for nth in 0..50 {
        one_get.show(2, "", 0, 0, (1_000 + nth * 10, 1_005 + nth * 10));
        let row = one_get.observations.last_mut().unwrap();
        (row.seen_quantity, row.seen_volume) = (None, None);
    }
    let report = one_get.report();
    let passed = with_status(&report, CheckStatus::Judged(Verdict::Pass));
    assert_eq!(passed, ["answered-while-possible", "no-deadlock", "no-unordered-death"].into());
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert_eq!(
        report.headline(),
        "Nothing was judged but that it lives and answers: 19 of 22 checks do not apply to this target."
    );

    // Trades that say no more than that they were done are answers like others.
    let mut one_post = of_facts(&[Fact::Trades, Fact::StatusCodes], Promises::default());
    one_post.attempt(1, "r1", Outcome::Ok, (1_000, 2_000));
    let report = one_post.report();
    assert_eq!((report.violations(), report.verdict), (0, Verdict::Inconclusive));
    assert!(report.headline().starts_with("Nothing was judged but"), "{}", report.headline());
}

#[test]
fn one_promise_about_what_is_answered_is_enough_to_judge_by() {
    // Orders have numbers, which must be unique.
    let facts = [Fact::Trades, Fact::OrderNumbers, Fact::StatusCodes];
    let promises = Promises { order_no: Numbering::Unique, ..Promises::default() };
    let mut trial = of_facts(&facts, promises);
    for nth in 0..40 {
        sell(&mut trial, &format!("r{nth}"), 1, 100 - nth, (1_000 + nth * 10, 1_005 + nth * 10));
    }
    let report = trial.report();
    assert!(!report.nothing_judged());
    assert_eq!((report.verdict, report.violations()), (Verdict::Pass, 0), "{}", report.to_text());
    // A quantity that can only fall: a later read must not show more.
    let takes = Promises { sides: Sides::Takes, ..Promises::default() };
    let mut trial = of_facts(&[Fact::Queries, Fact::Quantity, Fact::StatusCodes], takes);
    show(&mut trial, 97, (1_000, 2_000));
    show(&mut trial, 93, (3_000, 4_000));
    let report = trial.report();
    assert!(!report.nothing_judged());
    assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
}

#[test]
fn a_service_that_is_not_judged_fails_where_it_does_not_answer() {
    let mut trial = of_facts(&[Fact::Queries, Fact::StatusCodes], Promises::default());
    trial.manifest.ping_timeout_ms = None;
    for nth in 0..50 {
        let from_us = 10_000_000 + nth * 10;
        trial.unanswered(3, Op::Query, "", Some(503), (from_us, from_us + 5));
    }
    trial.settle(30_000_000, 31_000_000);
    let report = trial.report();
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.to_text());
}

#[test]
fn a_quantity_that_only_falls_shows_stale_and_backward_reads() {
    let mut trial = little();
    show(&mut trial, 97, (6_000, 7_000));
    let stale = trial.check(&fresh_reads::CHECK);
    let what = "shows quantity 97, but r2 had been acknowledged 2.000 ms before it began, which made it at the \
                most 93 (93 by then)";
    assert_fails(&stale, what);
    assert_eq!(stale.maxima["stale_ms"], 2.0);
    assert_fails(
        &trial.check(&client_reads::CHECK),
        "read quantity 93 of Stock1, and 97 in a later",
    );
    assert_fails(&trial.check(&read_order::CHECK), "read quantity 93 of Stock1; 1.000 ms later");
}

#[test]
fn what_others_may_have_taken_makes_no_read_stale() {
    let mut trial = little();
    // A trade of unknown outcome took one more.
    trial.attempt(3, "r3", Outcome::Unknown, (4_100, 4_200));
    show(&mut trial, 92, (6_000, 7_000));
    assert_passes(&trial.check(&fresh_reads::CHECK));
}

#[test]
fn a_volume_without_the_catalog_s_trades_shows_stale_reads_by_their_sum() {
    let mut trial = Trial::without(&[Fact::AppliedTrades]);
    trial.trade(1, "r1", Buy, 3, "Stock1", (1_000, 2_000));
    trial.trade(1, "r2", Buy, 4, "Stock1", (3_000, 4_000));
    trial.show(2, "Stock1", 93, 7, (4_500, 5_000));
    assert_passes(&trial.check(&fresh_reads::CHECK));
    trial.show(2, "Stock1", 97, 3, (6_000, 7_000));
    assert_fails(&trial.check(&fresh_reads::CHECK), "which made it at least 7 (7 by then)");
}

#[test]
fn numbers_of_acknowledgements_are_judged_without_logs() {
    let mut trial = little();
    sell(&mut trial, "r3", 1, 2, (6_000, 7_000));
    assert_fails(&trial.check(&numbering::CHECK), "#2 was acknowledged for 2 different trades");
    assert_fails(&trial.check(&real_time::CHECK), "r3 began, and became #2");
    let promises = Promises { order_no: Numbering::Unique, ..Promises::default() };
    let target = Target::new("toy", LITTLE, promises);
    trial.manifest.target = Some(target);
    assert_eq!(trial.check(&real_time::CHECK).lacks, [Fact::NumbersInOrder]);
}

#[test]
fn gaps_count_only_where_they_are_excluded_and_the_first_number_is_the_declared_one() {
    let gapped = |promises| {
        let mut trial = Trial::of(&[], promises);
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        trial.trade(1, "r2", Buy, 1, "Stock1", (30, 40));
        for row in &mut trial.finals {
            row.order_no = row.order_no.map(|number| number * 10);
        }
        for row in &mut trial.observations {
            row.order_no = row.order_no.map(|number| number * 10);
        }
        trial.check(&numbering::CHECK)
    };
    let promises = Promises { first_order_no: 10, ..Promises::default() };
    let gapless = gapped(promises);
    assert_fails(&gapless, "order-1's log jumps from #10 to #20");
    assert_eq!(gapless.violations, 3, "each log begins where it should");
    assert_passes(&gapped(Promises { gapless: false, ..promises }));
}

#[test]
fn what_may_be_lost_is_counted_and_no_violation() {
    let promises = Promises { acknowledged: Acknowledged::MayBeLost, ..Promises::default() };
    let mut trial = Trial::of(&[], promises);
    trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
    trial.lookup(1, "r1", (100, 110));
    trial.observations.last_mut().unwrap().outcome = Outcome::Rejected;
    let report = trial.report();
    let survival = report.checks.iter().find(|check| check.name == survival::CHECK.name).unwrap();
    assert_eq!(survival.status(), CheckStatus::NotApplicable);
    assert_eq!(survival.lacks, [Fact::DurableAcknowledgement]);
    assert_eq!(
        survival.examined_text(),
        "1 acknowledged trades, 1 of them lost, which the target may"
    );
    assert_eq!((report.violations(), report.anomalies[0].lost), (0, 1));
}

#[test]
fn a_log_without_request_ids_is_read_and_left_out_of_what_needs_them() {
    let mut trial = Trial::without(&[Fact::RequestKeys]);
    trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
    trial.lookup(1, "r1", (100, 110));
    for row in trial.finals.iter_mut().filter(|row| row.order_no.is_some()) {
        row.request_id = None;
    }
    let survival = trial.check(&survival::CHECK);
    assert_passes(&survival);
    assert_eq!(survival.left_out[0].what, "every replica holds it under its request's id");
    let once = trial.check(&exactly_once::CHECK);
    assert_passes(&once);
    assert_eq!(once.left_out[0].lacks, [Fact::RequestKeys]);
    assert_passes(&trial.check(&linearizability::CHECK));
}

#[test]
fn without_in_sync_sets_answers_are_due_while_nothing_at_all_is_broken() {
    const SECOND: u64 = 1_000_000;
    let silent = |pause: Option<u64>| {
        let mut trial = little();
        trial.manifest.ping_timeout_ms = None;
        if let Some(at_us) = pause {
            trial.fault(at_us, Action::Pause, "order-1");
        }
        for nth in 0..30 {
            let from_us = 10 * SECOND + nth * 10;
            trial.unanswered(3, Op::Query, "Stock1", Some(503), (from_us, from_us + 5));
        }
        trial.settle(30 * SECOND, 31 * SECOND);
        trial.check(&super::answers::CHECK)
    };
    assert_fails(&silent(None), "2 of 32 reads were answered that were due");
    assert_passes(&silent(Some(9 * SECOND)));
}

#[test]
fn trades_after_healing_are_asked_for_without_any_replica_to_converge() {
    let mut trial = little();
    trial.fault(5_000, Action::Kill, "order-1");
    trial.fault(6_000, Action::Restart, "order-1");
    let none = trial.check(&progress::CHECK);
    assert_inconclusive(&none, "no trade was tried after everything was healed");
    sell(&mut trial, "r3", 1, 3, (7_000, 8_000));
    let result = trial.check(&progress::CHECK);
    assert_passes(&result);
    let parts: Vec<_> = result.left_out.iter().map(|part| part.what.as_str()).collect();
    assert_eq!(parts, ["the replicas converge", "all replicas are in sync again"]);
}

#[test]
fn a_service_that_answers_errors_with_200_gives_no_wrong_answer() {
    let lacking: Vec<_> = all_but_little().into_iter().chain([Fact::StatusCodes]).collect();
    let mut trial = Trial::of(&lacking, Promises::default());
    trial.finals.clear();
    trial.unanswered(3, Op::Query, "Stock1", Some(200), (10, 20));
    let wrong_answer = |trial: &Trial| {
        let evidence = trial.check(&super::answers::CHECK).evidence;
        evidence.iter().any(|found| found.what.starts_with("an answer is none to what was asked"))
    };
    assert!(!wrong_answer(&trial));
    trial.manifest.target = Some(Target::new("toy", LITTLE, Promises::default()));
    assert!(wrong_answer(&trial));
}

/// The loss of a host with `order-2`.
fn lose_a_host(trial: &mut Trial, at_us: u64) {
    let event = trial.event(at_us, EventKind::HostLost);
    event.target = Some("n2".to_owned());
    event.process = Some("order-2".parse().unwrap());
    event.detail = Some("its agent ended".to_owned());
}

#[test]
fn what_is_missing_in_the_end_after_a_host_was_lost_is_nobodys_fault() {
    let mut trial = Trial::new();
    trial.trade(1, "r1", Buy, 3, "Stock1", (100, 200));
    trial.finals.retain(|row| row.request_id.is_none());
    assert_fails(&trial.check(&survival::CHECK), "r1");
    lose_a_host(&mut trial, 5_000);
    let result = trial.check(&survival::CHECK);
    assert_inconclusive(&result, "a host was lost, with all that ran there");
    assert_inconclusive(&result, "may be no more than what follows from the loss of a host");
    assert_eq!(result.violations, 0);
}

/// The loss of a host of clients that was heard of last at `heard_us`.
fn lose_clients(trial: &mut Trial, heard_us: u64, at_us: u64) {
    let event = trial.event(at_us, EventKind::SenderLost);
    event.target = Some("n6".to_owned());
    event.suspected_us = Some(heard_us);
    event.detail = Some("its host was lost".to_owned());
}

#[test]
fn what_waited_for_a_host_of_clients_that_was_lost_accuses_nobody_and_the_rest_is_judged() {
    const S: u64 = 1_000_000;
    let waited = || {
        let mut trial = Trial::new();
        trial.events.retain(|event| event.event == EventKind::Finished);
        trial.event(10, EventKind::LeaderChanged).in_sync = Some("1 2 3".parse().unwrap());
        trial.trade(1, "r1", Buy, 1, "Stock1", (S - 5, S));
        // All clients of that host wait until it is known that it is lost.
        trial.attempt(2, "owed", Outcome::Unknown, (S + 10, 6 * S));
        trial.trade(1, "r2", Buy, 1, "Stock1", (6 * S + 10, 6 * S + 20));
        trial
    };
    assert_fails(&waited().check(&availability_demand::CHECK), "no trade was acknowledged");
    let mut lost = waited();
    lose_clients(&mut lost, S + 20, 6 * S);
    let result = lost.check(&availability_demand::CHECK);
    assert_inconclusive(&result, "a host of clients was lost");
    let unanswered = |trial: &Trial| {
        let result = trial.check(&answers::CHECK);
        let mut examined = result.examined.iter();
        examined.find(|one| one.what == "of them not answered").map(|one| one.count)
    };
    assert_eq!((unanswered(&waited()), unanswered(&lost)), (Some(1), Some(0)));
    // With it nothing is lost of what the services hold.
    let mut held = Trial::new();
    held.trade(1, "r1", Buy, 3, "Stock1", (100, 200));
    lose_clients(&mut held, 4_000, 5_000);
    assert_passes(&held.check(&survival::CHECK));
    held.finals.retain(|row| row.request_id.is_none());
    assert_fails(&held.check(&survival::CHECK), "r1");
}

#[test]
fn what_showed_before_a_host_was_lost_is_a_violation_and_what_showed_later_is_none() {
    let backwards = || {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (1_000, 2_000));
        trial.show(2, "Stock1", 97, 3, (3_000, 3_500));
        trial.show(2, "Stock1", 100, 0, (6_000, 6_500));
        trial
    };
    assert_fails(&backwards().check(&client_reads::CHECK), "Stock1");
    let mut later = backwards();
    lose_a_host(&mut later, 10_000);
    assert_fails(&later.check(&client_reads::CHECK), "Stock1");
    let mut before = backwards();
    lose_a_host(&mut before, 5_500);
    assert_inconclusive(&before.check(&client_reads::CHECK), "n2 at 5.500 ms (its agent ended)");
}
