//! The PNG side: plotters' bitmap backend, drawn twice as large and averaged down.
//!
//! The drawing code knows one canvas, in the pixels that a reader sees. Drawing it at twice the
//! size and averaging 2x2 pixels smooths every edge, which the bitmap backend does for hairlines
//! only. The text is moved as well: the backend's own placement sits higher than the SVG backend's,
//! so that labels would stand above their ticks.

use std::io;

use plotters::prelude::{BitMapBackend, FontDesc, TextStyle};
use plotters_backend::text_anchor::VPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

/// How much larger than the picture the drawing is, in each direction.
const SCALE: u32 = 2;

/// The same, for indices.
const SIDE: usize = SCALE as usize;

/// Plotters' SVG backend takes a font of size s as an em of s / 1.24; the rasteriser takes the size
/// as the font's height, which for DejaVu Sans is 1.164 em. This brings both to the same size.
const SAME_EM: f64 = 1.164 / 1.24;

/// Bytes per pixel: red, green, blue.
const CHANNELS: usize = 3;

/// Pixels to draw into, larger than the picture by [`SCALE`].
pub(super) struct Canvas {
    pixels: Vec<u8>,
    size: (u32, u32),
}

impl Canvas {
    /// A canvas for a picture of `size`.
    pub(super) fn new(size: (u32, u32)) -> Self {
        let length = (size.0 * SCALE) as usize * (size.1 * SCALE) as usize * CHANNELS;
        Self { pixels: vec![0; length], size }
    }

    /// The backend that draws into it.
    pub(super) fn backend(&mut self) -> Raster<'_> {
        let size = (self.size.0 * SCALE, self.size.1 * SCALE);
        Raster { inner: BitMapBackend::with_buffer(&mut self.pixels, size) }
    }

    /// The picture as a PNG.
    pub(super) fn png(&self) -> io::Result<Vec<u8>> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.size.0, self.size.1);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Best);
        encoder.set_adaptive_filter(png::AdaptiveFilterType::Adaptive);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.averaged())?;
        writer.finish()?;
        Ok(file)
    }

    /// Every square of [`SCALE`] by [`SCALE`] pixels as one.
    fn averaged(&self) -> Vec<u8> {
        let row = self.size.0 as usize * SIDE * CHANNELS;
        let mut picture = Vec::with_capacity(self.pixels.len() / (SIDE * SIDE));
        for rows in self.pixels.chunks_exact(row * SIDE) {
            let (upper, lower) = rows.split_at(row);
            let across = SIDE * CHANNELS;
            for (above, below) in upper.chunks_exact(across).zip(lower.chunks_exact(across)) {
                let (first, second) = above.split_at(CHANNELS);
                // Most of a chart is empty, and there is nothing to average.
                if above == below && first == second {
                    picture.extend_from_slice(first);
                    continue;
                }
                for channel in 0..CHANNELS {
                    let next = channel + CHANNELS;
                    let upper = u16::from(above[channel]) + u16::from(above[next]);
                    let lower = u16::from(below[channel]) + u16::from(below[next]);
                    picture.push(((upper + lower + 2) / 4) as u8);
                }
            }
        }
        picture
    }
}

/// A backend in the picture's pixels over one in the canvas's.
pub(super) struct Raster<'a> {
    inner: BitMapBackend<'a>,
}

type Inner<'a> = <BitMapBackend<'a> as DrawingBackend>::ErrorType;
type Outcome<'a> = Result<(), DrawingErrorKind<Inner<'a>>>;

/// A style with its stroke widened.
struct Scaled {
    colour: BackendColor,
    stroke_width: u32,
}

impl Scaled {
    fn of<S: BackendStyle>(style: &S) -> Self {
        Self { colour: style.color(), stroke_width: style.stroke_width() * SCALE }
    }
}

impl BackendStyle for Scaled {
    fn color(&self) -> BackendColor {
        self.colour
    }

    fn stroke_width(&self) -> u32 {
        self.stroke_width
    }
}

fn scaled((x, y): BackendCoord) -> BackendCoord {
    let scale = SCALE.cast_signed();
    (x * scale, y * scale)
}

impl<'a> DrawingBackend for Raster<'a> {
    type ErrorType = Inner<'a>;

    fn get_size(&self) -> (u32, u32) {
        let (width, height) = self.inner.get_size();
        (width / SCALE, height / SCALE)
    }

    fn ensure_prepared(&mut self) -> Outcome<'a> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Outcome<'a> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Outcome<'a> {
        let end = (point.0 + 1, point.1 + 1);
        self.inner.draw_rect(scaled(point), scaled(end), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Outcome<'a> {
        // As a path, since only paths heed the stroke's width.
        self.inner.draw_path([scaled(from), scaled(to)], &Scaled::of(style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome<'a> {
        let (from, to) = (scaled(upper_left), scaled(bottom_right));
        if fill {
            return self.inner.draw_rect(from, to, &Scaled::of(style), true);
        }
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        for side in corners.windows(2) {
            self.inner.draw_path(side.iter().copied(), &Scaled::of(style))?;
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome<'a> {
        // Piece by piece: the backend's own joints are mitres without a limit, and shoot far out of the
        // picture's panel where a line turns sharply.
        let (path, style) = (path.into_iter().map(scaled).collect::<Vec<_>>(), Scaled::of(style));
        for piece in path.windows(2) {
            self.inner.draw_path(piece.iter().copied(), &style)?;
        }
        let inner = path.get(1..path.len().saturating_sub(1)).unwrap_or_default();
        if style.stroke_width > SCALE {
            for &joint in inner {
                self.inner.draw_circle(joint, style.stroke_width / 2, &style, true)?;
            }
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome<'a> {
        self.inner.draw_circle(scaled(centre), radius * SCALE, &Scaled::of(style), fill)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Outcome<'a> {
        self.inner.fill_polygon(corners.into_iter().map(scaled), &Scaled::of(style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> Outcome<'a> {
        let size = style.size() * f64::from(SCALE) * SAME_EM;
        let font = FontDesc::new(style.family(), size, style.style()).transform(style.transform());
        let larger = TextStyle { font, color: style.color(), pos: style.anchor() };
        // By how many ems the rasteriser's baseline is above the SVG backend's.
        let lift_em = match style.anchor().v_pos {
            VPos::Top => 0.18,
            VPos::Center => 0.16,
            VPos::Bottom => 0.08,
        };
        let em = style.size() / 1.24 * f64::from(SCALE);
        let (dx, dy) = style.transform().transform(0, (em * lift_em).round() as i32);
        let (x, y) = scaled(pos);
        self.inner.draw_text(text, &larger, (x + dx, y + dy))
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::{Color, RED};

    use super::*;

    /// The rows of a picture of 100 by 100 in which something was drawn.
    fn drawn_rows(path: &[BackendCoord]) -> Vec<usize> {
        let mut canvas = Canvas::new((100, 100));
        canvas.pixels.fill(255);
        canvas.backend().draw_path(path.iter().copied(), &Color::stroke_width(&RED, 3)).unwrap();
        let picture = canvas.averaged();
        let rows = picture.chunks_exact(100 * CHANNELS).enumerate();
        rows.filter(|(_, row)| row.iter().any(|&channel| channel < 255)).map(|(y, _)| y).collect()
    }

    #[test]
    fn a_line_that_turns_sharply_stays_where_its_points_are() {
        let rows = drawn_rows(&[(10, 60), (50, 40), (51, 40), (52, 60), (53, 40), (90, 60)]);
        let (first, last) = (rows.first().unwrap(), rows.last().unwrap());
        assert!((37..=40).contains(first) && (60..=63).contains(last), "{first} to {last}");
        assert_eq!(rows.len(), last - first + 1, "without a hole");
    }
}
