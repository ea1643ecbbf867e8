//! The pages, written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use grade::graded::Graded;
use grade::overview::{Entry, Overview};
use grade::{markdown, page};

use crate::commands::now_for_people;

/// A submission's page, in its folder.
pub(super) const PAGE: &str = "grade.html";
const MARKDOWN: &str = "grade.md";
/// The overview, beside the submissions' folders.
const OVERVIEW: &str = "grades.html";
const OVERVIEW_MARKDOWN: &str = "grades.md";

/// Writes a submission's pages into its folder, and returns where the HTML is.
pub(super) fn write_submission(
    graded: &Graded,
    folder: &Path,
    has_overview: bool,
) -> anyhow::Result<PathBuf> {
    let overview = has_overview.then(|| format!("../{OVERVIEW}"));
    write(folder, MARKDOWN, &markdown::submission(graded))?;
    write(folder, PAGE, &page::submission(graded, overview.as_deref())?)
}

/// Writes the overview's pages, and returns where the HTML is.
pub(super) fn write_overview(entries: Vec<Entry>, folder: &Path) -> anyhow::Result<PathBuf> {
    let overview = Overview { graded_at: now_for_people()?, entries };
    write(folder, OVERVIEW_MARKDOWN, &markdown::overview(&overview))?;
    write(folder, OVERVIEW, &page::overview(&overview)?)
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
