//! The thresholds of a run, held against what was measured.

use std::fs;
use std::io::ErrorKind;

use super::figures::Figures;
use super::threshold::{Threshold, ThresholdResult, evaluate};
use crate::measurements::Measurements;
use crate::records::{FolderError, RunFolder};
use crate::run::Run;
use crate::text::three_digits;
use crate::verdict::Verdict;

/// The file in a run's folder in which the results are, if the plan has thresholds.
pub const FILE: &str = "thresholds.json";

/// What [`evaluate_run`] left in a run's folder; nothing if its plan has no thresholds.
///
/// # Errors
/// The file cannot be read.
pub fn read(folder: &RunFolder) -> Result<Vec<ThresholdResult>, FolderError> {
    let path = folder.path(FILE);
    let unreadable = |source| FolderError::Read { path: path.clone(), source };
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| unreadable(error.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(error)),
    }
}

/// Evaluates the thresholds that a run's manifest has, those that end a load last, and writes what came of them to
/// [`FILE`].
/// Nothing is written if there are none. `consistency` is what the checks came to.
///
/// # Errors
/// The file cannot be written, or a threshold in the manifest is none.
pub fn evaluate_run(
    measured: &Measurements<'_>,
    consistency: Verdict,
) -> Result<Vec<ThresholdResult>, FolderError> {
    let (folder, manifest) = (measured.run().folder(), measured.run().manifest());
    if manifest.thresholds.is_empty() && manifest.abort_on.is_empty() {
        return Ok(Vec::new());
    }
    let parsed: Result<Vec<Threshold>, _> =
        manifest.thresholds.iter().map(|text| text.parse()).collect();
    let thresholds = parsed.map_err(|error| FolderError::Manifest {
        path: folder.path("manifest.json"),
        reason: format!("thresholds: {error}"),
    })?;
    let figures = Figures {
        summary: measured.summary(),
        availability: measured.faults(),
        consistency: Some(consistency),
    };
    let mut results = evaluate(&thresholds, &figures);
    results.extend(manifest.abort_on.iter().map(|text| watched(text, measured.run())));
    let path = folder.path(FILE);
    let unwritable = |source| FolderError::Write { path: path.clone(), source };
    let text = serde_json::to_string_pretty(&results).map_err(|error| unwritable(error.into()))?;
    fs::write(&path, text + "\n").map_err(unwritable)?;
    Ok(results)
}

/// What came of a threshold that was looked at while loads ran.
fn watched(text: &str, run: &Run) -> ThresholdResult {
    let result = |verdict, measured, cell, reason| ThresholdResult {
        threshold: format!("{text} (at all times)"),
        verdict,
        measured,
        cell,
        reason,
    };
    let cut = run.trials().iter().find_map(|trial| {
        let cut = trial.timeline.cut_short.as_ref().filter(|cut| cut.threshold == text)?;
        Some((trial, cut))
    });
    if let Some((trial, cut)) = cut {
        let began_us = trial.timeline.load_began_us.unwrap_or(cut.at_us);
        let into_s = cut.at_us.saturating_sub(began_us) as f64 / 1e6;
        let value: Option<f64> = cut.value.parse().ok();
        let reason = format!(
            "{} within the last seconds of trial {} of {}: its load was cut short after {into_s:.1} s",
            value.map_or_else(|| cut.value.clone(), three_digits),
            trial.number,
            trial.cell.id
        );
        return result(Verdict::Fail, value, Some(trial.cell.id.clone()), reason);
    }
    if run.trials().iter().any(|trial| trial.timeline.finished) {
        return result(Verdict::Pass, None, None, "whenever it was looked at".to_owned());
    }
    result(Verdict::Inconclusive, None, None, "no trial ran to its end".to_owned())
}
