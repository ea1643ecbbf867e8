//! `lab`: a bazaar with a bug that nobody names, to be found; told on request.

use std::path::PathBuf;

use anyhow::{bail, ensure};

use super::prove::{check_binaries, planted_dir};
use super::serve::serve;
use crate::cli::{Binaries, Lab, Serve};
use crate::exit::Exit;
use crate::lab::{Difficulty, Exercise, exercise, exercises};
use crate::output::say;
use crate::plan::{BuiltIn, CacheSetting, DurabilitySetting, Overrides, Plan, PlanSource};
use crate::progress::Progress;
use crate::prove::{ProofRequest, prove};
use crate::run::{Kind, RunPaths, RunsFolder, execute};
use driver::stop::Stop;

/// How often a bug that is revealed may go through its story before it counts as missed: as in `prove`.
const MAX_ATTEMPTS: u32 = 8;
/// The correct build goes through the story once: what was found is then the bug's doing.
const CORRECT_RUNS: u32 = 1;

/// Serves, runs or tells an exercise.
pub(super) async fn lab(args: Lab, stop: &Stop) -> anyhow::Result<Exit> {
    let Some(number) = args.number else {
        list()?;
        return Ok(Exit::Pass);
    };
    let exercise = exercise(number)?;
    if args.plan.is_none() && args.overrides != Overrides::default() {
        bail!("options that stand above a plan need --plan");
    }
    if args.hint {
        say!(
            "Exercise {number}: this is promised of every bazaar, and does not hold in this one:\n  \
             {} (the check {})",
            exercise.broken_claim(),
            exercise.case.check
        );
        return Ok(Exit::Pass);
    }
    let bin_dir = args.bin_dir.clone().map_or_else(planted_dir, Ok)?;
    check_binaries(&bin_dir)?;
    match &args.plan {
        _ if args.reveal => reveal(&exercise, args.out, bin_dir, stop).await,
        Some(plan) => run(exercise, plan.clone(), &args, bin_dir, stop).await,
        None => {
            introduce(&exercise);
            let environment = exercise.environment.iter().cloned().collect();
            serve(&served(&args, bin_dir), &environment, stop).await
        }
    }
}

fn list() -> anyhow::Result<()> {
    let exercises = exercises()?;
    say!("There are {} exercises; `double-trouble lab N` begins one.", exercises.len());
    for difficulty in Difficulty::ALL {
        let of_it = || exercises.iter().filter(|exercise| exercise.difficulty == difficulty);
        if let (Some(first), Some(last)) = (of_it().next(), of_it().next_back()) {
            let numbers = format!("{} to {}", first.number, last.number);
            say!("  {numbers:<9} {difficulty:<7} {}", difficulty.means());
        }
    }
    Ok(())
}

fn introduce(Exercise { number, difficulty, .. }: &Exercise) {
    say!(
        "Exercise {number} ({difficulty}): one rule is left out here. Which promise does that break?"
    );
    let lab = |rest: &str| format!("double-trouble lab {number} {rest}");
    for (command, what) in [
        (
            "double-trouble client random --repeat 1000".to_owned(),
            "trade by hand (--address HOST:PORT)",
        ),
        ("kill -9 PID".to_owned(), "break a process by hand; --console has buttons"),
        (lab("--plan failover"), "run a plan against the same bug: the checks judge"),
        (lab("--plan mine.toml"), "your own; loadgen/plans/README.md explains plans"),
        (lab("--hint"), "which promise is broken"),
        (lab("--reveal"), "which rule is left out, with the evidence"),
    ] {
        say!("  {command:<44} {what}");
    }
    say!();
}

/// What `serve` would have been told.
fn served(args: &Lab, bin_dir: PathBuf) -> Serve {
    let system = crate::plan::System::default();
    Serve {
        target: None,
        variant: None,
        cache: CacheSetting::On,
        replicas: system.replicas,
        data_dir: args.data_dir.clone(),
        base_port: args.base_port,
        durability: DurabilitySetting::Flush,
        ping_period_ms: system.ping_period_ms,
        ping_timeout_ms: system.ping_timeout_ms,
        console: args.console,
        console_port: args.console_port,
        binaries: Binaries { bin_dir: Some(bin_dir) },
    }
}

/// Runs a plan against the exercise's bug.
async fn run(
    exercise: Exercise,
    plan: PathBuf,
    args: &Lab,
    bin_dir: PathBuf,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let source = PlanSource::new(Some(plan), BuiltIn::Failover);
    let plan = Plan::resolve(&source, &args.overrides)?;
    ensure!(
        plan.system.plant.is_empty() && plan.system.stretch.is_empty(),
        "plan {}: system.plant, system.stretch: an exercise has a bug already; leave them out",
        source.label()
    );
    let kind = if plan.faults.is_empty() { Kind::Bench } else { Kind::Failover };
    let places = RunPaths {
        bin_dir,
        against: None,
        slow_trades: None,
        exercise: Some(exercise),
        out: args.out.clone(),
        keep_data: false,
        json: false,
        junit: false,
    };
    execute(kind, &plan, &places, stop).await
}

/// Tells everything, and shows it.
async fn reveal(
    exercise: &Exercise,
    out: PathBuf,
    bin_dir: PathBuf,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let (number, case) = (exercise.number, exercise.case);
    say!("Exercise {number}: {}", case.bug);
    say!("Left out: {}.", case.what);
    say!("Broken: {} (the check {}).", exercise.broken_claim(), case.check);
    say!("The story that shows it, {}:", case.story);
    for line in case.story.text().lines().map_while(|line| line.strip_prefix('#')) {
        say!("  {}", line.trim());
    }
    say!("ARCHITECTURE.md has the rule; services/base/src/planted/mod.rs names it.\n");
    let request = ProofRequest {
        cases: vec![case],
        max_attempts: MAX_ATTEMPTS,
        correct_runs: CORRECT_RUNS,
        bin_dir,
    };
    let folder = RunsFolder::new(&out).create(&format!("lab-{number}-revealed"))?;
    let progress = Progress::begin(false)?;
    let matrix = prove(&request, folder.root(), stop, &progress).await?;
    matrix.write(folder.root())?;
    say!("{}", matrix.tried_text());
    say!("Everything is in {}", folder.root().display());
    Ok(Exit::from(matrix.verdict()))
}
