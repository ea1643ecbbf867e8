//! Runs rounds, one after the other, and keeps of each what is worth its place on the disk.

use std::fs;
use std::path::Path;

use anyhow::Context;
use campaign::RunDigest;
use campaign::rounds::{self, RoundFigures};
use results::checks::{self, ConsistencyReport};
use results::html;
use results::measurements::Measurements;
use results::records::RunFolder;
use results::report as figures;
use results::run::Run;
use results::verdict::Verdict;

use super::folder_size::folder_bytes;
use super::plan::{planned_time, round_plan_of};
use super::round_report::RoundReport;
use super::summary::SoakReport;
use crate::plan::{Plan, UnderTest};
use crate::progress::{Progress, ProgressEvent, SCHEMA};
use crate::run::{Builds, Kind, NotStarted, news_of_checks, record};
use driver::stop::Stop;

/// What is kept of a round that passed: what was done, what was found, and all figures. Rows, databases and logs, some 30 MB,
/// go once they were checked and measured.
const KEPT: [&str; 9] = [
    "manifest.json",
    "events.csv",
    "consistency.json",
    "summary.csv",
    "availability.csv",
    "availability-overall.csv",
    "gaps.csv",
    "figures.json",
    "catalog_requests.csv",
];

/// After so many rounds in a row whose system did not start no other one begins: a system that fails now and then is broken on,
/// and one that has stopped to work does not cost the rest of the night.
const STARTS_IN_VAIN: usize = 3;

/// Why a soak ended that was told to.
const INTERRUPTED: &str = "it was interrupted";

/// The rounds of a soak.
pub(crate) struct Rounds<'a> {
    /// Where their folders are made.
    pub(crate) folder: &'a RunFolder,
    /// What is broken.
    pub(crate) under_test: &'a UnderTest,
    /// Where the services' binaries are.
    pub(crate) bin_dir: &'a Path,
    /// Which of the target's variants, if one was named.
    pub(crate) variant: Option<&'a str>,
    /// Whether everything of rounds that passed is kept.
    pub(crate) keep_data: bool,
    /// Once the rounds hold so much, no other one begins.
    pub(crate) max_disk_bytes: u64,
    /// Ctrl-C.
    pub(crate) stop: &'a Stop,
    /// Who is told.
    pub(crate) progress: &'a Progress,
}

impl Rounds<'_> {
    /// Runs the rounds with these numbers, and tells `soak` of each.
    ///
    /// # Errors
    /// A round could not begin, or its files cannot be read or written.
    pub(crate) async fn run(&self, numbers: &[u32], soak: &mut SoakReport) -> anyhow::Result<()> {
        let total = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let plans = numbers
            .iter()
            .map(|number| round_plan_of(soak.seed, *number, self.under_test, self.variant));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        let planned: std::time::Duration = plans.iter().map(planned_time).sum();
        self.progress.expect(total, planned / total.max(1));
        self.progress.tell(ProgressEvent::RunBegan {
            schema: SCHEMA,
            kind: Kind::Soak.as_str(),
            name: soak.command.clone(),
            folder: self.folder.root().display().to_string(),
            seed: Some(soak.seed),
            steps: total,
        });
        let ran = self.run_all(numbers, &plans, soak).await;
        self.progress.tell(ProgressEvent::Recorded { run: soak.command.clone() });
        self.progress.settle();
        ran
    }

    async fn run_all(
        &self,
        numbers: &[u32],
        plans: &[Plan],
        soak: &mut SoakReport,
    ) -> anyhow::Result<()> {
        for (number, plan) in numbers.iter().zip(plans) {
            if let Some(why) = self.must_end(soak) {
                soak.cut_short(why);
                break;
            }
            // What is known so far is shown while the next round goes on. What is known at the end is shown once, below.
            publish(soak, self.folder).await?;
            if let Some(cell) = plan.cells().first() {
                self.progress.step(format!("{}, {}", plan.name, cell.id));
            }
            let round = match self.run_one(*number, plan).await {
                Ok(round) => round,
                Err(error) if soak.rounds.is_empty() => return Err(error),
                Err(error) => self.not_started(*number, plan, error)?,
            };
            self.progress.step_ended();
            self.progress.print(round.to_line());
            soak.add(round);
        }
        if self.stop.is_requested() {
            soak.cut_short(INTERRUPTED);
        }
        publish(soak, self.folder).await
    }

    /// Why no other round may begin, if so.
    fn must_end(&self, soak: &SoakReport) -> Option<&'static str> {
        if self.stop.is_requested() {
            return Some(INTERRUPTED);
        }
        if soak.bytes() >= self.max_disk_bytes {
            return Some("its rounds hold as much as --max-disk-mb allows");
        }
        let in_vain = soak.starts_in_vain() >= STARTS_IN_VAIN;
        in_vain.then_some("its system did not start in several rounds in a row")
    }

    /// What is known of a round that ended with `error`, if that is that its system did not start.
    fn not_started(
        &self,
        number: u32,
        plan: &Plan,
        error: anyhow::Error,
    ) -> anyhow::Result<RoundReport> {
        let why = error.downcast::<NotStarted>()?.to_string();
        let folder = RunFolder::new(self.folder.path(&plan.name));
        let bytes = folder_bytes(folder.root())?;
        let round = RoundReport::not_started(number, plan, &folder.manifest()?, &why);
        Ok(RoundReport { bytes, ..round })
    }

    async fn run_one(&self, number: u32, plan: &Plan) -> anyhow::Result<RoundReport> {
        let folder = RunFolder::new(self.folder.path(&plan.name));
        fs::create_dir(folder.root())
            .with_context(|| format!("cannot make {}", folder.root().display()))?;
        // A trial that was cut short says so in its events, and the checks are inconclusive.
        let cut = record(
            Kind::Soak,
            plan,
            &plan.name,
            Builds::one(self.bin_dir),
            &folder,
            self.stop,
            self.progress,
        );
        let cut = cut.await?;
        if let Some(cut) = cut {
            tracing::warn!(round = number, "cut short: {cut}");
        }
        let (plan, name, keep_data) = (plan.clone(), plan.name.clone(), self.keep_data);
        let judged = tokio::task::spawn_blocking(move || judge(number, &plan, &folder, keep_data));
        let (round, checked) = judged.await??;
        self.progress.tell(news_of_checks(&name, &checked));
        Ok(round)
    }
}

/// Writes down what is known of the soak so far, with its page. To draw takes as long as hundreds of messages do, so it is done where
/// nobody waits for messages.
async fn publish(soak: &SoakReport, folder: &RunFolder) -> anyhow::Result<()> {
    soak.write(folder)?;
    if soak.rounds.is_empty() {
        return Ok(());
    }
    let (page, folder) = (soak.page(), folder.clone());
    let drawn = tokio::task::spawn_blocking(move || rounds::write(&page, folder.root()));
    drawn.await?.map(drop).map_err(Into::into)
}

/// Checks and measures a round, draws the charts and lays out the page of one that did not pass, and tidies up
/// after one that did.
fn judge(
    number: u32,
    plan: &Plan,
    folder: &RunFolder,
    keep_data: bool,
) -> anyhow::Result<(RoundReport, ConsistencyReport)> {
    let run = Run::open(folder)?;
    let checked = checks::check_run(&run)?;
    checked.write(folder)?;
    // A round is one trial.
    let trial = run.trials().first().context("a round without a trial")?;
    let mut round = RoundReport::new(number, plan, run.manifest(), &trial.timeline, &checked);
    let measured = Measurements::new(&run);
    if checked.verdict == Verdict::Pass {
        figures::write_figures(&measured)?;
    } else {
        let path = folder.path("consistency.txt");
        fs::write(&path, checked.to_text())
            .with_context(|| format!("cannot write {}", path.display()))?;
        // A soak's plans demand nothing of figures.
        html::write(&run, &figures::write(&measured)?, &checked, &[])?;
    }
    if checked.verdict == Verdict::Pass && !keep_data {
        tidy_up(folder.root())?;
    }
    round.figures = RoundFigures::of(&RunDigest::read(folder)?);
    round.bytes = folder_bytes(folder.root())?;
    Ok((round, checked))
}

/// Removes everything but what is [`KEPT`].
fn tidy_up(folder: &Path) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        let is_kept = path.file_name().is_some_and(|name| KEPT.iter().any(|kept| name == *kept));
        if !is_kept {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn everything_else_goes_on_while_the_page_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let mut soak = SoakReport::new(7, "double-trouble soak --seed 7".to_owned(), 1);
        soak.add(super::super::summary::testing::round(1, Verdict::Pass));
        let mut drawing = std::pin::pin!(publish(&soak, &run));
        // The first time that it is asked it has handed the work over.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(drawing.as_mut().poll(&mut context).is_pending());
        drawing.await.unwrap();
        assert!(run.path(rounds::PAGE).is_file());
    }

    #[test]
    fn of_a_round_that_passed_only_what_says_what_was_done_and_found_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("data/order-1")).unwrap();
        for name in ["observations.csv", "final.csv", "data/order-1/order.db", "whatever"] {
            fs::write(at(name), "x").unwrap();
        }
        for name in KEPT {
            fs::write(at(name), "x").unwrap();
        }
        tidy_up(folder.path()).unwrap();
        let left = fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let mut kept = KEPT;
        kept.sort_unstable();
        assert_eq!(left, kept);
    }
}
