//! All stories of one submission, one after the other.
//!
//! The invariant: whatever the submission does, this ends. A story has as long as the limits say, and no longer than is left of
//! the submission's minutes; one that does not end when it is asked to is dropped, which ends its processes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use driver::stop::Stop;
use grade::rubric::Rubric;
use grade::story::Story;
use grade::story_run::{NoRun, Shown, StoryRun};
use results::html;
use results::records::RunFolder;

use super::limits::StoryLimits;
use super::runner::{StoryRequest, StoryRunner};
use super::stories;
use super::submission::Submission;
use crate::exit::one_line;
use crate::progress::Progress;
use crate::run::judge_run;

/// The folder below a submission's, in which what its processes change lies while a story is run.
const WORKSPACE: &str = "workspace";

/// What every submission is sent through.
pub(super) struct Session<'a, R> {
    /// Who runs stories.
    pub(super) runner: &'a R,
    /// Which stories.
    pub(super) rubric: &'a Rubric,
    /// How long all of them may take for one submission.
    pub(super) time: Duration,
    /// How long a story that was asked to end may take for it.
    pub(super) grace: Duration,
    /// Ctrl-C.
    pub(super) stop: &'a Stop,
    /// Who is told.
    pub(super) progress: &'a Progress,
}

impl<R: StoryRunner> Session<'_, R> {
    /// Sends a submission through every story; each gets a folder below `place`.
    ///
    /// # Errors
    /// A folder cannot be made or removed.
    pub(super) async fn run(
        &self,
        submission: &Submission,
        place: &Path,
    ) -> anyhow::Result<Vec<StoryRun>> {
        let began = Instant::now();
        let mut runs: Vec<StoryRun> = Vec::new();
        for story in self.rubric.stories() {
            self.progress.step(format!("{}: {story}", submission.name));
            let left = self.time.saturating_sub(began.elapsed());
            let outcome = match did_not_start(&runs) {
                // It would cost its time again, and say the same.
                Some(why) => Err(why),
                None => self.run_story(submission, story, place, left).await?,
            };
            let page = outcome.is_ok().then(|| format!("{story}/{}", html::FILE));
            let command = stories::command(story, &submission.file);
            runs.push(StoryRun { story, command, page, outcome });
            self.progress.step_ended();
        }
        Ok(runs)
    }

    async fn run_story(
        &self,
        submission: &Submission,
        story: Story,
        place: &Path,
        left: Duration,
    ) -> anyhow::Result<Result<Shown, NoRun>> {
        let target = match &submission.target {
            Ok(target) => target,
            Err(why) => return Ok(Err(why.clone())),
        };
        let plan = stories::plan(story)?;
        if self.stop.is_requested() {
            return Ok(Err(interrupted()));
        }
        if left < stories::expected(&plan) {
            return Ok(Err(self.out_of_time()));
        }
        let folder = RunFolder::new(place.join(story.name()));
        let workspace = place.join(WORKSPACE);
        for folder in [folder.root(), &workspace] {
            fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let stop = Stop::new();
        let request = StoryRequest {
            target,
            kind: stories::kind(story),
            plan: &plan,
            folder: &folder,
            workspace: &workspace,
            limits: StoryLimits::of(target.limits),
            progress: self.progress,
            stop: &stop,
        };
        let ran = self.within_time(request, left).await;
        fs::remove_dir_all(&workspace)
            .with_context(|| format!("cannot remove {}", workspace.display()))?;
        if let Err(why) = ran {
            return Ok(Err(why));
        }
        let judged = tokio::task::spawn_blocking(move || judge_run(&folder, Shown::new)).await?;
        // Files that cannot be judged are no fault of the submission's, and cost the others nothing.
        Ok(judged.map_err(|error| NoRun::NotDone(one_line(&error))))
    }

    /// Runs a story, and ends it when its time is over or somebody wants the end.
    async fn within_time(&self, request: StoryRequest<'_>, left: Duration) -> Result<(), NoRun> {
        let StoryRequest { stop, limits, .. } = request;
        let running = self.runner.run_story(request);
        tokio::pin!(running);
        let why = tokio::select! {
            ran = &mut running => return ran,
            () = tokio::time::sleep(limits.time.min(left)) => match limits.time <= left {
                true => NoRun::TimedOut { seconds: limits.time.as_secs() },
                false => self.out_of_time(),
            },
            () = self.stop.requested() => interrupted(),
        };
        stop.request();
        tokio::select! {
            _ = &mut running => {}
            () = tokio::time::sleep(self.grace) => {}
            () = self.stop.hurried() => {}
        }
        Err(why)
    }

    fn out_of_time(&self) -> NoRun {
        let minutes = self.time.as_secs() / 60;
        NoRun::NotDone(format!(
            "the {minutes} minutes of this submission were over; --minutes gives it more"
        ))
    }
}

/// Why nothing of the submission can be started, if that was seen.
fn did_not_start(runs: &[StoryRun]) -> Option<NoRun> {
    runs.iter().find_map(|run| match &run.outcome {
        Err(why @ NoRun::DidNotStart(_)) => Some(why.clone()),
        _ => None,
    })
}

fn interrupted() -> NoRun {
    NoRun::NotDone("the grading was interrupted".to_owned())
}
