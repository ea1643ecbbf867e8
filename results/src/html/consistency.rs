//! What was promised, what was looked at, and what was found.

use super::embed::Embedder;
use super::evidence::Broken;
use super::format::{NONE, anchor, or_none, sign};
use crate::checks::{
    CheckResult, CheckStatus, ConsistencyReport, DoubtReport, Gate, LogDigest, PartLeftOut,
    TrialName, grouped_doubts, named, why,
};
use crate::text::{capitalised, grouped};
use crate::thresholds::ThresholdResult;
use crate::verdict::Verdict;

/// The section.
pub(super) struct Consistency {
    pub(super) checks: Vec<CheckLine>,
    /// Whether a check had nothing to look at.
    pub(super) some_unasked: bool,
    /// What was left out, since the target lacks what it needs, and why.
    pub(super) not_applicable: Vec<String>,
    pub(super) broken: Vec<Broken>,
    /// What the tables of rows of `final.csv` are about.
    pub(super) held: &'static str,
    pub(super) doubts: Vec<DoubtLine>,
    pub(super) gates: Vec<GateLine>,
    /// Whether one of them is shut.
    pub(super) some_shut: bool,
    pub(super) thresholds: Vec<ThresholdLine>,
    pub(super) logs: Vec<LogLine>,
}

/// One check.
pub(super) struct CheckLine {
    pub(super) id: String,
    pub(super) claim: String,
    /// Its class: the verdict's name, or `none`.
    pub(super) class: String,
    pub(super) sign: &'static str,
    pub(super) verdict: String,
    pub(super) violations: String,
    pub(super) examined: String,
    /// Where the evidence is, if there is any.
    pub(super) evidence: Option<String>,
}

/// A reason why something could not be judged.
pub(super) struct DoubtLine {
    pub(super) reason: String,
    pub(super) trials: String,
    pub(super) concerns: String,
}

/// Whether there was enough of something.
pub(super) struct GateLine {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) open: bool,
    pub(super) needs: String,
    pub(super) worst: String,
    pub(super) places: String,
    /// Where it was shut, and why.
    pub(super) shut: Vec<String>,
}

/// A threshold, and what came of it.
pub(super) struct ThresholdLine {
    pub(super) threshold: String,
    pub(super) verdict: Verdict,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    pub(super) measured: String,
}

/// Logs of a trial that are equal.
pub(super) struct LogLine {
    pub(super) trial: String,
    pub(super) sources: String,
    pub(super) orders: String,
    pub(super) sha256: String,
}

impl Consistency {
    pub(super) fn new(
        report: &ConsistencyReport,
        thresholds: &[ThresholdResult],
        embedder: &mut Embedder<'_>,
    ) -> Self {
        let asked = report.gates.iter().filter(|gate| gate.places > 0);
        Self {
            checks: report.checks.iter().map(CheckLine::new).collect(),
            some_unasked: report.checks.iter().any(|check| check.status() == CheckStatus::NotAsked),
            not_applicable: report.checks.iter().flat_map(not_applicable).collect(),
            broken: report.checks.iter().filter_map(|check| Broken::of(check, embedder)).collect(),
            held: match report.run.target {
                None => "What replicas and catalog held at the end",
                Some(_) => "What the target’s processes held at the end",
            },
            doubts: doubt_lines(&report.checks),
            gates: asked.map(GateLine::new).collect(),
            some_shut: report.gates.iter().any(|gate| !gate.is_open()),
            thresholds: thresholds.iter().map(ThresholdLine::new).collect(),
            logs: logs(&report.digests),
        }
    }
}

impl CheckLine {
    fn new(check: &CheckResult) -> Self {
        let verdict = match check.status() {
            CheckStatus::Judged(verdict) => verdict.to_string(),
            CheckStatus::NotAsked => "not asked".to_owned(),
            CheckStatus::NotApplicable => "not applicable".to_owned(),
        };
        Self {
            id: format!("check-{}", check.name),
            claim: capitalised(&check.claim),
            class: check.verdict.map_or("none".to_owned(), |verdict| verdict.to_string()),
            sign: sign(check.verdict),
            verdict,
            violations: grouped(check.violations),
            examined: check.examined_text(),
            evidence: (check.violations > 0).then(|| anchor(&check.name)),
        }
    }
}

/// The check, or its parts, that the target gives nothing to judge by.
fn not_applicable(check: &CheckResult) -> impl Iterator<Item = String> {
    let claim = capitalised(&check.claim);
    let whole = check.why_not_applicable().map(|why| format!("{claim}: {why}."));
    let part = move |part: &PartLeftOut| format!("{claim}, {}: {}.", part.what, why(&part.lacks));
    whole.into_iter().chain(check.left_out.iter().map(part))
}

/// Every reason for doubt, once.
pub(super) fn doubt_lines(checks: &[CheckResult]) -> Vec<DoubtLine> {
    let line = |(doubt, concerned): (&DoubtReport, Vec<&str>)| DoubtLine {
        reason: doubt.reason.clone(),
        trials: named(&doubt.trials),
        concerns: if concerned.len() == checks.len() {
            "every check".to_owned()
        } else {
            concerned.join("; ")
        },
    };
    grouped_doubts(checks).into_iter().map(line).collect()
}

impl GateLine {
    fn new(gate: &Gate) -> Self {
        let hidden = gate.shut_places - gate.shut.len() as u64;
        let shut = gate.shut.iter().map(|shut| {
            let trial = shut.trial.as_ref().map(|trial| format!(" of {trial}")).unwrap_or_default();
            format!("{}{trial}: {}", shut.place, shut.number)
        });
        let more = (hidden > 0).then(|| format!("and {hidden} more"));
        Self {
            name: gate.name.clone(),
            what: gate.what.clone(),
            open: gate.is_open(),
            needs: gate.bound(),
            worst: or_none(gate.worst, grouped),
            places: grouped(gate.places),
            shut: shut.chain(more).collect(),
        }
    }

    pub(super) fn class(&self) -> Verdict {
        if self.open { Verdict::Pass } else { Verdict::Inconclusive }
    }
}

impl ThresholdLine {
    fn new(held: &ThresholdResult) -> Self {
        Self {
            threshold: held.threshold.clone(),
            verdict: held.verdict,
            sign: sign(Some(held.verdict)),
            word: match held.verdict {
                Verdict::Pass => "kept",
                Verdict::Fail => "broken",
                Verdict::Inconclusive => "not measured",
            },
            measured: held.reason.clone(),
        }
    }
}

fn logs(digests: &[LogDigest]) -> Vec<LogLine> {
    let mut lines: Vec<LogLine> = Vec::new();
    for log in digests {
        let trial = TrialName { cell: log.cell.clone(), trial: log.trial }.to_string();
        let known = lines.iter_mut().find(|line| line.trial == trial && line.sha256 == log.sha256);
        match known {
            Some(line) => line.sources = format!("{} = {}", line.sources, log.source),
            None => lines.push(LogLine {
                trial,
                sources: log.source.clone(),
                orders: grouped(log.orders),
                sha256: if log.sha256.is_empty() { NONE.to_owned() } else { log.sha256.clone() },
            }),
        }
    }
    lines
}
