//! Points for reports that pass, fail, are inconclusive, do not apply, or are not there.

use grade::graded::{GradedProperty, Outcome};
use grade::story::Story::{Bench, Failover, Hang};
use grade::story_run::{NoRun, StoryRun};
use grade::{grade, rubric::Rubric};
use results::records::Fact;

use crate::made::{Say, flawless, idle, leader_kills, no_run, rubric, run};

const SURVIVE: &str = "checks = [\"acknowledged-orders-survive\"]\nruns = [\"failover\"]";

fn one(fields: &str, runs: &[StoryRun]) -> GradedProperty {
    grade("shop", &rubric(fields), runs).properties.remove(0)
}

fn lines(property: &GradedProperty) -> Vec<String> {
    property.reasons.iter().flat_map(|reason| reason.lines()).collect()
}

#[test]
fn who_holds_everything_earns_everything() {
    let rubric = Rubric::built_in().unwrap();
    let mut runs: Vec<StoryRun> = flawless(&rubric);
    for run in &mut runs {
        run.outcome.as_mut().unwrap().faults = leader_kills(&[(Some(186.0), 183.0, None)]);
    }
    let graded = grade("shop", &rubric, &runs);
    assert!(graded.properties.iter().all(|one| one.outcome == Outcome::Held), "{graded:?}");
    let total = graded.total();
    assert_eq!(total.words(), "100 of 100 points (100 %)");
    assert_eq!(total.notes(), Vec::<String>::new());
}

/// What the rubric says of how soon trades go on after these deaths of leaders, while nothing was to be seen of what only a quiet machine shows.
fn available(kills: &[(Option<f64>, f64, Option<f64>)]) -> GradedProperty {
    let mut failover = run(Failover, &[("progress-while-possible", Say::Nothing)]);
    failover.outcome.as_mut().unwrap().faults = leader_kills(kills);
    let rubric = Rubric::built_in().unwrap();
    let mut properties = grade("shop", &rubric, &[failover]).properties;
    properties.remove(properties.iter().position(|one| one.name == "available").unwrap())
}

#[test]
fn a_service_that_goes_on_after_each_death_has_the_points_also_on_a_slow_machine() {
    // Of the first of two deaths in a row the end was not seen, and the machine stalled more than once.
    let kills = [
        (Some(620.0), 600.0, None),
        (None, 600.0, None),
        (Some(1_400.0), 1_400.0, Some(400.0)),
        (Some(900.0), 850.0, Some(130.0)),
    ];
    let property = available(&kills);
    assert_eq!((property.outcome, property.points().as_str()), (Outcome::Held, "5 of 5"));
}

#[test]
fn a_service_that_takes_seconds_after_a_death_has_lost_the_points() {
    let slow = [(Some(300.0), 290.0, None), (Some(2_894.0), 2_890.0, None)];
    let property = available(&slow);
    assert_eq!((property.outcome, property.points().as_str()), (Outcome::Broken, "0 of 5"));
    assert_eq!(lines(&property), ["Expected: leader-kill.longest_gap_ms.max < 2000. Seen: 2890."]);
    // It never goes on.
    let dead = available(&[(Some(300.0), 290.0, None), (None, 4_900.0, None)]);
    assert_eq!(dead.outcome, Outcome::Broken);
    // It refuses what it is sent instead of not answering.
    let refuses = available(&[(Some(2_894.0), 20.0, None), (Some(2_500.0), 20.0, None)]);
    assert_eq!(lines(&refuses), ["Expected: leader-kill.first_ack_ms.median < 2000. Seen: 2697."]);
}

#[test]
fn where_it_could_not_be_seen_how_soon_trades_go_on_nothing_is_judged() {
    let nobody = available(&[]);
    assert_eq!((nobody.outcome, nobody.points().as_str()), (Outcome::Unsure, "0 of 5"));
    assert!(lines(&nobody)[0].ends_with("no leader was hit in this way."), "{:?}", lines(&nobody));
    let stalled = available(&[(Some(300.0), 290.0, None), (Some(2_100.0), 2_050.0, Some(800.0))]);
    assert_eq!(stalled.outcome, Outcome::Unsure);
    assert!(lines(&stalled)[0].contains("for which the machine stalled the harness, 1250"));
}

#[test]
fn a_check_that_failed_costs_the_points_and_is_told_with_its_evidence_and_command() {
    let lost = ["order 1 is gone", "order 2 is gone", "order 3 is gone"];
    let property =
        one(SURVIVE, &[run(Failover, &[("acknowledged-orders-survive", Say::Fail(&lost))])]);
    assert_eq!((property.outcome, property.points().as_str()), (Outcome::Broken, "0 of 12"));
    assert_eq!(
        lines(&property),
        [
            "Expected: acknowledged orders survive, with their contents. Seen: order 1 is gone.",
            "Expected: acknowledged orders survive, with their contents. Seen: order 2 is gone.",
        ]
    );
    let reason = &property.reasons[0];
    assert_eq!(reason.more, 1);
    assert_eq!(reason.command, "double-trouble failover --target shop.toml --plan failover");
    assert_eq!(
        reason.sentence(),
        "Broken when its leader dies under load, again and again (failover)."
    );
}

#[test]
fn what_could_not_be_judged_earns_nothing_and_can_be_repeated() {
    let doubt = Say::Doubt("no fault was confirmed");
    let property = one(SURVIVE, &[run(Failover, &[("acknowledged-orders-survive", doubt)])]);
    assert_eq!((property.outcome, property.points().as_str()), (Outcome::Unsure, "0 of 12"));
    assert_eq!(property.open.to_string(), "12");
    assert!(property.reasons[0].is_worth_repeating());
    assert!(lines(&property)[0].ends_with("contents: no fault was confirmed."));
    let nothing = one(SURVIVE, &[run(Failover, &[("acknowledged-orders-survive", Say::Nothing)])]);
    assert_eq!(
        nothing.outcome,
        Outcome::Unsure,
        "a check without anything to look at shows nothing"
    );
}

#[test]
fn a_check_that_found_nothing_where_hardly_anything_happened_shows_nothing() {
    let property = one(SURVIVE, &[idle(run(Failover, &[]))]);
    assert_eq!(property.outcome, Outcome::Unsure);
    let said = "too little happened: only 3 trades were acknowledged, it takes 30 or more (run).";
    assert!(lines(&property)[0].ends_with(said), "{:?}", lines(&property));
    let lost = [("acknowledged-orders-survive", Say::Fail(&["order 1 is gone"][..]))];
    let broken = one(SURVIVE, &[idle(run(Failover, &lost))]);
    assert_eq!(broken.outcome, Outcome::Broken, "a violation is one, however little happened");
}

#[test]
fn what_a_submission_has_nothing_for_is_neither_earned_nor_lost_unless_it_is_required() {
    let lacks = [("acknowledged-orders-survive", Say::Lack(Fact::Lookups))];
    let runs = [run(Failover, &lacks)];
    let graded = grade("shop", &rubric(SURVIVE), &runs);
    assert_eq!(graded.properties[0].outcome, Outcome::NotAsked);
    assert!(
        lines(&graded.properties[0])[0]
            .ends_with("contents: your service has no lookups of orders.")
    );
    assert_eq!(graded.total().words(), "nothing could be asked");
    assert_eq!(graded.total().notes(), ["12 more were not asked, and are left out of the total."]);
    assert!(!graded.properties[0].reasons[0].is_worth_repeating());

    let required = grade("shop", &rubric(&format!("{SURVIVE}\nrequired = true")), &runs);
    assert_eq!(required.total().words(), "0 of 12 points (0 %)");
    let said = "your service has no lookups of orders, and this is required.";
    assert!(lines(&required.properties[0])[0].ends_with(said));
}

#[test]
fn one_check_that_does_not_apply_leaves_the_others_to_decide() {
    let fields =
        "checks = [\"acknowledged-orders-survive\", \"shown-orders-stay\"]\nruns = [\"failover\"]";
    let lack = ("shown-orders-stay", Say::Lack(Fact::Lookups));
    let held = one(fields, &[run(Failover, &[lack])]);
    assert_eq!((held.outcome, held.points().as_str()), (Outcome::Held, "12 of 12"));
    assert_eq!(held.reasons.len(), 1, "what was left out is told");
    let lost = ("acknowledged-orders-survive", Say::Fail(&["order 1 is gone"][..]));
    assert_eq!(one(fields, &[run(Failover, &[lack, lost])]).outcome, Outcome::Broken);
}

#[test]
fn a_submission_that_did_not_start_or_was_ended_has_lost_the_points() {
    let ended = [
        (
            NoRun::DidNotStart("order-1: exit status 1".to_owned()),
            "It did not start: order-1: exit status 1.",
        ),
        (NoRun::TimedOut { seconds: 90 }, "It was not over within 90 s, and was ended."),
        (
            NoRun::OverLimit("1.2 GB of memory".to_owned()),
            "It used more than it may, and was ended: 1.2 GB of memory.",
        ),
    ];
    for (why, said) in ended {
        let property = one(SURVIVE, &[no_run(Failover, why)]);
        assert_eq!(property.outcome, Outcome::Broken);
        assert_eq!(lines(&property), [said]);
    }
}

#[test]
fn a_story_that_was_not_run_earns_nothing_but_is_not_held_against_anybody() {
    let late = NoRun::NotDone("the 10 minutes were over".to_owned());
    let property = one(SURVIVE, &[no_run(Failover, late)]);
    assert_eq!((property.outcome, property.open.to_string().as_str()), (Outcome::Unsure, "12"));
    assert_eq!(lines(&property), ["It was not run: the 10 minutes were over."]);
    assert_eq!(one(SURVIVE, &[]).outcome, Outcome::Unsure, "nor is one that nobody told of");
    let without = NoRun::NotApplicable("your service has no leader".to_owned());
    assert_eq!(one(SURVIVE, &[no_run(Failover, without)]).outcome, Outcome::NotAsked);
}

#[test]
fn a_machine_that_is_in_the_way_of_every_story_asks_nothing_and_of_one_leaves_it_open() {
    let taken = || NoRun::MachineInTheWay("ports.shop: 8080 is taken".to_owned());
    let required = one(&format!("{SURVIVE}\nrequired = true"), &[no_run(Failover, taken())]);
    assert_eq!(required.outcome, Outcome::NotAsked, "required or not");
    let said = "It was not run, since this machine was in the way: ports.shop: 8080 is taken.";
    assert_eq!(lines(&required), [said]);
    let fields = "checks = [\"no-deadlock\"]\nruns = [\"bench\", \"failover\"]";
    let without = NoRun::NotApplicable("your service has no leader".to_owned());
    let rest = one(fields, &[no_run(Bench, taken()), no_run(Failover, without)]);
    assert_eq!(rest.outcome, Outcome::NotAsked, "nothing else could have been run");
    let some = one(fields, &[run(Bench, &[]), no_run(Failover, taken())]);
    assert_eq!((some.outcome, some.open.to_string().as_str()), (Outcome::Unsure, "12"));
}

#[test]
fn points_are_divided_by_runs_or_by_checks_where_the_rubric_says_so() {
    let fields =
        "checks = [\"no-deadlock\", \"conservation\"]\nruns = [\"bench\", \"failover\", \"hang\"]";
    let deadlock = [("no-deadlock", Say::Fail(&["nothing is answered since 3.2 s"][..]))];
    let runs = [run(Bench, &[]), run(Failover, &[]), run(Hang, &deadlock)];
    let points = |partial: &str| one(&format!("{fields}\npartial = \"{partial}\""), &runs).points();
    assert_eq!(["none", "by-run", "by-check"].map(points), ["0 of 12", "8 of 12", "6 of 12"]);
    let parted = one(&format!("{fields}\npartial = \"by-run\""), &runs);
    assert_eq!((parted.outcome, parted.open.is_none()), (Outcome::Partly, true));
}

#[test]
fn a_part_that_does_not_apply_leaves_its_points_to_the_others() {
    let fields = "checks = [\"no-deadlock\"]\nruns = [\"bench\", \"failover\", \"hang\"]\npartial = \"by-run\"";
    let without = || NoRun::NotApplicable("your service has no leader".to_owned());
    let late = || NoRun::NotDone("the 10 minutes were over".to_owned());
    let runs = [run(Bench, &[]), no_run(Failover, without()), no_run(Hang, late())];
    let property = one(fields, &runs);
    assert_eq!((property.points().as_str(), property.open.to_string().as_str()), ("6 of 12", "6"));
    let kinds: Vec<Outcome> = property.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [Outcome::Unsure, Outcome::NotAsked]);
}

#[test]
fn a_doubt_that_concerns_several_checks_is_told_once() {
    let fields = "checks = [\"no-deadlock\", \"conservation\"]\nruns = [\"bench\"]";
    let doubts = [
        ("no-deadlock", Say::Doubt("the trial was cut short")),
        ("conservation", Say::Doubt("the trial was cut short")),
    ];
    assert_eq!(lines(&one(fields, &[run(Bench, &doubts)])).len(), 1);
}

#[test]
fn a_figure_of_what_a_submission_lacks_is_not_asked() {
    let mut silent = run(Failover, &[]);
    silent.outcome.as_mut().unwrap().target =
        results::records::Target::new("shop", [Fact::Trades], Default::default());
    let fields = "figures = [\"failover.first_ack_ms.max < 5000\"]\nruns = [\"failover\"]";
    let property = one(fields, &[silent]);
    assert_eq!(property.outcome, Outcome::NotAsked);
    assert!(lines(&property)[0].ends_with("< 5000: your service does not tell who leads."));
}
