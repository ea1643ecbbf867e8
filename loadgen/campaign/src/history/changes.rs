//! What changed from each commit to the next, by the machinery of `compare`: ratios with intervals, from the rows of all runs
//! of both commits.
//!
//! Rows are read again for each pair of commits and dropped after it, so two commits are in memory at a time.

use results::compare::{Effect, Floor, Measured, compare_several};
use results::measurements::Measurements;
use results::records::RunFolder;
use results::run::Run;

use super::group::{CommitPoint, Group};

/// So many runs of a commit, the newest, are compared: more would not fit into memory, and hardly tell more.
const MOST_RUNS: usize = 10;

/// From one commit to the next.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The place of the later one in its group.
    pub(super) at: usize,
    /// What changed and by how much, or why nothing can be said.
    pub(super) effects: Result<Vec<Effect>, String>,
}

impl Change {
    /// Effects that are more than noise.
    pub(super) fn called(&self) -> impl Iterator<Item = &Effect> {
        use results::compare::Change::{Better, Worse};
        let effects = self.effects.iter().flatten();
        effects.filter(|effect| matches!(effect.change, Better | Worse))
    }
}

/// Between all neighbours.
pub(super) fn changes(group: &Group) -> Vec<Change> {
    let pairs = group.commits.windows(2).zip(1..);
    pairs.map(|(pair, at)| Change { at, effects: effects(&pair[0], &pair[1]) }).collect()
}

fn effects(before: &CommitPoint, after: &CommitPoint) -> Result<Vec<Effect>, String> {
    let (before, after) = (open(before)?, open(after)?);
    let (before, after) = (measured(&before), measured(&after));
    let comparison = compare_several(&sides(&before), &sides(&after), &Floor::default());
    comparison.map(|comparison| comparison.headline).map_err(|error| error.to_string())
}

fn measured(runs: &[Run]) -> Vec<Measurements<'_>> {
    runs.iter().map(Measurements::new).collect()
}

fn sides<'a>(measured: &'a [Measurements<'_>]) -> Vec<Measured<'a>> {
    measured.iter().map(|one| Measured { run: one.run(), faults: one.faults() }).collect()
}

fn open(commit: &CommitPoint) -> Result<Vec<Run>, String> {
    let newest = commit.runs.iter().rev().take(MOST_RUNS);
    let opened = newest.map(|run| {
        let folder = RunFolder::new(&run.folder);
        if !folder.path("observations.csv").is_file() {
            return Err(format!(
                "the rows of {} were removed, so nothing is claimed",
                folder.name()
            ));
        }
        Run::open(&folder).map_err(|error| error.to_string())
    });
    opened.collect()
}
