//! One trial of one cell, as the charts over time look at it.

use super::faults::Fault;
use super::input::ChartInput;
use super::words::{Way, rate_and_build};
use crate::availability::AvailabilityRow;
use crate::records::{Cell, Observation, Phase};
use crate::run::Trial;
use crate::timeline::Timeline;

/// What belongs to one trial.
pub(super) struct TrialView<'a> {
    pub(super) cell: &'a Cell,
    /// How it was started.
    pub(super) way: Way,
    pub(super) number: u32,
    /// The load's operations; the lookups at the end are another matter.
    pub(super) load: Vec<&'a Observation>,
    /// What happened to the services.
    pub(super) timeline: &'a Timeline,
    pub(super) faults: Vec<Fault>,
}

impl<'a> TrialView<'a> {
    /// Every trial that was begun, in the manifest's order.
    pub(super) fn all(material: &ChartInput<'a>) -> Vec<Self> {
        let begun = material.run.trials().iter().filter(|trial| trial.was_begun());
        let view = |trial: &'a Trial| {
            let is_of_trial =
                |row: &&AvailabilityRow| row.cell == trial.cell.id && row.trial == trial.number;
            let costs: Vec<&AvailabilityRow> =
                material.availability.iter().filter(is_of_trial).collect();
            let load = trial.observations().filter(|row| row.phase == Phase::Load);
            Self {
                cell: &trial.cell,
                way: Way::of(material.run.manifest(), trial.cell.cache),
                number: trial.number,
                load: load.collect(),
                timeline: &trial.timeline,
                faults: Fault::all(&trial.timeline, &costs),
            }
        };
        begun.map(view).collect()
    }

    /// From the first send of the load to its last answer.
    pub(super) fn span_us(&self) -> Option<(u64, u64)> {
        let first = self.load.iter().map(|row| row.start_us).min()?;
        let last = self.load.iter().map(|row| row.end_us).max()?;
        Some((first, last))
    }

    /// `cell, trial 1`, fit to be part of a file's name.
    pub(super) fn file_part(&self) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let cell: String = self.cell.id.chars().map(|c| if fits(c) { c } else { '_' }).collect();
        format!("{cell}-trial{}", self.number)
    }

    /// `p = 0.5 · cache on`, rate and build, and the trial if there are several.
    pub(super) fn setting(&self) -> String {
        let (number, trials) = (self.number, self.cell.trials);
        let rest = rate_and_build(self.cell.rate_per_s, self.cell.build.as_deref());
        let parts = [
            Some(format!("p = {}", self.cell.p)),
            self.way.name.clone(),
            Some(rest).filter(|rest| !rest.is_empty()),
            (trials > 1).then(|| format!("trial {number} of {trials}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
