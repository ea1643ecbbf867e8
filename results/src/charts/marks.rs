//! Lines, points and text, in pixels, looking as the palette says.

use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, WHITE,
};
use plotters_backend::DrawingBackend;

use super::output::{Area, Drawing, register_fonts};
use super::palette::{Bar, Dash, FONT, GREY, INK, Look, Marker};

/// A point on the canvas.
pub(super) type Pixel = (i32, i32);

/// The em of ordinary text.
pub(super) const TEXT: u32 = 18;
/// The em of text in small multiples and lists.
pub(super) const SMALL: u32 = 16;
/// The em of a chart's title.
pub(super) const TITLE: u32 = 26;

/// Length of a dash and of the gap after it.
const DASH: (i32, i32) = (10, 6);

/// Text with an em of so many pixels, standing on its left end and centred vertically.
pub(super) fn text(em: u32) -> TextStyle<'static> {
    written(em, FontStyle::Normal)
}

/// The same in bold.
pub(super) fn bold(em: u32) -> TextStyle<'static> {
    written(em, FontStyle::Bold)
}

fn written(em: u32, style: FontStyle) -> TextStyle<'static> {
    // Plotters looks a font up where it is named, so what is measured before anything is drawn needs it, too. Who draws hears of
    // an error.
    let _ = register_fonts();
    // It draws a font of size s with an em of s / 1.24.
    let font = (FONT, f64::from(em) * 1.24, style).into_font();
    TextStyle::from(font).color(&INK).pos(Pos::new(HPos::Left, VPos::Center))
}

/// The same, anchored elsewhere in the horizontal.
pub(super) fn anchored(style: TextStyle<'static>, h_pos: HPos) -> TextStyle<'static> {
    style.pos(Pos::new(h_pos, VPos::Center))
}

/// The same, turned to be read from below to above.
pub(super) fn upward(style: TextStyle<'static>) -> TextStyle<'static> {
    anchored(style, HPos::Center).transform(FontTransform::Rotate270)
}

/// How wide the text will be.
pub(super) fn width(text: &str, style: &TextStyle<'_>) -> i32 {
    // The font is built in; were it not to be had, nothing would be drawn at all.
    let measured = style.font.box_size(text).map(|(width, _)| width).unwrap_or_default();
    i32::try_from(measured).unwrap_or(i32::MAX)
}

/// The text in lines that are at most `room` wide, as far as it can be broken behind spaces and hyphens.
pub(super) fn wrapped(text: &str, style: &TextStyle<'_>, room: i32) -> String {
    let (mut done, mut line) = (String::new(), String::new());
    for part in text.split_inclusive([' ', '-']) {
        if !line.is_empty() && width(&format!("{line}{part}"), style) > room {
            done.push_str(line.trim_end());
            done.push('\n');
            line.clear();
        }
        line.push_str(part);
    }
    done + &line
}

/// A line through the points, dashed or not.
pub(super) fn path<DB: DrawingBackend>(
    area: &Area<DB>,
    points: &[Pixel],
    colour: RGBColor,
    (dash, stroke): (Dash, u32),
) -> Drawing<DB> {
    let style = colour.stroke_width(stroke);
    match dash {
        Dash::Solid => area.draw(&PathElement::new(points.to_vec(), style)),
        Dash::Dashed => {
            area.draw(&DashedPathElement::new(points.iter().copied(), DASH.0, DASH.1, style))
        }
    }
}

/// The line of a look; nothing if it has none.
pub(super) fn line<DB: DrawingBackend>(
    area: &Area<DB>,
    points: &[Pixel],
    look: Look,
) -> Drawing<DB> {
    look.line.map_or(Ok(()), |line| path(area, points, look.colour, line))
}

/// A series: its line, then its points on top.
pub(super) fn series<DB: DrawingBackend>(
    area: &Area<DB>,
    points: &[Pixel],
    look: Look,
) -> Drawing<DB> {
    if let Some(line) = look.line.filter(|_| points.len() > 1) {
        path(area, points, look.colour, line)?;
    }
    // A line needs two points; one alone is drawn as a point lest it vanish.
    let lonely = (points.len() == 1).then_some((Marker::Disc, 3));
    if let Some((shape, radius)) = look.marker.or(lonely) {
        for &point in points {
            marker(area, point, shape, radius, look.colour)?;
        }
    }
    Ok(())
}

/// One point.
pub(super) fn marker<DB: DrawingBackend>(
    area: &Area<DB>,
    (x, y): Pixel,
    shape: Marker,
    r: i32,
    colour: RGBColor,
) -> Drawing<DB> {
    let filled: ShapeStyle = colour.filled();
    let stroke = colour.stroke_width(2);
    match shape {
        Marker::Disc => area.draw(&Circle::new((x, y), r, filled)),
        Marker::Square => {
            let corners = [(x - r, y - r), (x + r, y + r)];
            area.draw(&Rectangle::new(corners, WHITE.filled()))?;
            let (left, top, right, bottom) = (x - r, y - r, x + r, y + r);
            let outline =
                vec![(left, top), (right, top), (right, bottom), (left, bottom), (left, top - 1)];
            area.draw(&PathElement::new(outline, stroke))
        }
        Marker::Triangle => area.draw(&triangle((x, y), r, filled)),
        Marker::Diamond => {
            let corners = vec![(x - r, y), (x, y - r), (x + r, y), (x, y + r)];
            area.draw(&Polygon::new(corners, filled))
        }
        Marker::Whisker => whisker(area, (x, y + r), (x, y - r), colour),
        Marker::RingedDisc => {
            area.draw(&Circle::new((x, y), r, INK.filled()))?;
            area.draw(&Circle::new((x, y), r - 2, filled))
        }
        Marker::RingedTriangle => {
            area.draw(&triangle((x, y), r, INK.filled()))?;
            area.draw(&triangle((x, y + 1), r - 3, filled))
        }
    }
}

/// Half the width of a whisker's ends.
const WHISKER: i32 = 6;

/// The interval from one point up to another.
pub(super) fn whisker<DB: DrawingBackend>(
    area: &Area<DB>,
    (x, bottom): Pixel,
    (_, top): Pixel,
    colour: RGBColor,
) -> Drawing<DB> {
    let stroke = colour.stroke_width(2);
    area.draw(&PathElement::new(vec![(x, bottom), (x, top)], stroke))?;
    for y in [bottom, top] {
        area.draw(&PathElement::new(vec![(x - WHISKER, y), (x + WHISKER, y)], stroke))?;
    }
    Ok(())
}

fn triangle((x, y): Pixel, r: i32, style: ShapeStyle) -> Polygon<Pixel> {
    Polygon::new(vec![(x - r, y + r), (x + r, y + r), (x, y - r)], style)
}

/// Between the lines of a hatching.
const HATCH: i32 = 7;
/// The height of the line that stands for a dead process.
const THIN: i32 = 6;

/// A stretch of time in a lane, `height` pixels high around `middle`, looking as `look` says. A look
/// without a bar is a filled one.
pub(super) fn bar<DB: DrawingBackend>(
    area: &Area<DB>,
    (left, right): (i32, i32),
    (middle, height): (i32, i32),
    look: Look,
) -> Drawing<DB> {
    let (top, bottom) = (middle - height / 2, middle + height / 2);
    let colour = look.colour.filled();
    let fill =
        |top, bottom, style| area.draw(&Rectangle::new([(left, top), (right, bottom)], style));
    match look.bar.unwrap_or(Bar::Full) {
        Bar::Full => fill(top, bottom, colour),
        Bar::Edged => {
            fill(top, bottom, colour)?;
            fill(top, bottom, GREY.stroke_width(1))
        }
        Bar::Half => {
            fill(middle, bottom, colour)?;
            fill(middle, bottom, GREY.stroke_width(1))
        }
        Bar::Thin => fill(middle - THIN / 2, middle + THIN / 2, colour),
        Bar::Hatched => {
            fill(top, bottom, WHITE.filled())?;
            let rise = bottom - top;
            for foot in (left - rise..right).step_by(HATCH as usize) {
                // From (foot, bottom) rising to the right, cut off at both ends of the bar.
                let (from, until) = (foot.max(left), (foot + rise).min(right));
                let ends = vec![(from, bottom - (from - foot)), (until, bottom - (until - foot))];
                area.draw(&PathElement::new(ends, look.colour.stroke_width(2)))?;
            }
            fill(top, bottom, look.colour.stroke_width(1))
        }
    }
}
