//! Who runs a story. The rest of the command knows nothing of processes.

use std::path::Path;

use driver::stop::Stop;
use grade::story_run::NoRun;
use results::records::RunFolder;
use targets::Target;

use super::limits::StoryLimits;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::run::Kind;

/// A story that is to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoryRequest<'a> {
    /// Whose.
    pub(crate) target: &'a Target,
    /// As what kind of run.
    pub(crate) kind: Kind,
    /// What is done.
    pub(crate) plan: &'a Plan,
    /// Where its files belong: a folder that is there and empty.
    pub(crate) folder: &'a RunFolder,
    /// Its copy of the workspace and everything else that it changes lie below this folder.
    pub(crate) workspace: &'a Path,
    /// What it may use.
    pub(crate) limits: StoryLimits,
    /// Who is told how far it is.
    pub(crate) progress: &'a Progress,
    /// Requested once the story must end.
    pub(crate) stop: &'a Stop,
}

/// Runs stories.
pub(crate) trait StoryRunner {
    /// Runs one to its end, and leaves its rows in the folder. Nothing of the target is left afterwards, whatever the target
    /// does, and also if the future is dropped.
    ///
    /// # Errors
    /// Why there is no run.
    fn run_story(&self, request: StoryRequest<'_>) -> impl Future<Output = Result<(), NoRun>>;
}
