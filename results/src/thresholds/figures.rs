//! The rows that thresholds are held against.

use crate::availability::AvailabilityRow;
use crate::summary::SummaryRow;
use crate::verdict::Verdict;

/// What thresholds are held against.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a> {
    /// The rows of `summary.csv`, with the figures that are withheld, which are marked.
    pub summary: &'a [SummaryRow],
    /// The rows of `availability.csv`.
    pub availability: &'a [AvailabilityRow],
    /// What the checks came to.
    pub consistency: Option<Verdict>,
}
