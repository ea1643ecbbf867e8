//! A figure that was measured in several rounds, each of them a run of its own whose rows are not pooled with the
//! others': all that is taken from a round is its figure.

use super::bootstrap::Resamples;
use super::estimate::Estimate;
use super::middle::{geometric_mean, median};
use super::units::MIN_TRIALS;

impl Estimate {
    /// The geometric mean of a figure's values, one of each round, with its interval from [`MIN_TRIALS`] rounds on.
    /// Where one of them is 0 there are no ratios, so it is the median, without an interval. Nothing without values.
    #[must_use]
    pub fn over_rounds(values: &[f64]) -> Option<Self> {
        let Some(mean) = geometric_mean(values) else { return median(values).map(Self::exact) };
        let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let rounds = logarithms.len();
        let spread = (rounds >= MIN_TRIALS).then(|| {
            Resamples::new(rounds).spread(|weights| {
                let drawn = logarithms.iter().zip(weights);
                let sum: f64 = drawn.map(|(value, &weight)| value * f64::from(weight)).sum();
                Some(sum / rounds as f64)
            })
        });
        Some(Self::new(mean, spread.flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rounds_have_an_interval_and_two_have_none() {
        let three = Estimate::over_rounds(&[90.0, 100.0, 110.0]).unwrap();
        assert!((three.value - 99.67).abs() < 0.01, "{three:?}");
        assert!(three.interval.is_some_and(|bounds| bounds.contains(100.0)), "{three:?}");
        let two = Estimate::over_rounds(&[50.0, 200.0]).unwrap();
        assert!((two.value - 100.0).abs() < 1e-9 && two.interval.is_none(), "{two:?}");
    }

    #[test]
    fn a_round_with_nothing_is_no_ratio_and_no_rounds_are_no_figure() {
        let value = Estimate::over_rounds(&[0.0, 3.0, 4.0]).unwrap();
        assert_eq!(value, Estimate::exact(3.0));
        assert_eq!(Estimate::over_rounds(&[]), None);
    }
}
