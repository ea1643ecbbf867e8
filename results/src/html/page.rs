//! The page as a whole: its parts in order, its style, and what a browser may do with it.

use askama::Template;

use super::caveats;
use super::consistency::Consistency;
use super::embed::Embedder;
use super::embedded_charts::Pictures;
use super::error::PageError;
use super::faults::Faults;
use super::files::{self, RunFile};
use super::input::PageInput;
use super::look::{self, STYLE};
use super::opening::Opening;
use super::setup::Setup;
use super::tables::Figures;
use super::verdict_reasons::VerdictReasons;
use super::worded;
use crate::records::RunFolder;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    style: &'static str,
    style_hash: String,
    opening: Opening,
    verdict_reasons: VerdictReasons,
    faults: Option<Faults>,
    pictures: Pictures,
    consistency: Consistency,
    figures: Figures,
    setup: Setup,
    folder: String,
    files: Vec<RunFile>,
    limits: Vec<String>,
}

/// The page of a run whose charts lie in `folder`.
pub(super) fn render(folder: &RunFolder, material: &PageInput<'_>) -> Result<String, PageError> {
    let figures = material.figures;
    // Evidence first: it is what a page is sent on for.
    let mut embedder = Embedder::new(folder);
    let consistency = Consistency::new(material.consistency, material.thresholds, &mut embedder);
    let page = Page {
        style: STYLE,
        style_hash: look::hash(STYLE),
        opening: Opening::new(material),
        verdict_reasons: VerdictReasons::new(material),
        faults: Faults::new(&figures.availability, &figures.tables.faults, &figures.tables.kinds),
        pictures: Pictures::read(&figures.charts)?,
        consistency,
        figures: Figures::new(&figures.tables),
        setup: Setup::new(material),
        folder: folder.name(),
        files: files::of(folder, material.manifest, &mut embedder),
        limits: caveats::of(material),
    };
    Ok(worded::page(figures.model, &page.render()?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::html::look::STYLE;

    /// What stands on what, by the names of the style's colours. Text needs 4.5 to 1, WCAG's AA.
    const TEXT: [(&str, &str); 13] = [
        ("--ink", "--ground"),
        ("--ink", "--card"),
        ("--second", "--ground"),
        ("--second", "--card"),
        ("--link", "--ground"),
        ("--link", "--card"),
        ("--pass-ink", "--pass-ground"),
        ("--fail-ink", "--fail-ground"),
        ("--doubt-ink", "--doubt-ground"),
        ("--pass-ink", "--card"),
        ("--fail-ink", "--card"),
        ("--doubt-ink", "--card"),
        ("--ink", "--code"),
    ];

    /// What must be seen without being read: 3 to 1.
    const SHAPES: [(&str, &str); 5] = [
        ("--link", "--ground"),
        ("--noticing", "--card"),
        ("--electing", "--card"),
        ("--taking-over", "--card"),
        ("--answering", "--card"),
    ];

    fn colours(block: &str) -> HashMap<&str, u32> {
        let declarations = block.split([';', '{', '}']).filter_map(|part| part.split_once(':'));
        declarations
            .filter_map(|(name, value)| {
                let hex = value.trim().strip_prefix('#')?;
                Some((name.trim(), u32::from_str_radix(hex, 16).ok()?))
            })
            .filter(|(name, _)| name.starts_with("--"))
            .collect()
    }

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: u32) -> f64 {
        let channel = |shift: u32| {
            let value = f64::from((colour >> shift) & 0xff) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_stands_out_in_light_in_dark_and_in_print() {
        let blocks: Vec<_> =
            STYLE.split(":root {").skip(1).map(|rest| rest.split_once('}')).collect();
        assert_eq!(blocks.len(), 3, "light, dark and print");
        for block in blocks {
            let colours = colours(block.unwrap().0);
            for (pairs, needed) in [(&TEXT[..], 4.5), (&SHAPES[..], 3.0)] {
                for (front, back) in pairs {
                    let found = contrast(colours[front], colours[back]);
                    assert!(found >= needed, "{front} on {back}: {found:.2}, needs {needed}");
                }
            }
        }
    }

    #[test]
    fn contrast_is_computed_as_its_definition_says() {
        assert!((contrast(0xff_ff_ff, 0) - 21.0).abs() < 1e-9);
        // A grey that is known to stand just inside the bound on white.
        assert!((contrast(0x76_76_76, 0xff_ff_ff) - 4.54).abs() < 0.005);
    }

    #[test]
    fn on_paper_everything_that_is_folded_is_open_and_no_pixels_are_turned_round() {
        let (_, paper) = STYLE.rsplit_once("@media print {").unwrap();
        assert!(paper.contains("details::details-content { content-visibility: visible;"));
        assert!(paper.contains(".raster { filter: none; }"));
    }

    #[test]
    fn the_style_cannot_end_its_element() {
        assert!(!STYLE.contains("</"));
    }
}
