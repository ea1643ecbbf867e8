//! The ratio of a figure on one side to the same figure on the other, and how far it may be off.
//!
//! Ratios, and so logarithms: over several cells the effect is the geometric mean of the cells'
//! ratios, in which a slow cell counts no more than a fast one. Rounds (the trials of the same number
//! in all cells, run one after the other) are drawn together, so that what a slow minute of the
//! machine did to all cells of a round is not taken for independent. Two builds in one run share
//! their rounds, and so the draws: what hits both cancels out. Two runs do not.
//!
//! With fewer than three trials there is an effect, and no telling how far it may be off. Slices of a
//! trial would say how steady it was; how trials of one build differ from each other is most of the
//! noise, and no slice knows of it. (Judged by slices, seven of thirty pairs of the same build came out as
//! worse.)

use std::collections::{BTreeMap, HashMap};

use super::side::{CellSample, Kind};
use crate::stats::{Figure, MIN_TRIALS, Pool, Resamples, Spread, TrialSample};

/// How the trials of the two sides belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Design {
    /// Trials of the same number were run one after the other, in one run.
    Paired,
    /// Two runs.
    Unpaired,
}

/// A measured effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    /// The figure on side a; of several cells the geometric mean.
    pub(super) a: f64,
    /// The same on side b.
    pub(super) b: f64,
    /// How far the logarithm of b / a may be off; nothing if there was too little to tell.
    pub(super) spread: Option<Spread>,
    /// How many trials the side with fewer has, of those that could be compared.
    pub(super) trials: usize,
}

impl Ratio {
    pub(super) fn logarithm(&self) -> f64 {
        (self.b / self.a).ln()
    }
}

/// Draws by number of units, made once.
#[derive(Default)]
pub(super) struct Draws(HashMap<usize, Resamples>);

impl Draws {
    pub(super) fn of(&mut self, units: usize) -> &Resamples {
        self.0.entry(units).or_insert_with(|| Resamples::new(units))
    }
}

type Trials<'a> = &'a BTreeMap<u32, TrialSample>;

/// The effect on `figure` of `kind`, over all pairs of cells in which both sides have operations
/// enough for it; nothing if there is no such pair.
pub(super) fn ratio(
    pairs: &[(&CellSample, &CellSample)],
    kind: Kind,
    figure: Figure,
    design: Design,
    draws: &mut Draws,
) -> Option<Ratio> {
    let trials: Vec<(Trials<'_>, Trials<'_>)> =
        pairs.iter().filter_map(|(a, b)| Some((a.trials(kind)?, b.trials(kind)?))).collect();
    let a: Vec<Trials<'_>> = trials.iter().map(|pair| pair.0).collect();
    let b: Vec<Trials<'_>> = trials.iter().map(|pair| pair.1).collect();
    let rounds = match design {
        Design::Paired => {
            let common = rounds(&[&a[..], &b[..]].concat());
            (common.clone(), common)
        }
        Design::Unpaired => (rounds(&a), rounds(&b)),
    };
    let fewest = rounds.0.len().min(rounds.1.len());
    let pools = |sides: &[Trials<'_>], rounds: &[u32]| -> Vec<Pool> {
        sides.iter().map(|trials| pool(trials, rounds)).collect()
    };
    let (a, b): (Vec<Pool>, Vec<Pool>) = pools(&a, &rounds.0)
        .into_iter()
        .zip(pools(&b, &rounds.1))
        .filter(|(a, b)| a.is_enough_for(figure) && b.is_enough_for(figure))
        .unzip();
    let (log_a, log_b) = (mean_logarithm(&a, figure, None)?, mean_logarithm(&b, figure, None)?);
    let spread = match design {
        _ if fewest < MIN_TRIALS => None,
        Design::Paired => draws.of(rounds.0.len()).spread(|weights| {
            let of = |pools| mean_logarithm(pools, figure, Some(weights));
            Some(of(&b)? - of(&a)?)
        }),
        Design::Unpaired => {
            let of_a = round_spread(&a, figure, draws.of(rounds.0.len()));
            let of_b = round_spread(&b, figure, draws.of(rounds.1.len()));
            of_a.zip(of_b).map(|(a, b)| a.plus(b))
        }
    };
    Some(Ratio { a: log_a.exp(), b: log_b.exp(), spread, trials: fewest })
}

/// The trials that all cells have.
fn rounds(cells: &[Trials<'_>]) -> Vec<u32> {
    let Some((first, others)) = cells.split_first() else { return Vec::new() };
    let in_all = |trial: &&u32| others.iter().all(|cell| cell.contains_key(trial));
    first.keys().filter(in_all).copied().collect()
}

fn pool(trials: Trials<'_>, rounds: &[u32]) -> Pool {
    let of_rounds: Vec<&TrialSample> =
        rounds.iter().filter_map(|round| trials.get(round)).collect();
    Pool::by_trial(&of_rounds)
}

/// The mean of the logarithms of a figure over cells, their units weighted.
fn mean_logarithm(pools: &[Pool], figure: Figure, weights: Option<&[u32]>) -> Option<f64> {
    let mut sum = 0.0;
    for pool in pools {
        let value = match weights {
            Some(weights) => pool.weighted(figure, weights),
            None => pool.figure(figure),
        };
        sum += value.filter(|&value| value > 0.0)?.ln();
    }
    (!pools.is_empty()).then(|| sum / pools.len() as f64)
}

fn round_spread(pools: &[Pool], figure: Figure, resamples: &Resamples) -> Option<Spread> {
    resamples.spread(|weights| mean_logarithm(pools, figure, Some(weights)))
}

/// The effect on the median of a few values, for example of one time per fault, which are drawn one
/// by one; nothing unless both sides have `least` of them. They are of so many `trials` on the side with
/// fewer: values of one trial have its good or bad luck in common, so with too few there is no spread.
pub(super) fn ratio_of_medians(
    a: &[f64],
    b: &[f64],
    least: usize,
    trials: usize,
    draws: &mut Draws,
) -> Option<Ratio> {
    if a.len() < least || b.len() < least {
        return None;
    }
    let mut spread = |values: &[f64]| {
        draws.of(values.len()).spread(|weights| {
            let drawn: Vec<f64> = weights
                .iter()
                .zip(values)
                .flat_map(|(&times, &value)| std::iter::repeat_n(value, times as usize))
                .collect();
            positive_median(&drawn).map(f64::ln)
        })
    };
    let spread = spread(a).zip(spread(b)).map(|(a, b)| a.plus(b));
    let spread = spread.filter(|_| trials >= MIN_TRIALS);
    Some(Ratio { a: positive_median(a)?, b: positive_median(b)?, spread, trials })
}

fn positive_median(values: &[f64]) -> Option<f64> {
    crate::stats::median(values).filter(|&median| median > 0.0)
}
