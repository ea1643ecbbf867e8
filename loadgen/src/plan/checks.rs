//! `[checks]`: what must hold after a trial, within which time, and what a run's figures must keep to.

use driver::recent::WINDOW;
use results::records::Cell;
use results::thresholds::{Threshold, watchable};
use serde::{Deserialize, Serialize};

use super::{Load, Problems};

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
    /// What the last [`WINDOW`] must keep to all the time, or the trial's load is ended and the run fails:
    /// thresholds on figures of operations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub abort_on: Vec<String>,
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            converge_within_ms: 10_000,
            recovery_ms: 1_000,
            thresholds: Vec::new(),
            abort_on: Vec::new(),
        }
    }
}

impl Checks {
    pub(super) fn validate(&self, cells: &[Cell], load: &Load, problems: &mut Problems) {
        problems.within("checks.converge_within_ms", self.converge_within_ms, 100, 600_000);
        problems.within("checks.recovery_ms", self.recovery_ms, 100, 600_000);
        for (index, text) in self.thresholds.iter().enumerate() {
            let field = format!("checks.thresholds[{index}]");
            match text.parse::<Threshold>() {
                Ok(threshold) => check_cell(&threshold, cells, &field, problems),
                Err(error) => problems.add(&field, error),
            }
        }
        for (index, text) in self.abort_on.iter().enumerate() {
            let field = format!("checks.abort_on[{index}]");
            match text.parse::<Threshold>() {
                Ok(threshold) if threshold.can_be_watched() => {
                    check_cell(&threshold, cells, &field, problems);
                }
                Ok(threshold) => problems.add(&field, cannot_be_watched(&threshold)),
                Err(error) => problems.add(&field, error),
            }
        }
        let window_ms = u64::try_from(WINDOW.as_millis()).unwrap_or(u64::MAX);
        let is_looked_at = load.duration_ms().is_none_or(|load_ms| load_ms > window_ms);
        problems.unless(self.abort_on.is_empty() || is_looked_at, "checks.abort_on", || {
            format!(
                "is looked at from {} s into the load on, and the load is over then: make \
                 load.duration_s longer, or use checks.thresholds",
                WINDOW.as_secs()
            )
        });
    }
}

fn cannot_be_watched(threshold: &Threshold) -> String {
    format!(
        "\"{threshold}\" is known at the end only, so it belongs into checks.thresholds; while the load \
         runs there are {}",
        watchable()
    )
}

fn check_cell(threshold: &Threshold, cells: &[Cell], field: &str, problems: &mut Problems) {
    let Some(wanted) = threshold.cell() else { return };
    problems.unless(cells.iter().any(|cell| cell.id == wanted), field, || {
        let names: Vec<&str> = cells.iter().map(|cell| cell.id.as_str()).collect();
        format!("this plan has no cell {wanted:?}; it has {}", names.join(", "))
    });
}
