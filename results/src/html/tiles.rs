//! The few figures that a run comes down to, each with what it is out of.

use super::format::{NONE, counted, some_ms};
use super::material::Material;
use crate::availability::{AvailabilityRow, FaultGroup, OverallRow};
use crate::checks::{CheckResult, ConsistencyReport, Harmed};
use crate::compare::Change;
use crate::records::Op;
use crate::report::Report;
use crate::stats::{Basis, MIN_TRIALS};
use crate::summary::{SummaryRow, op_name};
use crate::text::{grouped, ms, three_digits};
use crate::verdict::Verdict;

/// One figure in large type.
pub(super) struct Tile {
    /// What it is.
    pub(super) label: String,
    /// The figure with its unit.
    pub(super) value: String,
    /// What it is out of, or how far it goes.
    pub(super) note: String,
}

/// The figures that the answer rests on.
pub(super) fn of(material: &Material<'_>) -> Vec<Tile> {
    let Material { figures, consistency, .. } = material;
    let mut tiles = Vec::new();
    tiles.extend(first_ack(&figures.overall));
    tiles.extend(cost_to_clients(&figures.availability, &figures.summary));
    for op in [Op::Query, Op::Trade] {
        tiles.extend(latency(figures, op));
    }
    tiles.push(harm(consistency));
    tiles
}

/// Until the service was back after a leader was hit: killed if any was, otherwise paused.
fn first_ack(overall: &[OverallRow]) -> Option<Tile> {
    let of_group =
        |group| overall.iter().find(|row| row.group == group && row.figure == "first_ack_ms");
    let acks = [FaultGroup::LeaderKill, FaultGroup::LeaderPause].into_iter().find_map(of_group)?;
    let name = acks.group.to_string();
    let label = format!("First acknowledged trade after a {name}");
    let kills = |number: usize| counted(number as u64, &name, &format!("{name}s"));
    let Some(median) = acks.median else {
        let note = format!("after {}", kills(acks.faults));
        return Some(Tile { label, value: "none seen".to_owned(), note });
    };
    let mut note = format!("median of {}, {} ms at most", kills(acks.seen), some_ms(acks.max));
    let unseen = acks.faults - acks.seen;
    if unseen > 0 {
        note = format!("{note}; none seen after {unseen}");
    }
    Some(Tile { label, value: format!("{} ms", three_digits(median)), note })
}

/// Operations that went wrong for clients in a run with faults.
fn cost_to_clients(faults: &[AvailabilityRow], summary: &[SummaryRow]) -> Option<Tile> {
    if faults.is_empty() {
        return None;
    }
    let sum = |count: fn(&SummaryRow) -> u64| summary.iter().map(count).sum::<u64>();
    let (failed, unknown) = (sum(|row| row.failed), sum(|row| row.unknown));
    Some(Tile {
        label: "Operations without an answer".to_owned(),
        value: grouped(failed + unknown),
        note: format!(
            "{failed} failed, {unknown} unknown; {} were answered",
            grouped(sum(SummaryRow::answered))
        ),
    })
}

/// The median where one cell stands for the run; with and without the cache where the run compares.
fn latency(figures: &Report, op: Op) -> Option<Tile> {
    let rows: Vec<&SummaryRow> =
        figures.summary.iter().filter(|row| row.op == op && row.p50_us.is_some()).collect();
    let name = op_name(op);
    let lowest = |a: &&&SummaryRow, b: &&&SummaryRow| {
        let rates = (a.rate_per_s.unwrap_or_default(), b.rate_per_s.unwrap_or_default());
        a.p.total_cmp(&b.p).then(rates.0.total_cmp(&rates.1))
    };
    let Some(first) = rows.iter().min_by(lowest) else { return withheld(figures, op) };
    let of = |cache: bool| {
        let alike = |row: &&&SummaryRow| row.p == first.p && row.rate_per_s == first.rate_per_s;
        rows.iter().filter(alike).find(|row| row.cache == cache)
    };
    let rate = first.rate_per_s.map(|rate| format!(", {rate}/s")).unwrap_or_default();
    let median = |row: &SummaryRow| row.p50_us.map(ms).unwrap_or_default();
    let p99 = |row: &SummaryRow| row.p99_us.map(ms).unwrap_or_default();
    Some(match (of(true), of(false)) {
        (Some(on), Some(off)) => Tile {
            label: format!("Median {name} with the cache, p = {}{rate}", first.p),
            value: median(on),
            note: format!(
                "{} without it{}; 99th percentile {} and {}",
                median(off),
                change(figures, on),
                p99(on),
                p99(off)
            ),
        },
        _ => Tile {
            label: format!("Median {name}, p = {}{rate}", first.p),
            value: median(first),
            note: format!(
                "{}99th percentile {}; {}",
                interval(first),
                p99(first),
                counted(first.answered(), "answered operation", "answered operations")
            ),
        },
    })
}

/// A tile that owns up to what an open loop's generator hides.
fn withheld(figures: &Report, op: Op) -> Option<Tile> {
    let row = figures.summary.iter().find(|row| row.op == op && row.is_withheld("p50"))?;
    Some(Tile {
        label: format!("Median {}, p = {}", op_name(op), row.p),
        value: "withheld".to_owned(),
        note: format!(
            "less than five times the generator’s own lateness; {}",
            counted(row.answered(), "answered operation", "answered operations")
        ),
    })
}

/// What can be said of the cache in this pair of settings: ` (better)`; and if nothing can, what it takes.
fn change(figures: &Report, on: &SummaryRow) -> String {
    let mut effects = figures.cache_effects.0.iter();
    let effect = effects.find(|effect| {
        effect.op == on.op && effect.p == on.p && effect.rate_per_s == on.rate_per_s
    });
    let Some(effect) = effect else { return String::new() };
    match effect.change {
        _ if effect.is_withheld => String::new(),
        Change::Unknown => format!(
            " (what the cache does {} from {}; it takes {MIN_TRIALS} of each)",
            effect.change.as_str(),
            counted(u64::from(on.trials), "trial", "trials")
        ),
        told => format!(" ({})", told.as_str()),
    }
}

/// Between which bounds a median lies, if that can be told: `95% interval 4.31 ms to 5.63 ms; `. How
/// steady it was within a single trial is none.
fn interval(row: &SummaryRow) -> String {
    if row.interval_basis != Some(Basis::Trials) {
        let trials = counted(u64::from(row.trials), "trial", "trials");
        return format!("{trials}, an interval takes {MIN_TRIALS}; ");
    }
    let bounds = row.p50_low_us.zip(row.p50_high_us);
    let words = bounds.map(|(low, high)| format!("95% interval {} to {}; ", ms(low), ms(high)));
    words.unwrap_or_default()
}

/// The checks that watch for the three ways in which a promise to a client is broken.
const HARM: [&str; 3] = ["acknowledged-orders-survive", "exactly-once", "no-stale-read"];

/// What was lost, doubled or stale, and out of how much.
fn harm(consistency: &ConsistencyReport) -> Tile {
    let of_check = |check: &&str| consistency.checks.iter().find(|result| result.name == **check);
    let watching: Vec<&CheckResult> = HARM.iter().filter_map(of_check).collect();
    let label = "Lost, doubled or stale".to_owned();
    if watching.iter().all(|check| check.verdict.is_none()) {
        let note = "nothing was traded, so nothing could be".to_owned();
        return Tile { label, value: NONE.to_owned(), note };
    }
    let judged = watching.iter().all(|check| check.verdict != Some(Verdict::Inconclusive));
    let harmed = Harmed::of(&consistency.harm);
    let run = &consistency.run;
    let mut note = format!(
        "{} lost, {} doubled, {} stale, in {} and {}",
        grouped(harmed.lost),
        grouped(harmed.doubled),
        grouped(harmed.stale),
        counted(run.acknowledged_trades, "acknowledged trade", "acknowledged trades"),
        counted(run.reads, "read", "reads")
    );
    let mut value = grouped(harmed.total());
    if !judged {
        value.push_str(" found");
        note.push_str("; not everything could be judged");
    }
    Tile { label, value, note }
}
