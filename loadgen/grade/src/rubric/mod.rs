//! A rubric: which properties a submission is asked for, and what each is worth.
//!
//! It is a TOML file (`file`), whose rules are in `check`; the program carries one. The invariant: a rubric that was read has
//! only checks that there are, figures that can be measured, and stories that can be run.

mod check;
mod file;
mod problem;

pub use problem::{Problem, RubricError};

use crate::demand::Demand;
use crate::points::Points;
use crate::story::Story;

/// The rubric that the program carries.
pub const BUILT_IN: &str = include_str!("../../rubric.toml");

/// A rubric.
#[derive(Clone, Debug, PartialEq)]
pub struct Rubric {
    /// Its name, for pages.
    pub name: String,
    /// What is asked, in the order of the pages.
    pub properties: Vec<Property>,
}

/// Something that is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// One word for columns.
    pub name: String,
    /// One line.
    pub title: String,
    /// What it means, for who has lost points by it. May be empty.
    pub about: String,
    /// What it is worth.
    pub points: Points,
    /// What must hold.
    pub demands: Vec<Demand>,
    /// In which stories.
    pub stories: Vec<Story>,
    /// What is earned if only a part of it holds.
    pub partial: Partial,
    /// Whether a submission that has nothing it could be asked of has lost it.
    pub required: bool,
}

/// How a property's points are divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partial {
    /// All or nothing.
    #[default]
    None,
    /// Each story has an equal part.
    ByRun,
    /// Each check and each figure has an equal part.
    ByCheck,
}

impl Rubric {
    /// The one that the program carries.
    ///
    /// # Errors
    /// None that a test would let through.
    pub fn built_in() -> Result<Self, RubricError> {
        Self::read(BUILT_IN, "built in")
    }

    /// Reads a rubric; `label` is what errors call it.
    ///
    /// # Errors
    /// It is no TOML or has a field that no rubric has, or else every rule that it breaks.
    pub fn read(text: &str, label: &str) -> Result<Self, RubricError> {
        let file =
            toml::from_str(text).map_err(|error| RubricError::syntax(label, text, &error))?;
        check::check(&file, text).map_err(|problems| RubricError::rules(label, problems))
    }

    /// The stories that it needs, in the order in which they are run.
    pub fn stories(&self) -> impl Iterator<Item = Story> + '_ {
        let is_needed =
            |story: &Story| self.properties.iter().any(|property| property.stories.contains(story));
        Story::ALL.into_iter().filter(is_needed)
    }
}
