//! Every read beside the newest trade that had been acknowledged before it began.
//!
//! Exact, for the reason that [`crate::checks`] gives for stale reads: the catalog's dump says which
//! volume each trade left behind, volumes only grow, and a read shows one.

use std::collections::HashMap;

use super::super::input::ChartInput;
use super::super::trial::TrialView;
use crate::checks::frontier::Frontier;
use crate::records::{FinalKind, Op, Outcome};
use crate::run::Trial;

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

/// All such reads of a run, in the warm-up as well. Trials without the catalog's dump have none.
pub(super) fn all(material: &ChartInput<'_>, views: &[TrialView<'_>]) -> Vec<Read> {
    let begun = material.run.trials().iter().filter(|trial| trial.was_begun());
    begun.zip(views).flat_map(|(trial, view)| of_trial(trial, view)).collect()
}

/// Those of one trial.
fn of_trial(trial: &Trial, view: &TrialView<'_>) -> Vec<Read> {
    let frontiers = frontiers(trial);
    let faults: Vec<(u64, u64)> =
        view.faults.iter().map(|fault| (fault.from_us, fault.until_us(u64::MAX))).collect();
    let is_during = |at_us: u64| faults.iter().any(|&(from, until)| (from..until).contains(&at_us));
    let reads =
        trial.observations().filter(|row| row.op == Op::Query && row.outcome == Outcome::Ok);
    let judged = reads.filter_map(|row| {
        let volume = row.seen_volume?;
        let frontier = frontiers.get(row.stock_name.as_deref()?)?;
        let newest = frontier.before(row.start_us)?;
        let missed = frontier.first_above(volume).filter(|_| volume < newest.value);
        Some(Read {
            cache: trial.cell.cache,
            during_fault: is_during(row.start_us),
            since_ack_us: row.start_us - newest.at_us,
            stale_us: missed.map(|step| row.start_us.saturating_sub(step.at_us)),
        })
    });
    judged.collect()
}

/// Per stock, the volume that had been acknowledged by when.
fn frontiers(trial: &Trial) -> HashMap<&str, Frontier<()>> {
    let applied = trial.final_rows.iter().filter(|row| row.kind == FinalKind::Applied);
    let volumes: HashMap<&str, u64> =
        applied.filter_map(|row| Some((row.request_id.as_deref()?, row.volume_after()?))).collect();
    let mut points: HashMap<&str, Vec<(u64, u64, ())>> = HashMap::new();
    let trades =
        trial.observations().filter(|row| row.op == Op::Trade && row.outcome == Outcome::Ok);
    for row in trades {
        let (Some(id), Some(stock)) = (row.request_id.as_deref(), row.stock_name.as_deref()) else {
            continue;
        };
        if let Some(&volume) = volumes.get(id) {
            points.entry(stock).or_default().push((row.end_us, volume, ()));
        }
    }
    points.into_iter().map(|(stock, points)| (stock, Frontier::new(points))).collect()
}
