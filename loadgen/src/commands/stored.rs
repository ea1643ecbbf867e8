//! `check` and `report`: a run again, from its files alone.

use anyhow::ensure;
use results::records::RunFolder;

use crate::cli::Folder;
use crate::exit::Exit;
use crate::run::{check_run, show_figures};

/// Checks a run and prints what was found.
pub(super) fn check(folder: &Folder) -> anyhow::Result<Exit> {
    check_run(&open(folder)?)
}

/// Draws a run's charts and prints its tables.
pub(super) fn report(folder: &Folder) -> anyhow::Result<Exit> {
    show_figures(&open(folder)?)?;
    Ok(Exit::Pass)
}

fn open(folder: &Folder) -> anyhow::Result<RunFolder> {
    let run = RunFolder::new(&folder.run);
    ensure!(
        run.path("manifest.json").is_file(),
        "RUN: {} is no run's folder, it has no manifest.json; name one, for example \
         results/runs/latest",
        folder.run.display()
    );
    Ok(run)
}
