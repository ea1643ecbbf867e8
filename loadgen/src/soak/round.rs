//! Runs rounds, one after the other, and keeps of each what is worth its place on the disk.

use std::fs;
use std::path::Path;

use anyhow::Context;
use results::checks::{self, ConsistencyReport};
use results::html;
use results::measurements::Measurements;
use results::records::RunFolder;
use results::report as figures;
use results::run::Run;
use results::verdict::Verdict;

use super::plan::{planned_time, round_plan};
use super::summary::{RoundReport, SoakReport};
use crate::plan::{Plan, UnderTest};
use crate::progress::{Progress, ProgressEvent, SCHEMA};
use crate::run::{Builds, Kind, news_of_checks, record};
use driver::stop::Stop;

/// What is removed of a round that passed: rows and databases, some 30 MB. What stays says what
/// was done and what was found.
const BULKY: [&str; 4] = ["data", "logs", "observations.csv", "final.csv"];

/// The rounds of a soak.
pub(crate) struct Rounds<'a> {
    /// Where their folders are made.
    pub(crate) folder: &'a RunFolder,
    /// What is broken.
    pub(crate) under_test: &'a UnderTest,
    /// Where the services' binaries are.
    pub(crate) bin_dir: &'a Path,
    /// Whether everything of rounds that passed is kept.
    pub(crate) keep_data: bool,
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
        let plans = numbers.iter().map(|number| round_plan(soak.seed, *number, self.under_test));
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
        soak.write(self.folder)?;
        for (number, plan) in numbers.iter().zip(plans) {
            if self.stop.is_requested() {
                break;
            }
            if let Some(cell) = plan.cells().first() {
                self.progress.step(format!("{}, {}", plan.name, cell.id));
            }
            let round = self.run_one(*number, plan).await?;
            self.progress.step_ended();
            self.progress.print(round.to_line());
            soak.add(round);
            soak.write(self.folder)?;
        }
        if soak.rounds.len() < numbers.len() || self.stop.is_requested() {
            soak.cut_short();
            soak.write(self.folder)?;
        }
        Ok(())
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

/// Checks a round, draws the charts and lays out the page of one that did not pass, and tidies up
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
    let round = RoundReport::new(number, plan, run.manifest(), &trial.timeline, &checked);
    if checked.verdict != Verdict::Pass {
        let path = folder.path("consistency.txt");
        fs::write(&path, checked.to_text())
            .with_context(|| format!("cannot write {}", path.display()))?;
        // A soak's plans demand nothing of figures.
        html::write(&run, &figures::write(&Measurements::new(&run))?, &checked, &[])?;
    } else if !keep_data {
        for name in BULKY {
            remove(&folder.path(name))?;
        }
    }
    Ok((round, checked))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("cannot remove {}", path.display()))
}
