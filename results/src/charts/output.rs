//! One drawing, two files: the same figure as SVG and as PNG.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::read::ZlibDecoder;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::style::{FontStyle, WHITE, register_font};
use plotters_backend::DrawingBackend;

use super::chart::Chart;
use super::palette::FONT;
use super::raster::Canvas;
use super::svg::Document;

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The font that is built in could not be read.
    #[error("cannot read the built-in font")]
    Font,
    /// The drawing failed.
    #[error("cannot draw {chart}: {reason}")]
    Draw {
        /// Which chart.
        chart: String,
        /// Why.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What figures draw on, in pixels from the top left.
pub type Area<DB> = DrawingArea<DB, Shift>;

/// Whether drawing on a backend went well.
pub type Drawing<DB, T = ()> = Result<T, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// A figure, or the reason why there is none.
pub(super) type Attempt<F> = Result<F, String>;

/// A chart that is ready to be drawn: it has something to show.
pub trait Figure {
    /// Its name, its title and what it shows, in words.
    fn card(&self) -> Chart;

    /// Width and height in pixels.
    fn size(&self) -> (u32, u32);

    /// Draws it on white.
    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB>;
}

/// Writes the figure into `folder`, which must exist, as SVG and as PNG. Both are drawn in
/// memory first, so that no half-written picture is left behind by a failed drawing.
///
/// # Errors
/// If it cannot be drawn or written.
pub fn save(
    figure: &impl Figure,
    chart: &Chart,
    folder: &Path,
) -> Result<Vec<PathBuf>, ChartError> {
    register_fonts()?;
    let name = &chart.stem;
    let failed = |reason: String| ChartError::Draw { chart: name.clone(), reason };

    let mut document = Document::new(figure.size());
    render(figure, document.backend()).map_err(failed)?;
    let svg = document.into_file(chart);
    let mut canvas = Canvas::new(figure.size());
    render(figure, canvas.backend()).map_err(failed)?;
    let png = canvas.png().map_err(|error| failed(error.to_string()))?;

    let files = [("svg", svg.into_bytes()), ("png", png)];
    files
        .into_iter()
        .map(|(extension, content)| {
            let path = folder.join(format!("{name}.{extension}"));
            fs::write(&path, content)
                .map_err(|source| ChartError::Write { path: path.clone(), source })?;
            Ok(path)
        })
        .collect()
}

fn render<DB: DrawingBackend>(figure: &impl Figure, backend: DB) -> Result<(), String> {
    let area = backend.into_drawing_area();
    let drawn = area.fill(&WHITE).and_then(|()| figure.draw(&area)).and_then(|()| area.present());
    drawn.map_err(|error| error.to_string())
}

/// Gives plotters the built-in font under the family's name, so that no font of the system is
/// ever looked for.
pub(super) fn register_fonts() -> Result<(), ChartError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let all = REGISTERED.get_or_init(|| {
        registered(FontStyle::Normal, include_bytes!(concat!(env!("OUT_DIR"), "/regular.ttf.zlib")))
            && registered(
                FontStyle::Bold,
                include_bytes!(concat!(env!("OUT_DIR"), "/bold.ttf.zlib")),
            )
    });
    all.then_some(()).ok_or(ChartError::Font)
}

/// Unpacks a font that the build script has packed, for as long as the program runs.
fn registered(style: FontStyle, packed: &[u8]) -> bool {
    let mut font = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut font).is_ok()
        && register_font(FONT, style, font.leak()).is_ok()
}
