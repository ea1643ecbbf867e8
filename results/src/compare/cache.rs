//! What the cache buys, and what it costs.
//!
//! Compared are medians of cells of one run that differ in nothing but the cache, paired trial by
//! trial. The verdicts on one operation hold for all its cells together.

use super::effect::{Design, Draws, Ratio, ratio};
use super::floor::DEFAULT_FLOOR;
use super::judge::{Change, Good, together};
use super::side::{CellSample, Kind, Side};
use crate::records::{Cell, Manifest, Observation, Op};
use crate::stats::{CONFIDENCE, Figure, Interval};
use crate::summary::{SummaryRow, hit_share};

/// What the cache does to the median of one operation in one pair of cells.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheEffect {
    /// The operation.
    pub op: Op,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// In an open loop: how many iterations were due per second.
    pub rate_per_s: Option<f64>,
    /// The median without the cache, in microseconds.
    pub off_us: f64,
    /// The median with the cache, in microseconds.
    pub on_us: f64,
    /// The interval of `on_us / off_us`; empty if there was too little to tell.
    pub ratio: Option<Interval>,
    /// What can be said of the cache.
    pub change: Change,
    /// The share of queries that the cache answered, if the front-end said so.
    pub served: Option<f64>,
    /// Whether one of the medians says too much about the generator to be told
    /// ([`crate::lateness`]). Then nothing is claimed from them.
    pub is_withheld: bool,
}

/// The cache's effect on queries and trades.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CacheEffects(pub Vec<CacheEffect>);

/// Cells that differ in nothing but the cache.
struct Pair<'a> {
    off: &'a Cell,
    on: &'a Cell,
}

/// Every pair of cells, by operation and then in the manifest's order.
#[must_use]
pub fn cache_effects<'a>(
    manifest: &'a Manifest,
    observations: impl IntoIterator<Item = &'a Observation>,
    summary: &[SummaryRow],
) -> CacheEffects {
    let pairs: Vec<Pair<'_>> = pairs(&manifest.cells).collect();
    // Of two variants that have nothing to do with a cache nobody knows which is to be better.
    if pairs.is_empty() || !manifest.tells_cache() {
        return CacheEffects::default();
    }
    let side = Side::new(manifest, observations, &[], None);
    let mut draws = Draws::default();
    let effects = [Op::Query, Op::Trade].into_iter().flat_map(|op| {
        let measured: Vec<(&Pair<'_>, Ratio)> = pairs
            .iter()
            .filter_map(|pair| Some((pair, median_ratio(&side, pair, op, &mut draws)?)))
            .collect();
        let is_withheld = |pair: &Pair<'_>| is_withheld(pair, op, summary);
        let told = measured.iter().filter(|(pair, _)| !is_withheld(pair));
        let family: Vec<(Ratio, Good)> = told.map(|(_, ratio)| (*ratio, Good::Low)).collect();
        let mut changes = together(&family, DEFAULT_FLOOR).into_iter();
        measured
            .iter()
            .map(|(pair, ratio)| {
                let change = if is_withheld(pair) { None } else { changes.next() };
                effect(op, pair, ratio, change, summary)
            })
            .collect::<Vec<_>>()
    });
    CacheEffects(effects.collect())
}

fn pairs(cells: &[Cell]) -> impl Iterator<Item = Pair<'_>> {
    let is_same = |on: &Cell, off: &Cell| {
        let alike = (on.p, on.clients, on.rate_per_s) == (off.p, off.clients, off.rate_per_s);
        alike && on.build == off.build && on.build.as_deref() != Some("b")
    };
    cells.iter().filter(|cell| cell.cache).filter_map(move |on| {
        let off = cells.iter().find(|off| !off.cache && is_same(on, off))?;
        Some(Pair { off, on })
    })
}

fn median_ratio(side: &Side<'_>, pair: &Pair<'_>, op: Op, draws: &mut Draws) -> Option<Ratio> {
    let samples: (&CellSample, &CellSample) = (side.sample(pair.off)?, side.sample(pair.on)?);
    ratio(&[samples], Kind::Only(op), Figure::Percentile(0.5), Design::Paired, draws)
}

/// Whether the median of one of the cells is withheld.
fn is_withheld(pair: &Pair<'_>, op: Op, summary: &[SummaryRow]) -> bool {
    let mut rows = summary.iter().filter(|row| row.op == op);
    rows.any(|row| [&pair.off.id, &pair.on.id].contains(&&row.cell) && row.is_withheld("p50"))
}

/// `change` is empty if it is withheld.
fn effect(
    op: Op,
    pair: &Pair<'_>,
    ratio: &Ratio,
    change: Option<Change>,
    summary: &[SummaryRow],
) -> CacheEffect {
    let queries = summary.iter().find(|row| row.op == Op::Query && row.cell == pair.on.id);
    CacheEffect {
        op,
        p: pair.on.p,
        rate_per_s: pair.on.rate_per_s,
        off_us: ratio.a,
        on_us: ratio.b,
        ratio: ratio.spread.map(|spread| {
            let (middle, margin) = (ratio.logarithm(), spread.margin(CONFIDENCE));
            Interval { low: (middle - margin).exp(), high: (middle + margin).exp() }
        }),
        change: change.unwrap_or(Change::Unknown),
        is_withheld: change.is_none(),
        served: queries.and_then(hit_share),
    }
}

impl CacheEffect {
    /// `p = 0.4`, or `p = 0.4 and 200/s`.
    #[must_use]
    pub fn place(&self) -> String {
        match self.rate_per_s {
            Some(rate) => format!("p = {} and {rate}/s", self.p),
            None => format!("p = {}", self.p),
        }
    }
}
