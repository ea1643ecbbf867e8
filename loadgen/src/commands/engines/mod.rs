//! `engines`: systems beside each other, under the same load and the same faults.
//!
//! Every run is an ordinary run. What stands on the page is read from the files that it leaves, so this command measures
//! and judges nothing by itself. An interrupted command writes the page of what it has.
//!
//! * `systems`: who is compared. `steps`: what is done to each. `order`: in which order (pure). `runs`: one run after the other.

mod order;
mod runs;
mod steps;
mod systems;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use campaign::engines::{Comparison, ComparisonRecord, write};
use driver::stop::Stop;

use self::runs::Runs;
use crate::cli::Engines;
use crate::commands::{bin_dir, now_for_people};
use crate::exit::Exit;
use crate::hosts;
use crate::output::{note, say};
use crate::progress::{Progress, ProgressEvent, SCHEMA};
use crate::run::{RunsFolder, machine_facts};
use crate::shell::quoted;

/// Above this share of its processors a machine has other work, and what is measured on it is that, too.
const QUIET: f64 = 0.3;

/// Runs everything, writes the page, and says where it is.
pub(super) async fn engines(args: Engines, stop: &Stop) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.page {
        let page = write_page(folder.clone(), ComparisonRecord::read(folder)?).await?;
        say!("Page: {page}");
        return Ok(Exit::Pass);
    }
    let systems = systems::read(&args.targets, !args.without_bazaar)?;
    let steps = steps::read(&args)?;
    note!(
        "a target's file runs commands as you: read one that you did not write as you would a Makefile"
    );
    let bin_dir = bin_dir(&args.binaries)?;
    let runs_folder = RunsFolder::new(&args.out);
    let folder = runs_folder.create("engines")?;
    runs_folder.point_latest_at(&folder)?;
    let mut record = ComparisonRecord {
        begun: now_for_people()?,
        rounds: args.rounds,
        seconds: args.seconds,
        harness: harness(),
        machine: machine(),
        caveats: caveats(),
        ..ComparisonRecord::new(
            command(&args),
            systems.iter().map(|system| system.record()).collect(),
            steps.iter().map(|step| step.record()).collect(),
        )
    };
    let order = order::order(systems.len(), steps.len(), args.rounds);
    let progress = Progress::begin(args.json.json)?;
    let total = u32::try_from(order.len()).unwrap_or(u32::MAX);
    let each = steps.iter().map(steps::Step::expected).sum::<Duration>()
        / u32::try_from(steps.len()).unwrap_or(1).max(1);
    progress.expect(total, each);
    progress.tell(ProgressEvent::RunBegan {
        schema: SCHEMA,
        kind: "engines",
        name: record.command.clone(),
        folder: folder.root().display().to_string(),
        seed: Some(args.seed),
        steps: total,
    });
    let runs = Runs {
        systems: &systems,
        steps: &steps,
        folder: &folder,
        bin_dir: &bin_dir,
        seed: args.seed,
        keep_data: args.keep_data,
        stop,
        progress: &progress,
    };
    let ran = runs.run_all(&order, &mut record).await;
    progress.settle();
    // What was run until something went wrong is worth its page, and its record, as well.
    record.write(folder.root())?;
    let nothing = record.systems.iter().all(|system| system.absent.is_some());
    let page = write_page(folder.root().to_owned(), record).await?;
    ran?;
    say!("\nPage: {page}");
    let cut = stop.is_requested().then(|| "it was interrupted by a signal".to_owned());
    let exit = match &cut {
        Some(_) => Exit::Inconclusive,
        None if nothing => Exit::Usage,
        None => Exit::Pass,
    };
    progress.tell(exit.progress_event(folder.root().display().to_string(), cut));
    Ok(exit)
}

/// Reads all runs and draws charts, which takes seconds: not where Ctrl-C is listened for.
async fn write_page(folder: PathBuf, record: ComparisonRecord) -> anyhow::Result<String> {
    let written = tokio::task::spawn_blocking(move || {
        let comparison = Comparison::read(&folder, record)?;
        write(&comparison, &folder)
    });
    Ok(written.await??.display().to_string())
}

/// What repeats all of it.
fn command(args: &Engines) -> String {
    let mut words = vec![format!("{}double-trouble engines --target", hosts::run_by_text())];
    words.extend(args.targets.iter().map(quoted));
    for plan in &args.plans {
        words.push(format!("--plan {}", quoted(plan)));
    }
    if args.without_bazaar {
        words.push("--without-bazaar".to_owned());
    }
    let clients: Vec<String> = args.clients.iter().map(u32::to_string).collect();
    words.push(format!("--clients {} --seconds {}", clients.join(","), args.seconds));
    words.push(format!("--rounds {} --seed {}", args.rounds, args.seed));
    words.join(" ")
}

fn harness() -> String {
    let commit = option_env!("DOUBLE_TROUBLE_COMMIT").map(|commit| format!(", commit {commit}"));
    format!("{}{}", env!("CARGO_PKG_VERSION"), commit.unwrap_or_default())
}

fn machine() -> String {
    let facts = machine_facts();
    let facts: Vec<String> =
        facts.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    facts.join(", ")
}

/// Why figures should not be believed, a sentence each.
fn caveats() -> Vec<String> {
    let mut caveats = Vec::new();
    let average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let average = average.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if let Some(average) = average.filter(|average| *average > QUIET * processors as f64) {
        caveats.push(format!(
            "The machine was not quiet when this began: its load average was {average} on {processors} processors."
        ));
    }
    if cfg!(debug_assertions) {
        caveats.push("The harness was built without optimisation.".to_owned());
    }
    caveats
}
