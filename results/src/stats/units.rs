//! Cutting a cell's operations into units that are nearly independent of each other.

use super::pool::{Pool, Unit};
use super::sample::{Basis, TrialSample};

/// From this many trials on, trials are the units. Two would leave a single degree of freedom, and
/// an interval thirteen standard errors to either side.
pub const MIN_TRIALS: usize = 3;

/// Fewer slices than this give no interval: the standard error would be a guess itself.
pub const MIN_SLICES: usize = 6;

/// A trial is cut into at most so many slices. Few and long ones are the more independent; ten to
/// thirty is the usual advice for batch means (Law, *Simulation Modeling and Analysis*, chapter 9).
const MOST_SLICES: u64 = 10;

/// A slice lasts at least this long: some times longer than a flush of a busy disk, or than
/// whatever else makes neighbouring operations alike.
const SHORTEST_SLICE_US: u64 = 250_000;

impl Pool {
    /// Trial by trial if there are at least [`MIN_TRIALS`], else slice by slice.
    #[must_use]
    pub fn of_trials(trials: &[&TrialSample]) -> Self {
        if trials.len() >= MIN_TRIALS { Self::by_trial(trials) } else { Self::by_slice(trials) }
    }

    /// Every trial is a unit.
    #[must_use]
    pub fn by_trial(trials: &[&TrialSample]) -> Self {
        let units: Vec<Unit> = trials.iter().map(|trial| trial.whole()).collect();
        Self::new(Basis::Trials, &units)
    }

    /// Every slice of every trial is a unit.
    #[must_use]
    pub fn by_slice(trials: &[&TrialSample]) -> Self {
        let slices: Vec<Unit> = trials.iter().flat_map(|trial| trial.slices()).collect();
        Self::new(Basis::Slices, &slices)
    }

    /// Whether there are units enough for an interval.
    #[must_use]
    pub fn has_enough_units(&self) -> bool {
        let least = match self.basis() {
            Basis::Trials => MIN_TRIALS,
            Basis::Slices => MIN_SLICES,
        };
        self.units() >= least
    }
}

impl TrialSample {
    fn whole(&self) -> Unit {
        let mut unit = Unit { span_s: self.span.seconds(), ..Unit::default() };
        self.operations.iter().for_each(|answer| unit.add(answer));
        unit
    }

    /// Slices of equal length; an operation belongs to the one in which it was sent.
    fn slices(&self) -> Vec<Unit> {
        let number = (self.span.us() / SHORTEST_SLICE_US).clamp(1, MOST_SLICES);
        let span_s = self.span.seconds() / number as f64;
        let mut slices = vec![Unit { span_s, ..Unit::default() }; number as usize];
        for answer in &self.operations {
            let since_us = answer.start_us.saturating_sub(self.span.first_us);
            let slice = since_us * number / self.span.us().max(1);
            slices[slice.min(number - 1) as usize].add(answer);
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use super::super::pool::Figure;
    use super::super::sample::Answer;
    use super::*;

    /// One operation every millisecond, each as long as its trial's number says.
    fn trial(latency_us: u64, seconds: u64) -> TrialSample {
        let mut trial = TrialSample::default();
        for n in 0..seconds * 1000 {
            trial.span.cover(n * 1000, n * 1000 + 1000);
            trial.operations.push(Answer { start_us: n * 1000, latency_us, is_accepted: true });
        }
        trial
    }

    #[test]
    fn three_trials_are_three_units() {
        let trials = [trial(1, 1), trial(2, 1), trial(3, 1)];
        let pool = Pool::of_trials(&trials.each_ref());
        assert_eq!((pool.basis(), pool.units(), pool.count()), (Basis::Trials, 3, 3000));
        assert_eq!(pool.weighted(Figure::Percentile(1.0), &[1, 1, 0]), Some(2.0));
        assert!(pool.has_enough_units());
    }

    #[test]
    fn one_trial_is_cut_into_ten_slices_of_equal_length() {
        let trial = trial(1, 20);
        let pool = Pool::of_trials(&[&trial]);
        assert_eq!((pool.basis(), pool.units(), pool.count()), (Basis::Slices, 10, 20_000));
        let one: Vec<u32> = (0..10).map(|slice| u32::from(slice == 7)).collect();
        assert_eq!(pool.weighted(Figure::Throughput, &one), Some(1000.0));
        assert!(pool.has_enough_units());
    }

    #[test]
    fn slices_are_never_short_and_so_a_short_trial_has_too_few() {
        let trial = trial(1, 1);
        let pool = Pool::of_trials(&[&trial]);
        assert_eq!((pool.units(), pool.has_enough_units()), (4, false));
        assert_eq!(Pool::of_trials(&[&trial, &trial]).units(), 8);
    }
}
