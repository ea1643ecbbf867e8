//! What was measured in a run: each part is made of its rows when it is first asked for, and once, no matter who
//! asks: thresholds, figures, charts and page.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::availability::{self, AvailabilityRow};
use crate::lateness::{self, Lateness, TrialLateness};
use crate::run::Run;
use crate::summary::{self, SummaryRow};

/// The figures of a run that all others are made of.
#[derive(Debug)]
pub struct Measurements<'r> {
    run: &'r Run,
    lateness: OnceCell<Vec<TrialLateness>>,
    summary: OnceCell<Vec<SummaryRow>>,
    faults: OnceCell<Vec<AvailabilityRow>>,
}

impl<'r> Measurements<'r> {
    /// Nothing is measured yet.
    #[must_use]
    pub fn new(run: &'r Run) -> Self {
        let (lateness, summary, faults) = Default::default();
        Self { run, lateness, summary, faults }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &'r Run {
        self.run
    }

    /// What the generator of an open loop offered in each cell, and how late it was.
    #[must_use]
    pub fn lateness(&self) -> HashMap<&str, Lateness> {
        lateness::by_cell(self.lateness.get_or_init(|| lateness::by_trial(self.run)))
    }

    /// The summary, in which figures that say too much about the generator are marked, and still there.
    #[must_use]
    pub fn summary(&self) -> &[SummaryRow] {
        self.summary.get_or_init(|| {
            let mut rows = summary::summarise(self.run.manifest(), self.run.observations());
            summary::mark_withheld(&mut rows, &self.lateness());
            rows
        })
    }

    /// What each fault cost, without what the checks found.
    #[must_use]
    pub fn faults(&self) -> &[AvailabilityRow] {
        self.faults.get_or_init(|| availability::measure(self.run))
    }
}
