//! What a rubric demands of a run: that a check found nothing, or that a figure keeps to its bound. And what one run says of
//! one demand.

use results::checks::{CheckResult, CheckStatus, Gate};
use results::thresholds::{self, Figures, Threshold};
use results::verdict::Verdict;

use crate::story_run::{NoRun, Shown, StoryRun};

/// How many violations of a check are quoted; its run's page has more.
const MAX_QUOTED: usize = 2;

/// A demand.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand {
    /// That the check of this name finds nothing.
    Check(String),
    /// That a figure keeps to its bound.
    Figure(Threshold),
}

/// What a run says of a demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It was looked at, and holds.
    Holds,
    /// It does not hold. What was demanded, what was seen instead, and how often more.
    Broken { demanded: String, seen: Vec<String>, more: u64 },
    /// Nobody can tell. What was demanded, and why.
    Unsure { demanded: String, why: String },
    /// The submission has nothing that it could be asked of. What was demanded, and what is lacking.
    NotAsked { demanded: String, why: String },
}

impl Demand {
    /// What `run` says of it.
    pub(crate) fn find(&self, run: &StoryRun) -> Finding {
        let shown = match &run.outcome {
            Ok(shown) => shown,
            Err(none) => return no_run(none),
        };
        match self {
            Self::Check(name) => {
                let found = shown.consistency.checks.iter().find(|check| check.name == *name);
                found.map_or_else(|| not_made(name), |check| of_check(check, shown))
            }
            Self::Figure(threshold) => of_figure(threshold, shown),
        }
    }
}

/// A run that is not there says the same of every demand.
fn no_run(none: &NoRun) -> Finding {
    let demanded = String::new();
    match none {
        NoRun::DidNotStart(_) | NoRun::TimedOut { .. } | NoRun::OverLimit(_) => {
            Finding::Broken { demanded, seen: vec![none.to_string()], more: 0 }
        }
        NoRun::NotApplicable(why) => Finding::NotAsked { demanded, why: why.clone() },
        NoRun::MachineInTheWay(_) | NoRun::NotDone(_) => {
            Finding::Unsure { demanded, why: none.to_string() }
        }
    }
}

fn not_made(name: &str) -> Finding {
    let why = "this check was not made".to_owned();
    Finding::Unsure { demanded: name.to_owned(), why }
}

fn of_check(check: &CheckResult, shown: &Shown) -> Finding {
    let demanded = check.claim.clone();
    let unsure = |why: String| Finding::Unsure { demanded: demanded.clone(), why };
    match check.status() {
        CheckStatus::NotApplicable => {
            let why = check.why_not_applicable().unwrap_or_default();
            Finding::NotAsked { demanded, why }
        }
        CheckStatus::NotAsked => unsure("the run gave it nothing to look at".to_owned()),
        CheckStatus::Judged(Verdict::Fail) => {
            let quoted = check.evidence.iter().take(MAX_QUOTED);
            let seen: Vec<String> = quoted.map(|violation| violation.what.clone()).collect();
            Finding::Broken { demanded, more: check.violations - seen.len() as u64, seen }
        }
        CheckStatus::Judged(Verdict::Inconclusive) => {
            let doubt = check.doubts.first().map(|doubt| doubt.reason.clone());
            unsure(doubt.unwrap_or_else(|| "a problem could have gone unseen".to_owned()))
        }
        // Silence shows nothing if hardly anything happened.
        CheckStatus::Judged(Verdict::Pass) => {
            let too_little = shown.consistency.gates.iter().find_map(Gate::why_shut);
            too_little.map_or(Finding::Holds, |why| unsure(format!("too little happened: {why}")))
        }
    }
}

fn of_figure(threshold: &Threshold, shown: &Shown) -> Finding {
    let demanded = threshold.to_string();
    if let Some(why) = threshold.why_not_applicable(&shown.target) {
        return Finding::NotAsked { demanded, why };
    }
    let figures = Figures {
        summary: &shown.summary,
        availability: &shown.faults,
        consistency: Some(shown.consistency.verdict),
    };
    let results = thresholds::evaluate(std::slice::from_ref(threshold), &figures);
    let measured: Vec<String> = results.iter().map(|result| result.reason.clone()).collect();
    match thresholds::verdict(&results) {
        Verdict::Pass => Finding::Holds,
        Verdict::Fail => Finding::Broken { demanded, seen: measured, more: 0 },
        Verdict::Inconclusive => Finding::Unsure { demanded, why: measured.join("; ") },
    }
}
