//! One run of a story, and what the checks say about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use results::checks::{self, ConsistencyReport};
use results::records::RunFolder;
use results::run::Run;
use results::verdict::Verdict;

use super::story::Story;
use crate::progress::Progress;
use crate::run::{Builds, Kind, news_of_checks, record};
use driver::stop::Stop;

/// Where runs are made.
pub(super) struct Attempts<'a> {
    pub(super) bin_dir: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) stop: &'a Stop,
    pub(super) progress: &'a Progress,
}

/// A check that found something.
#[derive(Clone, Debug)]
pub(super) struct Caught {
    pub(super) check: String,
    pub(super) violations: u64,
    /// Its first violation, in a sentence.
    pub(super) evidence: String,
}

/// One run.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) folder: PathBuf,
    pub(super) verdict: Verdict,
    pub(super) caught: Vec<Caught>,
    /// Why it is inconclusive, or was cut short.
    pub(super) doubts: Vec<String>,
    pub(super) acknowledged: u64,
    pub(super) seconds: f64,
}

impl Attempts<'_> {
    /// Runs `story`, with `bugs` planted, in a folder called `name`. Its plan is kept
    /// beside its rows, so that it can be run again by itself.
    pub(super) async fn run(
        &self,
        name: &str,
        story: Story,
        bugs: &[&str],
        number: u32,
    ) -> anyhow::Result<Attempt> {
        let began = Instant::now();
        let plan = story.plan(bugs, u64::from(number))?;
        let folder = RunFolder::new(self.folder.join(name));
        let why = || format!("cannot write {}", folder.root().display());
        fs::create_dir_all(folder.root()).with_context(why)?;
        fs::write(folder.path("plan.toml"), plan.to_toml()?).with_context(why)?;
        let kind = if plan.faults.is_empty() { Kind::Bench } else { Kind::Failover };
        let cut =
            record(kind, &plan, name, Builds::one(self.bin_dir), &folder, self.stop, self.progress);
        let cut = cut.await?;
        let root = folder.root().to_owned();
        let report = tokio::task::spawn_blocking(move || check(&folder)).await??;
        self.progress.tell(news_of_checks(name, &report));
        Ok(Attempt {
            folder: root,
            verdict: report.verdict,
            caught: caught(&report),
            doubts: cut.into_iter().chain(report.why_inconclusive()).collect(),
            acknowledged: report.run.acknowledged_trades,
            seconds: began.elapsed().as_secs_f64(),
        })
    }
}

fn check(folder: &RunFolder) -> anyhow::Result<ConsistencyReport> {
    let report = checks::check_run(&Run::open(folder)?)?;
    report.write(folder).context("cannot write consistency.json")?;
    Ok(report)
}

fn caught(report: &ConsistencyReport) -> Vec<Caught> {
    let found = report.checks.iter().filter(|check| check.violations > 0);
    found
        .map(|check| Caught {
            check: check.name.clone(),
            violations: check.violations,
            evidence: check.evidence.first().map(|found| found.what.clone()).unwrap_or_default(),
        })
        .collect()
}
