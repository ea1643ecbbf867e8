//! The overview of several submissions.

use std::fmt::{self, Write as _};

use crate::graded::{GradedProperty, Outcome};
use crate::overview::Overview;
use results::markdown::{address, text};

/// The page of several submissions.
#[must_use]
pub fn overview(overview: &Overview) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut page, overview);
    page
}

fn write(page: &mut String, overview: &Overview) -> fmt::Result {
    let Overview { graded_at, entries } = overview;
    let first = entries.first().map(|entry| &entry.graded);
    let columns: &[GradedProperty] = first.map_or(&[], |graded| &graded.properties);
    let rubric = first.map_or("", |graded| &graded.rubric);
    writeln!(page, "# Submissions graded: {}\n", entries.len())?;
    writeln!(page, "Graded by “{}”, {}.", text(rubric), text(graded_at))?;
    if let Some(median) = overview.median_percent() {
        writeln!(
            page,
            "Half of them have {median} % of the points that they were asked for, or more."
        )?;
    }
    let heads: String = columns.iter().map(|column| format!(" {} |", column.name)).collect();
    writeln!(page, "\n| submission | total |{heads}")?;
    writeln!(page, "| --- | ---: |{}", " ---: |".repeat(columns.len()))?;
    for entry in entries {
        let total = entry.graded.total();
        let name = text(&entry.graded.submission);
        write!(
            page,
            "| [{name}]({}) | {} of {} |",
            address(&entry.page),
            total.earned,
            total.asked
        )?;
        entry
            .graded
            .properties
            .iter()
            .try_for_each(|property| write!(page, " {} |", cell(property)))?;
        writeln!(page)?;
    }
    writeln!(page, "\n✓ holds, ½ holds in part, ✗ broken, ? not judged, – not asked.")?;
    writeln!(page, "\n## How the points are spread\n\n| points | submissions |\n| ---: | :--- |")?;
    for group in overview.distribution() {
        writeln!(page, "| {} | {} {} |", group.words(), "█".repeat(group.count), group.count)?;
    }
    writeln!(page, "\n## What was asked\n")?;
    for GradedProperty { name, title, worth, .. } in columns {
        writeln!(page, "- {name}: {}, {worth}", text(title))?;
    }
    Ok(())
}

fn cell(property: &GradedProperty) -> String {
    match property.outcome {
        Outcome::NotAsked => property.outcome.sign().to_owned(),
        outcome => format!("{} {}", outcome.sign(), property.earned),
    }
}
