//! The files of a history: page, Markdown, CSV and charts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use results::html::Look;
use results::text::counted;
use serde::Serialize;

use super::{GroupHistory, History, charts, tables};
use crate::error::CampaignError;
use crate::grid::Grid;
use crate::look::OWN;
use crate::picture::Picture;
use crate::words::escaped;

/// The page, in the history's folder.
pub const PAGE: &str = "history.html";
const MARKDOWN: &str = "history.md";
const RUNS: &str = "history.csv";
const CHANGES: &str = "changes.csv";

/// Said below the changes of each group.
const METHOD: &str = "Changes are those that `double-trouble compare` finds between all runs of both commits: ratios over all \
    common cells, called better or worse only if they are shown to differ by more than 3 %, for all of them together. With fewer \
    than three trials on a side nothing is claimed.";

#[derive(Template)]
#[template(path = "history.html")]
struct Page<'a> {
    look: Look,
    title: &'a str,
    opening: Vec<String>,
    groups: Vec<Section<'a>>,
    left_out: Option<Grid>,
    method: &'static str,
}

struct Section<'a> {
    title: &'a str,
    settings: &'a str,
    commits: Grid,
    changes: Option<Grid>,
    pictures: Vec<Picture>,
}

/// Writes all of them into `folder`, which is made if it is not there, and returns where the page is.
///
/// # Errors
/// A file cannot be written, or a chart cannot be drawn.
pub fn write(history: &History, folder: &Path) -> Result<PathBuf, CampaignError> {
    fs::create_dir_all(folder).map_err(CampaignError::io(folder))?;
    let write = |name: &str, text: &str| -> Result<PathBuf, CampaignError> {
        let path = folder.join(name);
        fs::write(&path, text).map_err(CampaignError::io(&path))?;
        Ok(path)
    };
    let sections = history.groups.iter().zip(1..).map(|(group, number)| {
        let changes = (!group.changes.is_empty()).then(|| tables::changes(group, number));
        Ok(Section {
            title: &group.group.title,
            settings: &group.group.settings,
            commits: tables::commits(group, number),
            changes,
            pictures: Picture::draw_all(&[charts::chart(group, number)], folder)?,
        })
    });
    let page = Page {
        look: Look::new(OWN),
        title: "Figures over time",
        opening: opening(history),
        groups: sections.collect::<Result<_, CampaignError>>()?,
        left_out: (!history.left_out.is_empty()).then(|| tables::left_out(&history.left_out)),
        method: METHOD,
    };
    let failed = |name: &str| {
        let path = folder.join(name);
        move |error: csv::Error| CampaignError::file(&path, error)
    };
    write(RUNS, &runs_csv(&history.groups).map_err(failed(RUNS))?)?;
    write(CHANGES, &changes_csv(&history.groups).map_err(failed(CHANGES))?)?;
    write(MARKDOWN, &markdown(&page))?;
    write(PAGE, &page.render()?)
}

/// How many runs there are, and what changed.
fn opening(history: &History) -> Vec<String> {
    let commits = || history.groups.iter().flat_map(|one| &one.group.commits);
    let runs: usize = commits().map(|commit| commit.runs.len()).sum();
    let names: BTreeSet<_> = commits().map(|commit| &commit.name).collect();
    let mut sentences = vec![format!(
        "{} in {} of runs that can be compared, of {}.",
        counted(runs as u64, "run", "runs"),
        counted(history.groups.len() as u64, "group", "groups"),
        counted(names.len() as u64, "commit", "commits")
    )];
    for one in &history.groups {
        for change in &one.changes {
            let called: Vec<String> = change
                .called()
                .map(|effect| {
                    format!(
                        "{} {} ({})",
                        effect.label,
                        charts::change_in_words(effect),
                        effect.change.as_str()
                    )
                })
                .collect();
            if !called.is_empty() {
                let commit = &one.group.commits[change.at].name;
                sentences.push(format!("{}, at {commit}: {}.", one.group.title, called.join(", ")));
            }
        }
    }
    if sentences.len() == 1 {
        sentences.push("No change is shown to be more than noise.".to_owned());
    }
    sentences
}

fn markdown(page: &Page<'_>) -> String {
    let mut text = format!("# {}\n", page.title);
    // Writing to a String cannot fail.
    let mut add = |part: String| _ = write!(text, "\n{part}");
    for sentence in &page.opening {
        add(format!("{}\n", escaped(sentence)));
    }
    for section in &page.groups {
        add(format!("## {}\n\n{}\n", escaped(section.title), escaped(section.settings)));
        for picture in &section.pictures {
            add(format!("![{}]({})\n", escaped(&picture.alt), picture.file));
        }
        add(section.commits.to_markdown());
        if let Some(changes) = &section.changes {
            add(format!("{}\n{}\n", changes.to_markdown(), page.method));
        }
    }
    if let Some(left_out) = &page.left_out {
        add(format!("## Not compared\n\n{}", left_out.to_markdown()));
    }
    text
}

/// A run.
#[derive(Serialize)]
struct RunLine<'a> {
    group: &'a str,
    commit: &'a str,
    started_at: &'a str,
    run: String,
    verdict: String,
    accepted_per_s: Option<f64>,
    trade_p50_ms: Option<f64>,
    trade_p99_ms: Option<f64>,
    query_p50_ms: Option<f64>,
    query_p99_ms: Option<f64>,
    first_ack_ms: Option<f64>,
    longest_gap_ms: Option<f64>,
}

fn runs_csv(groups: &[GroupHistory]) -> Result<String, csv::Error> {
    let mut lines = Vec::new();
    for group in groups.iter().map(|one| &one.group) {
        for commit in &group.commits {
            lines.extend(commit.runs.iter().map(|run| RunLine {
                group: &group.title,
                commit: &commit.name,
                started_at: &run.started_at,
                run: run.folder.display().to_string(),
                verdict: run.verdict.to_string(),
                accepted_per_s: run.figures.accepted_per_s,
                trade_p50_ms: run.figures.change_p50_ms,
                trade_p99_ms: run.figures.change_p99_ms,
                query_p50_ms: run.figures.read_p50_ms,
                query_p99_ms: run.figures.read_p99_ms,
                first_ack_ms: run.figures.first_ack_ms,
                longest_gap_ms: run.figures.longest_gap_ms,
            }));
        }
    }
    csv_text(lines)
}

/// A figure from one commit to the next.
#[derive(Serialize)]
struct ChangeLine<'a> {
    group: &'a str,
    from: &'a str,
    to: &'a str,
    figure: &'a str,
    before: f64,
    after: f64,
    change_percent: f64,
    low_percent: Option<f64>,
    high_percent: Option<f64>,
    verdict: &'a str,
}

fn changes_csv(groups: &[GroupHistory]) -> Result<String, csv::Error> {
    let mut lines = Vec::new();
    for GroupHistory { group, changes } in groups {
        for change in changes {
            lines.extend(change.effects.iter().flatten().map(|effect| ChangeLine {
                group: &group.title,
                from: &group.commits[change.at - 1].name,
                to: &group.commits[change.at].name,
                figure: &effect.metric,
                before: effect.a,
                after: effect.b,
                change_percent: effect.percent,
                low_percent: effect.low_percent,
                high_percent: effect.high_percent,
                verdict: effect.change.as_str(),
            }));
        }
    }
    csv_text(lines)
}

fn csv_text<L: Serialize>(lines: Vec<L>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.serialize(line)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
