//! `soak`: random faults from a seed.

use std::path::Path;
use std::time::Duration;

use super::{bin_dir, variant_named, warn_of_commands};
use crate::cli::Soak;
use crate::exit::Exit;
use crate::hosts;
use crate::output::say;
use crate::plan::{System, UnderTest};
use crate::progress::Progress;
use crate::run::RunsFolder;
use crate::shell::quoted;
use crate::soak::{Rounds, SoakReport, rounds_within};
use driver::stop::Stop;

/// Seeds that nobody chose are short enough to be typed again.
const MAX_CHOSEN_SEED: u64 = 999_999;

/// As disks are sold.
const BYTES_PER_MB: u64 = 1_000_000;

/// Runs the rounds and says what they came to.
pub(super) async fn soak(args: Soak, stop: &Stop) -> anyhow::Result<Exit> {
    let seed = args.seed.unwrap_or_else(|| rand::random_range(1..=MAX_CHOSEN_SEED));
    let under_test =
        UnderTest::read(args.target.as_deref(), u32::from(System::default().replicas))?;
    if let Some(file) = &args.target {
        warn_of_commands(file);
        variant_named(under_test.target(), args.variant.as_deref())?;
    }
    let (numbers, which) = match args.round {
        Some(round) => (vec![round], format!("--round {round}")),
        None => {
            let time = Duration::from_secs(60 * u64::from(args.minutes));
            (
                (1..=rounds_within(seed, time, &under_test)?).collect(),
                format!("--minutes {}", args.minutes),
            )
        }
    };
    let of_target = of_target(args.target.as_deref(), args.variant.as_deref());
    let run_by = hosts::run_by_text();
    let command = format!("{run_by}double-trouble soak{of_target} --seed {seed} {which}");
    let bin_dir = bin_dir(&args.binaries)?;
    let folder = RunsFolder::new(&args.out).create(&format!("soak-{seed}"))?;
    let progress = Progress::begin(args.json.json)?;
    let planned_rounds = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let report = SoakReport::new(seed, command, planned_rounds);
    let mut report = SoakReport { run_by, of_target, ..report };
    let rounds = Rounds {
        folder: &folder,
        under_test: &under_test,
        bin_dir: &bin_dir,
        variant: args.variant.as_deref(),
        keep_data: args.keep_data,
        max_disk_bytes: args.max_disk_mb * BYTES_PER_MB,
        stop,
        progress: &progress,
    };
    let ran = rounds.run(&numbers, &mut report).await;
    if !report.rounds.is_empty() {
        say!("\n{}", report.to_text().trim_end());
        say!("Page: {}", folder.path(campaign::rounds::PAGE).display());
        say!("Everything is in {}", folder.root().display());
    }
    ran?;
    let exit = Exit::from(report.verdict);
    let cut_short = stop.is_requested().then(|| "it was interrupted by a signal".to_owned());
    progress.tell(exit.progress_event(folder.root().display().to_string(), cut_short));
    Ok(exit)
}

/// What names the target on a command line, with a space before it; nothing of the built-in bazaar.
fn of_target(file: Option<&Path>, variant: Option<&str>) -> String {
    let file = file.map(|file| format!(" --target {}", quoted(file)));
    let variant = variant.map(|name| format!(" --variant {}", quoted(name)));
    file.unwrap_or_default() + &variant.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_a_soak_can_be_copied_into_a_shell() {
        assert_eq!(of_target(None, None), "");
        let of_target = of_target(Some(Path::new("my shop/$x; rm.toml")), Some("it's"));
        assert_eq!(of_target, " --target 'my shop/$x; rm.toml' --variant \"it's\"");
    }
}
