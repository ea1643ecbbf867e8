//! Everything that charts are made of.

use std::collections::HashMap;

use crate::availability::AvailabilityRow;
use crate::knee::Sweep;
use crate::lateness::Lateness;
use crate::run::Run;
use crate::summary::SummaryRow;

/// Everything that charts are made of.
#[derive(Clone, Copy, Debug)]
pub struct ChartInput<'a> {
    /// What was run, seen and held.
    pub run: &'a Run,
    /// The summary of the observations.
    pub summary: &'a [SummaryRow],
    /// What each fault cost.
    pub availability: &'a [AvailabilityRow],
    /// How late the generator of an open loop was itself, by the cell's id.
    pub lateness: &'a HashMap<&'a str, Lateness>,
    /// The sweeps of the rate, if there were any.
    pub sweeps: &'a [Sweep],
}
