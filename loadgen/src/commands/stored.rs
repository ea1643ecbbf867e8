//! `check` and `report`: a run again, from its files alone.

use std::path::Path;

use anyhow::ensure;
use results::checks::export_histories;
use results::records::RunFolder;
use results::run::Run;

use crate::cli::{Check, Folder, Format};
use crate::exit::Exit;
use crate::output::note;
use crate::run::{ForPrograms, check_run, report_run};

/// Checks a run and prints what was found.
pub(super) fn check(args: &Check) -> anyhow::Result<Exit> {
    let run = open("RUN", &args.run)?;
    let programs = (args.format == Format::Junit).then(ForPrograms::on_stdout).transpose()?;
    if let Some(file) = &args.export {
        let operations = export_histories(&Run::open(&run)?, file)?;
        note!("{operations} operations exported to {}", file.display());
    }
    let found = check_run(&run)?;
    if let Some(programs) = programs {
        programs.tell(&found, None)?;
    }
    Ok(found.exit())
}

/// Draws a run's charts, lays out its page and prints its tables.
pub(super) fn report(folder: &Folder) -> anyhow::Result<Exit> {
    Ok(report_run(&open("RUN", &folder.run)?)?.exit())
}

/// The run in `folder`; `what` says in the complaint which of them it was to be.
pub(super) fn open(what: &str, folder: &Path) -> anyhow::Result<RunFolder> {
    let run = RunFolder::new(folder);
    ensure!(
        run.path("manifest.json").is_file(),
        "{what}: {} is no run's folder, it has no manifest.json; name one, for example \
         results/runs/latest",
        folder.display()
    );
    Ok(run)
}
