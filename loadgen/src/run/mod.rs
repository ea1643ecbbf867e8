//! A run: every cell of a plan, trial by trial, into one folder; then the report.
//!
//! Trials are the outer loop, so that a slow minute of the machine hits every cell alike. A run
//! that is cut short keeps and reports what it has; it is then inconclusive, whatever it shows.

mod background;
mod catalog_queries;
mod cut;
mod folder;
mod machine;
mod manifest;
mod progress;
mod report;
mod trial;

pub use folder::RunsFolder;
pub(crate) use report::{check as check_run, show_figures};

use std::path::{Path, PathBuf};

use anyhow::Context;
use faults::clock::Origin;
use results::records::{Cell, RunFolder};

use self::catalog_queries::CatalogQueries;
use self::cut::Cut;
pub(crate) use self::progress::Progress;
use self::trial::Trial;
use crate::exit::Exit;
use crate::plan::{Plan, catalog_file};
use crate::recorder::Recorder;
use crate::stop::Stop;

/// What kind of question a run answers; decides what its report shows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the cache buys.
    Bench,
    /// What a leader's death costs.
    Failover,
    /// Whether anything ever goes wrong.
    Soak,
}

impl Kind {
    /// As the manifest has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Failover => "failover",
            Self::Soak => "soak",
        }
    }
}

/// Where a run finds its binaries and leaves its files.
#[derive(Clone, Debug)]
pub struct Places {
    /// The folder with the services' binaries.
    pub bin_dir: PathBuf,
    /// The folder in which the run's folder is made.
    pub out: PathBuf,
    /// Whether the databases are kept although all is well.
    pub keep_data: bool,
}

/// A run on its way.
struct Run<'a> {
    plan: &'a Plan,
    bin_dir: &'a Path,
    folder: &'a RunFolder,
    origin: Origin,
    stop: &'a Stop,
    recorder: Recorder,
    queries: CatalogQueries,
    finished: u32,
}

/// Runs `plan` and reports.
///
/// # Errors
/// The run could not begin: the folder cannot be made, the bazaar does not start.
pub async fn execute(
    kind: Kind,
    plan: &Plan,
    places: &Places,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let runs = RunsFolder::new(&places.out);
    let folder = runs.create(&plan.name)?;
    let run = Run::begin(kind, plan, &places.bin_dir, &folder, stop)?;
    runs.point_latest_at(&folder)?;
    eprintln!("{}: {}", kind.as_str(), folder.root().display());
    let cut = run.record(Progress::new(plan)).await?;
    let keep_data = places.keep_data;
    let exit = tokio::task::spawn_blocking(move || report::finish(&folder, keep_data)).await??;
    Ok(match cut {
        Some(cut) => {
            println!("The run was cut short: {cut}. What it measured until then was kept.");
            if exit == Exit::Fail { exit } else { Exit::Inconclusive }
        }
        None => exit,
    })
}

/// Runs `plan` and leaves its rows in `folder`, without a word and without a report. Returns why
/// it was cut short, if it was.
///
/// # Errors
/// The run could not begin, or its rows cannot be written.
pub(crate) async fn record(
    kind: Kind,
    plan: &Plan,
    bin_dir: &Path,
    folder: &RunFolder,
    stop: &Stop,
) -> anyhow::Result<Option<String>> {
    let run = Run::begin(kind, plan, bin_dir, folder, stop)?;
    let cut = run.record(Progress::silent(plan)).await?;
    Ok(cut.map(|cut| cut.to_string()))
}

impl<'a> Run<'a> {
    /// Writes what is known before the first trial.
    fn begin(
        kind: Kind,
        plan: &'a Plan,
        bin_dir: &'a Path,
        folder: &'a RunFolder,
        stop: &'a Stop,
    ) -> anyhow::Result<Self> {
        let origin = Origin::now();
        manifest::write(folder, kind, plan, origin)?;
        let stocks = folder.path("catalog.txt");
        std::fs::write(&stocks, catalog_file(&plan.initial_stocks()))
            .with_context(|| format!("cannot write {}", stocks.display()))?;
        let recorder = Recorder::start(folder.root())?;
        let queries = CatalogQueries::create(folder)?;
        Ok(Self { plan, bin_dir, folder, origin, stop, recorder, queries, finished: 0 })
    }

    /// Runs all trials. Afterwards every row is written.
    async fn record(mut self, progress: Progress) -> anyhow::Result<Option<Cut>> {
        let cut = self.all_trials(&progress).await;
        progress.end();
        let cut = cut?;
        self.recorder.settle().await?;
        Ok(cut)
    }

    /// Runs trial after trial. Returns why it was cut short, if it was.
    async fn all_trials(&mut self, progress: &Progress) -> anyhow::Result<Option<Cut>> {
        for trial in 1..=self.plan.load.trials {
            for cell in self.plan.cells() {
                match self.one_trial(&cell, trial, progress).await {
                    Ok(()) => self.finished += 1,
                    Err(Cut::NotStarted(error)) if self.finished == 0 => return Err(error.into()),
                    Err(Cut::NotRecorded(error)) => return Err(error.into()),
                    Err(cut) => return Ok(Some(cut)),
                }
            }
        }
        Ok(None)
    }

    async fn one_trial(&mut self, cell: &Cell, trial: u32, progress: &Progress) -> Result<(), Cut> {
        if self.stop.is_requested() {
            return Err(Cut::Signal);
        }
        let repetition = if cell.trials > 1 { format!(", trial {trial}") } else { String::new() };
        progress.begin(&format!("{}{repetition}", cell.id));
        let trial = Trial {
            plan: self.plan,
            cell,
            number: trial,
            bin_dir: self.bin_dir,
            folder: self.folder,
            origin: self.origin,
            stop: self.stop,
            progress,
        };
        if let Some(queries) = trial.run(&mut self.recorder).await? {
            self.queries.append(&queries)?;
        }
        progress.finish();
        Ok(())
    }
}
