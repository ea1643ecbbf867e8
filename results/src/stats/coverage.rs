//! How often the intervals hold the truth, by simulation.
//!
//! A cell with known figures is simulated some hundred times, each time with other random numbers,
//! and its interval looked at. What is simulated is what makes real rows awkward: latencies with a
//! heavy tail, neighbours that are alike, trials that differ.
//!
//! Measured with 400 runs of 2,000 operations a trial (95 % claimed): independent operations 93.5 to
//! 95.3 % with 5 trials; correlated ones 93.5 to 94.8 % with 5 trials, 91.2 to 92.5 % with slices
//! of one; trials that differ by a tenth 94.0 to 95.0 % with 5 and 92.5 to 95.8 % with 3, but 67 to
//! 72 % with slices of one, which is why those are called what they are. Trials that differ by 30 %:
//! 95 % for median and mean of 5, 88.5 % for the 99th percentile, which five such trials
//! underestimate.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Answer, Figure, Pool, Resamples, TrialSample};

/// How many runs are simulated for each case.
const RUNS: u64 = 300;

/// How many operations each trial has.
const OPERATIONS: u64 = 1_000;

/// Operations are so far apart.
const APART_US: u64 = 4_000;

/// What a cell is like. Standard deviations are of logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    /// How much single operations differ.
    pub(crate) operations: f64,
    /// How much a slow wave that all operations ride on differs.
    pub(crate) wave: f64,
    /// How alike neighbours on the wave are, from one operation to the next.
    pub(crate) memory: f64,
    /// How much trials differ.
    pub(crate) trials: f64,
}

/// Numbers of a normal distribution.
pub(crate) struct Normal(Xoshiro256PlusPlus);

impl Normal {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// The next one (Box and Muller).
    pub(crate) fn next(&mut self) -> f64 {
        let (a, b): (f64, f64) = (self.0.random(), self.0.random());
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

impl Nature {
    /// The standard deviation of the logarithm of any one operation of any trial.
    fn overall(self) -> f64 {
        (self.operations.powi(2) + self.wave.powi(2) + self.trials.powi(2)).sqrt()
    }

    /// One trial; its median operation takes 5 ms, times `e` to the `shift`.
    pub(crate) fn trial(self, normal: &mut Normal, operations: u64, shift: f64) -> TrialSample {
        let mut trial = TrialSample::default();
        let own = shift + self.trials * normal.next();
        let mut wave = normal.next();
        for number in 0..operations {
            wave = self.memory * wave + (1.0 - self.memory.powi(2)).sqrt() * normal.next();
            let logarithm = own + self.wave * wave + self.operations * normal.next();
            let (start_us, latency_us) = (number * APART_US, (5_000.0 * logarithm.exp()) as u64);
            trial.span.cover(start_us, start_us + APART_US);
            trial.operations.push(Answer { start_us, latency_us, is_accepted: true });
        }
        trial
    }
}

/// In what share of simulated runs the interval of `figure` holds `truth`, and how wide it is in
/// the median, as a share of the figure.
fn coverage(nature: Nature, trials: usize, figure: Figure, truth: f64) -> (f64, f64) {
    let mut held = 0.0;
    let mut widths = Vec::new();
    for seed in 0..RUNS {
        let mut normal = Normal::new(seed);
        let samples: Vec<TrialSample> =
            (0..trials).map(|_| nature.trial(&mut normal, OPERATIONS, 0.0)).collect();
        let pool = Pool::of_trials(&samples.iter().collect::<Vec<_>>());
        let estimate = pool.estimate(figure, &Resamples::new(pool.units())).unwrap();
        let interval = estimate.interval.unwrap();
        held += f64::from(u8::from(interval.contains(truth)));
        widths.push((interval.high - interval.low) / truth);
    }
    (held / RUNS as f64, super::median(&widths).unwrap())
}

/// Operations that differ, on a wave that neighbours share, in trials that are alike.
const CORRELATED: Nature = Nature { operations: 0.4, wave: 0.3, memory: 0.98, trials: 0.0 };

/// The same in trials that differ by a tenth.
const DIFFERING: Nature = Nature { trials: 0.1, ..CORRELATED };

/// A percentile of the simulated latencies: that of a normal distribution, at `deviations`.
fn truth(nature: Nature, deviations: f64) -> f64 {
    5_000.0 * (nature.overall() * deviations).exp()
}

/// How many standard deviations the 99th percentile of a normal distribution is above its median.
const AT_P99: f64 = 2.326_348;

#[test]
fn five_trials_hold_the_truth_about_as_often_as_is_claimed() {
    for nature in [CORRELATED, DIFFERING] {
        for (quantile, deviations) in [(0.5, 0.0), (0.99, AT_P99)] {
            let (figure, truth) = (Figure::Percentile(quantile), truth(nature, deviations));
            let (held, width) = coverage(nature, 5, figure, truth);
            assert!((0.90..=0.99).contains(&held), "{nature:?} {quantile}: {held} ({width})");
            assert!(width < 0.5, "{nature:?} {quantile}: an interval that says nothing: {width}");
        }
        let mean = 5_000.0 * (nature.overall().powi(2) / 2.0).exp();
        let (held, _) = coverage(nature, 5, Figure::Mean, mean);
        assert!((0.90..=0.99).contains(&held), "{nature:?} mean: {held}");
    }
}

#[test]
fn three_trials_hold_it_too_and_pay_for_it_in_width() {
    let (held, _) = coverage(DIFFERING, 3, Figure::Percentile(0.5), 5_000.0);
    assert!((0.90..=0.99).contains(&held), "{held}");
}

#[test]
fn slices_of_one_trial_hold_what_correlated_operations_hide_but_not_what_trials_differ_by() {
    let (held, _) = coverage(CORRELATED, 1, Figure::Percentile(0.5), 5_000.0);
    assert!((0.88..=0.99).contains(&held), "{held}");
    let (held, _) = coverage(DIFFERING, 1, Figure::Percentile(0.5), 5_000.0);
    assert!(held < 0.88, "{held}: then the report need not warn of single trials");
}
