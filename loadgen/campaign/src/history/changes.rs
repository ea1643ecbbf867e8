//! What changed from each commit to the next, by the machinery of `compare`: ratios with intervals, from the rows of all runs
//! of both commits.
//!
//! A commit's rows are read once, and dropped when it has been compared with both neighbours: two commits are in memory at a time.

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
    if group.commits.len() < 2 {
        return Vec::new();
    }
    let mut opened = group.commits.iter().map(open);
    let Some(mut before) = opened.next() else { return Vec::new() };
    let changes = opened.zip(1..).map(|(after, at)| {
        let effects = effects(&before, &after);
        before = after;
        Change { at, effects }
    });
    changes.collect()
}

type Opened = Result<Vec<Run>, String>;

fn effects(before: &Opened, after: &Opened) -> Result<Vec<Effect>, String> {
    let (before, after) =
        (before.as_ref().map_err(String::clone)?, after.as_ref().map_err(String::clone)?);
    let (before, after) = (measured(before), measured(after));
    let comparison = compare_several(&sides(&before), &sides(&after), &Floor::default());
    comparison.map(|comparison| comparison.headline).map_err(|error| error.to_string())
}

fn measured(runs: &[Run]) -> Vec<Measurements<'_>> {
    runs.iter().map(Measurements::new).collect()
}

fn sides<'a>(measured: &'a [Measurements<'_>]) -> Vec<Measured<'a>> {
    measured.iter().map(|one| Measured { run: one.run(), faults: one.faults() }).collect()
}

fn open(commit: &CommitPoint) -> Opened {
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
