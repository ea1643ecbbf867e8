//! What is left of a tree whose guard was killed, and what becomes of it: known from the guard's reports alone.

use super::orphans;
use super::protocol::{Identity, Report};

/// What a guard has said of who must be ended in its stead.
#[derive(Clone, Debug)]
pub(crate) struct Leftovers {
    mark: String,
    /// Whether something else keeps the process: it outlives its guard then.
    kept_elsewhere: bool,
    /// Whether it is adopted, and ran when the harness came.
    found: bool,
    members: Vec<Identity>,
    /// Whether the guard said that nothing is left.
    empty: bool,
}

impl Leftovers {
    pub(crate) fn new(mark: String, kept_elsewhere: bool) -> Self {
        Self { mark, kept_elsewhere, found: false, members: Vec::new(), empty: false }
    }

    /// Takes in what the guard says.
    pub(super) fn note(&mut self, report: &Report) {
        match report {
            Report::Found { .. } => self.found = true,
            Report::Members { members } => self.members.clone_from(members),
            Report::NotStarted { .. } | Report::Empty { .. } => self.empty = true,
            _ => {}
        }
    }

    /// The same of a report as it was sent.
    pub(crate) fn note_line(&mut self, line: &str) {
        if let Ok(report) = serde_json::from_str(line) {
            self.note(&report);
        }
    }

    /// Whether it is adopted, and ran when the harness came.
    pub(super) fn was_found(&self) -> bool {
        self.found
    }

    /// Whether the guard said that nothing is left: then it was not killed.
    pub(super) fn is_nothing(&self) -> bool {
        self.empty
    }

    /// Does what the guard would have done, now that it has ended. Says whether nobody is left.
    pub(crate) fn end(&self) -> bool {
        match (self.empty, self.kept_elsewhere, self.found) {
            (true, _, _) => true,
            (false, false, _) => orphans::kill(&self.mark, &self.members),
            (false, true, false) => orphans::kill_listed(&self.members),
            (false, true, true) => {
                orphans::let_go_on(&self.members);
                true
            }
        }
    }
}
