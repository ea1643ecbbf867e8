//! Where a plan's text comes from: a file, or one of the plans that the program carries.

use std::fs;
use std::path::{Path, PathBuf};

use super::{BuiltIn, PlanError};

/// Where a plan's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanSource {
    /// A plan that the program carries.
    BuiltIn(BuiltIn),
    /// A file.
    File(PathBuf),
}

impl PlanSource {
    /// The plan that was named, a file or one that the program carries; `fallback` if none was. A
    /// file stands above a plan of the same name.
    #[must_use]
    pub fn new(named: Option<PathBuf>, fallback: BuiltIn) -> Self {
        let Some(path) = named else { return Self::BuiltIn(fallback) };
        let is_it = |plan: &BuiltIn| path == Path::new(plan.name()) && !path.is_file();
        match BuiltIn::ALL.into_iter().find(is_it) {
            Some(plan) => Self::BuiltIn(plan),
            None => Self::File(path),
        }
    }

    /// How errors call it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::BuiltIn(plan) => format!("{} (built in)", plan.name()),
            Self::File(path) => path.display().to_string(),
        }
    }

    pub(super) fn read(&self) -> Result<String, PlanError> {
        match self {
            Self::BuiltIn(plan) => Ok(plan.text().to_owned()),
            Self::File(path) => fs::read_to_string(path)
                .map_err(|source| PlanError::Read { path: path.clone(), source }),
        }
    }

    /// The name of a plan that gives itself none.
    pub(super) fn default_name(&self) -> String {
        match self {
            Self::BuiltIn(plan) => plan.name().to_owned(),
            Self::File(path) => {
                path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }
}
