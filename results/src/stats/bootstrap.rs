//! How a figure varies when its units are drawn again, and the interval that follows.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::estimate::{CONFIDENCE, Estimate, Interval};
use super::pool::{Figure, Pool};

/// How often the units are drawn. A standard error from 500 draws is itself off by some 3 %; for
/// standard errors 200 are the usual advice (Efron & Tibshirani, section 6.4).
const DRAWS: usize = 500;

/// The seed of all draws: the same rows give the same interval, whenever and wherever.
const SEED: u64 = 0x00d0_0b1e;

/// The most that an interval may reach up and down from its figure, as a factor. Beyond it the
/// interval says only that the units do not resemble each other, as when a fault fell on some of
/// them, and not where the figure lies: there is none then.
const WIDEST: f64 = 10.0;

/// How often each of some units was drawn, draw by draw.
#[derive(Clone, Debug)]
pub struct Resamples {
    units: usize,
    weights: Vec<Vec<u32>>,
}

impl Resamples {
    /// Draws as many units as there are, with replacement, some hundred times.
    #[must_use]
    pub fn new(units: usize) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED ^ units as u64);
        let one = |_| {
            let mut weights = vec![0; units];
            for _ in 0..units {
                weights[random.random_range(0..units)] += 1;
            }
            weights
        };
        Self { units, weights: (0..DRAWS).map(one).collect() }
    }

    /// The spread of the logarithm that `of_weights` gives for each draw. Draws for which it gives
    /// nothing are left out; nothing if those are more than a few, or if there is one unit only.
    #[must_use]
    pub fn spread(&self, of_weights: impl Fn(&[u32]) -> Option<f64>) -> Option<Spread> {
        let drawn: Vec<f64> =
            self.weights.iter().filter_map(|weights| of_weights(weights)).collect();
        if self.units < 2 || drawn.len() < DRAWS * 9 / 10 {
            return None;
        }
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let squares: f64 = drawn.iter().map(|value| (value - mean).powi(2)).sum();
        let degrees = self.units as f64 - 1.0;
        let narrowness = self.units as f64 / degrees;
        Some(Spread { variance: squares / (drawn.len() as f64 - 1.0) * narrowness, degrees })
    }
}

/// How far a logarithm may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The square of its standard error.
    pub variance: f64,
    /// Degrees of freedom of that estimate.
    pub degrees: f64,
}

impl Spread {
    /// The spread of the sum or difference of two that are independent (Welch and Satterthwaite).
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let variance = self.variance + other.variance;
        let of = |spread: Self| spread.variance.powi(2) / spread.degrees;
        let below = of(self) + of(other);
        let fewest = self.degrees.min(other.degrees);
        let degrees = if below > 0.0 { variance.powi(2) / below } else { fewest };
        Self { variance, degrees: degrees.max(fewest) }
    }

    /// The spread of this, times `factor`.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { variance: self.variance * factor * factor, ..self }
    }

    /// By how much a logarithm may be off to either side, with the probability `confidence`.
    #[must_use]
    pub fn margin(self, confidence: f64) -> f64 {
        self.variance.sqrt() * self.student().inverse_cdf(f64::midpoint(1.0, confidence))
    }

    /// How likely an estimate as far off as `distance`, or farther, is if the truth is 0: the
    /// two-sided p-value of Student's t.
    #[must_use]
    pub fn chance_beyond(self, distance: f64) -> f64 {
        if self.variance == 0.0 {
            return if distance == 0.0 { 1.0 } else { 0.0 };
        }
        2.0 * self.student().sf(distance.abs() / self.variance.sqrt())
    }

    fn student(self) -> StudentsT {
        StudentsT::new(0.0, 1.0, self.degrees).expect("there are at least two units")
    }
}

impl Estimate {
    /// `value`, up and down by the spread of its logarithm, unless that is too wide to mean anything.
    #[must_use]
    pub fn new(value: f64, spread: Option<Spread>) -> Self {
        let factor = spread.map(|spread| spread.margin(CONFIDENCE).exp());
        let interval = factor
            .filter(|&factor| factor <= WIDEST)
            .map(|factor| Interval { low: value / factor, high: value * factor });
        Self { value, interval }
    }
}

impl Pool {
    /// A figure with its interval; nothing without operations.
    #[must_use]
    pub fn estimate(&self, figure: Figure, resamples: &Resamples) -> Option<Estimate> {
        let value = self.figure(figure)?;
        let enough = self.has_enough_units() && self.is_enough_for(figure);
        let spread =
            enough.then(|| resamples.spread(|weights| logarithm(self.weighted(figure, weights)?)));
        let mut estimate = Estimate::new(value, spread.flatten());
        if let Some((interval, (low, high))) = estimate.interval.as_mut().zip(self.range(figure)) {
            *interval = Interval { low: interval.low.max(low), high: interval.high.min(high) };
        }
        Some(estimate)
    }
}

/// The logarithm of a figure; nothing of 0.
fn logarithm(value: f64) -> Option<f64> {
    (value > 0.0).then(|| value.ln())
}

#[cfg(test)]
mod tests {
    use super::super::{Basis, Unit};
    use super::*;

    fn of_units(values: [f64; 5]) -> Option<Interval> {
        let resamples = Resamples::new(values.len());
        let spread = resamples.spread(|weights| {
            let weighted =
                values.iter().zip(weights).map(|(value, &weight)| value * f64::from(weight));
            Some(weighted.sum::<f64>().ln())
        });
        Estimate::new(values.iter().sum::<f64>() / 5.0, spread).interval
    }

    #[test]
    fn units_that_do_not_resemble_each_other_have_no_interval() {
        assert!(
            of_units([90.0, 100.0, 110.0, 95.0, 105.0]).is_some_and(|found| found.contains(100.0))
        );
        assert_eq!(of_units([1.0, 1.0, 1.0, 1.0, 1_000_000.0]), None);
    }

    /// Five units of a hundred operations of a millisecond, and one whose operations take three and are
    /// hardly ever accepted.
    fn one_slow_unit() -> Pool {
        let unit = |number: u64| {
            let (latency_us, accepted) = if number == 5 { (3_000, 10) } else { (1_000, 100) };
            Unit { latencies_us: vec![latency_us; 100], accepted, span_s: 1.0 }
        };
        Pool::new(Basis::Slices, &(0..6).map(unit).collect::<Vec<_>>())
    }

    #[test]
    fn an_interval_stays_within_what_was_measured() {
        let (pool, resamples) = (one_slow_unit(), Resamples::new(6));
        let interval = |figure| pool.estimate(figure, &resamples).unwrap().interval.unwrap();
        assert_eq!(interval(Figure::Mean).low, 1_000.0);
        assert_eq!(interval(Figure::Percentile(0.5)).low, 1_000.0);
        assert_eq!(interval(Figure::Percentile(0.9)).high, 3_000.0);
        assert_eq!(interval(Figure::Throughput).high, 100.0);
    }
}
