//! Which figures are compared.

use std::collections::BTreeSet;

use super::broken::Broken;
use super::comparison::{Effect, MUST_SEE};
use super::effect::{Design, Draws, Ratio, ratio, ratio_of_medians};
use super::judge::{self, Change, Good};
use super::side::{CellSample, Kind};
use crate::availability::AvailabilityRow;
use crate::records::Op;
use crate::stats::{CONFIDENCE, Figure};

/// A figure of operations.
struct Spec {
    /// As thresholds have it.
    name: &'static str,
    /// For people.
    label: &'static str,
    kind: Kind,
    figure: Figure,
}

const MEDIAN: Figure = Figure::Percentile(0.5);
const P99: Figure = Figure::Percentile(0.99);

/// The family that the verdict rests on, of stocks and of registers and logs. What nobody measured is in no family, so a target has
/// the figures of its own operations alone.
const HEADLINE: [Spec; 13] = [
    spec("query.p50_us", "query median, µs", Kind::Only(Op::Query), MEDIAN),
    spec("query.p99_us", "query p99, µs", Kind::Only(Op::Query), P99),
    spec("trade.p50_us", "trade median, µs", Kind::Only(Op::Trade), MEDIAN),
    spec("trade.p99_us", "trade p99, µs", Kind::Only(Op::Trade), P99),
    spec("read.p50_us", "read median, µs", Kind::Only(Op::Read), MEDIAN),
    spec("read.p99_us", "read p99, µs", Kind::Only(Op::Read), P99),
    spec("write.p50_us", "write median, µs", Kind::Only(Op::Write), MEDIAN),
    spec("write.p99_us", "write p99, µs", Kind::Only(Op::Write), P99),
    spec(
        "compare-and-set.p50_us",
        "compare-and-set median, µs",
        Kind::Only(Op::CompareAndSet),
        MEDIAN,
    ),
    spec("compare-and-set.p99_us", "compare-and-set p99, µs", Kind::Only(Op::CompareAndSet), P99),
    spec("append.p50_us", "append median, µs", Kind::Only(Op::Append), MEDIAN),
    spec("append.p99_us", "append p99, µs", Kind::Only(Op::Append), P99),
    spec("throughput_per_s", "accepted/s", Kind::Load, Figure::Throughput),
];

/// Shown for each cell besides.
const LOOKUPS: [Spec; 2] = [
    spec("lookup.p50_us", "lookup median, µs", Kind::Only(Op::Lookup), MEDIAN),
    spec("lookup.p99_us", "lookup p99, µs", Kind::Only(Op::Lookup), P99),
];

/// A median over fewer faults than this is not compared.
const MIN_FAULTS: usize = 5;

const fn spec(name: &'static str, label: &'static str, kind: Kind, figure: Figure) -> Spec {
    Spec { name, label, kind, figure }
}

/// A figure and its effect.
pub(super) struct MeasuredEffect {
    name: String,
    label: String,
    good: Good,
    /// Whether a comparison that could not see it change is worth nothing.
    must_be_seen: bool,
    pub(super) ratio: Ratio,
}

impl MeasuredEffect {
    fn new(spec: &Spec, ratio: Ratio) -> Self {
        let good = if spec.figure == Figure::Throughput { Good::High } else { Good::Low };
        Self {
            name: spec.name.to_owned(),
            label: spec.label.to_owned(),
            good,
            must_be_seen: spec.figure != P99,
            ratio,
        }
    }

    fn judged(&self, cell: Option<&str>, change: Change) -> Effect {
        let percent = |logarithm: f64| logarithm.exp_m1() * 100.0;
        let logarithm = self.ratio.logarithm();
        let margin = self.ratio.spread.map(|spread| spread.margin(CONFIDENCE));
        let worst = |margin: f64| match self.good {
            Good::Low => logarithm + margin,
            Good::High => margin - logarithm,
        };
        Effect {
            metric: self.name.clone(),
            label: self.label.clone(),
            cell: cell.map(str::to_owned),
            a: self.ratio.a,
            b: self.ratio.b,
            percent: percent(logarithm),
            low_percent: margin.map(|margin| percent(logarithm - margin)),
            high_percent: margin.map(|margin| percent(logarithm + margin)),
            could_hide: self.must_be_seen
                && margin.is_none_or(|margin| worst(margin) >= MUST_SEE.ln_1p()),
            change,
        }
    }

    /// The effect, looked at alone.
    pub(super) fn judged_alone(&self, cell: &str, floor: f64) -> Effect {
        self.judged(Some(cell), judge::alone(&self.ratio, self.good, floor))
    }
}

/// Effects that are looked at together.
pub(super) fn judged_together(family: &[MeasuredEffect], floor: f64) -> Vec<Effect> {
    let ratios: Vec<(Ratio, Good)> = family.iter().map(|one| (one.ratio, one.good)).collect();
    let changes = judge::together(&ratios, floor);
    family.iter().zip(changes).map(|(one, change)| one.judged(None, change)).collect()
}

/// The headline figures over all cells.
pub(super) fn headline(
    pairs: &[(&CellSample, &CellSample)],
    design: Design,
    draws: &mut Draws,
) -> Vec<MeasuredEffect> {
    measured(HEADLINE.iter(), pairs, design, draws)
}

/// The figures of one cell.
pub(super) fn of_cell(
    pair: &(&CellSample, &CellSample),
    design: Design,
    draws: &mut Draws,
) -> Vec<MeasuredEffect> {
    measured(HEADLINE.iter().chain(&LOOKUPS), std::slice::from_ref(pair), design, draws)
}

fn measured<'a>(
    specs: impl Iterator<Item = &'a Spec>,
    pairs: &[(&CellSample, &CellSample)],
    design: Design,
    draws: &mut Draws,
) -> Vec<MeasuredEffect> {
    let one = |spec: &Spec| {
        let ratio = ratio(pairs, spec.kind, spec.figure, design, draws)?;
        Some(MeasuredEffect::new(spec, ratio))
    };
    specs.filter_map(one).collect()
}

/// What faults cost that break something for a moment, fault by fault.
pub(super) fn of_faults(
    a: &[(u32, &AvailabilityRow)],
    b: &[(u32, &AvailabilityRow)],
    draws: &mut Draws,
) -> Vec<MeasuredEffect> {
    type Time = fn(&AvailabilityRow) -> Option<f64>;
    let times: [(&str, &str, Time); 2] = [
        ("first_ack_ms", "first ack", |row| row.first_ack_ms),
        ("longest_gap_ms", "longest gap", |row| row.longest_gap_ms),
    ];
    let mut found = Vec::new();
    for kind in Broken::ALL {
        for (name, label, time) in times {
            let of = |rows: &[(u32, &AvailabilityRow)]| -> Vec<f64> {
                let rows = rows.iter().map(|(_, row)| row);
                let of_kind = rows.filter(|row| Broken::of(row) == Some(kind));
                of_kind.filter_map(|row| time(row)).collect()
            };
            let trials = trials(a).min(trials(b));
            let ratio = ratio_of_medians(&of(a), &of(b), MIN_FAULTS, trials, draws);
            let Some(ratio) = ratio else { continue };
            found.push(MeasuredEffect {
                name: kind.metric(name),
                label: format!("{label} after {}, median ms", kind.words()),
                good: Good::Low,
                must_be_seen: false,
                ratio,
            });
        }
    }
    found
}

/// In how many trials these faults were.
fn trials(rows: &[(u32, &AvailabilityRow)]) -> usize {
    rows.iter().map(|(run, row)| (run, &row.cell, row.trial)).collect::<BTreeSet<_>>().len()
}
