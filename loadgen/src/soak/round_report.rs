//! What one round of a soak came to, as `soak.json` has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use campaign::rounds::RoundFigures;
use results::checks::ConsistencyReport;
use results::records::{Manifest, Model};
use results::timeline::{Fault, FaultKind, Role, Timeline};
use results::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// What one round came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundReport {
    /// Its number, from 1.
    pub round: u32,
    /// Its folder in the soak's.
    pub folder: String,
    /// What its target is, whose words lines use.
    #[serde(skip)]
    pub model: Model,
    /// The verdict of its checks.
    pub verdict: Verdict,
    /// Whether its system did not start, so that nothing was done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub did_not_start: bool,
    /// Why it did not pass, a reason each: what failed, or why it could have hidden something.
    pub reasons: Vec<String>,
    /// The probability that a query was followed by a trade.
    pub p: f64,
    /// Whether the front-end cached; none where a target has no cache that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// The target's variant that was started, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How many clients there were.
    pub clients: u32,
    /// In an open loop: how many iterations were due per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// How many order replicas there were.
    pub replicas: u8,
    /// How many operations were recorded.
    pub operations: u64,
    /// How many trades were acknowledged.
    pub acknowledged_trades: u64,
    /// Faults that were injected, by action and by what the plan said of whom, for example
    /// `kill leader`; of links by action alone.
    pub faults: BTreeMap<String, u64>,
    /// Faults that found nobody to be done to.
    pub skipped: u64,
    /// How often the leader was killed, whatever the plan called it.
    pub leader_kills: u64,
    /// How often the leader was paused.
    pub leader_pauses: u64,
    /// How often somebody began to lead, the first included.
    pub leaderships: u64,
    /// What it delivered, and what its faults cost.
    #[serde(default)]
    pub figures: RoundFigures,
    /// How many bytes of it were kept.
    #[serde(default)]
    pub bytes: u64,
}

impl RoundReport {
    /// Of round `round`, whose run this is.
    #[must_use]
    pub fn new(
        round: u32,
        plan: &Plan,
        manifest: &Manifest,
        timeline: &Timeline,
        checked: &ConsistencyReport,
    ) -> Self {
        let mut report = Self {
            model: checked.run.model,
            verdict: checked.verdict,
            reasons: reasons(checked),
            operations: checked.run.operations,
            acknowledged_trades: checked.run.acknowledged_trades,
            ..Self::nothing(round, plan, manifest)
        };
        report.count_all(timeline);
        report
    }

    /// Of round `round`, whose system did not start.
    #[must_use]
    pub fn not_started(round: u32, plan: &Plan, manifest: &Manifest, why: &str) -> Self {
        Self {
            did_not_start: true,
            reasons: vec![format!("its system did not start: {why}")],
            ..Self::nothing(round, plan, manifest)
        }
    }

    /// Of a round of which nothing is known but its settings.
    fn nothing(round: u32, plan: &Plan, manifest: &Manifest) -> Self {
        // A round has one cell.
        let cell = manifest.cells.first();
        Self {
            round,
            folder: plan.name.clone(),
            model: manifest.target().model(),
            verdict: Verdict::Inconclusive,
            did_not_start: false,
            reasons: Vec::new(),
            p: plan.load.p.first().copied().unwrap_or_default(),
            cache: cell.filter(|_| manifest.tells_cache()).map(|cell| cell.cache),
            variant: cell.and_then(|cell| cell.variant.clone()),
            clients: plan.load.clients(),
            rate_per_s: plan.load.rate.first().copied(),
            replicas: plan.system.replicas,
            operations: 0,
            acknowledged_trades: 0,
            faults: BTreeMap::new(),
            skipped: 0,
            leader_kills: 0,
            leader_pauses: 0,
            leaderships: 0,
            figures: RoundFigures::default(),
            bytes: 0,
        }
    }

    pub(super) fn count_all(&mut self, timeline: &Timeline) {
        self.leaderships = timeline.terms().len() as u64;
        self.skipped = timeline.skips;
        for fault in timeline.faults() {
            self.count(fault);
        }
    }

    fn count(&mut self, fault: &Fault) {
        let kind = fault.kind;
        let target = fault.injected.target.as_deref().unwrap_or_default();
        let whom = if kind.is_of_links() { "link" } else { target };
        *self.faults.entry(format!("{kind} {whom}")).or_default() += 1;
        let led = fault.role == Role::Leader;
        self.leader_kills += u64::from(led && kind == FaultKind::Kill);
        self.leader_pauses += u64::from(led && kind == FaultKind::Pause);
    }

    /// Its load and its system, in words.
    pub(super) fn settings(&self) -> String {
        let started = match (self.cache, &self.variant) {
            (Some(true), _) => "cache on, ".to_owned(),
            (Some(false), _) => "cache off, ".to_owned(),
            (None, Some(variant)) => format!("{variant}, "),
            (None, None) => String::new(),
        };
        let rate = self.rate_per_s.map_or_else(String::new, |rate| format!(" at {rate}/s"));
        let (p, clients, replicas) = (self.p, self.clients, self.replicas);
        format!("p {p}, {started}{clients} clients{rate}, {replicas} replicas")
    }

    /// In a line.
    #[must_use]
    pub fn to_line(&self) -> String {
        let faults: u64 = self.faults.values().sum();
        let mut line = format!(
            "round {:>3}: {:<12} {faults:>2} faults, {:>2} leaderships, {:>6} operations, {:>5} {}s ({})",
            self.round,
            self.verdict.to_string(),
            self.leaderships,
            self.operations,
            self.acknowledged_trades,
            self.model.change(),
            self.settings(),
        );
        for reason in &self.reasons {
            // Writing to a String cannot fail.
            let _ = write!(line, "\n           {reason}");
        }
        line
    }
}

/// What failed, what is doubted, and what there was too little of, once each.
fn reasons(checked: &ConsistencyReport) -> Vec<String> {
    let mut reasons = Vec::new();
    for check in &checked.checks {
        if check.violations > 0 {
            let first = check.evidence.first().map_or("", |violation| violation.what.as_str());
            reasons.push(format!("{}: {} violations: {first}", check.name, check.violations));
        }
    }
    reasons.extend(checked.why_inconclusive());
    reasons
}
