//! Runs stories: starts the submission's processes, in a copy of its folder, and records what clients see of them.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use grade::story_run::NoRun;
use results::records::EventKind;
use targets::Target;
use targets::file::Limits;

use super::runner::{StoryRequest, StoryRunner};
use crate::exit::one_line;
use crate::plan::UnderTest;
use crate::run::{Builds, NotStarted, record};
use crate::target::isolated;

/// Runs stories on this machine.
#[derive(Debug)]
pub(in crate::commands) struct LocalRunner {
    /// The folder that a target's file calls `{{ bin }}`.
    pub(in crate::commands) bin_dir: PathBuf,
}

impl StoryRunner for LocalRunner {
    async fn run_story(&self, request: StoryRequest<'_>) -> Result<(), NoRun> {
        let StoryRequest { kind, plan, folder, stop, progress, .. } = request;
        let not_done = |error: anyhow::Error| NoRun::NotDone(one_line(&error));
        let target = limited_copy(&request).map_err(not_done)?;
        let mut plan = plan.clone();
        plan.under_test = UnderTest::of(target);
        let name = plan.name.clone();
        // A valid plan that is none for this target is about what the target does not have.
        let plan = plan.checked(&name).map_err(|error| {
            NoRun::NotApplicable(error.to_string().lines().next().unwrap_or_default().to_owned())
        })?;
        // Its data is removed, also if the story is dropped, after its processes.
        let _data = RemovedAtEnd(folder.path("data"));
        let builds = Builds::one(&self.bin_dir);
        // A trial that was cut short says so in its events, and is judged by what it has.
        record(kind, &plan, &name, builds, folder, stop, progress).await.map_err(|error| {
            let reason = one_line(&error);
            match error.downcast_ref::<NotStarted>() {
                Some(error) if error.over_limit().is_some() => NoRun::OverLimit(reason),
                Some(error) if error.is_the_machines_fault() => {
                    NoRun::MachineInTheWay(reason.replace('\n', "; "))
                }
                Some(_) => NoRun::DidNotStart(reason),
                None => NoRun::NotDone(reason),
            }
        })?;
        let events = folder.events().context("events.csv").map_err(not_done)?;
        let deaths = events.into_iter().filter(|event| event.event == EventKind::Died);
        let over = deaths.into_iter().find_map(|event| {
            let limit = event.target?;
            let status = event.detail.unwrap_or(limit);
            let process = event.process.map(|subject| subject.to_string()).unwrap_or_default();
            Some(NoRun::OverLimit(format!("{process}: {status}")))
        });
        over.map_or(Ok(()), Err)
    }
}

/// The submission in a copy of its folder, with the limits that it is run with instead of its own.
fn limited_copy(request: &StoryRequest<'_>) -> anyhow::Result<Target> {
    let copy = request.workspace.join("copy");
    fs::create_dir(&copy).with_context(|| format!("cannot make {}", copy.display()))?;
    let limits = request.limits;
    Ok(Target {
        limits: Limits {
            memory_mb: Some(limits.memory_mb),
            processes: Some(limits.processes),
            // The whole story has this time, whoever starts what in it.
            seconds: None,
        },
        ..isolated(request.target, &copy)?
    })
}

/// A folder that goes when this does.
struct RemovedAtEnd(PathBuf);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        // It is not there if nothing was started.
        let _ = fs::remove_dir_all(&self.0);
    }
}
