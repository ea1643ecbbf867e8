//! What changed between two runs, on one page: the verdict, the figures, and each chart of one run above that of the other.

use std::path::Path;

use askama::Template;

use super::embedded_charts::{Picture, Pictures};
use super::error::PageError;
use super::format::sign;
use super::look;
use super::look::STYLE;
use super::tables::Laid;
use crate::charts::{self, ChartInput};
use crate::compare::Comparison;
use crate::knee;
use crate::measurements::Measurements;
use crate::text::capitalised;
use crate::verdict::Verdict;

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    style: &'static str,
    style_hash: String,
    title: String,
    verdict: Verdict,
    sign: &'static str,
    /// What can be said of side b, in a word or two.
    word: &'static str,
    /// The sentence that goes on after it.
    reason: String,
    /// What is compared: the letter of each side, and its name.
    sides: [(&'static str, String); 2],
    method: String,
    warnings: Vec<String>,
    headline: Laid,
    cells: Option<Laid>,
    pairs: Vec<Pair>,
}

/// A chart of the same name of each run. Two builds in one run have one chart.
struct Pair {
    title: String,
    /// Whose it is, in words, and the chart.
    pictures: Vec<(String, Picture)>,
}

/// The page of a comparison of run `a` with `b`, or of two builds of `a`, whose charts are drawn into the folder `scratch`.
///
/// # Errors
/// A chart cannot be drawn or read back.
pub fn comparison(
    comparison: &Comparison,
    a: &Measurements<'_>,
    b: Option<&Measurements<'_>>,
    scratch: &Path,
) -> Result<String, PageError> {
    let names = [a, b.unwrap_or(a)].map(|side| side.run().manifest().subject());
    let what = match (b, names) {
        (None, _) => "two builds".to_owned(),
        (Some(_), [one, other]) if one == other => format!("{one}, twice"),
        (Some(_), [one, other]) => format!("{one} and {other}"),
    };
    let of_a = drawn(a, &scratch.join("a"))?;
    let of_b = b.map(|b| drawn(b, &scratch.join("b"))).transpose()?;
    let verdict = comparison.as_verdict();
    let figures = ["a", "b", "change_percent", "verdict"];
    let label = |row: crate::table::Row<'_>| capitalised(row.word("label"));
    let setting =
        |row: crate::table::Row<'_>| format!("{}, {}", row.word("cell"), row.word("label"));
    let page = Page {
        style: STYLE,
        style_hash: look::hash(STYLE),
        title: format!("Compared: {what}"),
        verdict,
        sign: sign(Some(verdict)),
        word: comparison.verdict.as_str(),
        reason: reason(comparison),
        sides: [("a", comparison.a.words()), ("b", comparison.b.words())],
        method: comparison.method(),
        warnings: comparison.warnings.clone(),
        headline: Laid::new(&comparison.headline_table(), "figure", &figures, label),
        cells: (comparison.common_cells > 1)
            .then(|| Laid::new(&comparison.cells_table(), "setting", &figures, setting)),
        pairs: match of_b {
            Some(of_b) => pairs(of_a, of_b, names),
            None => of_a.into_iter().map(Pair::alone).collect(),
        },
    };
    Ok(page.render()?)
}

/// The reason, without the verdict's own words at its beginning.
fn reason(comparison: &Comparison) -> String {
    let word = capitalised(comparison.verdict.as_str());
    let rest = comparison.reason.strip_prefix(&word).and_then(|rest| rest.strip_prefix(": "));
    rest.map_or_else(|| comparison.reason.clone(), capitalised)
}

impl Pair {
    fn alone(picture: Picture) -> Self {
        Self { title: picture.title.clone(), pictures: vec![("both builds".to_owned(), picture)] }
    }
}

/// The charts that both runs have, in the order of the first. A chart of one run alone is on the page of that run.
fn pairs(a: Vec<Picture>, mut b: Vec<Picture>, [name_a, name_b]: [&str; 2]) -> Vec<Pair> {
    let pair = |of_a: Picture| {
        let place = b.iter().position(|of_b| of_b.id == of_a.id)?;
        let of_b = b.swap_remove(place);
        let title = of_a.title.clone();
        let named = |letter: &str, name: &str| format!("{letter}: {name}");
        Some(Pair { title, pictures: vec![(named("a", name_a), of_a), (named("b", name_b), of_b)] })
    };
    a.into_iter().filter_map(pair).collect()
}

/// The run's charts that have room on a page.
fn drawn(measured: &Measurements<'_>, folder: &Path) -> Result<Vec<Picture>, PageError> {
    let run = measured.run();
    let lateness = measured.lateness();
    let sweeps = knee::sweeps(run.manifest(), run.observations(), &lateness);
    let material = ChartInput {
        run,
        summary: measured.summary(),
        availability: measured.faults(),
        lateness: &lateness,
        sweeps: &sweeps,
    };
    Ok(Pictures::read(&charts::draw(&material, folder)?)?.pictures)
}
