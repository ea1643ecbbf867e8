//! A run as its files tell it: read once, for everything that is said about it.
//!
//! Checks, figures, charts, page and comparison are made from one [`Run`]. Each file is read once, each
//! row stands in its trial, and each trial has its [`Timeline`]. Whether all rows are there is asked here
//! (`complete`), before anybody draws conclusions from them.

mod complete;
mod groups;

use std::io;
use std::panic;
use std::thread;

use crate::records::{
    Cell, DumpRow, Event, FinalRow, FolderError, Manifest, Numbered, Observation, Row, RunFolder,
};
use crate::timeline::Timeline;

use complete::{Misfit, Missing, Parts};
use groups::Groups;

/// A run that was read.
#[derive(Clone, Debug)]
pub struct Run {
    folder: RunFolder,
    manifest: Manifest,
    trials: Vec<Trial>,
}

/// One trial of a cell: a bazaar of its own.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The cell that it is a repetition of.
    pub cell: Cell,
    /// Which repetition, from 1.
    pub number: u32,
    /// What its clients saw, in the order of the file; every row with its line.
    pub observations: Vec<Numbered<Observation>>,
    /// What replicas and catalog held at its end, in the order of the file.
    pub final_rows: Vec<DumpRow>,
    /// What happened to its services.
    pub timeline: Timeline,
    /// What is missing of its rows although it was finished, in a sentence each. If anything is, it does
    /// not count as finished, and has no final rows if these are not whole.
    pub missing: Vec<String>,
}

impl Run {
    /// Reads a run's folder. A run that was interrupted before its first dump may have no `final.csv`;
    /// every other file must be there.
    ///
    /// # Errors
    /// A file cannot be read, or a row of it is not what it should be or cannot be there: rows around it
    /// are missing, it is there twice, or its times contradict each other.
    pub fn open(folder: &RunFolder) -> Result<Self, FolderError> {
        let manifest = folder.manifest()?;
        // The two long files are read side by side.
        let (observations, final_rows) = thread::scope(|scope| {
            let final_rows =
                scope.spawn(|| if_there(grouped::<FinalRow>(folder, &manifest), &manifest));
            let observations = grouped::<Observation>(folder, &manifest);
            (observations, final_rows.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
        });
        let (observations, final_rows) = (observations?, final_rows?);
        let events = grouped::<Event>(folder, &manifest)?;
        let places = 0..groups::trials(&manifest).count();
        let missing = places.map(|place| {
            let (observations, final_rows) = (observations.part(place), final_rows.part(place));
            let events = &events.trials[place];
            let parts = Parts { observations, events, final_rows };
            complete::audit(manifest.format, manifest.target(), &parts)
        });
        let missing: Result<Vec<Missing>, Misfit> = missing.collect();
        let missing = missing.map_err(|Misfit { file, line, reason }| FolderError::Row {
            path: folder.path(file),
            line,
            reason,
        })?;
        let mut run = Self::of_groups(folder.clone(), &manifest, observations, events, final_rows);
        for (trial, missing) in run.trials.iter_mut().zip(missing) {
            trial.lack(missing);
        }
        Ok(run)
    }

    /// A run of these rows, as if they had been read from this folder. Whether they are all there is
    /// not asked.
    ///
    /// # Errors
    /// A row belongs to no trial of the manifest.
    pub fn of_rows(
        folder: RunFolder,
        manifest: &Manifest,
        observations: impl IntoIterator<Item = Observation>,
        events: impl IntoIterator<Item = Event>,
        final_rows: impl IntoIterator<Item = FinalRow>,
    ) -> Result<Self, FolderError> {
        let observations = Groups::of_rows(&folder, manifest, observations)?;
        let events = Groups::of_rows(&folder, manifest, events)?;
        let final_rows = Groups::of_rows(&folder, manifest, final_rows)?;
        Ok(Self::of_groups(folder, manifest, observations, events, final_rows))
    }

    fn of_groups(
        folder: RunFolder,
        manifest: &Manifest,
        observations: Groups<'_, Observation>,
        events: Groups<'_, Event>,
        final_rows: Groups<'_, FinalRow>,
    ) -> Self {
        let groups = observations.trials.into_iter().zip(events.trials).zip(final_rows.trials);
        let trials = groups::trials(manifest).zip(groups).map(
            |((cell, number), ((observations, events), final_rows))| {
                let events = events.iter().map(|event| &event.row);
                let timeline = Timeline::new(events, manifest.replicas);
                let (cell, missing) = (cell.clone(), Vec::new());
                Trial { cell, number, observations, final_rows, timeline, missing }
            },
        );
        Self { trials: trials.collect(), folder, manifest: manifest.clone() }
    }

    /// The folder that it was read from.
    #[must_use]
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// What was run.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Every trial that the manifest has, be it one that was never begun: cells in the manifest's
    /// order, each with its repetitions.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// What the clients of all trials saw, trial by trial.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.trials.iter().flat_map(Trial::observations)
    }
}

impl Trial {
    /// What its clients saw, in the order of the file.
    pub fn observations(&self) -> impl Iterator<Item = &Observation> {
        self.observations.iter().map(|numbered| &numbered.row)
    }

    /// Takes note of what is missing.
    fn lack(&mut self, missing: Missing) {
        self.timeline.finished &= missing.reasons.is_empty();
        if missing.is_dump_cut {
            self.final_rows.clear();
        }
        self.missing = missing.reasons;
    }

    /// Whether the run left anything of it.
    #[must_use]
    pub fn was_begun(&self) -> bool {
        !self.observations.is_empty() || !self.timeline.is_empty
    }
}

/// The rows of a file, trial by trial.
fn grouped<'m, T: Row>(
    folder: &RunFolder,
    manifest: &'m Manifest,
) -> Result<Groups<'m, T>, FolderError> {
    let mut groups = Groups::new(manifest);
    groups.is_torn = folder.read(manifest.format..=manifest.format, |row| groups.add(row))?;
    Ok(groups)
}

/// No rows of a file that is not there.
fn if_there<'m, T: Row>(
    groups: Result<Groups<'m, T>, FolderError>,
    manifest: &'m Manifest,
) -> Result<Groups<'m, T>, FolderError> {
    match groups {
        Err(FolderError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(Groups::new(manifest))
        }
        groups => groups,
    }
}
