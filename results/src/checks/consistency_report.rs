//! `consistency.json`: what every check found in the whole run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::anomalies::FaultAnomalies;
use super::check::{Check, Finding, MAX_EVIDENCE};
use super::evidence::Violation;
use super::gates::Gate;
use super::replicas::LogDigest;
use super::run_file::{PICTURES, RunFile};
use super::trial_name::TrialName;
use crate::records::{Fact, FolderError, Manifest, Model, RunFolder, Target};
use crate::text::counted;
use crate::verdict::Verdict;

/// The version of the format of `consistency.json`.
pub const REPORT_FORMAT: u32 = 1;

/// The name of the file in a run's folder.
const FILE: &str = "consistency.json";

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

/// The doubts of all checks, each reason once, with the claims that it concerns: most doubts
/// concern many checks for one reason.
pub(crate) fn grouped_doubts(checks: &[CheckResult]) -> Vec<(&DoubtReport, Vec<&str>)> {
    let mut grouped: Vec<(&DoubtReport, Vec<&str>)> = Vec::new();
    for check in checks {
        for doubt in &check.doubts {
            match grouped.iter_mut().find(|(known, _)| *known == doubt) {
                Some((_, concerned)) => concerned.push(&check.claim),
                None => grouped.push((doubt, vec![&check.claim])),
            }
        }
    }
    grouped
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// It looked.
    Judged(Verdict),
    /// The plan gave it nothing to look at.
    NotAsked,
    /// The target lacks what it needs. This is no pass.
    NotApplicable,
}

/// A part of a check that was left out, since the target lacks what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartLeftOut {
    /// What was not looked at.
    pub what: String,
    /// The facts that it lacks.
    pub lacks: Vec<Fact>,
}

/// What one check found in all trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's name, the same in every version.
    pub name: String,
    /// What holds if it passes.
    pub claim: String,
    /// Empty if the plan gave it nothing to look at: a run without trades loses none, but that
    /// says nothing about the bazaar. Empty, too, if the target lacks what the check needs.
    pub verdict: Option<Verdict>,
    /// What the target lacks for it. If there is anything, the check is not applicable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Fact>,
    /// Which parts of it were left out although others were done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<PartLeftOut>,
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

impl CheckResult {
    /// What became of it.
    #[must_use]
    pub fn status(&self) -> CheckStatus {
        match self.verdict {
            Some(verdict) => CheckStatus::Judged(verdict),
            None if self.lacks.is_empty() => CheckStatus::NotAsked,
            None => CheckStatus::NotApplicable,
        }
    }
}

/// What was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// `bench` or `failover`.
    pub kind: String,
    /// The plan's name.
    pub plan_name: String,
    /// The name of the target, if the run says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What that is.
    #[serde(default, skip_serializing_if = "is_stocks")]
    pub model: Model,
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
    /// How many processes ended that nobody had killed at that moment.
    pub deaths: u64,
    /// How often a client program of the target's broke.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub client_breaks: u64,
    /// What it did when it broke first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_client_break: Option<String>,
    /// How many answers of client programs came when their time was over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late_answers: u64,
    /// How often a host was lost that clients were on, or what sent their requests there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_senders: u64,
    /// Which was the first, when and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_lost_sender: Option<String>,
}

impl RunSummary {
    /// What client programs of the target's did wrong, a sentence each.
    #[must_use]
    pub fn about_clients(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.client_breaks > 0 {
            let times = counted(self.client_breaks, "time", "times");
            let first = self.first_client_break.as_deref().unwrap_or("for an unknown reason");
            sentences.push(format!(
                "The target's client program broke {times}, and was started again; the first: {first}. What it owed \
                 counts as unknown, and nobody is accused of it: see `client-broke` in events.csv."
            ));
        }
        if self.late_answers > 0 {
            let answers = counted(self.late_answers, "answer", "answers");
            sentences.push(format!(
                "{answers} of the target's client program came after the deadline. What was asked stays unknown: see \
                 `late-answer` in events.csv."
            ));
        }
        if self.lost_senders > 0 {
            let times = counted(self.lost_senders, "time", "times");
            let first = self.first_lost_sender.as_deref().unwrap_or("for an unknown reason");
            sentences.push(format!(
                "A host of clients was lost {times}; the first: {first}. What they were owed counts as unknown and nobody is accused of it, \
                 they asked no more, and so the load was less from then on: see `sender-lost` in events.csv."
            ));
        }
        sentences
    }

    /// Of a run of which no trial has been counted yet.
    pub(super) fn new(manifest: &Manifest) -> Self {
        Self {
            kind: manifest.kind.clone(),
            plan_name: manifest.plan_name.clone(),
            target: manifest.target.as_ref().map(|target| target.name.clone()),
            model: manifest.target.as_ref().map(Target::model).unwrap_or_default(),
            seed: manifest.seed,
            started_at: manifest.started_at.clone(),
            trials: 0,
            finished_trials: 0,
            operations: 0,
            acknowledged_trades: 0,
            reads: 0,
            faults: 0,
            deaths: 0,
            client_breaks: 0,
            first_client_break: None,
            late_answers: 0,
            lost_senders: 0,
            first_lost_sender: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_stocks(model: &Model) -> bool {
    *model == Model::Stocks
}

/// The consistency report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsistencyReport {
    /// [`REPORT_FORMAT`].
    pub format: u32,
    /// The worst verdict of all checks; at best inconclusive if a gate was shut.
    pub verdict: Verdict,
    /// What was checked.
    pub run: RunSummary,
    /// Every check, in a fixed order.
    pub checks: Vec<CheckResult>,
    /// Whether there was enough for the checks to look at.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// What was lost, doubled or stale, by fault; a fault that cost nothing is not named.
    #[serde(default, rename = "harm", skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<FaultAnomalies>,
    /// Every log that was dumped.
    pub digests: Vec<LogDigest>,
    /// The command that runs the same schedule again; empty if that is not known.
    #[serde(default)]
    pub reproduce: String,
    /// The plan that this command names, and the pictures of violations. They are files of their
    /// own, no part of `consistency.json`.
    #[serde(skip)]
    pub files: Vec<RunFile>,
}

impl ConsistencyReport {
    pub(super) fn new(
        run: RunSummary,
        tallies: Vec<Tally>,
        gates: Vec<Gate>,
        digests: Vec<LogDigest>,
    ) -> Self {
        let (checks, files): (Vec<CheckResult>, Vec<Vec<RunFile>>) =
            tallies.into_iter().map(Tally::result).unzip();
        let files = files.into_iter().flatten().collect();
        // If no check had anything to look at, the run showed nothing.
        let verdict = checks
            .iter()
            .filter_map(|check| check.verdict)
            .chain(nothing_judged(&checks).then_some(Verdict::Inconclusive))
            .reduce(Verdict::combine)
            .unwrap_or(Verdict::Inconclusive);
        let hard_enough =
            if gates.iter().all(Gate::is_open) { Verdict::Pass } else { Verdict::Inconclusive };
        let verdict = verdict.combine(hard_enough);
        let (anomalies, reproduce) = (Vec::new(), String::new());
        Self {
            format: REPORT_FORMAT,
            verdict,
            run,
            checks,
            gates,
            anomalies,
            digests,
            reproduce,
            files,
        }
    }

    /// The same in the words of a model: what is counted and doubted is said of trades, and a register has writes.
    pub(super) fn in_words_of(mut self, model: Model) -> Self {
        for gate in &mut self.gates {
            gate.what = model.worded(&gate.what);
        }
        for check in &mut self.checks {
            for count in &mut check.examined {
                count.what = model.worded(&count.what);
            }
            for doubt in &mut check.doubts {
                doubt.reason = model.worded(&doubt.reason);
            }
        }
        self
    }

    /// The report that was written into the run's folder; nothing if none was.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(folder: &RunFolder) -> Result<Option<Self>, FolderError> {
        let path = folder.path(FILE);
        let text = match fs::read_to_string(&path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|source| FolderError::Read { path: path.clone(), source })?,
        };
        let report = serde_json::from_str(&text).map_err(io::Error::from);
        report.map(Some).map_err(|source| FolderError::Read { path, source })
    }

    /// Why a problem could have gone unseen, each reason once, in sentences without their full stops: what checks doubt, and what
    /// there was too little of.
    #[must_use]
    pub fn why_inconclusive(&self) -> Vec<String> {
        let doubts = self.checks.iter().flat_map(|check| &check.doubts);
        let doubts = doubts.map(|doubt| doubt.reason.clone());
        let mut reasons = Vec::new();
        for reason in doubts.chain(self.gates.iter().filter_map(Gate::why_shut)) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// Whether the check of this name could have found something wrong in the trial, had there been
    /// anything.
    #[must_use]
    pub fn could_tell(&self, check: &str, trial: &TrialName) -> bool {
        self.result(check).is_some_and(|result| {
            let doubted = result.doubts.iter().any(|doubt| doubt.trials.contains(trial));
            result.verdict.is_some() && !doubted
        })
    }

    /// Whether the check of this name is one that the run's target can be asked.
    #[must_use]
    pub fn applies(&self, check: &str) -> bool {
        self.result(check).is_some_and(|result| result.status() != CheckStatus::NotApplicable)
    }

    fn result(&self, check: &str) -> Option<&CheckResult> {
        self.checks.iter().find(|result| result.name == check)
    }

    /// Whether so little applies to the target that nothing was judged of what it answers: no more than that
    /// it lives and answers. The verdict is inconclusive then, if nothing is wrong with that.
    #[must_use]
    pub fn nothing_judged(&self) -> bool {
        nothing_judged(&self.checks)
    }

    /// How many violations all checks found together.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.checks.iter().map(|check| check.violations).sum()
    }

    /// Writes `consistency.json` and [its files](Self::files) into the run's folder. Pictures of an
    /// earlier report, which this one may contradict, are removed.
    pub fn write(&self, folder: &RunFolder) -> Result<(), FolderError> {
        let written = |path: PathBuf, result: io::Result<()>| {
            result.map_err(|source| FolderError::Write { path, source })
        };
        written(folder.root().to_owned(), self.remove_old_pictures(folder.root()))?;
        for RunFile { name, contents } in &self.files {
            let path = folder.path(name);
            written(path.clone(), fs::write(path, contents))?;
        }
        let json = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let path = folder.path(FILE);
        written(path.clone(), json.and_then(|json| fs::write(path, json + "\n")))
    }

    fn remove_old_pictures(&self, root: &Path) -> io::Result<()> {
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_picture = name.starts_with(PICTURES) && name.ends_with(".html");
            if is_picture && self.files.iter().all(|file| file.name != name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// What asks whether processes live and operations are answered, in time and in a form that can be read. None
/// of these holds an answer against another one, against a state, or against what was promised: a service
/// that forgets everything passes them.
const SIGNS_OF_LIFE: [&Check; 9] = [
    &super::progress::CHECK,
    &super::progress::WRITES,
    &super::progress::APPENDS,
    &super::availability_demand::CHECK,
    &super::availability_demand::WRITES,
    &super::availability_demand::APPENDS,
    &super::answers::CHECK,
    &super::deaths::CHECK,
    &super::deadlock::CHECK,
];

fn nothing_judged(checks: &[CheckResult]) -> bool {
    let is_more = |check: &&CheckResult| SIGNS_OF_LIFE.iter().all(|sign| sign.name != check.name);
    let of_answers = || checks.iter().filter(is_more);
    let lacks_something = of_answers().any(|check| !check.lacks.is_empty());
    lacks_something && of_answers().all(|check| check.verdict.is_none())
}

/// What checks call whoever keeps the stocks, in claims and the names of parts.
const STOCK_KEEPER: &str = "catalog";

/// Adds up what a check found, trial by trial.
pub(super) struct Tally {
    result: CheckResult,
    files: Vec<RunFile>,
}

impl Tally {
    /// Of a check of this target, that has not looked yet. Who keeps the stocks, which is a catalog where checks say
    /// what they claim, goes by its own name.
    pub(super) fn new(check: &Check, target: &Target, keeper: &str) -> Self {
        let told = |text: &str| text.replace(STOCK_KEEPER, keeper);
        let left_out = check.left_out(target).into_iter();
        let left_out = left_out.map(|(part, lacks)| PartLeftOut { what: told(part.what), lacks });
        Self {
            result: CheckResult {
                name: check.name.to_owned(),
                claim: told(check.claim),
                verdict: None,
                lacks: check.lacks(target),
                left_out: left_out.collect(),
                examined: Vec::new(),
                violations: 0,
                maxima: BTreeMap::new(),
                doubts: Vec::new(),
                evidence: Vec::new(),
            },
            files: Vec::new(),
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
        self.files.extend(finding.files);
        result.violations += finding.violations;
        let room = MAX_EVIDENCE - result.evidence.len();
        result.evidence.extend(finding.evidence.into_iter().take(room));
    }

    fn result(self) -> (CheckResult, Vec<RunFile>) {
        let Self { mut result, files } = self;
        let looked_at_something = result.examined.first().is_some_and(|first| first.count > 0);
        result.verdict = if !result.lacks.is_empty() {
            None
        } else if result.violations > 0 {
            Some(Verdict::Fail)
        } else if !result.doubts.is_empty() {
            Some(Verdict::Inconclusive)
        } else {
            looked_at_something.then_some(Verdict::Pass)
        };
        (result, files)
    }
}
