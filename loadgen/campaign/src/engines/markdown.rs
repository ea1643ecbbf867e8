//! `engines.md`: the page without its charts' pictures in it.

use std::fmt::Write as _;

use super::about::{self, ABOUT_FAULTS, ABOUT_LOAD};
use super::comparison::Comparison;
use super::tables;
use crate::picture::Picture;
use crate::words::escaped;

/// The file.
pub(super) fn text(comparison: &Comparison, pictures: &[Picture]) -> String {
    let mut text = format!("# {}\n", super::page::title(comparison));
    // Writing to a String cannot fail.
    let mut add = |part: String| _ = write!(text, "\n{part}");
    for sentence in about::opening(comparison) {
        add(format!("{}\n", escaped(&sentence)));
    }
    for (grid, words) in
        [(tables::faults(comparison), ABOUT_FAULTS), (tables::load(comparison), ABOUT_LOAD)]
    {
        add(format!("{}:\n\n{}\n{words}\n", grid.caption, grid.to_markdown()));
    }
    for picture in pictures {
        add(format!("![{}]({})\n", escaped(&picture.alt), picture.file));
    }
    let findings = comparison.systems.iter().flat_map(|system| {
        system.findings.iter().map(move |finding| (about::title(system, finding), finding))
    });
    let findings: Vec<_> = findings.collect();
    if !findings.is_empty() {
        add("## What went wrong, and how to see it again\n".to_owned());
    }
    for (title, finding) in findings {
        let sentences = finding.sentences.iter().map(|it| format!("- {}\n", escaped(it)));
        add(format!(
            "### {}\n\n{}\nSeen first in `{}`; again: `{}`\n",
            escaped(&title),
            sentences.collect::<String>(),
            finding.folder,
            finding.command
        ));
    }
    for (heading, lines) in [
        ("What could not be told", about::doubts(comparison)),
        ("How it was measured", about::notes(comparison)),
    ] {
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| format!("- {}\n", escaped(line)));
            add(format!("## {heading}\n\n{}", lines.collect::<String>()));
        }
    }
    add(format!("```console\n$ {}\n```\n", comparison.record.command));
    text
}
