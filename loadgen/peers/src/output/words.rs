//! Words on a picture.

use plotters::element::Text;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{IntoFont, RGBColor, TextStyle};
use plotters_backend::DrawingBackend;
use results::charts::{Area, Drawing, FONT};

/// Writes them, their middle a little below `place`.
pub(super) fn write<DB: DrawingBackend>(
    area: &Area<DB>,
    words: &str,
    place: (i32, i32),
    height: i32,
    colour: RGBColor,
    side: HPos,
) -> Drawing<DB> {
    let style: TextStyle<'_> = (FONT, height).into_font().color(&colour);
    let style = style.pos(Pos::new(side, VPos::Center));
    let place = (place.0, place.1 + 8);
    area.draw(&Text::new(words.to_owned(), place, style))
}
