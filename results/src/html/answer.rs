//! The answer in the page's first screen: what was found, what each kind of fault cost, and which times
//! without an answer no fault explains.

use super::format::{counted, or_none, some_ms};
use super::input::PageInput;
use crate::availability::{self, AvailabilityRow, FaultGroup, OverallRow};
use crate::checks::{AnomalyTotals, CheckResult, CheckStatus, ConsistencyReport};
use crate::knee::Sweep;
use crate::records::Model;
use crate::summary::{SummaryRow, op_name};
use crate::text::{grouped, ms};
use crate::verdict::Verdict;

/// The answer: its first sentences, what faults cost, and the rest of the sentences.
pub(super) struct Answer {
    /// The first sentences, which the first screen has room for.
    pub(super) lead: Vec<String>,
    /// A row per kind of fault; none in a run without faults.
    pub(super) costs: Vec<Cost>,
    /// The other sentences.
    pub(super) more: Vec<String>,
}

/// What the faults of one kind cost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// `7 leader kills`.
    pub(super) faults: String,
    /// The median time until a trade was acknowledged again, with its unit.
    pub(super) typical: String,
    /// The longest such time.
    pub(super) longest: String,
    /// Operations that failed or are unknown.
    pub(super) unanswered: String,
}

/// How many sentences the first screen has room for, on a phone too.
const LEAD: usize = 3;
/// And how many beside the table of costs.
const LEAD_WITH_COSTS: usize = 2;

/// How many broken promises are told of at the top.
const TOLD: usize = 3;

impl Answer {
    /// The worst is told first.
    pub(super) fn new(material: &PageInput<'_>) -> Self {
        let PageInput { figures, consistency, thresholds, catalog, .. } = material;
        let broken = consistency.checks.iter().filter_map(|check| {
            let first = check.evidence.first()?;
            Some(format!("Broken: {}. For example: {}.", check.claim, first.what))
        });
        let exceeded = thresholds.iter().filter(|held| held.verdict == Verdict::Fail);
        let exceeded =
            exceeded.map(|held| format!("Broken: {}. Measured: {}.", held.threshold, held.reason));
        let sweeps = figures.open_loop.iter().flat_map(|open_loop| &open_loop.sweeps);
        let anomalies = anomalies(consistency);
        let had_faults = !figures.availability.is_empty();
        let (asked, beside) =
            if had_faults { (Some(anomalies), None) } else { (None, Some(anomalies)) };
        let mut sentences: Vec<String> = broken
            .take(TOLD)
            .chain(exceeded.take(TOLD))
            .chain(asked)
            .chain(availability::about_gaps(&figures.gaps))
            .chain(sweeps.map(Sweep::sentence))
            .chain(figures.cache.clone())
            .chain(catalog.iter().cloned())
            .chain(hidden_by_waiting(&figures.summary))
            .chain(beside)
            .collect();
        let lead = if had_faults { LEAD_WITH_COSTS } else { LEAD };
        let more = sentences.split_off(lead.min(sentences.len()));
        Self { lead: sentences, costs: costs(&figures.availability, &figures.overall), more }
    }
}

/// The checks that watch for the ways in which a promise to a client is broken.
fn anomaly_checks(model: Model) -> &'static [&'static str] {
    match model {
        Model::Stocks => &["acknowledged-orders-survive", "exactly-once", "no-stale-read"],
        Model::Register => &["acknowledged-writes-survive", "no-stale-value"],
        Model::Log => &["acknowledged-appends-survive", "appended-once", "log-reads-agree"],
    }
}

/// What was lost, doubled or stale, and out of how much.
fn anomalies(consistency: &ConsistencyReport) -> String {
    let of_check = |check: &&str| consistency.checks.iter().find(|result| result.name == **check);
    let names = anomaly_checks(consistency.run.model);
    let watching: Vec<&CheckResult> = names.iter().filter_map(of_check).collect();
    let absent = watching.iter().filter(|check| check.status() == CheckStatus::NotApplicable);
    let absent = absent.count();
    if absent == watching.len() && absent > 0 {
        return "Whether anything was lost, doubled or stale cannot be judged of this target."
            .to_owned();
    }
    if watching.iter().all(|check| check.verdict.is_none()) {
        return "Nothing was traded, so nothing could be lost, doubled or stale.".to_owned();
    }
    let judged =
        absent == 0 && watching.iter().all(|check| check.verdict != Some(Verdict::Inconclusive));
    let totals = AnomalyTotals::of(&consistency.anomalies);
    let run = &consistency.run;
    let out_of = format!(
        "{} and {}",
        counted(run.acknowledged_trades, "acknowledged trade", "acknowledged trades"),
        counted(run.reads, "read", "reads")
    );
    let found = match totals.total() {
        0 if judged => format!("Nothing was lost, doubled or stale in {out_of}."),
        0 => format!("Nothing lost, doubled or stale was found in {out_of}."),
        _ => format!(
            "{} lost, {} doubled and {} stale in {out_of}.",
            grouped(totals.lost),
            grouped(totals.doubled),
            grouped(totals.stale)
        ),
    };
    if judged { found } else { format!("{found} Not everything could be judged.") }
}

/// A row for every kind of fault that occurred, in their order.
fn costs(faults: &[AvailabilityRow], overall: &[OverallRow]) -> Vec<Cost> {
    let cost = |group: FaultGroup| {
        let of_kind: Vec<_> = faults.iter().filter(|row| FaultGroup::of(row) == group).collect();
        let acks = overall.iter().find(|row| row.group == group && row.figure == "first_ack_ms")?;
        let outages = availability::outages(of_kind.iter().copied());
        let unanswered: u64 = outages.map(|row| row.failed + row.unknown).sum();
        let with_unit = |ms: Option<f64>| or_none(ms, |ms| format!("{} ms", some_ms(Some(ms))));
        let longest = match acks.faults - acks.seen {
            0 => with_unit(acks.max),
            unseen => format!("never after {unseen}"),
        };
        Some(Cost {
            faults: counted(of_kind.len() as u64, &one(group), &many(group)),
            typical: with_unit(acks.median),
            longest,
            unanswered: grouped(unanswered),
        })
    };
    FaultGroup::among(faults).into_iter().filter_map(cost).collect()
}

/// `leader kill`, `link fault`.
pub(super) fn one(group: FaultGroup) -> String {
    match group {
        FaultGroup::LeaderKill | FaultGroup::LeaderPause | FaultGroup::Flood => group.to_string(),
        FaultGroup::LeaderSlow => "slowed leader".to_owned(),
        FaultGroup::Own => "fault of its own".to_owned(),
        FaultGroup::Other => "fault of another kind".to_owned(),
        _ => format!("{group} fault"),
    }
}

/// `leader kills`, `link faults`.
pub(super) fn many(group: FaultGroup) -> String {
    match group {
        FaultGroup::Own => "faults of its own".to_owned(),
        FaultGroup::Other => "faults of another kind".to_owned(),
        _ => format!("{}s", one(group)),
    }
}

/// How many times as long as uncorrected a percentile must be to be worth a sentence.
const WORTH_TELLING: u64 = 2;

/// What an open loop shows and a count from the send hides, where that is most.
fn hidden_by_waiting(summary: &[SummaryRow]) -> Option<String> {
    let both = summary.iter().filter_map(|row| Some((row, row.p99_us?, row.uncorrected_p99_us?)));
    let (row, due_us, sent_us) = both
        .filter(|(_, due_us, sent_us)| *due_us >= sent_us.saturating_mul(WORTH_TELLING))
        .max_by_key(|(_, due_us, sent_us)| due_us - sent_us)?;
    Some(format!(
        "The 99th percentile of a {} is {} from the moment at which it was due ({}). Counted from \
         the moment at which it was sent, as most tools do, it would seem to be {}.",
        op_name(row.op),
        ms(due_us),
        row.cell,
        ms(sent_us)
    ))
}
