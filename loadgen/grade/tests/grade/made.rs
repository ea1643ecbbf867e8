//! Reports made by hand: what a run would have shown.

use std::collections::BTreeMap;

use grade::rubric::Rubric;
use grade::story::Story;
use grade::story_run::{NoRun, Shown, StoryRun};
use results::availability::{self, AvailabilityRow};
use results::checks::{
    CheckResult, ConsistencyReport, DoubtReport, Gate, REPORT_FORMAT, RunSummary, ShutGate,
    TrialName, Violation, requirements,
};
use results::records::{Fact, Model, Target};
use results::verdict::Verdict;

/// What becomes of a check.
#[derive(Clone, Copy)]
pub(crate) enum Say<'a> {
    Fail(&'a [&'a str]),
    Doubt(&'a str),
    Lack(Fact),
    Nothing,
}

/// The run of a story in which every check passes but for those that are named.
pub(crate) fn run(story: Story, but: &[(&str, Say<'_>)]) -> StoryRun {
    ran(story, Ok(shown(but)))
}

/// A story of which there is no run.
pub(crate) fn no_run(story: Story, why: NoRun) -> StoryRun {
    ran(story, Err(why))
}

fn ran(story: Story, outcome: Result<Shown, NoRun>) -> StoryRun {
    let command = format!("double-trouble failover --target shop.toml --plan {story}");
    let page = outcome.is_ok().then(|| format!("{story}/report.html"));
    StoryRun { story, command, page, outcome }
}

/// Every story of the rubric, without a flaw.
pub(crate) fn flawless(rubric: &Rubric) -> Vec<StoryRun> {
    rubric.stories().map(|story| run(story, &[])).collect()
}

pub(crate) fn shown(but: &[(&str, Say<'_>)]) -> Shown {
    let mut names: Vec<&str> = requirements().map(|one| one.check).collect();
    names.dedup();
    let checks: Vec<CheckResult> = names.into_iter().map(|name| check(name, but)).collect();
    let run = RunSummary {
        kind: "failover".to_owned(),
        plan_name: "failover".to_owned(),
        target: Some("shop".to_owned()),
        model: Model::Stocks,
        seed: 1,
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        trials: 1,
        finished_trials: 1,
        operations: 1000,
        acknowledged_trades: 500,
        reads: 500,
        faults: 2,
        deaths: 0,
        client_breaks: 0,
        first_client_break: None,
        lost_senders: 0,
        first_lost_sender: None,
        late_answers: 0,
    };
    Shown {
        consistency: ConsistencyReport {
            format: REPORT_FORMAT,
            verdict: checks.iter().filter_map(|check| check.verdict).max().unwrap(),
            run,
            checks,
            gates: Vec::new(),
            anomalies: Vec::new(),
            digests: Vec::new(),
            reproduce: String::new(),
            files: Vec::new(),
        },
        target: Target::bazaar(3),
        summary: Vec::new(),
        faults: Vec::new(),
    }
}

/// Kills of leaders, by the milliseconds until the first acknowledgement, if one was seen, the longest gap's, and for how long
/// the machine stalled the harness, if it did.
pub(crate) fn leader_kills(kills: &[(Option<f64>, f64, Option<f64>)]) -> Vec<AvailabilityRow> {
    let mut csv = "cell,trial,fault,action,target,process,role,at_us,failed,unknown,first_ack_ms,\
                   longest_gap_ms,harness_stalled_ms\n"
        .to_owned();
    let text = |ms: Option<f64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
    for (fault, (first_ack_ms, gap_ms, stalled_ms)) in (1..).zip(kills) {
        let (ack, stalled) = (text(*first_ack_ms), text(*stalled_ms));
        csv += &format!(
            "p0.8-cache-on,1,{fault},kill,leader,order-3,leader,{fault}000000,0,0,{ack},{gap_ms},{stalled}\n"
        );
    }
    availability::read_csv(csv.as_bytes()).unwrap()
}

fn check(name: &str, but: &[(&str, Say<'_>)]) -> CheckResult {
    let mut result = CheckResult {
        name: name.to_owned(),
        claim: requirements().find(|one| one.check == name).unwrap().claim.to_owned(),
        verdict: Some(Verdict::Pass),
        lacks: Vec::new(),
        left_out: Vec::new(),
        examined: Vec::new(),
        violations: 0,
        maxima: BTreeMap::new(),
        doubts: Vec::new(),
        evidence: Vec::new(),
    };
    match but.iter().find(|(named, _)| *named == name).map(|(_, say)| *say) {
        None => {}
        Some(Say::Fail(seen)) => {
            result.verdict = Some(Verdict::Fail);
            result.violations = seen.len() as u64;
            result.evidence = seen.iter().map(|what| violation(what)).collect();
        }
        Some(Say::Doubt(reason)) => {
            result.verdict = Some(Verdict::Inconclusive);
            let trials = vec![TrialName { cell: "p0.8-cache-on".to_owned(), trial: 1 }];
            result.doubts = vec![DoubtReport { reason: reason.to_owned(), trials }];
        }
        Some(Say::Lack(fact)) => {
            result.verdict = None;
            result.lacks = vec![fact];
        }
        Some(Say::Nothing) => result.verdict = None,
    }
    result
}

fn violation(what: &str) -> Violation {
    Violation {
        cell: "p0.8-cache-on".to_owned(),
        trial: 1,
        what: what.to_owned(),
        at_us: None,
        request_ids: Vec::new(),
        operations: Vec::new(),
        held: Vec::new(),
        nearest_fault: None,
        picture: None,
    }
}

/// The same run, in which hardly anything happened.
pub(crate) fn idle(mut run: StoryRun) -> StoryRun {
    let shut = ShutGate { trial: None, place: "run".to_owned(), number: 3 };
    run.outcome.as_mut().unwrap().consistency.gates.push(Gate {
        name: "acknowledged-trades".to_owned(),
        what: "trades were acknowledged".to_owned(),
        needed: 30,
        at_most: false,
        places: 1,
        worst: Some(3),
        shut: vec![shut],
        shut_places: 1,
    });
    run
}

/// A rubric of one property with these fields, worth 12 points.
pub(crate) fn rubric(fields: &str) -> Rubric {
    let text = format!(
        "name = \"course\"\n[[properties]]\nname = \"one\"\ntitle = \"One\"\npoints = 12\n{fields}\n"
    );
    Rubric::read(&text, "test").unwrap()
}
