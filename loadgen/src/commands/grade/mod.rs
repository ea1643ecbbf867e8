//! `grade`: points for submissions to a course.
//!
//! Each submission is sent through the stories of the rubric, one after the other, within limits and minutes. Whatever becomes of
//! one, the next is graded all the same, and every page is written: a course has many, and one that hangs must not cost the
//! others theirs. An interrupted command writes the pages of what it has. Where the machine is in the way of all that a submission
//! was to be sent through, it has no points, not none of them, and the command says so in its exit code.
//!
//! * `submission`: whose files they are. `stories`: which plan a story is, and the command that repeats it.
//! * `limits`: what a submission may use. `runner`: who runs a story. `processes`: who does so on this machine. `session`: all stories of one submission.
//! * `pages`: what is written.

mod limits;
mod pages;
mod processes;
mod runner;
mod session;
mod stories;
mod submission;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use driver::stop::Stop;
use grade::overview::Entry;
use grade::rubric::{BUILT_IN, Rubric};
use grade::why_untried;

pub(super) use self::processes::LocalRunner;
use self::runner::StoryRunner;
use self::session::Session;
use crate::cli::Grade;
use crate::exit::Exit;
use crate::output::{note, say, stdout};
use crate::progress::{Progress, ProgressEvent, SCHEMA};
use crate::run::RunsFolder;

/// How long a story that was asked to end may take for it: processes are signalled, and rows written.
const GRACE: Duration = Duration::from_secs(15);

/// Grades every submission, and says where the pages are. `runner` runs the stories.
pub(super) async fn grade<R: StoryRunner>(
    args: Grade,
    stop: &Stop,
    runner: &R,
) -> anyhow::Result<Exit> {
    if args.print_rubric {
        stdout(format_args!("{BUILT_IN}"));
        return Ok(Exit::Pass);
    }
    let rubric = read_rubric(args.rubric.as_deref())?;
    let submissions = submission::read(&args.targets, args.replicas)?;
    note!(
        "a target's file runs commands as you: read one that you did not write as you would a Makefile"
    );
    let folder = RunsFolder::new(&args.out).create("grade")?;
    let progress = Progress::begin(args.json.json)?;
    let stories: Vec<_> = rubric.stories().collect();
    let plans = stories.iter().map(|story| stories::plan(*story)).collect::<Result<Vec<_>, _>>()?;
    let each = plans.iter().map(stories::expected).sum::<Duration>();
    let steps = u32::try_from(stories.len() * submissions.len()).unwrap_or(u32::MAX);
    progress.expect(steps, each / u32::try_from(stories.len()).unwrap_or(u32::MAX).max(1));
    progress.tell(ProgressEvent::RunBegan {
        schema: SCHEMA,
        kind: "grade",
        name: rubric.name.clone(),
        folder: folder.root().display().to_string(),
        seed: None,
        steps,
    });
    let session = Session {
        runner,
        rubric: &rubric,
        time: Duration::from_secs(60 * u64::from(args.minutes)),
        grace: GRACE,
        stop,
        progress: &progress,
    };
    let has_overview = submissions.len() > 1;
    let (mut entries, mut not_graded) = (Vec::new(), 0);
    for submission in &submissions {
        let place = folder.path(&submission.folder);
        fs::create_dir(&place).with_context(|| format!("cannot make {}", place.display()))?;
        let runs = session.run(submission, &place).await?;
        let graded = grade::grade(&submission.name, &rubric, &runs);
        let page = pages::write_submission(&graded, &place, has_overview)?;
        let total = graded.total();
        progress.tell(ProgressEvent::Graded {
            submission: graded.submission.clone(),
            earned: total.earned.value(),
            asked: total.asked.value(),
            page: page.display().to_string(),
        });
        let said = match why_untried(&runs) {
            Some(why) => {
                not_graded += 1;
                format!("not graded: {why}")
            }
            None => total.words(),
        };
        progress.print(format!("{}: {said} ({})", graded.submission, page.display()));
        entries.push(Entry { graded, page: format!("{}/{}", submission.folder, pages::PAGE) });
    }
    progress.settle();
    if has_overview {
        say!("Overview: {}", pages::write_overview(entries, folder.root())?.display());
    }
    let cut = stop.is_requested().then(|| "it was interrupted by a signal".to_owned());
    let exit = match &cut {
        Some(_) => Exit::Inconclusive,
        None if not_graded > 0 => Exit::Usage,
        None => Exit::Pass,
    };
    progress.tell(exit.progress_event(folder.root().display().to_string(), cut));
    Ok(exit)
}

fn read_rubric(file: Option<&Path>) -> anyhow::Result<Rubric> {
    let Some(file) = file else { return Ok(Rubric::built_in()?) };
    let label = file.display().to_string();
    let text = fs::read_to_string(file)
        .with_context(|| format!("rubric {label}: name a file that can be read with --rubric"))?;
    Ok(Rubric::read(&text, &label)?)
}
