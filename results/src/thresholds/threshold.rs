//! A threshold, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::figure::{Figure, Measured, Value};
use super::figures::Figures;
use crate::checks::why;
use crate::records::Target;
use crate::text::{aligned, three_digits};
use crate::verdict::Verdict;

/// A threshold, parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    pub(super) text: String,
    pub(super) cell: Option<String>,
    pub(super) figure: Figure,
    pub(super) limit: Limit,
}

/// What a value must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    Below(f64),
    AtMost(f64),
    Above(f64),
    AtLeast(f64),
    /// Of the consistency checks.
    Pass,
}

impl Limit {
    pub(super) fn is_kept_by(self, value: f64) -> bool {
        match self {
            Self::Below(limit) => value < limit,
            Self::AtMost(limit) => value <= limit,
            Self::Above(limit) => value > limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Pass => false,
        }
    }

    /// Whether it bounds a value from above: then the largest is the one that matters.
    fn is_upper(self) -> bool {
        matches!(self, Self::Below(_) | Self::AtMost(_))
    }
}

impl Threshold {
    /// The cell that it is about; nothing if it is about all.
    #[must_use]
    pub fn cell(&self) -> Option<&str> {
        self.cell.as_deref()
    }

    /// Why nothing of its figure can be measured of this target, if so.
    #[must_use]
    pub fn why_not_applicable(&self, target: &Target) -> Option<String> {
        let lacks = target.lacks(self.figure.facts());
        (!lacks.is_empty()).then(|| why(&lacks))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What came of a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// As it was written.
    pub threshold: String,
    /// Pass: held. Fail: broken. Inconclusive: not measured.
    pub verdict: Verdict,
    /// The value that decided, the worst of all cells; empty if none was measured, or if it is no
    /// number.
    pub measured: Option<f64>,
    /// The cell that it was measured in, if the figure is one of a cell.
    pub cell: Option<String>,
    /// In words.
    pub reason: String,
}

/// Holds every threshold against the figures, in the order given.
#[must_use]
pub fn evaluate(thresholds: &[Threshold], figures: &Figures<'_>) -> Vec<ThresholdResult> {
    thresholds.iter().map(|threshold| threshold.evaluate(figures)).collect()
}

/// The worst of all results; pass if there are none.
#[must_use]
pub fn verdict(results: &[ThresholdResult]) -> Verdict {
    results.iter().fold(Verdict::Pass, |worst, result| worst.combine(result.verdict))
}

/// The results for people, ending with a newline.
#[must_use]
pub fn table(results: &[ThresholdResult]) -> String {
    let rows: Vec<Vec<String>> = results
        .iter()
        .map(|result| {
            let word = match result.verdict {
                Verdict::Pass => "held",
                Verdict::Fail => "BROKEN",
                Verdict::Inconclusive => "not measured",
            };
            vec![word.to_owned(), result.threshold.clone(), result.reason.clone()]
        })
        .collect();
    aligned(&["", "threshold", "measured"], 3, &rows)
}

impl Threshold {
    fn evaluate(&self, figures: &Figures<'_>) -> ThresholdResult {
        let result = |verdict, measured, cell, reason: String| ThresholdResult {
            threshold: self.text.clone(),
            verdict,
            measured,
            cell,
            reason,
        };
        let measured = match self.figure.measure(figures, self.cell()) {
            Measured::Verdict(Some(verdict)) => {
                return result(verdict, None, None, verdict.to_string());
            }
            Measured::Verdict(None) => {
                let reason = "nothing was checked".to_owned();
                return result(Verdict::Inconclusive, None, None, reason);
            }
            Measured::Values(measured) => measured,
        };
        let Some(worst) = self.worst(&measured.values) else {
            return result(Verdict::Inconclusive, None, None, measured.missing);
        };
        let shown = worst.cell.as_ref().map(|cell| format!(" in {cell}")).unwrap_or_default();
        let said = format!("{}{shown}", three_digits(worst.value));
        let (value, cell) = (Some(worst.value), worst.cell.clone());
        let is_kept = self.limit.is_kept_by(worst.value);
        // What the generator's lateness is part of is no less than the truth, and may be more.
        if worst.is_withheld && !(is_kept && self.limit.is_upper()) {
            let reason = format!("{said}, of which too much is the generator's own lateness");
            return result(Verdict::Inconclusive, value, cell, reason);
        }
        if !is_kept {
            return result(Verdict::Fail, value, cell, said);
        }
        if measured.unseen > 0 {
            let reason = format!("{said}; but of {} faults it was not seen", measured.unseen);
            return result(Verdict::Inconclusive, value, cell, reason);
        }
        result(Verdict::Pass, value, cell, said)
    }

    /// The value that decides: of those that break the threshold for sure, if any does, or else of all.
    fn worst<'a>(&self, values: &'a [Value]) -> Option<&'a Value> {
        let by_value = |a: &&Value, b: &&Value| a.value.total_cmp(&b.value);
        let breaks = |value: &&Value| !value.is_withheld && !self.limit.is_kept_by(value.value);
        let broken = values.iter().filter(breaks);
        let broken =
            if self.limit.is_upper() { broken.max_by(by_value) } else { broken.min_by(by_value) };
        if broken.is_some() {
            return broken;
        }
        if self.limit.is_upper() {
            values.iter().max_by(by_value)
        } else {
            values.iter().min_by(by_value)
        }
    }
}
