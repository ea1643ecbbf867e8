//! `[checks]`: what must hold after a trial, within which time, and what a run's figures must keep to.

use results::records::Cell;
use results::thresholds::Threshold;
use serde::{Deserialize, Serialize};

use super::Problems;

/// Thresholds of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// Within how long after the load all replicas must be in sync and equal.
    pub converge_within_ms: u64,
    /// For how long the clients go on after the last fault was healed, so that progress can be
    /// seen. Only in plans with faults.
    pub recovery_ms: u64,
    /// What the run's figures must keep to, for example `trade.p99_us < 5000`; see
    /// [`results::thresholds`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
}

impl Default for Checks {
    fn default() -> Self {
        Self { converge_within_ms: 10_000, recovery_ms: 1_000, thresholds: Vec::new() }
    }
}

impl Checks {
    pub(super) fn validate(&self, cells: &[Cell], problems: &mut Problems) {
        problems.within("checks.converge_within_ms", self.converge_within_ms, 100, 600_000);
        problems.within("checks.recovery_ms", self.recovery_ms, 100, 600_000);
        for (index, text) in self.thresholds.iter().enumerate() {
            let field = format!("checks.thresholds[{index}]");
            match text.parse::<Threshold>() {
                Ok(threshold) => check_cell(&threshold, cells, &field, problems),
                Err(error) => problems.add(&field, error),
            }
        }
    }
}

fn check_cell(threshold: &Threshold, cells: &[Cell], field: &str, problems: &mut Problems) {
    let Some(wanted) = threshold.cell() else { return };
    problems.unless(cells.iter().any(|cell| cell.id == wanted), field, || {
        let names: Vec<&str> = cells.iter().map(|cell| cell.id.as_str()).collect();
        format!("this plan has no cell {wanted:?}; it has {}", names.join(", "))
    });
}
