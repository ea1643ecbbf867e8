//! What the cache buys, and what it costs, as a table and in a sentence or two.

use super::cache::{CacheEffect, CacheEffects};
use super::judge::Change;
use crate::records::Op;
use crate::stats::{Interval, MIN_TRIALS};
use crate::summary::op_name;
use crate::table::{Basis, Cell, Column, Field, Missing, Pick, Table, Unit};
use crate::text::{listed, ms, three_digits};

/// What there is of a pair of settings.
const FIELDS: [Field<CacheEffect>; 9] = [
    (Column::new("op", "operation", Unit::Text).short("op"), |effect| {
        Cell::text(op_name(effect.op))
    }),
    (Column::new("where", "where", Unit::Text), |effect| Cell::text(effect.place())),
    (Column::new("p", "p", Unit::Setting), |effect| Cell::number(effect.p)),
    (Column::new("rate_per_s", "rate per s", Unit::Setting), |effect| {
        Cell::some_number(effect.rate_per_s, Missing::NotApplicable)
    }),
    (Column::new("off_us", "without", Unit::Us).short("off"), |effect| {
        told(effect, Cell::number(effect.off_us))
    }),
    (Column::new("on_us", "with it", Unit::Us).short("on"), |effect| {
        told(effect, Cell::number(effect.on_us))
    }),
    (Column::new("change_percent", "change", Unit::Change), change),
    (Column::new("verdict", "the cache is", Unit::Text).short("verdict"), |effect| {
        Cell::text(effect.change.as_str())
    }),
    (Column::new("served_percent", "queries that the cache answered", Unit::Percent), |effect| {
        Cell::some_number(effect.served.map(|share| share * 100.0), Missing::NotMeasured)
    }),
];

fn change(effect: &CacheEffect) -> Cell {
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let interval =
        effect.ratio.map(|ratio| Interval { low: percent(ratio.low), high: percent(ratio.high) });
    let change = Cell::number(percent(effect.on_us / effect.off_us));
    told(effect, change.within(interval, Some(Basis::Trials)))
}

/// A figure of a pair, unless its medians are withheld.
fn told(effect: &CacheEffect, figure: Cell) -> Cell {
    if effect.is_withheld { Cell::missing(Missing::Withheld) } else { figure }
}

impl CacheEffects {
    /// A row for each pair of settings.
    #[must_use]
    pub fn table(&self) -> Table {
        Table::new("cache-effects", "What the cache does to medians", &FIELDS, &self.0)
    }

    /// The [`table`](Self::table) as aligned text below a caption; empty if there is no pair.
    #[must_use]
    pub fn text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let picks = [
            Pick::Value("op"),
            Pick::Value("where"),
            Pick::Value("off_us"),
            Pick::Value("on_us"),
            Pick::Value("change_percent"),
            Pick::Interval("change_percent"),
            Pick::Value("verdict"),
        ];
        format!("What the cache buys and costs: medians in µs.\n{}", self.table().to_text(&picks))
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
    effects.first()?;
    let served = served(effects);
    let Some(first) = effects.iter().find(|effect| !effect.is_withheld) else {
        return Some(format!(
            "What the cache does to the median query cannot be told: the generator was too late itself{served}."
        ));
    };
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
        .map(|effect| format!("{} at {}", speedup(effect, "times"), effect.place()))
        .collect();
    parts.extend(untold(effects));
    let parts = if parts.is_empty() { String::new() } else { format!(", {}", listed(&parts)) };
    Some(format!(
        "With the cache on, the median query is {} at {} ({} instead of {}){parts}{served}.",
        speedup(lead, "times as fast"),
        lead.place(),
        lead_ms.0,
        lead_ms.1,
    ))
}

fn about_trades(effects: &[&CacheEffect]) -> Option<String> {
    effects.first()?;
    if effects.iter().all(|effect| effect.is_withheld) {
        return Some("Nor can what it does to the median trade.".to_owned());
    }
    let told: Vec<String> =
        effects.iter().filter(|effect| is_told(effect)).map(|effect| cost(effect)).collect();
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

/// `2.50 times as fast (2.38 to 2.63)`.
fn speedup(effect: &CacheEffect, times: &str) -> String {
    let interval = effect.ratio.map_or_else(String::new, |ratio| {
        let (low, high) = (1.0 / ratio.high, 1.0 / ratio.low);
        format!(" ({} to {})", three_digits(low), three_digits(high))
    });
    format!("{} {times}{interval}", three_digits(effect.off_us / effect.on_us))
}

/// `takes 12% longer (8% to 16%)`.
fn cost(effect: &CacheEffect) -> String {
    let change = effect.on_us / effect.off_us - 1.0;
    let (word, sign) = if change > 0.0 { ("longer", 1.0) } else { ("less", -1.0) };
    let interval = effect.ratio.map_or_else(String::new, |ratio| {
        let ends = [ratio.low, ratio.high].map(|end| (end - 1.0) * 100.0 * sign);
        format!(" ({:.0}% to {:.0}%)", ends[0].min(ends[1]), ends[0].max(ends[1]))
    });
    format!("takes {:.0}% {word}{interval} at {}", change.abs() * 100.0, effect.place())
}
