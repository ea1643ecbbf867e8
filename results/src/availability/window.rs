//! What clients saw between one fault and the next.

use crate::records::{Observation, Op, Outcome, Phase};
use crate::summary::is_answered;

/// From a fault up to, and without, the next one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// When the fault was injected.
    pub(super) at_us: u64,
    /// When the next one was; nothing for the last.
    pub(super) until_us: Option<u64>,
}

impl Window {
    pub(super) fn contains(self, us: u64) -> bool {
        us >= self.at_us && self.until_us.is_none_or(|until_us| us < until_us)
    }

    /// Milliseconds from the fault; nothing for what came before it, which it cannot have caused.
    pub(super) fn ms_until(self, us: u64) -> Option<f64> {
        us.checked_sub(self.at_us).map(|us| us as f64 / 1000.0)
    }
}

/// Counts over the window.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) retried: u64,
    pub(super) longest_gap_ms: Option<f64>,
}

impl Effects {
    pub(super) fn of(observations: &[&Observation], window: Window) -> Self {
        let mut effects = Self::default();
        for row in observations.iter().filter(|row| window.contains(row.end_us)) {
            effects.failed += u64::from(row.outcome == Outcome::Failed);
            effects.unknown += u64::from(row.outcome == Outcome::Unknown);
            effects.retried += u64::from(row.attempts > 1);
        }
        effects.longest_gap_ms = longest_gap_ms(observations, window);
        effects
    }
}

/// The longest time without an answered trade, from the fault to the next one or to the end of
/// the load. Nothing if the load was over before the fault, or never traded.
fn longest_gap_ms(observations: &[&Observation], window: Window) -> Option<f64> {
    let load = observations.iter().filter(|row| row.phase == Phase::Load);
    let load_end_us = load.map(|row| row.end_us).max()?;
    let until_us = window.until_us.map_or(load_end_us, |until_us| until_us.min(load_end_us));
    let trades = observations.iter().filter(|row| row.op == Op::Trade && is_answered(row));
    let mut answers_us: Vec<u64> = trades.map(|row| row.end_us).collect();
    if answers_us.is_empty() || until_us <= window.at_us {
        return None;
    }
    answers_us.retain(|&us| us > window.at_us && us < until_us);
    answers_us.extend([window.at_us, until_us]);
    answers_us.sort_unstable();
    let gaps = answers_us.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().map(|us| us as f64 / 1000.0)
}
