//! The files of a comparison of systems: page, Markdown, CSV and charts.

use std::path::{Path, PathBuf};

use askama::Template;
use results::html::Look;

use super::about::{self, ABOUT_FAULTS, ABOUT_LOAD};
use super::comparison::Comparison;
use super::{charts, csv, markdown, tables};
use crate::error::CampaignError;
use crate::files;
use crate::grid::Grid;
use crate::look::OWN;
use crate::picture::Picture;

/// The page, in the comparison's folder.
const PAGE: &str = "engines.html";
const MARKDOWN: &str = "engines.md";
const CSV: &str = "engines.csv";

/// What stands on the page, and in Markdown.
#[derive(Template)]
#[template(path = "engines.html")]
pub(super) struct Page<'a> {
    look: Look,
    pub(super) title: String,
    begun: &'a str,
    pub(super) opening: Vec<String>,
    pub(super) faults: Grid,
    pub(super) about_faults: &'static str,
    pub(super) load: Grid,
    pub(super) about_load: &'static str,
    pub(super) pictures: &'a [Picture],
    pub(super) findings: Vec<Shown<'a>>,
    pub(super) doubts: Vec<String>,
    pub(super) notes: Vec<String>,
    runs: Grid,
    pub(super) command: &'a str,
}

/// What a check found at one system.
pub(super) struct Shown<'a> {
    pub(super) title: String,
    pub(super) sentences: &'a [String],
    pub(super) folder: &'a str,
    pub(super) command: &'a str,
}

/// Writes all of them into `folder`, and returns where the page is.
///
/// # Errors
/// A file cannot be written, or a chart cannot be drawn.
pub fn write(comparison: &Comparison, folder: &Path) -> Result<PathBuf, CampaignError> {
    let pictures = Picture::draw_all(&charts::charts(comparison), folder)?;
    let page = Page::new(comparison, &pictures);
    files::write_csv(folder, CSV, comparison.systems.iter().flat_map(csv::lines))?;
    files::write(folder, MARKDOWN, &markdown::markdown(&page))?;
    files::write(folder, PAGE, &page.render()?)
}

impl<'a> Page<'a> {
    fn new(comparison: &'a Comparison, pictures: &'a [Picture]) -> Self {
        let findings = comparison.systems.iter().flat_map(|system| {
            system.findings.iter().map(move |finding| Shown {
                title: about::title(system, finding),
                sentences: &finding.sentences,
                folder: &finding.folder,
                command: &finding.command,
            })
        });
        Self {
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
        }
    }
}

/// `5 systems beside each other`.
fn title(comparison: &Comparison) -> String {
    match comparison.systems.len() {
        1 => "1 system".to_owned(),
        many => format!("{many} systems beside each other"),
    }
}
