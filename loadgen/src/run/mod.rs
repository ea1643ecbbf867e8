//! A run: every cell of a plan, trial by trial, into one folder; then the report.
//!
//! The order of the trials is `design`'s. A run that is cut short keeps and reports what it has; it is then inconclusive, whatever it shows.

mod aborted;
mod background;
mod catalog_queries;
mod conclusion;
mod design;
mod expected;
mod folder;
mod junit;
mod machine;
mod manifest;
mod stages;
mod subject;
mod trial;
mod watch;

pub(crate) use conclusion::{
    ForPrograms, check as check_run, judge as judge_run, remove_data, report as report_run,
};
pub use folder::RunsFolder;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use driver::recorder::Recorder;
use faults::clock::Origin;
use faults::host_network::HostTries;
use results::checks::ConsistencyReport;
use results::records::{Cell, RunFolder};

use self::aborted::Aborted;
pub(crate) use self::aborted::NotStarted;
use self::catalog_queries::CatalogQueries;
pub(crate) use self::design::Builds;
pub(crate) use self::expected::expected_trial;
pub(crate) use self::machine::facts as machine_facts;
use self::trial::Trial;
use crate::exit::Exit;
use crate::lab::Exercise;
use crate::output::say;
use crate::plan::Plan;
use crate::progress::{CheckFigures, Progress, ProgressEvent, SCHEMA};
use driver::stop::Stop;

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
pub struct RunPaths {
    /// The folder with the services' binaries.
    pub bin_dir: PathBuf,
    /// The folder with another build of them, if the two are to be measured side by side.
    pub against: Option<PathBuf>,
    /// By how many per cent the trades of that other build are slowed.
    pub slow_trades: Option<u16>,
    /// The exercise whose bug is hidden in the services, if one is to be found.
    pub exercise: Option<Exercise>,
    /// The folder in which the run's folder is made.
    pub out: PathBuf,
    /// Whether the databases are kept although all is well.
    pub keep_data: bool,
    /// Whether progress is told to programs, on stdout.
    pub json: bool,
    /// Whether what was found is told to programs, on stdout, as JUnit's XML.
    pub junit: bool,
}

/// A run on its way.
struct Run<'a> {
    plan: &'a Plan,
    /// What it is called where several are told of.
    name: &'a str,
    progress: &'a Progress,
    builds: Builds<'a>,
    folder: &'a RunFolder,
    origin: Origin,
    /// The next value that a change of a register or a log puts there: no two of the run put the same.
    next_value: Arc<AtomicU64>,
    /// What the hosts have been seen to do to links.
    host_tries: Arc<HostTries>,
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
    places: &RunPaths,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let runs = RunsFolder::new(&places.out);
    let folder = runs.create(&plan.name)?;
    let programs = places.junit.then(ForPrograms::on_stdout).transpose()?;
    let progress = Progress::begin(places.json)?;
    let builds = Builds {
        a: &places.bin_dir,
        b: places.against.as_deref(),
        slow_b: places.slow_trades,
        exercise: places.exercise.as_ref(),
    };
    let run = Run::begin(kind, plan, &plan.name, builds, &folder, stop, &progress)?;
    runs.point_latest_at(&folder)?;
    let trials = u32::try_from(builds.cells(plan).len()).unwrap_or(u32::MAX) * plan.load.trials;
    progress.expect(trials, expected_trial(plan));
    progress.tell(ProgressEvent::RunBegan {
        schema: SCHEMA,
        kind: kind.as_str(),
        name: plan.name.clone(),
        folder: folder.root().display().to_string(),
        seed: Some(plan.load.seed),
        steps: trials,
    });
    let cut = run.record(true).await?.map(|cut| cut.to_string());
    progress.tell(ProgressEvent::Recorded { run: plan.name.clone() });
    // The bars are gone before the report is printed.
    progress.settle();
    let (root, keep_data) = (folder.root().display().to_string(), places.keep_data);
    let finished = tokio::task::spawn_blocking(move || conclusion::finish(&folder, keep_data));
    let found = finished.await??;
    progress.tell(news_of_checks(&plan.name, &found.checked));
    let mut exit = found.exit();
    if let Some(cut) = &cut {
        say!("The run was cut short: {cut}. What it measured until then was kept.");
        exit = if exit == Exit::Fail { exit } else { Exit::Inconclusive };
    }
    if let Some(programs) = programs {
        programs.tell(&found, cut.as_deref())?;
    }
    progress.tell(exit.progress_event(root, cut));
    Ok(exit)
}

/// What the checks of `run` found, for programs.
pub(crate) fn news_of_checks(run: &str, report: &ConsistencyReport) -> ProgressEvent {
    let checks = report.checks.iter().map(|check| CheckFigures {
        check: check.name.clone(),
        verdict: check.verdict.map(|verdict| verdict.to_string()),
        violations: check.violations,
    });
    ProgressEvent::Checked {
        run: run.to_owned(),
        verdict: report.verdict.to_string(),
        checks: checks.collect(),
    }
}

/// Runs `plan` and leaves its rows in `folder`, without a report. Progress calls it `name`. Returns
/// why it was cut short, if it was.
///
/// # Errors
/// The run could not begin, or its rows cannot be written.
pub(crate) async fn record(
    kind: Kind,
    plan: &Plan,
    name: &str,
    builds: Builds<'_>,
    folder: &RunFolder,
    stop: &Stop,
    progress: &Progress,
) -> anyhow::Result<Option<String>> {
    let run = Run::begin(kind, plan, name, builds, folder, stop, progress)?;
    let cut = run.record(false).await?;
    Ok(cut.map(|cut| cut.to_string()))
}

impl<'a> Run<'a> {
    /// Writes what is known before the first trial.
    fn begin(
        kind: Kind,
        plan: &'a Plan,
        name: &'a str,
        builds: Builds<'a>,
        folder: &'a RunFolder,
        stop: &'a Stop,
        progress: &'a Progress,
    ) -> anyhow::Result<Self> {
        let origin = Origin::now();
        manifest::write(folder, kind, plan, builds, origin)?;
        let recorder = Recorder::start(folder.root())?;
        let queries = CatalogQueries::create(folder)?;
        Ok(Self {
            plan,
            name,
            progress,
            builds,
            folder,
            origin,
            next_value: Arc::new(AtomicU64::new(1)),
            host_tries: Arc::default(),
            stop,
            recorder,
            queries,
            finished: 0,
        })
    }

    /// Runs all trials, which are the `are_steps` of the command or only part of one. Afterwards
    /// every row is written.
    async fn record(mut self, are_steps: bool) -> anyhow::Result<Option<Aborted>> {
        let cut = self.all_trials(are_steps).await?;
        self.recorder.settle().await?;
        Ok(cut)
    }

    /// Runs trial after trial. Returns why it was cut short, if it was.
    async fn all_trials(&mut self, are_steps: bool) -> anyhow::Result<Option<Aborted>> {
        for (trial, cell) in self.builds.order(self.plan) {
            if are_steps {
                self.progress.step(step_name(&cell, trial));
            }
            match self.one_trial(&cell, trial).await {
                Ok(()) => self.finished += 1,
                Err(Aborted::NotStarted(error)) if self.finished == 0 => {
                    return Err(NotStarted(error).into());
                }
                Err(Aborted::NotRecorded(error)) => return Err(error.into()),
                Err(cut) => return Ok(Some(cut)),
            }
            if are_steps {
                self.progress.step_ended();
            }
        }
        Ok(None)
    }

    async fn one_trial(&mut self, cell: &Cell, trial: u32) -> Result<(), Aborted> {
        if self.stop.is_requested() {
            return Err(Aborted::Signal);
        }
        self.progress.tell(self.trial_began(cell, trial));
        let number = trial;
        let trial = Trial {
            plan: self.plan,
            cell,
            number,
            bin_dir: self.builds.of(cell),
            is_first: self.finished == 0,
            flags: self.builds.flags(cell),
            environment: self.builds.environment().into_iter().collect(),
            folder: self.folder,
            origin: self.origin,
            next_value: Arc::clone(&self.next_value),
            host_tries: Arc::clone(&self.host_tries),
            recent: self.recorder.recent(),
            stop: self.stop,
            listener: self.progress.listener(self.name),
        };
        let ran = trial.run(&mut self.recorder).await;
        self.progress.tell(ProgressEvent::TrialEnded {
            run: self.name.to_owned(),
            cell: cell.id.clone(),
            trial: number,
            cut_short: match &ran {
                Ok(ran) => ran.cut_short.as_ref().map(ToString::to_string),
                Err(cut) => Some(cut.to_string()),
            },
            figures: self.recorder.take_tally().figures(),
        });
        if let Some(queries) = ran?.queries {
            self.queries.append(&queries)?;
        }
        Ok(())
    }

    fn trial_began(&self, cell: &Cell, trial: u32) -> ProgressEvent {
        ProgressEvent::TrialBegan {
            run: self.name.to_owned(),
            cell: cell.id.clone(),
            trial,
            p: cell.p,
            cache: cell.cache,
            clients: cell.clients,
            rate_per_s: cell.rate_per_s,
            load_ms: self.plan.load.duration_ms(),
            planned: expected::planned_acts(&self.plan.schedule()),
        }
    }
}

/// As people call it.
fn step_name(cell: &Cell, trial: u32) -> String {
    let repetition = if cell.trials > 1 { format!(", trial {trial}") } else { String::new() };
    format!("{}{repetition}", cell.id)
}
