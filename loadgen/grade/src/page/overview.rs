//! The overview of several submissions.

use askama::Template;
use results::html::Look;

use super::look::OWN;
use crate::graded::GradedProperty;
use crate::overview::{Group, Overview};

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    look: Look,
    overview: &'a Overview,
    /// The rubric's name.
    rubric: &'a str,
    /// The columns: the properties of any submission, for all have the same.
    columns: &'a [GradedProperty],
    median: Option<u32>,
    distribution: Vec<Bar>,
}

/// A group of the distribution, and how long its bar is, of 100.
struct Bar {
    group: Group,
    length: usize,
}

/// The page of several submissions.
///
/// # Errors
/// The template cannot be filled in.
pub fn overview(overview: &Overview) -> Result<String, askama::Error> {
    let first = overview.entries.first().map(|entry| &entry.graded);
    let groups = overview.distribution();
    let most = groups.iter().map(|group| group.count).max().unwrap_or(0).max(1);
    let bar = |group: Group| Bar { group, length: group.count * 100 / most };
    Page {
        look: Look::new(OWN),
        overview,
        rubric: first.map_or("", |graded| &graded.rubric),
        columns: first.map_or(&[], |graded| &graded.properties),
        median: overview.median_percent(),
        distribution: groups.into_iter().map(bar).collect(),
    }
    .render()
}
