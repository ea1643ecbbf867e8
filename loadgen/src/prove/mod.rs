//! Proof that the checks find what they are there for: bugs planted in the services, one at a time,
//! each run through a story in which it does harm, until the check that is meant to catch it has.
//!
//! The same services without a bug go through the same stories and must pass, so that what caught a
//! bug was the bug. A proof is therefore made of two halves: every bug is caught by its own check,
//! and the correct build is clean. Neither alone says anything. Where another rule would make good what
//! a bug loses, that rule is left out too, and a control run without the bug must not set off the check.
//!
//! * [`case`]: which bug, in which story, by which check; and the bugs that are left to the explorer.
//! * [`story`]: the plans.
//! * `attempt`: one run. `matrix`: what it all came to, for people and as JSON.

mod attempt;
pub mod case;
mod explored;
mod matrix;
pub mod story;

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use results::records::RunFolder;

use self::attempt::Attempts;
use self::case::Case;
pub use self::matrix::Matrix;
use self::matrix::{CorrectRow, PlantedRow};
use self::story::Story;
use crate::progress::{Progress, ProgressEvent, SCHEMA};
use crate::run::remove_data;
use driver::stop::Stop;

/// What a row is guessed to take, two at a time: a story is some ten seconds long.
const EXPECTED_ROW: Duration = Duration::from_secs(7);

/// What is to be proved.
#[derive(Clone, Debug)]
pub struct ProofRequest {
    /// The bugs; the correct build goes through the stories that they need.
    pub cases: Vec<&'static Case>,
    /// How often a bug may go through its story before it counts as missed.
    pub max_attempts: u32,
    /// How often the correct build goes through each story.
    pub correct_runs: u32,
    /// The folder of the services that bugs can be planted in.
    pub bin_dir: PathBuf,
}

/// One row of the matrix, to be worked on.
enum Job {
    Planted(&'static Case),
    Correct(Story),
}

/// Proves, two runs at a time: a run waits for timeouts and disks more than it computes.
///
/// # Errors
/// Something is in the way: a bazaar that does not start, a folder that cannot be written.
pub(crate) async fn prove(
    order: &ProofRequest,
    folder: &Path,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<Matrix> {
    let began = Instant::now();
    let stories: BTreeSet<Story> = order.cases.iter().map(|case| case.story).collect();
    let correct = stories.into_iter().map(Job::Correct);
    let jobs: VecDeque<_> = correct.chain(order.cases.iter().copied().map(Job::Planted)).collect();
    let rows = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
    progress.expect(rows, EXPECTED_ROW);
    progress.tell(ProgressEvent::RunBegan {
        schema: SCHEMA,
        kind: "prove",
        name: "prove".to_owned(),
        folder: folder.display().to_string(),
        seed: None,
        steps: rows,
    });
    let proof = Proof {
        order,
        attempts: Attempts { bin_dir: &order.bin_dir, folder, stop, progress },
        stop,
        progress,
        jobs: RefCell::new(jobs),
        matrix: RefCell::new(Matrix::default()),
    };
    let proved = tokio::try_join!(proof.work(), proof.work());
    progress.tell(ProgressEvent::Recorded { run: "prove".to_owned() });
    progress.settle();
    proved?;
    let mut matrix = proof.matrix.into_inner();
    matrix.finish(began.elapsed(), stop.is_requested());
    Ok(matrix)
}

struct Proof<'a> {
    order: &'a ProofRequest,
    attempts: Attempts<'a>,
    stop: &'a Stop,
    progress: &'a Progress,
    jobs: RefCell<VecDeque<Job>>,
    matrix: RefCell<Matrix>,
}

impl Proof<'_> {
    /// Does one job after another, until there are none or somebody asks for the end.
    async fn work(&self) -> anyhow::Result<()> {
        while !self.stop.is_requested() {
            let job = self.jobs.borrow_mut().pop_front();
            match job {
                None => return Ok(()),
                Some(Job::Planted(case)) => self.planted(case).await?,
                Some(Job::Correct(story)) => self.correct(story).await?,
            }
        }
        Ok(())
    }

    async fn planted(&self, case: &'static Case) -> anyhow::Result<()> {
        self.progress.step(format!("{} in {}", case.bug, case.story));
        let mut row = PlantedRow::new(case);
        for number in 1..=self.order.max_attempts {
            let name = format!("{}-{}-{number}", case.bug, case.story);
            let bugs = [&[case.bug], case.beside].concat();
            let attempt = self.attempts.run(&name, case.story, &bugs, number).await?;
            let caught = row.add(&attempt);
            remove_data(&RunFolder::new(&attempt.folder))?;
            if caught && !case.beside.is_empty() {
                let name = format!("{name}-control");
                let control = self.attempts.run(&name, case.story, case.beside, number).await?;
                row.add_control(&control);
                remove_data(&RunFolder::new(&control.folder))?;
            }
            if caught || self.stop.is_requested() {
                break;
            }
        }
        self.progress.line(row.line());
        self.progress.tell(row.progress_event());
        self.progress.step_ended();
        self.matrix.borrow_mut().planted.push(row);
        Ok(())
    }

    async fn correct(&self, story: Story) -> anyhow::Result<()> {
        self.progress.step(format!("no bug in {story}"));
        let mut row = CorrectRow::new(story);
        for number in 1..=self.order.correct_runs {
            let name = format!("correct-{story}-{number}");
            let attempt = self.attempts.run(&name, story, &[], number).await?;
            let clean = row.add(&attempt);
            if clean {
                remove_data(&RunFolder::new(&attempt.folder))?;
            }
            if !clean || self.stop.is_requested() {
                break;
            }
        }
        self.progress.line(row.line());
        self.progress.tell(row.progress_event());
        self.progress.step_ended();
        self.matrix.borrow_mut().correct.push(row);
        Ok(())
    }
}
