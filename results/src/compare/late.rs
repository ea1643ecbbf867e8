//! Latencies of an open loop that say too much about its generator to be published.
//!
//! Both sides had the same generator, so a comparison of them is not worthless; but what differs may be the
//! generator, and its lateness hides a part of what the services differ by. So they are named.

use std::collections::BTreeMap;

use super::comparison::Effect;
use crate::lateness;
use crate::records::Op;
use crate::run::Run;
use crate::summary::{OPS, op_name};

/// A cell that both sides have: its id on either side. The first is its name in the comparison.
pub(super) type Ids<'a> = (&'a str, &'a str);

/// Names the figures of cells that are less than five times the generator's own lateness with operations
/// of their kind at the same percentile, on either side; nothing if there is none.
pub(super) fn warning(a: &Run, b: &Run, cells: &[Ids<'_>], effects: &[Effect]) -> Option<String> {
    let trials = [a, b].map(lateness::by_trial);
    let [late_a, late_b] = [&trials[0], &trials[1]].map(|trials| lateness::by_cell(trials));
    let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for effect in effects {
        let Some(&(of_a, of_b)) =
            cells.iter().find(|(name, _)| effect.cell.as_deref() == Some(*name))
        else {
            continue;
        };
        // Lookups are made in a closed loop.
        let Some((name, figure)) = effect.metric.split_once('.') else { continue };
        let op = OPS.into_iter().find(|op| op_name(*op) == name && *op != Op::Lookup);
        let (Some(op), Some(quantile)) = (op, quantile_of(figure)) else { continue };
        let sides = [(late_a.get(of_a), effect.a), (late_b.get(of_b), effect.b)];
        let is_withheld = sides.into_iter().any(|(late, figure_us)| {
            let own = late.and_then(|late| late.own_by_op.get(&op));
            let own_us = own.and_then(|own| own.percentile_us(quantile));
            lateness::is_withheld(figure_us, own_us.map(|us| us as f64))
        });
        if is_withheld {
            let figure = effect.label.trim_end_matches(", µs");
            named.entry(of_a).or_default().push(figure);
        }
    }
    let cells: Vec<String> = named
        .into_iter()
        .map(|(cell, figures)| format!("{cell} ({})", figures.join(", ")))
        .collect();
    (!cells.is_empty()).then(|| {
        format!(
            "Less than five times the generator's own lateness are figures of {}: what differs there may \
             be the generator, and these are withheld everywhere else.",
            cells.join(", ")
        )
    })
}

/// Of the figures that are named so.
fn quantile_of(figure: &str) -> Option<f64> {
    match figure {
        "p50_us" => Some(0.5),
        "p99_us" => Some(0.99),
        _ => None,
    }
}
