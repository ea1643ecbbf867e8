//! The files of a comparison of systems: page, Markdown, CSV and charts.

use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use results::html::Look;

use super::about::{self, ABOUT_FAULTS, ABOUT_LOAD};
use super::comparison::Comparison;
use super::{charts, csv, markdown, tables};
use crate::error::CampaignError;
use crate::grid::Grid;
use crate::look::OWN;
use crate::picture::Picture;

/// The page, in the comparison's folder.
pub const PAGE: &str = "engines.html";
const MARKDOWN: &str = "engines.md";
const CSV: &str = "engines.csv";

#[derive(Template)]
#[template(path = "engines.html")]
struct Page<'a> {
    look: Look,
    title: String,
    begun: &'a str,
    opening: Vec<String>,
    faults: Grid,
    about_faults: &'static str,
    load: Grid,
    about_load: &'static str,
    pictures: &'a [Picture],
    findings: Vec<Shown<'a>>,
    doubts: Vec<String>,
    notes: Vec<String>,
    runs: Grid,
    command: &'a str,
}

/// What a check found at one system.
struct Shown<'a> {
    title: String,
    sentences: &'a [String],
    folder: &'a str,
    command: &'a str,
}

/// Writes all of them into `folder`, and returns where the page is.
///
/// # Errors
/// A file cannot be written, or a chart cannot be drawn.
pub fn write(comparison: &Comparison, folder: &Path) -> Result<PathBuf, CampaignError> {
    let pictures = Picture::draw_all(&charts::charts(comparison), folder)?;
    let write = |name: &str, text: &str| -> Result<PathBuf, CampaignError> {
        let path = folder.join(name);
        fs::write(&path, text).map_err(CampaignError::io(&path))?;
        Ok(path)
    };
    let figures =
        csv::text(comparison).map_err(|error| CampaignError::file(&folder.join(CSV), error))?;
    write(CSV, &figures)?;
    write(MARKDOWN, &markdown::text(comparison, &pictures))?;
    write(PAGE, &render(comparison, &pictures)?)
}

fn render(comparison: &Comparison, pictures: &[Picture]) -> Result<String, CampaignError> {
    let findings = comparison.systems.iter().flat_map(|system| {
        system.findings.iter().map(move |finding| Shown {
            title: about::title(system, finding),
            sentences: &finding.sentences,
            folder: &finding.folder,
            command: &finding.command,
        })
    });
    let page = Page {
        look: Look::new(OWN),
        title: title(comparison),
        begun: &comparison.record.begun,
        opening: about::opening(comparison),
        faults: tables::faults(comparison),
        about_faults: ABOUT_FAULTS,
        load: tables::load(comparison),
        about_load: ABOUT_LOAD,
        pictures,
        findings: findings.collect(),
        doubts: about::doubts(comparison),
        notes: about::notes(comparison),
        runs: tables::runs(comparison),
        command: &comparison.record.command,
    };
    Ok(page.render()?)
}

/// `5 systems beside each other`.
pub(super) fn title(comparison: &Comparison) -> String {
    match comparison.systems.len() {
        1 => "1 system".to_owned(),
        many => format!("{many} systems beside each other"),
    }
}
