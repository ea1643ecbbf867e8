//! From effects to verdicts.
//!
//! What is claimed of a figure is not that it differs at all (two runs always do, a little) but that
//! it differs by more than the noise floor. So what is tested is whether the truth could lie within
//! the floor (a minimum-effect test: Murphy & Myors, *Testing the Hypothesis That Treatments Have
//! Negligible Effects*, Journal of Applied Psychology 84, 1999). The more figures one looks at, the
//! more often one of them differs by chance; Holm's procedure (*A Simple Sequentially Rejective
//! Multiple Test Procedure*, Scandinavian Journal of Statistics 6, 1979) keeps the chance that any
//! verdict of better or worse is false below 5 %, for all figures of the headline taken together.

use serde::{Deserialize, Serialize};

use super::effect::Ratio;
use crate::stats::CONFIDENCE;

/// What can be said of one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Better on side b, by more than the floor.
    Better,
    /// Worse on side b, by more than the floor.
    Worse,
    /// Not shown to differ by more than the floor.
    WithinNoise,
    /// Too little was measured for an interval.
    Unknown,
}

impl Change {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::WithinNoise => "within noise",
            Self::Unknown => "cannot be told",
        }
    }
}

/// Which way a figure is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Good {
    Low,
    High,
}

/// How likely the effect, or a greater one, is if the truth lies within `floor` (a share: 0.05).
/// Nothing without an interval.
pub(super) fn chance(ratio: &Ratio, floor: f64) -> Option<f64> {
    let beyond = ratio.logarithm().abs() - floor.ln_1p();
    ratio.spread.map(|spread| if beyond <= 0.0 { 1.0 } else { spread.chance_beyond(beyond) })
}

/// Verdicts on figures that are looked at together.
pub(super) fn together(figures: &[(Ratio, Good)], floor: f64) -> Vec<Change> {
    let mut changes: Vec<Change> = figures
        .iter()
        .map(
            |(ratio, _)| if ratio.spread.is_some() { Change::WithinNoise } else { Change::Unknown },
        )
        .collect();
    let mut chances: Vec<(usize, f64)> = figures
        .iter()
        .enumerate()
        .filter_map(|(index, (ratio, _))| Some((index, chance(ratio, floor)?)))
        .collect();
    chances.sort_by(|a, b| a.1.total_cmp(&b.1));
    let number = chances.len();
    for (rank, (index, chance)) in chances.into_iter().enumerate() {
        if chance > (1.0 - CONFIDENCE) / (number - rank) as f64 {
            break;
        }
        let (ratio, good) = &figures[index];
        let rises = ratio.logarithm() > 0.0;
        changes[index] =
            if rises == (*good == Good::High) { Change::Better } else { Change::Worse };
    }
    changes
}

/// The verdict on a figure that is looked at alone.
pub(super) fn alone(ratio: &Ratio, good: Good, floor: f64) -> Change {
    together(&[(*ratio, good)], floor).remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Spread;

    /// b is `ratio` times a, and its logarithm's standard error is `error`.
    fn figure(ratio: f64, error: f64) -> (Ratio, Good) {
        let spread = Some(Spread { variance: error * error, degrees: 8.0 });
        (Ratio { a: 1.0, b: ratio, spread, trials: 9 }, Good::Low)
    }

    #[test]
    fn a_clear_rise_of_a_latency_is_worse_and_a_clear_fall_is_better() {
        assert_eq!(together(&[figure(1.2, 0.02)], 0.05), [Change::Worse]);
        assert_eq!(together(&[figure(0.8, 0.02)], 0.05), [Change::Better]);
        let throughput = (figure(0.8, 0.02).0, Good::High);
        assert_eq!(together(&[throughput], 0.05), [Change::Worse]);
    }

    #[test]
    fn an_effect_within_the_floor_is_noise_however_certain_it_is() {
        assert_eq!(together(&[figure(1.04, 1e-6)], 0.05), [Change::WithinNoise]);
        assert_eq!(together(&[figure(1.04, 1e-6)], 0.01), [Change::Worse]);
    }

    #[test]
    fn an_uncertain_effect_is_noise_however_large_it_is() {
        assert_eq!(together(&[figure(1.5, 0.3)], 0.05), [Change::WithinNoise]);
    }

    #[test]
    fn what_would_be_called_alone_may_not_be_called_among_many() {
        let (borderline, good) = figure(1.15, 0.034);
        assert_eq!(alone(&borderline, good, 0.05), Change::Worse);
        let many = [(borderline, good), figure(1.0, 0.03), figure(0.99, 0.03), figure(1.01, 0.03)];
        assert_eq!(together(&many, 0.05), [Change::WithinNoise; 4]);
    }

    #[test]
    fn one_clear_effect_leaves_more_room_for_the_next() {
        let figures = [figure(1.5, 0.02), figure(1.15, 0.034)];
        assert_eq!(together(&figures, 0.05), [Change::Worse, Change::Worse]);
    }

    #[test]
    fn without_an_interval_nothing_is_claimed_and_nobody_else_is_hindered() {
        let unmeasured = (Ratio { spread: None, ..figure(3.0, 0.1).0 }, Good::Low);
        let (borderline, good) = figure(1.15, 0.034);
        let changes = together(&[unmeasured, (borderline, good)], 0.05);
        assert_eq!(changes, [Change::Unknown, Change::Worse]);
    }
}
