//! When the iterations of an open loop are due. Pure: a function of the rate over time, kind and seed.
//!
//! The schedule never depends on answers: that is what makes a loop open. A closed loop asks a slow
//! service less often, and so leaves out the very moments in which it is slow (coordinated omission;
//! Schroeder, Wierman and Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006).

use std::fmt;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::choice::client_rng;
use crate::profile::Profile;

/// How the arrivals of an open loop are spread over time.
///
/// Poisson is the default: users who know nothing of each other arrive like that, sometimes several
/// at once. Constant gaps are the kindest load of that rate there is, and hide every queue that
/// forms only because arrivals bunch up; they are for experiments in which nothing else shall vary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArrivalKind {
    /// Equal gaps; where the rate changes, equal areas below it.
    Constant,
    /// Exponentially distributed gaps; where the rate changes, areas below it.
    #[default]
    Poisson,
}

impl fmt::Display for ArrivalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        })
    }
}

/// Times in microseconds since the schedule began, in order, without end.
#[derive(Clone, Debug)]
pub struct Arrivals {
    kind: ArrivalKind,
    rate_per_s: Profile,
    rng: Xoshiro256PlusPlus,
    /// How many there were.
    count: u64,
    /// How many were due, on average, when the last one of a Poisson process was: the area below the rate.
    area: f64,
}

/// Keeps the arrivals' random numbers apart from the clients', which come from the same seed.
const STREAM: u64 = 0x6172_7269_7661_6c73;
/// Clients count from 1.
const NO_CLIENT: u32 = 0;

impl Arrivals {
    /// The schedule of a trial with so many iterations per second. It depends on p as the clients'
    /// choices do, so that cells which differ in the cache alone have the same arrivals.
    #[must_use]
    pub fn new(kind: ArrivalKind, rate_per_s: f64, seed: u64, p: f64, trial: u32) -> Self {
        Self::following(kind, Profile::constant(rate_per_s), seed, p, trial)
    }

    /// The schedule of a trial whose rate, in iterations per second, changes over time: Poisson arrivals are then an
    /// inhomogeneous Poisson process.
    #[must_use]
    pub fn following(
        kind: ArrivalKind,
        rate_per_s: Profile,
        seed: u64,
        p: f64,
        trial: u32,
    ) -> Self {
        let rng = client_rng(seed ^ STREAM, p, trial, NO_CLIENT);
        Self { kind, rate_per_s, rng, count: 0, area: 0.0 }
    }

    /// How many are due per second at the most, on average.
    #[must_use]
    pub fn most_per_s(&self) -> f64 {
        self.rate_per_s.most()
    }
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let area = match self.kind {
            // From the count, so that no error adds up.
            ArrivalKind::Constant => self.count as f64,
            // The inverse of the exponential distribution; 1 - u is never 0.
            ArrivalKind::Poisson => {
                self.area -= (1.0 - self.rng.random::<f64>()).ln();
                self.area
            }
        };
        self.count += 1;
        Some((self.rate_per_s.seconds_of(area) * 1e6).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Piece;

    const RATES: [f64; 4] = [0.5, 30.0, 1_000.0, 40_000.0];

    fn arrivals(kind: ArrivalKind, rate_per_s: f64, seed: u64) -> Arrivals {
        Arrivals::new(kind, rate_per_s, seed, 0.5, 1)
    }

    fn gaps_s(kind: ArrivalKind, rate_per_s: f64, seed: u64, count: usize) -> Vec<f64> {
        let times: Vec<u64> = arrivals(kind, rate_per_s, seed).take(count + 1).collect();
        times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect()
    }

    #[test]
    fn the_same_seed_has_the_same_arrivals_and_no_other_trial_has() {
        let poisson = ArrivalKind::Poisson;
        let times = |arrivals: Arrivals| arrivals.take(100).collect::<Vec<_>>();
        let own = times(Arrivals::new(poisson, 100.0, 1, 0.5, 1));
        assert_eq!(own, times(Arrivals::new(poisson, 100.0, 1, 0.5, 1)));
        for (seed, p, trial) in [(2, 0.5, 1), (1, 0.6, 1), (1, 0.5, 2)] {
            assert_ne!(own, times(Arrivals::new(poisson, 100.0, seed, p, trial)));
        }
        assert!(own.is_sorted());
    }

    #[test]
    fn constant_arrivals_are_equally_far_apart_and_do_not_drift() {
        for rate in RATES {
            let times: Vec<u64> = arrivals(ArrivalKind::Constant, rate, 1).take(100_001).collect();
            assert_eq!((times[0], times[100_000]), (0, (1e11 / rate) as u64));
            let gap_us = 1e6 / rate;
            let off = |pair: &[u64]| ((pair[1] - pair[0]) as f64 - gap_us).abs();
            assert!(times.windows(2).all(|pair| off(pair) <= 1.0));
        }
    }

    /// 2 s at 100, 10 s from there to 300, and then 50.
    fn up_and_down() -> Profile {
        let piece = |seconds, from, to| Piece { seconds, from, to };
        Profile::new([piece(2.0, 100.0, 100.0), piece(10.0, 100.0, 300.0)], 50.0)
    }

    #[test]
    fn constant_arrivals_follow_a_ramp_as_its_integral_says() {
        let kind = ArrivalKind::Constant;
        let times: Vec<u64> =
            Arrivals::following(kind, up_and_down(), 1, 0.5, 1).take(2401).collect();
        // On the ramp the n-th since its beginning comes at x with 100 x + 10 x^2 = n.
        for n in 0..=2000_u32 {
            let x = (-100.0 + (10_000.0 + 40.0 * f64::from(n)).sqrt()) / 20.0;
            let due_us = times[200 + n as usize] as f64;
            assert!((due_us - (2.0 + x) * 1e6).abs() <= 1.0, "{n}: {due_us}");
        }
        // After it 50 a second: the 200 that are left take 4 s.
        assert_eq!(
            (times[0], times[200], times[2200], times[2400]),
            (0, 2_000_000, 12_000_000, 16_000_000)
        );
    }

    #[test]
    fn poisson_arrivals_of_a_changing_rate_are_a_poisson_process_in_its_integral() {
        for seed in 1..=5 {
            let kind = ArrivalKind::Poisson;
            let arrivals = Arrivals::following(kind, up_and_down(), seed, 0.5, 1);
            let areas: Vec<f64> =
                arrivals.take(5_001).map(|us| up_and_down().area_until(us as f64 / 1e6)).collect();
            let mut gaps: Vec<f64> = areas.windows(2).map(|pair| pair[1] - pair[0]).collect();
            gaps.sort_by(f64::total_cmp);
            // Time rescaled by the integral: gaps are exponentially distributed with mean 1.
            let count = gaps.len() as f64;
            let distance = gaps
                .iter()
                .enumerate()
                .map(|(rank, gap)| ((1.0 - (-gap).exp()) - rank as f64 / count).abs())
                .fold(0.0, f64::max);
            assert!(distance < 1.95 / count.sqrt(), "seed {seed}: {distance}");
        }
    }

    #[test]
    fn poisson_arrivals_keep_the_rate_on_average() {
        // The mean of n exponential gaps deviates by 1 / sqrt(n) of itself: five deviations here.
        for (rate, seed) in RATES.into_iter().zip(1..) {
            let gaps = gaps_s(ArrivalKind::Poisson, rate, seed, 10_000);
            let mean_s = gaps.iter().sum::<f64>() / gaps.len() as f64;
            assert!((mean_s * rate - 1.0).abs() < 0.05, "{rate}: {mean_s}");
        }
    }

    #[test]
    fn the_gaps_of_poisson_arrivals_are_exponentially_distributed() {
        for seed in 1..=5 {
            let rate = 200.0;
            let mut gaps = gaps_s(ArrivalKind::Poisson, rate, seed, 10_000);
            gaps.sort_by(f64::total_cmp);
            // Kolmogorov and Smirnov: the distance between what is and what should be.
            let count = gaps.len() as f64;
            let distance = gaps
                .iter()
                .enumerate()
                .map(|(rank, gap)| ((1.0 - (-rate * gap).exp()) - rank as f64 / count).abs())
                .fold(0.0, f64::max);
            // 1.95 / sqrt(n) is passed by one sample in a thousand; these seeds are fixed.
            assert!(distance < 1.95 / count.sqrt(), "seed {seed}: {distance}");
        }
    }
}
