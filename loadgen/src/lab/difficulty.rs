//! How hard it is to make a bug show: what the story that provokes it breaks.

use std::fmt;

use faults::schedule::Action;

use crate::plan::Plan;

/// What it takes to make a bug show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difficulty {
    /// A load.
    Easy,
    /// A process that is killed.
    Medium,
    /// More.
    Hard,
}

impl Difficulty {
    /// All of them, the easiest first.
    pub const ALL: [Self; 3] = [Self::Easy, Self::Medium, Self::Hard];

    /// Of a bug that does harm in this plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        match plan.faults.as_slice() {
            [] => Self::Easy,
            [one] if one.action == Action::Kill => Self::Medium,
            _ => Self::Hard,
        }
    }

    /// What it takes, in words.
    #[must_use]
    pub fn means(self) -> &'static str {
        match self {
            Self::Easy => "shows under a load, with nothing broken",
            Self::Medium => "shows once one process has been killed under a load",
            Self::Hard => "takes several faults in order, or one of a link, a disk or a flood",
        }
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        })
    }
}
