//! One result, several forms: JSON and CSV for programs, Markdown and a chart for people. All from the same rows.

mod chart;
pub(crate) mod machine;
pub(crate) mod markdown;
pub(crate) mod trade;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use results::stats::Estimate;
use serde::Serialize;

use crate::arguments::{Config, Part};
use crate::generator::Generator;
use crate::rows::Row;
use crate::tools::{Found, Tools};
use machine::Machine;

/// A finished comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where and when.
    pub(crate) machine: Machine,
    /// How often everything was measured.
    pub(crate) rounds: u32,
    /// For how long each time.
    pub(crate) seconds: f64,
    /// Who asked the cached query, if it was asked.
    pub(crate) generator: Option<&'static str>,
    /// The peers' versions.
    pub(crate) tools: Vec<Found>,
    /// The table.
    pub(crate) rows: Vec<Row>,
    /// What a reader must know besides.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Everything put together.
    pub(crate) fn new(
        config: &Config,
        tools: &Tools,
        machine: Machine,
        rows: Vec<Row>,
        notes: Vec<String>,
    ) -> Self {
        let asked = config.parts.contains(&Part::Query);
        Self {
            machine,
            rounds: config.rounds,
            seconds: config.seconds,
            generator: asked.then(|| Generator::choose(tools).describe()),
            tools: tools.found.clone(),
            rows,
            notes,
        }
    }
}

/// Writes all forms into a folder.
///
/// # Errors
/// If one cannot be written.
pub(crate) fn write(report: &Report, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![folder.join("samples.csv")];
    let texts = [
        ("peers.json", serde_json::to_string_pretty(report)? + "\n"),
        ("peers.csv", table_csv(report)?),
        ("peers.md", markdown::page(report)),
    ];
    for (name, text) in texts {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        files.push(path);
    }
    files.extend(chart::draw(report, folder)?);
    Ok(files)
}

/// A line of peers.csv: empty where nothing was measured.
#[derive(Serialize)]
struct Line<'a> {
    case: &'a str,
    figure: &'a str,
    unit: &'a str,
    ours: Option<f64>,
    ours_low: Option<f64>,
    ours_high: Option<f64>,
    peer: Option<String>,
    theirs: Option<f64>,
    ratio: Option<f64>,
    ratio_low: Option<f64>,
    ratio_high: Option<f64>,
    goal: Option<&'a str>,
    verdict: &'a str,
    rounds: usize,
}

fn table_csv(report: &Report) -> anyhow::Result<String> {
    let bounds = |estimate: Option<Estimate>| {
        let interval = estimate.and_then(|estimate| estimate.interval);
        (interval.map(|interval| interval.low), interval.map(|interval| interval.high))
    };
    let mut table = csv::Writer::from_writer(Vec::new());
    for row in &report.rows {
        let ((ours_low, ours_high), (ratio_low, ratio_high)) =
            (bounds(row.ours), bounds(row.ratio));
        table.serialize(Line {
            case: &row.case,
            figure: &row.figure,
            unit: row.unit,
            ours: row.ours.map(|ours| ours.value),
            ours_low,
            ours_high,
            peer: row.peer.map(|peer| peer.to_string()),
            theirs: row.theirs,
            ratio: row.ratio.map(|ratio| ratio.value),
            ratio_low,
            ratio_high,
            goal: row.goal.as_deref(),
            verdict: row.verdict.words(),
            rounds: row.rounds,
        })?;
    }
    Ok(String::from_utf8(table.into_inner()?)?)
}
