//! One trial of one cell, as the charts over time look at it.

use super::Material;
use super::faults::Fault;
use crate::availability::AvailabilityRow;
use crate::records::{Cell, Event, Observation, Phase};

/// What belongs to one trial.
pub(super) struct TrialView<'a> {
    pub(super) cell: &'a Cell,
    pub(super) number: u32,
    /// The load's operations; the lookups at the end are another matter.
    pub(super) load: Vec<&'a Observation>,
    /// By time.
    pub(super) events: Vec<&'a Event>,
    pub(super) faults: Vec<Fault>,
}

impl<'a> TrialView<'a> {
    /// Every trial that left an observation or an event, in the manifest's order.
    pub(super) fn all(material: &Material<'a>) -> Vec<Self> {
        let mut views = Vec::new();
        for cell in &material.manifest.cells {
            let of_rows = material.observations.iter().filter(|row| row.cell == cell.id);
            let of_events = material.events.iter().filter(|event| event.cell == cell.id);
            let last = of_rows.map(|row| row.trial).chain(of_events.map(|event| event.trial)).max();
            views.extend((1..=last.unwrap_or(0)).map(|number| Self::new(material, cell, number)));
        }
        views
    }

    fn new(material: &Material<'a>, cell: &'a Cell, number: u32) -> Self {
        let is_its = |cell_id: &str, trial: u32| cell_id == cell.id && trial == number;
        let rows = material.observations.iter().filter(|row| is_its(&row.cell, row.trial));
        let events = material.events.iter().filter(|event| is_its(&event.cell, event.trial));
        let mut events: Vec<&Event> = events.collect();
        events.sort_by_key(|event| event.at_us);
        let costs = material.availability.iter();
        let costs: Vec<&AvailabilityRow> =
            costs.filter(|row| is_its(&row.cell, row.trial)).collect();
        Self {
            cell,
            number,
            load: rows.filter(|row| row.phase == Phase::Load).collect(),
            faults: Fault::all(&events, &costs),
            events,
        }
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

    /// `p = 0.5 · cache on`, and the trial if there are several.
    pub(super) fn setting(&self) -> String {
        let cache = if self.cell.cache { "cache on" } else { "cache off" };
        let trial = match self.cell.trials {
            0 | 1 => String::new(),
            trials => format!(" · trial {} of {trials}", self.number),
        };
        format!("p = {} · {cache}{trial}", self.cell.p)
    }
}
