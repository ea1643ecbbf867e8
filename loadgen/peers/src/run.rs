//! The whole: what was asked for is compared, and what was measured is written, be it all of it or a part.

use std::process::ExitCode;

use anyhow::{Context, bail};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Arguments, Config};
use crate::compare::Stage;
use crate::goals;
use crate::output::machine::Machine;
use crate::output::{self, Report};
use crate::rows;
use crate::sample::Samples;
use crate::scratch::Scratch;
use crate::tools::Tools;

/// A comparison failed, or the run was cut short.
const INCOMPLETE: u8 = 2;
/// Bad usage, or something in the way before it began.
const USAGE: u8 = 3;

/// The program after its arguments.
pub(crate) fn main(arguments: Arguments) -> ExitCode {
    let program = std::env::current_exe().unwrap_or_default();
    let config = match arguments.config(&program) {
        Ok(config) => config,
        Err(problems) => {
            for problem in problems {
                eprintln!("error: {problem}");
            }
            return ExitCode::from(USAGE);
        }
    };
    if let Err(error) = end_with_parent(&config) {
        eprintln!("error: --parent-pid: {error:#}");
        return ExitCode::from(USAGE);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let ended = runtime.block_on(run(&config));
    // A loop that was cut short ends with its deadline, and nobody waits for that.
    runtime.shutdown_background();
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(INCOMPLETE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

/// Has SIGTERM come when the parent ends, if that was asked for.
fn end_with_parent(config: &Config) -> anyhow::Result<()> {
    let Some(pid) = config.parent_pid else { return Ok(()) };
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // It may have ended just before.
    if getppid().is_none_or(|parent| parent.as_raw_nonzero().get() != pid) {
        bail!("{pid} is not the parent");
    }
    Ok(())
}

/// Whether all was measured.
async fn run(config: &Config) -> anyhow::Result<bool> {
    let scratch = Scratch::new(&config.out)?;
    let tools = Tools::look(&config.without);
    let machine = Machine::look(scratch.path());
    let mut samples = Samples::new(&config.out.join("samples.csv"))?;
    let mut notes: Vec<String> = tools.advice().into_iter().chain(machine.caveats()).collect();
    for note in &notes {
        eprintln!("note: {note}");
    }
    let mut stage = Stage {
        config,
        tools: &tools,
        scratch: scratch.path().to_owned(),
        samples: &mut samples,
        notes: &mut notes,
    };
    let is_whole = tokio::select! {
        is_whole = compare(&mut stage) => is_whole,
        () = stopped() => None,
    };
    if is_whole.is_none() {
        notes.push("cut short by a signal: the table has what was measured until then".to_owned());
    }
    let rows = rows::rows(&goals::comparisons(config), &samples.all);
    let report = Report::new(config, &tools, machine, rows, notes);
    let files = output::write(&report, &config.out).context("the results")?;
    print!("{}", output::markdown::table(&report));
    for file in files {
        eprintln!("written: {}", file.display());
    }
    Ok(is_whole == Some(true))
}

/// All comparisons, one after another; whether none failed. One that fails is told, and the others are done.
async fn compare(stage: &mut Stage<'_>) -> Option<bool> {
    let mut is_whole = true;
    for &part in &stage.config.parts {
        if let Err(error) = stage.compare(part).await {
            is_whole = false;
            let note = format!("the comparison {part:?} failed: {error:#}");
            eprintln!("error: {note}");
            stage.notes.push(note);
        }
    }
    Some(is_whole)
}

/// SIGINT or SIGTERM.
async fn stopped() {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
        }
        // Then signals end the program as they always do, and guards and the next run clean up.
        _ => std::future::pending().await,
    }
}
