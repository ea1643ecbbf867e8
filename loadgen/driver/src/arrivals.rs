//! When the iterations of an open loop are due. Pure: a function of rate, kind and seed.
//!
//! The schedule never depends on answers: that is what makes a loop open. A closed loop asks a slow
//! service less often, and so leaves out the very moments in which it is slow (coordinated omission;
//! Schroeder, Wierman and Harchol-Balter, "Open versus closed: a cautionary tale", NSDI 2006).

use std::fmt;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::choice::client_rng;

/// How the arrivals of an open loop are spread over time.
///
/// Poisson is the default: users who know nothing of each other arrive like that, sometimes several
/// at once. Constant gaps are the kindest load of that rate there is, and hide every queue that
/// forms only because arrivals bunch up; they are for experiments in which nothing else shall vary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArrivalKind {
    /// Equal gaps.
    Constant,
    /// Exponentially distributed gaps.
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
    rate_per_s: f64,
    rng: Xoshiro256PlusPlus,
    /// How many there were.
    count: u64,
    /// When the last one was, in seconds.
    last_s: f64,
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
        let rng = client_rng(seed ^ STREAM, p, trial, NO_CLIENT);
        Self { kind, rate_per_s, rng, count: 0, last_s: 0.0 }
    }

    /// How many are due per second, on average.
    #[must_use]
    pub fn rate_per_s(&self) -> f64 {
        self.rate_per_s
    }
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.last_s = match self.kind {
            // From the count, so that no error adds up.
            ArrivalKind::Constant => self.count as f64 / self.rate_per_s,
            // The inverse of the exponential distribution; 1 - u is never 0.
            ArrivalKind::Poisson => {
                let gap_s = -(1.0 - self.rng.random::<f64>()).ln() / self.rate_per_s;
                self.last_s + gap_s
            }
        };
        self.count += 1;
        Some((self.last_s * 1e6).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
