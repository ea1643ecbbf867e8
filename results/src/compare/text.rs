//! A comparison for people: as a table in a terminal, and as Markdown for a pull request.

use super::report::{Comparison, Effect, SideName};
use crate::text::{aligned, counted, three_digits};

impl Comparison {
    /// As plain text, ending with a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("a: {}\nb: {}\n{}\n", name(&self.a), name(&self.b), self.method());
        for warning in &self.warnings {
            text.push_str(&format!("Mind: {warning}\n"));
        }
        text.push('\n');
        text.push_str(&aligned(&HEADER, 1, &rows(&self.headline, |effect| effect.label.clone())));
        if self.common_cells > 1 {
            text.push_str(&format!("\nCell by cell. {ALONE}\n"));
            text.push_str(&aligned(&HEADER, 1, &rows(&self.cells, in_cell)));
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
            name(&self.a),
            name(&self.b),
            self.method()
        );
        for warning in &self.warnings {
            text.push_str(&format!("- **Mind:** {warning}\n"));
        }
        text.push('\n');
        text.push_str(&markdown(&rows(&self.headline, |effect| effect.label.clone())));
        if self.common_cells > 1 {
            text.push_str(&format!("\n<details><summary>Cell by cell</summary>\n\n{ALONE}\n\n"));
            text.push_str(&markdown(&rows(&self.cells, in_cell)));
            text.push_str("\n</details>\n");
        }
        text
    }

    /// How it was compared, in a sentence or two.
    fn method(&self) -> String {
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

const HEADER: [&str; 6] = ["figure", "a", "b", "change", "95% interval", "verdict"];

const ALONE: &str =
    "Each line is looked at alone, so one in twenty may mislead; these are no verdicts.";

fn name(side: &SideName) -> String {
    let build = side.build.as_ref().map(|build| format!(", build {build}"));
    let commit = side.commit.as_ref().map(|commit| format!(", commit {commit}"));
    format!("{}{}{}", side.run, build.unwrap_or_default(), commit.unwrap_or_default())
}

fn in_cell(effect: &Effect) -> String {
    format!("{}: {}", effect.cell.as_deref().unwrap_or_default(), effect.label)
}

fn rows(effects: &[Effect], label: impl Fn(&Effect) -> String) -> Vec<Vec<String>> {
    effects
        .iter()
        .map(|effect| {
            let interval = effect
                .low_percent
                .zip(effect.high_percent)
                .map_or_else(|| "-".to_owned(), |(low, high)| format!("{low:+.1}% to {high:+.1}%"));
            vec![
                label(effect),
                three_digits(effect.a),
                three_digits(effect.b),
                format!("{:+.1}%", effect.percent),
                interval,
                effect.change.as_str().to_owned(),
            ]
        })
        .collect()
}

fn markdown(rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = HEADER.iter().map(|&title| title.to_owned()).collect();
    let body: String = rows.iter().map(|row| line(row)).collect();
    format!("{}| --- | ---: | ---: | ---: | ---: | --- |\n{body}", line(&header))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
