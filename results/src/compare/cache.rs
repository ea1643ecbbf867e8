//! What the cache buys, and what it costs, in a table and in a sentence or two.
//!
//! Compared are medians of cells of one run that differ in nothing but the cache, paired trial by
//! trial. The verdicts on one operation hold for all its cells together.

use super::DEFAULT_FLOOR;
use super::effect::{Design, Draws, Ratio, ratio};
use super::judge::{Change, Good, together};
use super::side::{CellSample, Kind, Side};
use crate::records::{Cell, Manifest, Observation, Op};
use crate::stats::{CONFIDENCE, Figure, Interval, MIN_TRIALS};
use crate::summary::{SummaryRow, hit_share, op_name};
use crate::text::{aligned, ms, three_digits};

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
    if pairs.is_empty() {
        return CacheEffects::default();
    }
    let side = Side::new(manifest, observations, &[], None);
    let mut draws = Draws::default();
    let effects = [Op::Query, Op::Trade].into_iter().flat_map(|op| {
        let measured: Vec<(&Pair<'_>, Ratio)> = pairs
            .iter()
            .filter_map(|pair| Some((pair, median_ratio(&side, pair, op, &mut draws)?)))
            .collect();
        let family: Vec<(Ratio, Good)> =
            measured.iter().map(|(_, ratio)| (*ratio, Good::Low)).collect();
        let changes = together(&family, DEFAULT_FLOOR);
        measured
            .into_iter()
            .zip(changes)
            .map(|((pair, ratio), change)| effect(op, pair, &ratio, change, summary))
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

fn effect(
    op: Op,
    pair: &Pair<'_>,
    ratio: &Ratio,
    change: Change,
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
        change,
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

    /// `2.50 times as fast (2.38 to 2.63)`.
    fn speedup(&self, times: &str) -> String {
        let interval = self.ratio.map_or_else(String::new, |ratio| {
            let (low, high) = (1.0 / ratio.high, 1.0 / ratio.low);
            format!(" ({} to {})", three_digits(low), three_digits(high))
        });
        format!("{} {times}{interval}", three_digits(self.off_us / self.on_us))
    }

    /// `takes 12% longer (8% to 16%)`.
    fn cost(&self) -> String {
        let change = self.on_us / self.off_us - 1.0;
        let (word, sign) = if change > 0.0 { ("longer", 1.0) } else { ("less", -1.0) };
        let interval = self.ratio.map_or_else(String::new, |ratio| {
            let ends = [ratio.low, ratio.high].map(|end| (end - 1.0) * 100.0 * sign);
            format!(" ({:.0}% to {:.0}%)", ends[0].min(ends[1]), ends[0].max(ends[1]))
        });
        format!("takes {:.0}% {word}{interval} at {}", change.abs() * 100.0, self.place())
    }
}

impl CacheEffects {
    /// One line for each pair, below a caption; empty if there is none.
    #[must_use]
    pub fn table(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let header = ["median", "where", "off", "on", "change", "95% interval", "verdict"];
        let percent = |ratio: f64| format!("{:+.1}%", (ratio - 1.0) * 100.0);
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .map(|effect| {
                let interval = effect.ratio.map_or_else(
                    || "-".to_owned(),
                    |ratio| format!("{} to {}", percent(ratio.low), percent(ratio.high)),
                );
                vec![
                    op_name(effect.op).to_owned(),
                    effect.place(),
                    ms(effect.off_us.round() as u64),
                    ms(effect.on_us.round() as u64),
                    percent(effect.on_us / effect.off_us),
                    interval,
                    effect.change.as_str().to_owned(),
                ]
            })
            .collect();
        format!("What the cache buys and costs.\n{}", aligned(&header, 2, &rows))
    }

    /// One sentence about queries and one about trades; nothing if no two cells can be compared.
    #[must_use]
    pub fn sentences(&self) -> Option<String> {
        let of = |op: Op| self.0.iter().filter(move |effect| effect.op == op).collect::<Vec<_>>();
        let said: Vec<String> = [about_queries(&of(Op::Query)), about_trades(&of(Op::Trade))]
            .into_iter()
            .flatten()
            .collect();
        (!said.is_empty()).then(|| said.join(" "))
    }
}

fn about_queries(effects: &[&CacheEffect]) -> Option<String> {
    let first = effects.first()?;
    let served = served(effects);
    let (on, off) = (ms(first.on_us.round() as u64), ms(first.off_us.round() as u64));
    let told: Vec<&&CacheEffect> = effects.iter().filter(|effect| is_told(effect)).collect();
    if told.is_empty() && effects.iter().any(|effect| effect.change == Change::Unknown) {
        return Some(format!(
            "What the cache does to the median query cannot be told: it takes {MIN_TRIALS} trials of each \
             setting. Measured were {on} with it and {off} without at {}{served}.",
            first.place()
        ));
    }
    let Some((lead, others)) = told.split_first() else {
        return Some(format!(
            "The cache makes no difference to the median query that this run can show: {on} with it \
             and {off} without at {}{served}.",
            first.place()
        ));
    };
    let lead_ms = (ms(lead.on_us.round() as u64), ms(lead.off_us.round() as u64));
    let mut parts: Vec<String> = others
        .iter()
        .map(|effect| format!("{} at {}", effect.speedup("times"), effect.place()))
        .collect();
    parts.extend(untold(effects));
    let parts = if parts.is_empty() { String::new() } else { format!(", {}", listed(&parts)) };
    Some(format!(
        "With the cache on, the median query is {} at {} ({} instead of {}){parts}{served}.",
        lead.speedup("times as fast"),
        lead.place(),
        lead_ms.0,
        lead_ms.1,
    ))
}

fn about_trades(effects: &[&CacheEffect]) -> Option<String> {
    effects.first()?;
    let told: Vec<String> =
        effects.iter().filter(|effect| is_told(effect)).map(|effect| effect.cost()).collect();
    if told.is_empty() && effects.iter().any(|effect| effect.change == Change::Unknown) {
        return Some("Nor can what it does to the median trade.".to_owned());
    }
    if told.is_empty() {
        return Some(
            "It makes no difference to the median trade that this run can show.".to_owned(),
        );
    }
    let parts: Vec<String> = told.into_iter().chain(untold(effects)).collect();
    Some(format!("The median trade {} with it.", listed(&parts)))
}

/// Whether there is something to say of it. Of what has no interval there is not.
fn is_told(effect: &CacheEffect) -> bool {
    matches!(effect.change, Change::Better | Change::Worse)
}

/// `within noise at p = 0.8 and p = 1`, `cannot be told at p = 0`.
fn untold(effects: &[&CacheEffect]) -> impl Iterator<Item = String> {
    let at = |change: Change| {
        let so = effects.iter().filter(|effect| effect.change == change);
        let places: Vec<String> = so.map(|effect| effect.place()).collect();
        (!places.is_empty()).then(|| format!("{} at {}", change.as_str(), listed(&places)))
    };
    [at(Change::WithinNoise), at(Change::Unknown)].into_iter().flatten()
}

/// `; the cache answered 99% of the queries at p = 0 and 31% at p = 1`.
fn served(effects: &[&CacheEffect]) -> String {
    let share = |effect: &&CacheEffect| effect.served.map(|share| (effect.place(), share * 100.0));
    match (effects.first().and_then(share), effects.last().and_then(share)) {
        (Some((low, at_low)), Some((high, at_high))) if low != high => format!(
            "; the cache answered {at_low:.0}% of the queries at {low} and {at_high:.0}% at {high}"
        ),
        (Some((place, share)), _) => {
            format!("; the cache answered {share:.0}% of the queries at {place}")
        }
        _ => String::new(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
