//! `engines.md`: the page without its charts' pictures in it.

use std::fmt::Write as _;

use results::markdown::{block, code, text};

use super::page::{Page, Shown};

/// The file.
pub(super) fn markdown(page: &Page<'_>) -> String {
    let mut markdown = format!("# {}\n", text(&page.title));
    // Writing to a String cannot fail.
    let mut add = |part: String| _ = write!(markdown, "\n{part}");
    for sentence in &page.opening {
        add(format!("{}\n", text(sentence)));
    }
    for (grid, about) in [(&page.faults, page.about_faults), (&page.load, page.about_load)] {
        add(format!("{}:\n\n{}\n{about}\n", grid.caption, grid.to_markdown()));
    }
    for picture in page.pictures {
        add(picture.to_markdown());
    }
    if !page.findings.is_empty() {
        add("## What went wrong, and how to see it again\n".to_owned());
    }
    for Shown { title, sentences, folder, command } in &page.findings {
        add(format!(
            "### {}\n\n{}\nSeen first in {}; again:\n\n{}",
            text(title),
            list(sentences),
            code(folder),
            block(command)
        ));
    }
    for (heading, lines) in
        [("What could not be told", &page.doubts), ("How it was measured", &page.notes)]
    {
        if !lines.is_empty() {
            add(format!("## {heading}\n\n{}", list(lines)));
        }
    }
    add(block(page.command));
    markdown
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {}\n", text(line))).collect()
}
