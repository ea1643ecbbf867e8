//! Rows of a file, sorted out by trial while they are read.

use std::collections::HashMap;

use super::complete::Part;
use crate::records::{AtLine as _, Cell, FolderError, Manifest, Numbered, Row, RunFolder};

/// Every trial that the manifest has, in its order.
pub(super) fn trials(manifest: &Manifest) -> impl Iterator<Item = (&Cell, u32)> {
    manifest.cells.iter().flat_map(|cell| (1..=cell.trials).map(move |number| (cell, number)))
}

/// The rows of one file.
pub(super) struct Groups<'m, T: Row> {
    /// Where each trial stands in the manifest.
    places: HashMap<(&'m str, u32), usize>,
    /// By that place.
    pub(super) trials: Vec<Vec<T::Kept>>,
    /// Whether the file ended in half a row.
    pub(super) is_torn: bool,
}

impl<'m, T: Row> Groups<'m, T> {
    /// Groups without rows.
    pub(super) fn new(manifest: &'m Manifest) -> Self {
        let places: HashMap<_, _> = trials(manifest)
            .enumerate()
            .map(|(place, (cell, number))| ((cell.id.as_str(), number), place))
            .collect();
        let trials = trials(manifest).map(|_| Vec::new()).collect();
        Self { places, trials, is_torn: false }
    }

    /// The same rows as in a file of this folder, below its header.
    pub(super) fn of_rows(
        folder: &RunFolder,
        manifest: &'m Manifest,
        rows: impl IntoIterator<Item = T>,
    ) -> Result<Self, FolderError> {
        let mut groups = Self::new(manifest);
        for (line, row) in (2..).zip(rows) {
            let path = || folder.path(T::FILE);
            let added = groups.add(Numbered { line, row });
            added.map_err(|reason| FolderError::Row { path: path(), line, reason })?;
        }
        Ok(groups)
    }

    /// Puts a row into its trial, or says that it has none.
    pub(super) fn add(&mut self, Numbered { line, row }: Numbered<T>) -> Result<(), String> {
        let (cell, number) = row.trial();
        let Some(&place) = self.places.get(&(cell, number)) else {
            return Err(format!("the manifest has no trial {number} of a cell `{cell}`"));
        };
        self.trials[place].push(row.keep(line)?);
        Ok(())
    }

    /// The rows of the trial at this place.
    pub(super) fn part(&self, place: usize) -> Part<'_, T> {
        let last_line = |rows: &Vec<T::Kept>| rows.last().map(|row| row.line());
        let rows = &self.trials[place];
        let is_last = last_line(rows) == self.trials.iter().filter_map(last_line).max();
        Part { rows, is_last, is_torn: self.is_torn && is_last }
    }
}
