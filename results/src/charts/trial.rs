//! One trial of one cell, as the charts over time look at it.

use std::collections::{BTreeMap, BTreeSet};

use super::Material;
use super::faults::Fault;
use crate::availability::AvailabilityRow;
use crate::records::{Cell, Observation, Phase};
use crate::timeline::{self, Timeline};

/// What belongs to one trial.
pub(super) struct TrialView<'a> {
    pub(super) cell: &'a Cell,
    pub(super) number: u32,
    /// The load's operations; the lookups at the end are another matter.
    pub(super) load: Vec<&'a Observation>,
    /// What happened to the services.
    pub(super) timeline: Timeline,
    pub(super) faults: Vec<Fault>,
}

impl<'a> TrialView<'a> {
    /// Every trial that left an observation or an event, in the manifest's order.
    pub(super) fn all(material: &Material<'a>) -> Vec<Self> {
        // Sorted out in one pass: a run may have many trials and half a million rows.
        let mut rows: BTreeMap<(&str, u32), Vec<&'a Observation>> = BTreeMap::new();
        for row in material.observations {
            rows.entry((&row.cell, row.trial)).or_default().push(row);
        }
        let mut timelines = timeline::by_trial(material.events, material.manifest.replicas);
        let trials: BTreeSet<(&str, u32)> = rows.keys().chain(timelines.keys()).copied().collect();
        let of_cell = |cell: &'a Cell| {
            let of_cell = trials.range((cell.id.as_str(), 0)..=(cell.id.as_str(), u32::MAX));
            of_cell.map(move |&(_, number)| (cell, number))
        };
        let mut views = Vec::new();
        for (cell, number) in material.manifest.cells.iter().flat_map(of_cell) {
            let place = (cell.id.as_str(), number);
            let costs = material.availability.iter();
            let costs: Vec<&AvailabilityRow> =
                costs.filter(|row| (row.cell.as_str(), row.trial) == place).collect();
            let mut load = rows.remove(&place).unwrap_or_default();
            load.retain(|row| row.phase == Phase::Load);
            let timeline = timelines.remove(&place).unwrap_or_default();
            let faults = Fault::all(&timeline, &costs);
            views.push(Self { cell, number, load, timeline, faults });
        }
        views
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
        let cache = if self.cell.cache { "cache on" } else { "cache off" };
        let trial = match self.cell.trials {
            0 | 1 => String::new(),
            trials => format!(" · trial {} of {trials}", self.number),
        };
        let rest = super::rate_and_build(self.cell.rate_per_s, self.cell.build.as_deref());
        let rest = if rest.is_empty() { rest } else { format!(" · {rest}") };
        format!("p = {} · {cache}{rest}{trial}", self.cell.p)
    }
}
