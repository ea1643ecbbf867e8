//! The page of one submission.

use askama::Template;
use results::html::Look;

use super::look::OWN;
use crate::graded::{Graded, GradedProperty, Total};

#[derive(Template)]
#[template(path = "submission.html")]
struct Page<'a> {
    look: Look,
    graded: &'a Graded,
    total: Total,
    /// Those that there is something to say about.
    explained: Vec<&'a GradedProperty>,
    overview: Option<&'a str>,
}

/// The page of a submission; `overview` is where that of several is, seen from here, if there is one.
///
/// # Errors
/// The template cannot be filled in.
pub fn submission(graded: &Graded, overview: Option<&str>) -> Result<String, askama::Error> {
    let explained = graded.properties.iter().filter(|property| !property.reasons.is_empty());
    let (look, total) = (Look::new(OWN), graded.total());
    Page { look, graded, total, explained: explained.collect(), overview }.render()
}
