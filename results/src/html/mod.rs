//! `report.html`: the whole run on one page, for people.
//!
//! One file that needs nothing: no script, no network, no font, no file beside it. What was asked,
//! what the answer is and whether it can be believed come first; then the evidence, in the order in
//! which a reader asks for it. Links lead to the run's other files, and are the only thing that is
//! lost when the page is sent on alone.
//!
//! Each module turns one part of the run into plain values; the templates in `results/templates`
//! only lay them out. Every value goes through the template engine's escaping, so that nothing in a
//! run's files can become markup; a content security policy forbids the rest.

mod belief;
mod consistency;
mod evidence;
mod faults;
mod files;
mod format;
mod kinds;
mod limits;
mod opening;
mod page;
mod pictures;
mod setup;
mod tables;
mod tiles;

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::catalog_queries;
use crate::checks::ConsistencyReport;
use crate::records::{FolderError, Manifest};
use crate::report::Report;
use crate::run::Run;
use crate::thresholds::{self, ThresholdResult};
use crate::verdict::Verdict;

/// The page's name in a run's folder.
pub const FILE: &str = "report.html";

/// Why the page could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file of the run could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A chart could not be read back.
    #[error("cannot read {path}: {source}")]
    Chart {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The template could not be filled in.
    #[error("cannot lay out {FILE}: {0}")]
    Layout(#[from] askama::Error),
    /// The page could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Everything that the page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
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

impl Material<'_> {
    /// The worst of checks and thresholds.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.consistency.verdict.combine(thresholds::verdict(self.thresholds))
    }
}

/// Writes `report.html` into the run's folder, from figures, checks and thresholds of the same run,
/// and returns its path. The charts must already lie in the folder.
///
/// # Errors
/// A file of the run cannot be read, or the page cannot be written.
pub fn write(
    run: &Run,
    figures: &Report,
    consistency: &ConsistencyReport,
    thresholds: &[ThresholdResult],
) -> Result<PathBuf, PageError> {
    let (folder, manifest) = (run.folder(), run.manifest());
    let catalog = &catalog_queries::sentences(folder);
    let material = Material { manifest, figures, consistency, thresholds, catalog };
    let page = page::render(folder, &material)?;
    let path = folder.path(FILE);
    fs::write(&path, page).map_err(|source| PageError::Write { path: path.clone(), source })?;
    Ok(path)
}
