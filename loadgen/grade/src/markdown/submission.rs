//! The page of one submission.

use std::fmt::{self, Write as _};

use crate::graded::{Graded, GradedProperty, Reason};
use results::markdown::{address, block, text};

/// The page of a submission.
#[must_use]
pub fn submission(graded: &Graded) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut page, graded);
    page
}

fn write(page: &mut String, graded: &Graded) -> fmt::Result {
    let total = graded.total();
    writeln!(page, "# {}\n", text(&graded.submission))?;
    write!(page, "**{}.**", total.words())?;
    total.notes().iter().try_for_each(|note| write!(page, " {note}"))?;
    writeln!(page, " Graded by “{}”.\n", text(&graded.rubric))?;
    writeln!(page, "| property | found | points |\n| --- | --- | ---: |")?;
    for property in &graded.properties {
        let GradedProperty { title, outcome, .. } = property;
        let found = format!("{} {}", outcome.sign(), outcome.words());
        writeln!(page, "| {} | {found} | {} |", text(title), property.points())?;
    }
    for property in graded.properties.iter().filter(|property| !property.reasons.is_empty()) {
        explain(page, property)?;
    }
    writeln!(page, "\n## What was run\n\n| story | what came of it |\n| --- | --- |")?;
    for run in &graded.runs {
        let story = match &run.page {
            Some(page) => format!("[{}]({})", run.story, address(page)),
            None => run.story.to_string(),
        };
        writeln!(page, "| {story} | {} |", text(&run.came_of_it))?;
    }
    Ok(())
}

fn explain(page: &mut String, property: &GradedProperty) -> fmt::Result {
    let (found, points) = (property.outcome.words(), property.points());
    writeln!(page, "\n## {}: {found}, {points}", text(&property.title))?;
    if !property.about.is_empty() {
        writeln!(page, "\n{}", text(&property.about))?;
    }
    for reason in &property.reasons {
        let Reason { more, command, .. } = reason;
        writeln!(page, "\n{}\n", reason.sentence())?;
        for line in reason.lines() {
            writeln!(page, "- {}", text(&line))?;
        }
        if *more > 0 {
            writeln!(page, "- And {more} more: see the run’s own page.")?;
        }
        if reason.is_worth_repeating() {
            write!(page, "\n{}", block(command))?;
        }
    }
    Ok(())
}
