//! Everything that the page is made of.

use crate::checks::ConsistencyReport;
use crate::records::Manifest;
use crate::report::Report;
use crate::thresholds::{self, ThresholdResult};
use crate::verdict::Verdict;

/// Everything that the page is made of.
#[derive(Clone, Copy, Debug)]
pub struct PageInput<'a> {
    /// What was run.
    pub manifest: &'a Manifest,
    /// Its figures and charts.
    pub figures: &'a Report,
    /// Its checks.
    pub consistency: &'a ConsistencyReport,
    /// What came of the plan's thresholds.
    pub thresholds: &'a [ThresholdResult],
    /// What the cache kept from the catalog, a sentence each.
    pub catalog: &'a [String],
}

impl PageInput<'_> {
    /// The worst of checks and thresholds.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.consistency.verdict.combine(thresholds::verdict(self.thresholds))
    }
}
