//! Every read beside the newest trade that had been acknowledged before it began.
//!
//! Exact, for the reason that [`crate::checks`] gives for stale reads: the catalog's dump says which
//! volume each trade left behind, volumes only grow, and a read shows one.

use std::collections::{BTreeMap, HashMap};

use super::super::Material;
use super::super::trial::TrialView;
use crate::checks::frontier::Frontier;
use crate::records::{FinalKind, Observation, Op, Outcome};

/// A read that could have been stale: a trade on its stock had been acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Read {
    pub(super) cache: bool,
    /// Whether a fault lasted when it began.
    pub(super) during_fault: bool,
    /// How long before it began the newest trade on its stock had been acknowledged.
    pub(super) since_ack_us: u64,
    /// How long before it began the oldest trade that it does not show had been acknowledged; nothing if
    /// it shows them all.
    pub(super) stale_us: Option<u64>,
}

/// What tells the trials' stocks apart: cell, trial, stock.
type Place<'a> = (&'a str, u32, &'a str);

/// All such reads of a run, in the warm-up as well. Trials without the catalog's dump have none.
pub(super) fn all(material: &Material<'_>, trials: &[TrialView<'_>]) -> Vec<Read> {
    let frontiers = frontiers(material);
    let caches: HashMap<&str, bool> =
        material.manifest.cells.iter().map(|cell| (cell.id.as_str(), cell.cache)).collect();
    let faults: HashMap<(&str, u32), Vec<(u64, u64)>> = trials
        .iter()
        .map(|trial| {
            let spans = trial.faults.iter().map(|fault| (fault.from_us, fault.until_us(u64::MAX)));
            ((trial.cell.id.as_str(), trial.number), spans.collect())
        })
        .collect();
    let is_during = |row: &Observation| {
        let spans = faults.get(&(row.cell.as_str(), row.trial)).into_iter().flatten();
        spans.into_iter().any(|&(from, until)| (from..until).contains(&row.start_us))
    };
    let reads = material
        .observations
        .iter()
        .filter(|row| row.op == Op::Query && row.outcome == Outcome::Ok);
    let judged = reads.filter_map(|row| {
        let volume = row.seen_volume?;
        let place = (row.cell.as_str(), row.trial, row.stock_name.as_deref()?);
        let frontier = frontiers.get(&place)?;
        let newest = frontier.before(row.start_us)?;
        let missed = frontier.first_above(volume).filter(|_| volume < newest.value);
        Some(Read {
            cache: *caches.get(row.cell.as_str())?,
            during_fault: is_during(row),
            since_ack_us: row.start_us - newest.at_us,
            stale_us: missed.map(|step| row.start_us.saturating_sub(step.at_us)),
        })
    });
    judged.collect()
}

/// Per stock of each trial, the volume that had been acknowledged by when.
fn frontiers<'a>(material: &Material<'a>) -> HashMap<Place<'a>, Frontier<()>> {
    let applied = material.final_rows.iter().filter(|row| row.kind == FinalKind::Applied);
    let volumes: HashMap<Place<'_>, u64> = applied
        .filter_map(|row| {
            Some(((row.cell.as_str(), row.trial, row.request_id.as_deref()?), row.volume_after?))
        })
        .collect();
    let mut points: BTreeMap<Place<'_>, Vec<(u64, u64, ())>> = BTreeMap::new();
    let trades = material
        .observations
        .iter()
        .filter(|row| row.op == Op::Trade && row.outcome == Outcome::Ok);
    for row in trades {
        let (Some(id), Some(stock)) = (row.request_id.as_deref(), row.stock_name.as_deref()) else {
            continue;
        };
        if let Some(&volume) = volumes.get(&(row.cell.as_str(), row.trial, id)) {
            let place = (row.cell.as_str(), row.trial, stock);
            points.entry(place).or_default().push((row.end_us, volume, ()));
        }
    }
    points.into_iter().map(|(place, points)| (place, Frontier::new(points))).collect()
}
