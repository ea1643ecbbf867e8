//! The page, written into the run's folder.

use std::fs;
use std::path::PathBuf;

use super::error::{FILE, PageError};
use super::input::PageInput;
use super::page;
use crate::catalog_queries;
use crate::checks::ConsistencyReport;
use crate::report::Report;
use crate::run::Run;
use crate::thresholds::ThresholdResult;

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
    let material = PageInput { manifest, figures, consistency, thresholds, catalog };
    let page = page::render(folder, &material)?;
    let path = folder.path(FILE);
    fs::write(&path, page).map_err(|source| PageError::Write { path: path.clone(), source })?;
    Ok(path)
}
