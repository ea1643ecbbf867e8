//! `consistency.json`: what every check found in the whole run.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

use super::check::{Check, Finding, MAX_EVIDENCE};
use super::evidence::Violation;
use super::replicas::LogDigest;
use crate::records::{FolderError, Manifest, RunFolder};
use crate::verdict::Verdict;

/// The version of the format of `consistency.json`.
pub const REPORT_FORMAT: u32 = 1;

/// The name of the file in a run's folder.
const FILE: &str = "consistency.json";

/// Which trial of which cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialName {
    /// The cell of the manifest.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
}

impl fmt::Display for TrialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} trial {}", self.cell, self.trial)
    }
}

/// How much of something was looked at, in all trials together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What, in the plural.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// Why a check says nothing about some trials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtReport {
    /// In a sentence without its full stop.
    pub reason: String,
    /// The trials that it concerns.
    pub trials: Vec<TrialName>,
}

/// What one check found in all trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name, the same in every version.
    pub name: String,
    /// What holds if it passes.
    pub claim: String,
    /// Empty if the plan gave it nothing to look at: a run without trades loses none, but that
    /// says nothing about the bazaar.
    pub verdict: Option<Verdict>,
    /// What was looked at. The first is what a pass rests on.
    pub examined: Vec<Count>,
    /// How many violations were found.
    pub violations: u64,
    /// The largest values that were met, by name with unit: `stale_ms`, `backwards_ms`,
    /// `converge_ms`, `in_sync_ms`.
    pub maxima: BTreeMap<String, f64>,
    /// Why it is inconclusive, or would be if there were no violation.
    pub doubts: Vec<DoubtReport>,
    /// The first [`MAX_EVIDENCE`] violations.
    pub evidence: Vec<Violation>,
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// `bench` or `failover`.
    pub kind: String,
    /// The plan's name.
    pub plan_name: String,
    /// The seed.
    pub seed: u64,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// How many trials the plan has.
    pub trials: u32,
    /// How many of them were recorded to their end.
    pub finished_trials: u32,
    /// How many operations were recorded, warm-up and lookups included.
    pub operations: u64,
    /// How many trades were acknowledged.
    pub acknowledged_trades: u64,
    /// How many reads were answered.
    pub reads: u64,
    /// How many faults were injected, their restarts and resumes included.
    pub faults: u64,
    /// How many processes ended that nobody had killed. No violation by itself.
    pub deaths: u64,
}

impl RunSummary {
    /// Of a run of which no trial has been counted yet.
    pub(super) fn new(manifest: &Manifest) -> Self {
        Self {
            kind: manifest.kind.clone(),
            plan_name: manifest.plan_name.clone(),
            seed: manifest.seed,
            started_at: manifest.started_at.clone(),
            trials: 0,
            finished_trials: 0,
            operations: 0,
            acknowledged_trades: 0,
            reads: 0,
            faults: 0,
            deaths: 0,
        }
    }
}

/// The consistency report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsistencyReport {
    /// [`REPORT_FORMAT`].
    pub format: u32,
    /// The worst verdict of all checks.
    pub verdict: Verdict,
    /// What was checked.
    pub run: RunSummary,
    /// Every check, in a fixed order.
    pub checks: Vec<CheckResult>,
    /// Every log that was dumped.
    pub digests: Vec<LogDigest>,
}

impl ConsistencyReport {
    pub(super) fn new(run: RunSummary, tallies: Vec<Tally>, digests: Vec<LogDigest>) -> Self {
        let checks: Vec<CheckResult> = tallies.into_iter().map(Tally::result).collect();
        // If no check had anything to look at, the run showed nothing.
        let verdict = checks
            .iter()
            .filter_map(|check| check.verdict)
            .reduce(Verdict::combine)
            .unwrap_or(Verdict::Inconclusive);
        Self { format: REPORT_FORMAT, verdict, run, checks, digests }
    }

    /// How many violations all checks found together.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.checks.iter().map(|check| check.violations).sum()
    }

    /// The report for people: verdict first, then the checks, the doubts, the logs, the evidence.
    #[must_use]
    pub fn to_text(&self) -> String {
        super::text::render(self)
    }

    /// Writes `consistency.json` into the run's folder.
    pub fn write(&self, folder: &RunFolder) -> Result<(), FolderError> {
        let path = folder.path(FILE);
        let write = || {
            let mut json = serde_json::to_string_pretty(self)?;
            json.push('\n');
            fs::write(&path, json)
        };
        write().map_err(|source| FolderError::Write { path: path.clone(), source })
    }
}

/// Adds up what a check found, trial by trial.
pub(super) struct Tally {
    result: CheckResult,
}

impl Tally {
    pub(super) fn new(check: &Check) -> Self {
        Self {
            result: CheckResult {
                name: check.name.to_owned(),
                claim: check.claim.to_owned(),
                verdict: None,
                examined: Vec::new(),
                violations: 0,
                maxima: BTreeMap::new(),
                doubts: Vec::new(),
                evidence: Vec::new(),
            },
        }
    }

    pub(super) fn add(&mut self, trial: &TrialName, finding: Finding) {
        let result = &mut self.result;
        for (what, count) in finding.examined {
            match result.examined.iter_mut().find(|known| known.what == what) {
                Some(known) => known.count += count,
                None => result.examined.push(Count { what: what.to_owned(), count }),
            }
        }
        for (name, value) in finding.maxima {
            let max = result.maxima.entry(name.to_owned()).or_insert(value);
            *max = max.max(value);
        }
        for doubt in finding.doubts {
            let reason = doubt.to_string();
            match result.doubts.iter_mut().find(|known| known.reason == reason) {
                Some(known) => known.trials.push(trial.clone()),
                None => result.doubts.push(DoubtReport { reason, trials: vec![trial.clone()] }),
            }
        }
        result.violations += finding.violations;
        let room = MAX_EVIDENCE - result.evidence.len();
        result.evidence.extend(finding.evidence.into_iter().take(room));
    }

    fn result(self) -> CheckResult {
        let mut result = self.result;
        let looked_at_something = result.examined.first().is_some_and(|first| first.count > 0);
        result.verdict = if result.violations > 0 {
            Some(Verdict::Fail)
        } else if !result.doubts.is_empty() {
            Some(Verdict::Inconclusive)
        } else {
            looked_at_something.then_some(Verdict::Pass)
        };
        result
    }
}
