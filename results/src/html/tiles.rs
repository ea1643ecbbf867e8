//! How fast the service answered, each figure with what it is out of.

use super::format::counted;
use super::input::PageInput;
use crate::compare::Change;
use crate::records::{Manifest, Op};
use crate::report::Report;
use crate::stats::{Basis, MIN_TRIALS};
use crate::summary::{OPS, SummaryRow, op_name};
use crate::text::ms;

/// One figure in large type.
pub(super) struct Tile {
    /// What it is.
    pub(super) label: String,
    /// The figure with its unit.
    pub(super) value: String,
    /// What it is out of, or how far it goes.
    pub(super) note: String,
}

/// The figures that stand for the run.
pub(super) fn of(material: &PageInput<'_>) -> Vec<Tile> {
    OPS.into_iter()
        .filter(|&op| op != Op::Lookup)
        .filter_map(|op| latency(material.manifest, material.figures, op))
        .collect()
}

/// The median where one cell stands for the run; with and without the cache where the run compares.
fn latency(manifest: &Manifest, figures: &Report, op: Op) -> Option<Tile> {
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
    let variant = |row: &SummaryRow| row.variant.clone().unwrap_or_default();
    Some(match (of(true), of(false)) {
        (Some(one), Some(other)) if !manifest.tells_cache() => Tile {
            label: format!("Median {name} with {}, p = {}{rate}", variant(one), first.p),
            value: median(one),
            note: format!(
                "{} with {}; 99th percentile {} and {}",
                median(other),
                variant(other),
                p99(one),
                p99(other)
            ),
        },
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
