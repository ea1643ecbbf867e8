//! One of the two sides of a comparison: what was measured, cell by cell.

use std::collections::{BTreeMap, HashMap};

use crate::availability::AvailabilityRow;
use crate::records::{Cell, Manifest, Observation, Op, Phase};
use crate::stats::{Answer, LoadSpan, TrialSample};
use crate::summary::{is_accepted, is_answered, is_measured};

/// Whose operations a figure is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Those of one kind.
    Only(Op),
    /// Queries and trades together.
    Load,
}

/// A cell's answered operations: kind by kind, trial by trial.
#[derive(Clone, Debug, Default)]
pub(super) struct CellSample {
    kinds: HashMap<Kind, BTreeMap<u32, TrialSample>>,
}

impl CellSample {
    /// The trials in which there was load of this kind.
    #[cfg(test)]
    pub(super) fn of_kinds(kinds: HashMap<Kind, BTreeMap<u32, TrialSample>>) -> Self {
        Self { kinds }
    }

    pub(super) fn trials(&self, kind: Kind) -> Option<&BTreeMap<u32, TrialSample>> {
        self.kinds.get(&kind)
    }
}

/// What two cells must have in common to be compared. Numbers go by what they print as.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CellKey {
    p: String,
    cache: bool,
    clients: u32,
    rate_per_s: Option<String>,
    stages: Vec<String>,
    planned_faults: u32,
    build: Option<String>,
}

impl CellKey {
    fn of(cell: &Cell, side_by_side: bool) -> Self {
        Self {
            p: cell.p.to_string(),
            cache: cell.cache,
            clients: cell.clients,
            rate_per_s: cell.rate_per_s.map(|rate| rate.to_string()),
            stages: cell.stages.iter().map(ToString::to_string).collect(),
            planned_faults: cell.planned_faults,
            build: cell.build.clone().filter(|_| !side_by_side),
        }
    }
}

/// One side.
#[derive(Debug, Default)]
pub(super) struct Side<'a> {
    /// Its cells in the manifest's order, and what they must have in common with the other side's.
    pub(super) cells: Vec<(CellKey, &'a Cell)>,
    samples: HashMap<&'a str, CellSample>,
    /// What each fault cost, and in the how-manieth run of the side, from 0.
    pub(super) faults: Vec<(u32, &'a AvailabilityRow)>,
}

impl<'a> Side<'a> {
    /// All cells of a run, or those of one build.
    pub(super) fn new(
        manifest: &'a Manifest,
        observations: impl IntoIterator<Item = &'a Observation>,
        faults: &'a [AvailabilityRow],
        build: Option<&str>,
    ) -> Self {
        let is_wanted = |cell: &&Cell| build.is_none() || cell.build.as_deref() == build;
        let cells: Vec<(CellKey, &Cell)> = manifest
            .cells
            .iter()
            .filter(is_wanted)
            .map(|cell| (CellKey::of(cell, build.is_some()), cell))
            .collect();
        let ids: Vec<&str> = cells.iter().map(|(_, cell)| cell.id.as_str()).collect();
        let faults = faults.iter().filter(|row| ids.contains(&row.cell.as_str()));
        let faults = faults.map(|row| (0, row)).collect();
        Self { samples: samples(&ids, observations), cells, faults }
    }

    /// The same with the trials of another run of the same cells, which are counted on. What that run has besides is left
    /// out.
    pub(super) fn with(mut self, other: Self) -> Self {
        let kinds = self.samples.values().flat_map(|sample| sample.kinds.values());
        let last = kinds.flat_map(BTreeMap::keys).max().copied().unwrap_or(0);
        for (id, sample) in other.samples {
            let Some(known) = self.samples.get_mut(id) else { continue };
            for (kind, trials) in sample.kinds {
                let counted_on = trials.into_iter().map(|(trial, of_it)| (last + trial, of_it));
                known.kinds.entry(kind).or_default().extend(counted_on);
            }
        }
        let runs = self.faults.iter().map(|(run, _)| run + 1).max().unwrap_or(0);
        self.faults.extend(other.faults.into_iter().map(|(run, row)| (runs + run, row)));
        self
    }

    pub(super) fn sample(&self, cell: &Cell) -> Option<&CellSample> {
        self.samples.get(cell.id.as_str())
    }
}

fn samples<'a, 'o>(
    ids: &[&'a str],
    observations: impl IntoIterator<Item = &'o Observation>,
) -> HashMap<&'a str, CellSample> {
    let mut samples: HashMap<&str, CellSample> =
        ids.iter().map(|&id| (id, CellSample::default())).collect();
    let mut spans: HashMap<(&str, Phase, u32), LoadSpan> = HashMap::new();
    for row in observations.into_iter().filter(|row| is_measured(row)) {
        let Some((&id, _)) = samples.get_key_value(row.cell.as_str()) else { continue };
        spans.entry((id, row.phase, row.trial)).or_default().cover(row.start_us, row.end_us);
        if !is_answered(row) {
            continue;
        }
        let kinds = &mut samples.entry(id).or_default().kinds;
        let operation = Answer {
            start_us: row.start_us,
            latency_us: row.response_us(),
            is_accepted: is_accepted(row),
        };
        let together = (row.phase == Phase::Load).then_some(Kind::Load);
        for kind in [Some(Kind::Only(row.op)), together].into_iter().flatten() {
            let trial = kinds.entry(kind).or_default().entry(row.trial).or_default();
            trial.operations.push(operation);
        }
    }
    for (id, sample) in &mut samples {
        for (kind, trials) in &mut sample.kinds {
            let phase = if *kind == Kind::Only(Op::Lookup) { Phase::Lookup } else { Phase::Load };
            for (trial, of_trial) in trials {
                of_trial.span = spans.get(&(*id, phase, *trial)).copied().unwrap_or_default();
            }
        }
    }
    samples
}
