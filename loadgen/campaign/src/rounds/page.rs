//! The page of a soak.

use std::path::{Path, PathBuf};

use askama::Template;
use results::html::{self, Look};
use results::records::Model;
use results::text::grouped;
use results::verdict::Verdict;

use super::{Round, Soak, charts};
use crate::error::CampaignError;
use crate::files;
use crate::grid::{Field, Grid, GridRow};
use crate::look::OWN;
use crate::picture::Picture;
use crate::words::figure;

/// The page, in the soak's folder.
pub const PAGE: &str = "soak.html";

#[derive(Template)]
#[template(path = "soak.html")]
struct Page<'a> {
    look: Look,
    title: &'a str,
    verdict: Verdict,
    sign: &'static str,
    summary: &'a [String],
    command: &'a str,
    pictures: Vec<Picture>,
    broken: Vec<&'a Round>,
    rounds: Grid,
    hidden: usize,
}

/// Writes it into `folder`, and returns where it is.
///
/// # Errors
/// A file cannot be written, or the chart cannot be drawn.
pub fn write(soak: &Soak, folder: &Path) -> Result<PathBuf, CampaignError> {
    let shown = soak.shown();
    let page = Page {
        look: Look::new(OWN),
        title: &soak.title,
        verdict: soak.verdict,
        sign: soak.verdict.sign(),
        summary: &soak.summary,
        command: &soak.command,
        pictures: Picture::draw_all(&[charts::chart(soak)], folder)?,
        broken: shown.iter().copied().filter(|round| round.verdict != Verdict::Pass).collect(),
        rounds: grid(soak.model, &shown),
        hidden: soak.rounds.len() - shown.len(),
    };
    files::write(folder, PAGE, &page.render()?)
}

fn grid(model: Model, rounds: &[&Round]) -> Grid {
    let titles = [
        "<verdict",
        "operations",
        "acknowledged",
        "accepted/s",
        "median, ms",
        "p99, ms",
        "first ack, ms",
        "longest gap, ms",
        "failed",
        "unknown",
        "<faults",
        "<load and system",
    ];
    let caption = model.worded("Every round, in order; latencies are those of trades");
    let mut grid = Grid::new("rounds", caption, "round", titles.map(str::to_owned));
    grid.rows = rounds.iter().map(|round| row(round)).collect();
    grid
}

fn row(round: &Round) -> GridRow {
    let figures = &round.figures;
    let count = |number| Field::number(grouped(number));
    GridRow {
        name: round.number.to_string(),
        link: (round.verdict != Verdict::Pass).then(|| format!("{}/{}", round.folder, html::FILE)),
        fields: vec![
            Field::verdict(round.verdict),
            count(round.operations),
            count(round.acknowledged),
            Field::number(figure(figures.accepted_per_s)),
            Field::number(figure(figures.change_p50_ms)),
            Field::number(figure(figures.change_p99_ms)),
            Field::number(figure(figures.first_ack_ms)),
            Field::number(figure(figures.longest_gap_ms)),
            count(figures.failed),
            count(figures.unknown),
            Field::words(round.faults.clone()),
            Field::words(round.settings.clone()),
        ],
    }
}
