//! A threshold, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::figure::{Doubt, Figure, Measured, Value};
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

    /// Pass or fail whatever the value is, within its bounds; otherwise nobody can tell.
    fn held_against(self, value: &Value) -> Verdict {
        match (self.is_kept_by(value.low), self.is_kept_by(value.high)) {
            (true, true) => Verdict::Pass,
            (false, false) => Verdict::Fail,
            _ => Verdict::Inconclusive,
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
        let verdict = self.limit.held_against(worst);
        result(verdict, worst.decisive(verdict), worst.cell.clone(), said(worst, verdict))
    }

    /// The value that decides: of those with the worst verdict the one that is farthest off.
    fn worst<'a>(&self, values: &'a [Value]) -> Option<&'a Value> {
        let verdict = values.iter().map(|value| self.limit.held_against(value)).max()?;
        let with_it = values.iter().filter(|value| self.limit.held_against(value) == verdict);
        if self.limit.is_upper() {
            with_it.max_by(|a, b| a.high.total_cmp(&b.high))
        } else {
            with_it.min_by(|a, b| a.low.total_cmp(&b.low))
        }
    }
}

impl Value {
    /// Whether the faults that were not seen to end lasted longer than those that were.
    fn is_more_than_measured(&self) -> bool {
        self.measured.is_none_or(|measured| measured < self.low)
    }

    /// The number that decides.
    fn decisive(&self, verdict: Verdict) -> Option<f64> {
        match verdict {
            Verdict::Fail if self.is_more_than_measured() => Some(self.low),
            _ => self.measured,
        }
    }
}

/// A value in words, as far as it explains the verdict.
fn said(value: &Value, verdict: Verdict) -> String {
    let Some(measured) = value.measured.map(three_digits) else {
        return match verdict {
            Verdict::Inconclusive => "it was never seen".to_owned(),
            _ => format!("at least {}", three_digits(value.low)),
        };
    };
    let cell = value.cell.as_ref().map(|cell| format!(" in {cell}")).unwrap_or_default();
    match (verdict, value.doubt) {
        (Verdict::Fail, Doubt::Unseen(_)) if value.is_more_than_measured() => {
            format!("at least {}", three_digits(value.low))
        }
        (Verdict::Inconclusive, Doubt::Unseen(unseen)) => {
            format!("{measured}; but of {unseen} faults it was not seen")
        }
        (Verdict::Inconclusive, Doubt::Generator) => {
            format!("{measured}{cell}, of which too much is the generator's own lateness")
        }
        (Verdict::Inconclusive, Doubt::Machine) => {
            let own = three_digits(value.low);
            format!("{measured}; without the time for which the machine stalled the harness, {own}")
        }
        _ => format!("{measured}{cell}"),
    }
}
