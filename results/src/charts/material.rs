//! Everything that charts are made of.

use crate::availability::AvailabilityRow;
use crate::knee::Sweep;
use crate::run::Run;
use crate::summary::SummaryRow;

/// Everything that charts are made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What was run, seen and held.
    pub run: &'a Run,
    /// The summary of the observations.
    pub summary: &'a [SummaryRow],
    /// What each fault cost.
    pub availability: &'a [AvailabilityRow],
    /// The sweeps of the rate, if there were any.
    pub sweeps: &'a [Sweep],
}
