//! A comparison for people: as a table in a terminal, and as Markdown for a pull request.

use super::comparison::{Comparison, Effect, SideName};
use crate::markdown;
use crate::stats::Interval;
use crate::table::{Basis, Cell, Column, Field, Missing, Pick, Table, Unit};
use crate::text::{capitalised, counted};

/// What there is of an effect.
const FIELDS: [Field<Effect>; 7] = [
    (Column::new("cell", "cell", Unit::Text), |effect| {
        Cell::some_text(effect.cell.clone(), Missing::NotApplicable)
    }),
    (Column::new("metric", "metric", Unit::Text), |effect| Cell::text(effect.metric.as_str())),
    (Column::new("label", "figure", Unit::Text), |effect| Cell::text(effect.label.as_str())),
    (Column::new("a", "a", Unit::OfTheRow), |effect| Cell::number(effect.a)),
    (Column::new("b", "b", Unit::OfTheRow), |effect| Cell::number(effect.b)),
    (Column::new("change_percent", "change", Unit::Change), |effect| {
        let bounds = effect.low_percent.zip(effect.high_percent);
        let interval = bounds.map(|(low, high)| Interval { low, high });
        Cell::number(effect.percent).within(interval, Some(Basis::Trials))
    }),
    (Column::new("verdict", "verdict", Unit::Text), |effect| Cell::text(effect.change.as_str())),
];

/// The figures over all cells, and those of each.
const OVERALL: [Pick; 6] = [
    Pick::Value("label"),
    Pick::Value("a"),
    Pick::Value("b"),
    Pick::Value("change_percent"),
    Pick::Interval("change_percent"),
    Pick::Value("verdict"),
];
const BY_CELL: [Pick; 7] = [
    Pick::Value("cell"),
    Pick::Value("label"),
    Pick::Value("a"),
    Pick::Value("b"),
    Pick::Value("change_percent"),
    Pick::Interval("change_percent"),
    Pick::Value("verdict"),
];

impl Comparison {
    /// A row for each figure that the verdict rests on.
    #[must_use]
    pub fn headline_table(&self) -> Table {
        let caption = "b against a, over all cells";
        Table::new("comparison", caption, &FIELDS, &self.headline)
    }

    /// A row for each figure of each cell.
    #[must_use]
    pub fn cells_table(&self) -> Table {
        let caption = "b against a, cell by cell, each looked at alone";
        Table::new("comparison-cells", caption, &FIELDS, &self.cells)
    }

    /// As plain text, ending with a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("a: {}\nb: {}\n{}\n", self.a.words(), self.b.words(), self.method());
        for warning in &self.warnings {
            text.push_str(&format!("Mind: {warning}\n"));
        }
        text.push('\n');
        text.push_str(&self.headline_table().to_text(&OVERALL));
        if self.common_cells > 1 {
            text.push_str(&format!("\nCell by cell. {ALONE}\n"));
            text.push_str(&self.cells_table().to_text(&BY_CELL));
        }
        text.push_str(&format!("\n{}\n", self.reason));
        text
    }

    /// As Markdown, ending with a newline.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "### {}\n\n{}\n\n- a: {}\n- b: {}\n- {}\n",
            capitalised(self.verdict.as_str()),
            self.reason,
            markdown::text(&self.a.words()),
            markdown::text(&self.b.words()),
            self.method()
        );
        for warning in &self.warnings {
            text.push_str(&format!("- **Mind:** {}\n", markdown::text(warning)));
        }
        text.push('\n');
        text.push_str(&self.headline_table().to_markdown(&OVERALL));
        if self.common_cells > 1 {
            text.push_str(&format!("\n<details><summary>Cell by cell</summary>\n\n{ALONE}\n\n"));
            text.push_str(&self.cells_table().to_markdown(&BY_CELL));
            text.push_str("\n</details>\n");
        }
        text
    }

    /// How it was compared, in a sentence or two.
    pub(crate) fn method(&self) -> String {
        let cells = counted(self.common_cells, "cell", "cells");
        let pairing = if self.paired { "paired trial by trial" } else { "two runs, not paired" };
        let trials = counted(self.trials, "trial", "trials");
        format!(
            "{cells} in common, {pairing}; 95% intervals from {trials}; verdicts hold for all lines of \
             the first table together. Noise floor {:.1}%, {}.",
            self.floor_percent, self.floor_from
        )
    }
}

const ALONE: &str =
    "Each line is looked at alone, so one in twenty may mislead; these are no verdicts.";

impl SideName {
    /// The run's name with its target, build and commit, as far as there are any.
    pub(crate) fn words(&self) -> String {
        let target = self.target.as_ref().map(|target| format!(", target {target}"));
        let build = self.build.as_ref().map(|build| format!(", build {build}"));
        let commit = self.commit.as_ref().map(|commit| format!(", commit {commit}"));
        let more = [target, build, commit].into_iter().flatten();
        more.fold(self.run.clone(), |name, more| name + &more)
    }
}
