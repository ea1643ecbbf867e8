//! `prove`: bugs planted in the services, and the checks that must catch them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::cli::Prove;
use crate::exit::Exit;
use crate::output::say;
use crate::progress::Progress;
use crate::prove::case::cases;
use crate::prove::{ProofRequest, prove as run};
use crate::run::RunsFolder;
use driver::stop::Stop;

/// How often a bug may go through its story. Most are caught the first time; one that is missed every
/// other time is still missed eight times in a row only once in 256.
const MAX_ATTEMPTS: u32 = 8;
/// How often the correct build goes through each story, to give a false alarm the same chances.
const CORRECT_RUNS: u32 = 5;
/// The same with `--quick`.
const QUICK_CORRECT_RUNS: u32 = 1;

/// Proves, and prints the matrix.
pub(super) async fn prove(args: Prove, stop: &Stop) -> anyhow::Result<Exit> {
    let cases = cases(&args.bugs)?;
    let bin_dir = match args.bin_dir {
        Some(folder) => folder,
        None => planted_dir()?,
    };
    check_binaries(&bin_dir)?;
    let order = ProofRequest {
        cases,
        max_attempts: MAX_ATTEMPTS,
        correct_runs: if args.quick { QUICK_CORRECT_RUNS } else { CORRECT_RUNS },
        bin_dir,
    };
    let folder = RunsFolder::new(&args.out).create("prove")?;
    let progress = Progress::begin(args.json.json)?;
    let matrix = run(&order, folder.root(), stop, &progress).await?;
    matrix.write(folder.root())?;
    say!("{}", matrix.to_text());
    say!("Everything is in {}", folder.root().display());
    let exit = Exit::from(matrix.verdict());
    let cut_short = stop.is_requested().then(|| "it was interrupted by a signal".to_owned());
    progress.tell(exit.progress_event(folder.root().display().to_string(), cut_short));
    Ok(exit)
}

/// Where `make planted` puts the services: `target/planted`, beside the folder of this program.
pub(super) fn planted_dir() -> anyhow::Result<PathBuf> {
    let own =
        std::env::current_exe().context("cannot tell where this program is; use --bin-dir")?;
    let target = own.parent().and_then(Path::parent);
    Ok(target.context("this program is in no folder; use --bin-dir")?.join("planted"))
}

/// A service without bugs would refuse the flags, run after run, and overhear the variables.
pub(super) fn check_binaries(bin_dir: &Path) -> anyhow::Result<()> {
    for service in ["front-end", "catalog", "order"] {
        let path = bin_dir.join(service);
        let help = Command::new(&path).arg("--help").output().with_context(|| {
            format!("--bin-dir: cannot run {}; `make planted` builds it", path.display())
        })?;
        ensure!(
            String::from_utf8_lossy(&help.stdout).contains("BAZAAR_PLANT"),
            "--bin-dir: {} was built without the feature planted-bugs; `make planted` builds it with",
            path.display()
        );
    }
    Ok(())
}
