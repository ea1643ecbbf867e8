//! The files of a history: page, Markdown, CSV and charts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use results::html::Look;
use results::markdown::text;
use results::text::counted;
use serde::Serialize;

use super::{GroupHistory, History, charts, tables};
use crate::error::CampaignError;
use crate::files;
use crate::grid::Grid;
use crate::look::OWN;
use crate::picture::Picture;

/// The page, in the history's folder.
const PAGE: &str = "history.html";
const MARKDOWN: &str = "history.md";
const RUNS: &str = "history.csv";
const CHANGES: &str = "changes.csv";

/// Said below the changes of each group.
const METHOD: &str = "Changes are those that `double-trouble compare` finds between all runs of both commits: ratios over all \
    common cells, called better or worse only if they are shown to differ by more than 3 %, for all of them together. With fewer \
    than three trials on a side nothing is claimed. Of outages only those after a leader's kill, a leader's pause and a cut of links are compared, \
    each for itself, where there are five on both sides: what other faults cost depends on more than the system.";

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
    files::write_csv(folder, RUNS, runs(&history.groups))?;
    files::write_csv(folder, CHANGES, changes(&history.groups))?;
    files::write(folder, MARKDOWN, &markdown(&page))?;
    files::write(folder, PAGE, &page.render()?)
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
    let mut markdown = format!("# {}\n", text(page.title));
    // Writing to a String cannot fail.
    let mut add = |part: String| _ = write!(markdown, "\n{part}");
    for sentence in &page.opening {
        add(format!("{}\n", text(sentence)));
    }
    for section in &page.groups {
        add(format!("## {}\n\n{}\n", text(section.title), text(section.settings)));
        for picture in &section.pictures {
            add(picture.to_markdown());
        }
        add(section.commits.to_markdown());
        if let Some(changes) = &section.changes {
            add(format!("{}\n{}\n", changes.to_markdown(), page.method));
        }
    }
    if let Some(left_out) = &page.left_out {
        add(format!("## Not compared\n\n{}", left_out.to_markdown()));
    }
    markdown
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
    kill_ack_ms: Option<f64>,
    pause_ack_ms: Option<f64>,
    cut_ack_ms: Option<f64>,
    other_ack_ms: Option<f64>,
    longest_gap_ms: Option<f64>,
}

fn runs(groups: &[GroupHistory]) -> Vec<RunLine<'_>> {
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
                kill_ack_ms: run.figures.kill_ack_ms,
                pause_ack_ms: run.figures.pause_ack_ms,
                cut_ack_ms: run.figures.cut_ack_ms,
                other_ack_ms: run.figures.other_ack_ms,
                longest_gap_ms: run.figures.longest_gap_ms,
            }));
        }
    }
    lines
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

fn changes(groups: &[GroupHistory]) -> Vec<ChangeLine<'_>> {
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
    lines
}
