//! Figures over time as tables: commits, changes, and what was left out.

use results::compare::Change as Called;
use results::text::three_digits;

use super::charts::change_in_words;
use super::figures::{FIGURES, Shown};
use super::group::CommitPoint;
use super::{GroupHistory, LeftOut};
use crate::grid::{Field, Grid, GridRow};
use crate::words::{NONE, figure};

/// A row for each commit of the `number`-th group.
pub(super) fn commits(history: &GroupHistory, number: usize) -> Grid {
    let titles = ["<first run", "runs", "<verdict"].map(str::to_owned);
    let commits = &history.group.commits;
    let is_measured = |shown: &&Shown| commits.iter().any(|it| it.median(shown.of).is_some());
    let measured: Vec<&Shown> = FIGURES.iter().filter(is_measured).collect();
    let figures = measured.iter().map(|shown| history.group.model.worded(shown.title));
    let caption = "Medians over the runs of each commit";
    let mut grid = Grid::new(
        format!("commits-{number}"),
        caption,
        "commit",
        titles.into_iter().chain(figures),
    );
    grid.rows = commits.iter().map(|commit| row_of_commit(commit, &measured)).collect();
    grid
}

fn row_of_commit(commit: &CommitPoint, measured: &[&Shown]) -> GridRow {
    let mut fields = vec![
        Field { text: commit.date().to_owned(), ..Field::default() },
        Field::number(commit.runs.len().to_string()),
        Field::verdict(commit.verdict()),
    ];
    fields.extend(measured.iter().map(|shown| Field::number(figure(commit.median(shown.of)))));
    GridRow { name: commit.name.clone(), link: None, fields }
}

/// A row for each figure that was compared between neighbours.
pub(super) fn changes(history: &GroupHistory, number: usize) -> Grid {
    let titles = ["<figure", "before", "after", "change", "<verdict"].map(str::to_owned);
    let caption = "From each commit to the next, over all cells, with the 95 % interval";
    let mut grid = Grid::new(format!("changes-{number}"), caption, "commits", titles);
    let commits = &history.group.commits;
    for change in &history.changes {
        let name = format!("{} to {}", commits[change.at - 1].name, commits[change.at].name);
        match &change.effects {
            Err(why) => {
                let mut fields = vec![Field::words(why.clone())];
                fields.resize(5, Field::number(NONE));
                grid.rows.push(GridRow { name, link: None, fields });
            }
            Ok(effects) => grid.rows.extend(effects.iter().map(|effect| {
                let badge = match effect.change {
                    Called::Better => "pass",
                    Called::Worse => "fail",
                    Called::WithinNoise | Called::Unknown => "none",
                };
                let fields = vec![
                    Field::words(effect.label.clone()),
                    Field::number(three_digits(effect.a)),
                    Field::number(three_digits(effect.b)),
                    Field::number(change_in_words(effect)),
                    Field::badge(effect.change.as_str(), badge),
                ];
                GridRow { name: name.clone(), link: None, fields }
            })),
        }
    }
    grid
}

/// A row for each run that is in no group.
pub(super) fn left_out(left_out: &[LeftOut]) -> Grid {
    let caption = "Runs that cannot be compared, and why";
    let mut grid = Grid::new("left-out", caption, "run", ["<why".to_owned()]);
    let row = |one: &LeftOut| GridRow {
        name: one.run.clone(),
        link: None,
        fields: vec![Field::words(one.reason.clone())],
    };
    grid.rows = left_out.iter().map(row).collect();
    grid
}
