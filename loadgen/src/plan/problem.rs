//! What is wrong with a plan: all of it at once, a line each, with the field and the fix.

use std::fmt::{self, Display};
use std::path::PathBuf;

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("plan {}: {source}; name a file that can be read with --plan", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is no TOML, or holds a field that no plan has.
    #[error("plan {label}, line {line}: {reason}")]
    Syntax {
        /// Which plan.
        label: String,
        /// Where, from 1.
        line: usize,
        /// What, in one line.
        reason: String,
    },
    /// The target's file cannot be read, or has problems.
    #[error("{}", problems.each().iter().map(|one| one.in_file(file)).collect::<Vec<_>>().join("\n"))]
    Target {
        /// The file.
        file: PathBuf,
        /// All that is wrong with it.
        problems: targets::Problems,
    },
    /// Fields break rules.
    #[error("{0}")]
    Invalid(InvalidPlan),
}

/// Every rule that a plan breaks.
#[derive(Debug)]
pub struct InvalidPlan {
    label: String,
    lines: Vec<String>,
}

impl Display for InvalidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}plan {}: {line}", self.label)?;
        }
        Ok(())
    }
}

impl PlanError {
    pub(super) fn syntax(label: &str, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let reason = error.message().lines().collect::<Vec<_>>().join("; ");
        Self::Syntax { label: label.to_owned(), line, reason }
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Problems {
    lines: Vec<String>,
}

impl Problems {
    /// Notes that `field` is wrong; `reason` names the fix.
    pub fn add(&mut self, field: &str, reason: impl Display) {
        self.lines.push(format!("{field}: {reason}"));
    }

    /// Notes that `field` is wrong unless `fits`.
    pub fn unless(&mut self, fits: bool, field: &str, reason: impl FnOnce() -> String) {
        if !fits {
            self.add(field, reason());
        }
    }

    /// Notes that `field` is wrong unless it lies between two bounds that are allowed.
    pub fn within<T: PartialOrd + Display>(&mut self, field: &str, value: T, least: T, most: T) {
        if value < least || value > most {
            self.add(field, format!("is {value}, must be from {least} to {most}"));
        }
    }

    pub(super) fn into_result(self, label: &str) -> Result<(), PlanError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        Err(PlanError::Invalid(InvalidPlan { label: label.to_owned(), lines: self.lines }))
    }
}
