//! The charts, inside the page.
//!
//! A chart goes in as SVG, which is sharp at any size, unless that is large (a point for every
//! operation); then the PNG goes in. Both are data of an image element: the page does not share its
//! names with them, and nothing in them can act.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::PageError;
use crate::charts::{Chart, Drawn};

/// A larger SVG is embedded as PNG, if that is smaller.
const MAX_SVG_BYTES: u64 = 200_000;

/// How much all charts together may add to the page. What is beyond is only named, so that a run of
/// many trials still makes a page that opens at once and can be sent on.
const MAX_EMBEDDED_BYTES: usize = 4_000_000;

/// How many charts are shown at once; the others are opened on demand.
const UNFOLDED: usize = 1;

/// The section.
pub(super) struct Pictures {
    pub(super) pictures: Vec<Picture>,
    /// How many of them are open.
    pub(super) unfolded: usize,
    /// Charts for which there was no room.
    pub(super) named: Vec<Picture>,
    /// Why other charts were not drawn.
    pub(super) left_out: Vec<String>,
}

/// One chart.
pub(super) struct Picture {
    pub(super) id: String,
    pub(super) title: String,
    /// What it shows, in words.
    pub(super) alt: String,
    /// As a data address; empty if it is only named.
    pub(super) source: String,
    /// The files, by their paths inside the run's folder.
    pub(super) svg: String,
    pub(super) png: String,
}

impl Picture {
    /// Whether it is pixels, and not a drawing that knows light and dark.
    pub(super) fn is_raster(&self) -> bool {
        self.source.starts_with("data:image/png")
    }
}

impl Pictures {
    /// Reads the charts back from their files.
    pub(super) fn read(drawn: &Drawn) -> Result<Self, PageError> {
        let (mut pictures, mut named) = (Vec::new(), Vec::new());
        let mut room = MAX_EMBEDDED_BYTES;
        for chart in &drawn.charts {
            let source = source(chart, drawn)?;
            let fits = source.len() <= room;
            let picture = Picture {
                id: format!("chart-{}", chart.stem),
                title: chart.title.clone(),
                alt: chart.alt.clone(),
                source: if fits { source } else { String::new() },
                svg: format!("{}/{}.svg", crate::charts::FOLDER, chart.stem),
                png: format!("{}/{}.png", crate::charts::FOLDER, chart.stem),
            };
            if fits {
                room -= picture.source.len();
                pictures.push(picture);
            } else {
                named.push(picture);
            }
        }
        Ok(Self { pictures, unfolded: UNFOLDED, named, left_out: drawn.left_out.clone() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.named.is_empty() && self.left_out.is_empty()
    }
}

/// The chart as a data address: its SVG if that is small or the smaller one, otherwise its PNG.
fn source(chart: &Chart, drawn: &Drawn) -> Result<String, PageError> {
    let file = |extension: &str| {
        let name = format!("{}.{extension}", chart.stem);
        drawn.files.iter().find(|path| path.file_name().is_some_and(|file| *file == *name))
    };
    let bytes = |path: &PathBuf| fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
    let (svg, png) = (file("svg"), file("png"));
    let svg_is_better = match (svg.map(bytes), png.map(bytes)) {
        (Some(svg), Some(png)) => svg <= MAX_SVG_BYTES.max(png),
        (svg, _) => svg.is_some(),
    };
    let (path, kind) = if svg_is_better { (svg, "svg+xml") } else { (png, "png") };
    let Some(path) = path else { return Ok(String::new()) };
    let content =
        fs::read(path).map_err(|source| PageError::Chart { path: path.clone(), source })?;
    Ok(format!("data:image/{kind};base64,{}", STANDARD.encode(content)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::ChartKind;

    fn drawn(folder: &std::path::Path, charts: &[(&str, usize, usize)]) -> Drawn {
        let mut drawn = Drawn::default();
        for (stem, svg_bytes, png_bytes) in charts {
            for (extension, bytes) in [("svg", svg_bytes), ("png", png_bytes)] {
                let path = folder.join(format!("{stem}.{extension}"));
                fs::write(&path, vec![b'x'; *bytes]).unwrap();
                drawn.files.push(path);
            }
            let (stem, title, alt) = ((*stem).to_owned(), "T".to_owned(), "A".to_owned());
            drawn.charts.push(Chart { stem, title, alt, kind: ChartKind::Timeline });
        }
        drawn
    }

    #[test]
    fn a_small_or_smaller_svg_goes_in_and_otherwise_the_png() {
        let folder = tempfile::tempdir().unwrap();
        let charts =
            [("small", 1_000, 10), ("smaller", 300_000, 400_000), ("large", 300_000, 250_000)];
        let pictures = Pictures::read(&drawn(folder.path(), &charts)).unwrap();
        let kinds: Vec<&str> =
            pictures.pictures.iter().map(|picture| &picture.source[..14]).collect();
        assert_eq!(kinds, ["data:image/svg", "data:image/svg", "data:image/png"]);
        assert!(pictures.named.is_empty());
    }

    #[test]
    fn what_has_no_room_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let charts = [("a", 150_000, 1), ("b", 5_000_000, 4_000_000), ("c", 150_000, 1)];
        let pictures = Pictures::read(&drawn(folder.path(), &charts)).unwrap();
        let stems = |pictures: &[Picture]| {
            pictures.iter().map(|picture| picture.png.clone()).collect::<Vec<_>>()
        };
        assert_eq!(stems(&pictures.pictures), ["charts/a.png", "charts/c.png"]);
        assert_eq!(stems(&pictures.named), ["charts/b.png"]);
        assert!(pictures.named[0].source.is_empty());
    }
}
