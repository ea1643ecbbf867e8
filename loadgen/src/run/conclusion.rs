//! What a run says at its end; the same again later, from its files alone.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use results::catalog_queries;
use results::checks::{self, ConsistencyReport};
use results::html;
use results::measurements::Measurements;
use results::records::RunFolder;
use results::report::{self, Report};
use results::run::Run;
use results::thresholds::{self, ThresholdResult};

use super::junit::junit;
use crate::exit::Exit;
use crate::output::{self, say};

/// What the checks of a run found, and how its thresholds were held.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) checked: ConsistencyReport,
    held: Vec<ThresholdResult>,
}

impl Found {
    /// Both together.
    pub(crate) fn exit(&self) -> Exit {
        self.checked.verdict.combine(thresholds::verdict(&self.held)).into()
    }
}

/// Stdout, kept for programs that read what was found as JUnit's XML.
pub(crate) struct ForPrograms(File);

impl ForPrograms {
    /// From now on what is said to people goes to stderr.
    ///
    /// # Errors
    /// The file descriptors cannot be copied.
    pub(crate) fn on_stdout() -> io::Result<Self> {
        output::keep_stdout_for_programs().map(Self)
    }

    /// Tells what was found; `cut` says why the run was cut short, if it was.
    pub(crate) fn tell(mut self, found: &Found, cut: Option<&str>) -> anyhow::Result<()> {
        let xml = junit(&found.checked, &found.held, cut).context("cannot write JUnit's XML")?;
        output::write_result(|| self.0.write_all(xml.as_bytes()));
        Ok(())
    }
}

/// Figures, charts, checks and page of a run, written into its folder and printed; returns what was
/// found. The databases of a run that passed are removed unless `keep_data`; those of any other run
/// are evidence.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(super) fn finish(folder: &RunFolder, keep_data: bool) -> anyhow::Result<Found> {
    let run = Run::open(folder)?;
    let measured = Measurements::new(&run);
    let found = check_and_write(&measured)?;
    let shown = write_page(&measured, &found).map(|page| show_figures(folder, &page));
    show_verdicts(&found);
    say!("Everything is in {}", folder.root().display());
    // The checks do not need the figures, and so are shown even if those cannot be drawn.
    shown?;
    if found.exit() == Exit::Pass && !keep_data {
        remove_data(folder)?;
    }
    Ok(found)
}

/// Writes figures, charts and page anew, and prints the figures; returns what was found.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn report(folder: &RunFolder) -> anyhow::Result<Found> {
    let run = Run::open(folder)?;
    let measured = Measurements::new(&run);
    let found = check_and_write(&measured)?;
    show_figures(folder, &write_page(&measured, &found)?);
    Ok(found)
}

/// Checks a run, holds its figures against the plan's thresholds, and prints what was found. If that is
/// not what a page of the run says, the page is written anew.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn check(folder: &RunFolder) -> anyhow::Result<Found> {
    // A report of another version, or none at all, says something else as well.
    let before = ConsistencyReport::read(folder).ok().flatten();
    let run = Run::open(folder)?;
    let measured = Measurements::new(&run);
    let found = check_and_write(&measured)?;
    let is_same = ConsistencyReport::read(folder)? == before && found.held.is_empty();
    if !is_same && folder.path(html::FILE).is_file() {
        write_page(&measured, &found)?;
    }
    show_verdicts(&found);
    Ok(found)
}

/// Checks a run and writes its figures, charts and page, without a word; returns what `look` makes of it.
///
/// # Errors
/// A file of the run cannot be read or written.
pub(crate) fn judge<T>(
    folder: &RunFolder,
    look: impl FnOnce(&Measurements<'_>, ConsistencyReport) -> T,
) -> anyhow::Result<T> {
    let run = Run::open(folder)?;
    let measured = Measurements::new(&run);
    let found = check_and_write(&measured)?;
    write_page(&measured, &found)?;
    Ok(look(&measured, found.checked))
}

/// What was drawn and laid out.
struct Page {
    path: PathBuf,
    figures: Report,
}

fn write_page(measured: &Measurements<'_>, found: &Found) -> anyhow::Result<Page> {
    let figures = report::write(measured)?;
    let path = html::write(measured.run(), &figures, &found.checked, &found.held)?;
    Ok(Page { path, figures })
}

/// The page comes first: it says the same, and more, and better.
fn show_figures(folder: &RunFolder, page: &Page) {
    say!("Report: {}\n", page.path.display());
    say!("{}", page.figures.to_text());
    for sentence in catalog_queries::sentences(folder) {
        say!("{sentence}");
    }
    say!("\nCharts:");
    for path in &page.figures.charts.files {
        say!("  {}", path.display());
    }
    say!();
}

fn check_and_write(measured: &Measurements<'_>) -> anyhow::Result<Found> {
    let checked = checks::check_run(measured.run())?;
    checked.write(measured.run().folder()).context("cannot write consistency.json")?;
    let held = thresholds::evaluate_run(measured, checked.verdict)?;
    Ok(Found { checked, held })
}

fn show_verdicts(found: &Found) {
    say!("{}", found.checked.to_text());
    if !found.held.is_empty() {
        say!("{}", thresholds::table(&found.held));
    }
}

/// Removes the databases of a run that ended as it should have: nobody needs them any more.
///
/// # Errors
/// They are there, and cannot be removed.
pub(crate) fn remove_data(folder: &RunFolder) -> anyhow::Result<()> {
    let data = folder.path("data");
    match fs::remove_dir_all(&data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("cannot remove {}", data.display())),
    }
}
