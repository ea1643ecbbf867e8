//! What the cache buys, and what it costs, in a sentence or two.
//!
//! Compared are medians of cells that differ in nothing but the cache. A difference below
//! [`NOISE`] is called none: without confidence intervals, anything smaller would be a claim that
//! the run cannot back.

use super::SummaryRow;
use super::table::hit_share;
use crate::records::Op;
use crate::text::{ms, three_digits};

/// Medians that differ by less than this share are called equal.
const NOISE: f64 = 0.05;

/// A median of fewer operations than this is not compared.
const ENOUGH: u64 = 30;

/// The median of one operation with the cache and without it, at one p.
struct Pair<'a> {
    on: &'a SummaryRow,
    p: f64,
    on_us: u64,
    off_us: u64,
}

impl Pair<'_> {
    /// How many times as fast it is with the cache.
    fn speedup(&self) -> f64 {
        self.off_us.max(1) as f64 / self.on_us.max(1) as f64
    }
}

/// One sentence about queries and one about trades; nothing if no two cells can be compared.
#[must_use]
pub fn what_the_cache_buys(rows: &[SummaryRow]) -> Option<String> {
    let sentences: Vec<String> =
        [about_queries(rows), about_trades(rows)].into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn pairs(rows: &[SummaryRow], op: Op) -> Vec<Pair<'_>> {
    let of_op = |row: &&SummaryRow| row.op == op && row.answered() >= ENOUGH;
    let mut pairs: Vec<Pair<'_>> = rows
        .iter()
        .filter(of_op)
        .filter(|row| row.cache)
        .filter_map(|on| {
            let mut others = rows.iter().filter(of_op).filter(|row| !row.cache);
            let off = others.find(|off| off.p == on.p && off.clients == on.clients)?;
            Some(Pair { on, p: on.p, on_us: on.p50_us?, off_us: off.p50_us? })
        })
        .collect();
    pairs.sort_by(|a, b| a.p.total_cmp(&b.p));
    pairs
}

fn about_queries(rows: &[SummaryRow]) -> Option<String> {
    let pairs = pairs(rows, Op::Query);
    let first = pairs.first()?;
    let served = served(&pairs);
    let differs = pairs.iter().any(|pair| (pair.speedup() - 1.0).abs() >= NOISE);
    if !differs {
        return Some(format!(
            "The cache makes no difference to the median query that this run can show: {} with it \
             and {} without at p = {}, within {:.0}% at every p{served}.",
            ms(first.on_us),
            ms(first.off_us),
            first.p,
            NOISE * 100.0,
        ));
    }
    let others: Vec<String> = pairs[1..]
        .iter()
        .map(|pair| format!("{} times at p = {}", three_digits(pair.speedup()), pair.p))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!(", {}", listed(&others)) };
    Some(format!(
        "With the cache on, the median query is {} times as fast at p = {} ({} instead of \
         {}){others}{served}.",
        three_digits(first.speedup()),
        first.p,
        ms(first.on_us),
        ms(first.off_us),
    ))
}

/// `; the cache answered 99% of the queries at p = 0 and 31% at p = 1`.
fn served(pairs: &[Pair<'_>]) -> String {
    let share = |pair: &Pair<'_>| hit_share(pair.on).map(|share| (pair.p, share * 100.0));
    let ends = (pairs.first().and_then(share), pairs.last().and_then(share));
    match ends {
        (Some((low, at_low)), Some((high, at_high))) if low < high => format!(
            "; the cache answered {at_low:.0}% of the queries at p = {low} and {at_high:.0}% at \
             p = {high}"
        ),
        (Some((p, share)), _) => {
            format!("; the cache answered {share:.0}% of the queries at p = {p}")
        }
        _ => String::new(),
    }
}

fn about_trades(rows: &[SummaryRow]) -> Option<String> {
    let pairs = pairs(rows, Op::Trade);
    let changes: Vec<(f64, f64)> = pairs
        .iter()
        .map(|pair| (pair.p, pair.on_us as f64 / pair.off_us.max(1) as f64 - 1.0))
        .collect();
    let lowest = changes.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let highest = changes.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let sentence = if highest.1.abs().max(lowest.1.abs()) < NOISE {
        format!(
            "It makes no difference to the median trade that this run can show (within {:.0}% at \
             every p).",
            NOISE * 100.0
        )
    } else if lowest.0 == highest.0 {
        format!("The median trade {} with it at p = {}.", takes(lowest.1), lowest.0)
    } else {
        format!(
            "The median trade changes by between {:+.0}% (p = {}) and {:+.0}% (p = {}) with it.",
            lowest.1 * 100.0,
            lowest.0,
            highest.1 * 100.0,
            highest.0
        )
    };
    Some(sentence)
}

/// `takes 12% longer`, `takes 8% less time`.
fn takes(change: f64) -> String {
    if change > 0.0 {
        format!("takes {:.0}% longer", change * 100.0)
    } else {
        format!("takes {:.0}% less time", -change * 100.0)
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
