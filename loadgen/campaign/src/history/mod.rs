//! Comparable runs over time, by commit: figures, and what changed from each commit to the next.
//!
//! Only what was measured alike is put together: the same plan (whatever its seed, and the moments of its faults), target,
//! settings and machine. Figures are those of the runs' own files. A change is called one only by the machinery of
//! `compare`, from rows, with its interval; runs of one commit count as trials of one another.
//!
//! * `folders`: which runs are meant. `likeness`: what runs must have in common. `group`: runs that do, by commit.
//! * `figures`: what is followed over time. `changes`: from commit to commit. `charts`, `tables`, `page`: what is written.

mod changes;
mod charts;
mod figures;
mod folders;
mod group;
mod likeness;
mod page;
mod tables;

use std::path::PathBuf;

use self::changes::Change;
use self::group::Group;
use crate::error::CampaignError;

pub use page::write;

/// A run that is in no group, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its folder.
    pub run: String,
    /// Why, and what would mend it where something would.
    pub reason: String,
}

/// Runs that were put together, and what changed.
#[derive(Clone, Debug)]
struct GroupHistory {
    group: Group,
    changes: Vec<Change>,
}

/// Comparable runs over time.
#[derive(Clone, Debug)]
pub struct History {
    groups: Vec<GroupHistory>,
    left_out: Vec<LeftOut>,
}

impl History {
    /// Reads runs: folders of runs, of soaks, or folders that hold such.
    ///
    /// # Errors
    /// There are more than 2,000, or a folder cannot be listed.
    pub fn read(named: &[PathBuf]) -> Result<Self, CampaignError> {
        let (folders, mut left_out) = folders::find(named)?;
        let (groups, alone) = group::groups(folders);
        left_out.extend(alone);
        let with_changes = |group: Group| {
            let changes = changes::changes(&group);
            GroupHistory { group, changes }
        };
        Ok(Self { groups: groups.into_iter().map(with_changes).collect(), left_out })
    }

    /// Whether no two runs can be compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The runs that are in no group.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}
