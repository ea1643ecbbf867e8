//! The SVG side: a plotters backend that writes few bytes, and says in words what it shows.
//!
//! Plotters' own writes an element of some 120 bytes for each point, which makes a cloud of ten
//! thousand points a file that reports cannot embed. Here shapes of one look that follow one
//! another become one path, at some 12 bytes a point; a reader sees the same. Title and
//! description go into the file as well, so that it has a name wherever it is embedded, and so does a style
//! that says what each colour is where readers have asked for the dark. Text is placed as plotters' backend
//! does, which the PNG side is adjusted to.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle, FontTransform,
};

use super::chart::Chart;
use super::dark::in_the_dark;
use super::palette::FONT;

/// How a path is painted: neighbours of equal paint are one path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Paint {
    /// Its inside.
    Fill(Colour),
    /// Its line, with square ends.
    Stroke(Colour, u32),
    /// Dots of this diameter.
    Dots(Colour, u32),
}

/// Red, green, blue, and the opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Colour((u8, u8, u8), f64);

impl Colour {
    fn is_opaque(self) -> bool {
        self.1 >= 1.0
    }
}

impl Paint {
    fn of<S: BackendStyle>(style: &S, filled: bool) -> Self {
        let BackendColor { rgb, alpha } = style.color();
        let colour = Colour(rgb, alpha);
        if filled { Self::Fill(colour) } else { Self::Stroke(colour, style.stroke_width()) }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Fill(colour) | Self::Stroke(colour, _) | Self::Dots(colour, _) => colour,
        }
    }
}

/// A picture that is being drawn.
pub(super) struct Document {
    size: (u32, u32),
    body: String,
    /// The path that is being added to.
    path: String,
    paint: Option<Paint>,
    /// Every colour that occurs, and whether as that of a line or of an inside.
    colours: BTreeSet<(Part, (u8, u8, u8))>,
}

/// What of a shape has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Its inside, and that of letters.
    Fill,
    /// Its line.
    Stroke,
}

impl Part {
    /// The attribute of that name, which is the name of the property of styles as well.
    fn name(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Stroke => "stroke",
        }
    }
}

impl Document {
    /// An empty picture.
    pub(super) fn new(size: (u32, u32)) -> Self {
        Self {
            size,
            body: String::new(),
            path: String::new(),
            paint: None,
            colours: BTreeSet::new(),
        }
    }

    /// The backend that draws into it.
    pub(super) fn backend(&mut self) -> Svg<'_> {
        Svg { document: self }
    }

    /// The whole file.
    pub(super) fn into_file(mut self, chart: &Chart) -> String {
        self.finish_path();
        let (width, height) = self.size;
        let (title, alt) = (escaped(&chart.title), escaped(&chart.alt));
        let stem = escaped(&chart.stem);
        let style = self.style();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{FONT}\" role=\"img\" \
             aria-labelledby=\"{stem}-title {stem}-desc\">\n\
             <title id=\"{stem}-title\">{title}</title>\n<desc id=\"{stem}-desc\">{alt}</desc>\n\
             <style>{style}</style>\n{}</svg>\n",
            self.body
        )
    }

    /// What the colours are in the dark. On paper they stay as they are.
    fn style(&self) -> String {
        let rules = self.colours.iter().map(|&(part, rgb)| {
            let (red, green, blue) = rgb;
            let RGBColor(r, g, b) = in_the_dark(RGBColor(red, green, blue));
            let (name, light, dark) = (part.name(), hex(rgb), hex((r, g, b)));
            format!("[{name}=\"{light}\"]{{{name}:{dark}}}")
        });
        let rules: String = rules.collect();
        format!("@media screen and (prefers-color-scheme:dark){{{rules}}}")
    }

    /// The colour as its attribute's value.
    fn colour(&mut self, part: Part, colour: Colour) -> String {
        self.colours.insert((part, colour.0));
        hex(colour.0)
    }

    /// The path to add a shape to; a new one if the last one looks different. Shapes that are not
    /// opaque stay apart: where they overlap they add up.
    fn path(&mut self, paint: Paint) -> &mut String {
        if self.paint != Some(paint) || !paint.colour().is_opaque() {
            self.finish_path();
            self.paint = Some(paint);
        }
        &mut self.path
    }

    fn finish_path(&mut self) {
        let Some(paint) = self.paint.take() else { return };
        let part = if matches!(paint, Paint::Fill(_)) { Part::Fill } else { Part::Stroke };
        let colour = self.colour(part, paint.colour());
        let look = match paint {
            Paint::Fill(_) => format!("fill=\"{colour}\""),
            Paint::Stroke(_, width) => {
                format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"")
            }
            Paint::Dots(_, width) => format!(
                "fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" \
                 stroke-linecap=\"round\""
            ),
        };
        let opacity = opacity(paint.colour());
        self.body.push_str(&format!("<path {look}{opacity} d=\"{}\"/>\n", self.path));
        self.path.clear();
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn opacity(colour: Colour) -> String {
    if colour.is_opaque() { String::new() } else { format!(" opacity=\"{}\"", colour.1) }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no place for other control characters, escaped or not.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds the corners to a path, as steps from the first: markers are small, and so are these.
fn add_corners(path: &mut String, mut corners: impl Iterator<Item = BackendCoord>) -> bool {
    let Some(first) = corners.next() else { return false };
    // Writing to a string cannot fail.
    let _ = write!(path, "M{} {}", first.0, first.1);
    let mut last = first;
    for corner in corners {
        let (dx, dy) = (corner.0 - last.0, corner.1 - last.1);
        let _ = match (dx, dy) {
            (dx, 0) => write!(path, "h{dx}"),
            (0, dy) => write!(path, "v{dy}"),
            (dx, dy) => write!(path, "l{dx} {dy}"),
        };
        last = corner;
    }
    true
}

/// A backend over a [`Document`].
pub(super) struct Svg<'a> {
    document: &'a mut Document,
}

type Outcome = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Svg<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.document.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Outcome {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Outcome {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome {
        let path = self.document.path(Paint::of(style, fill));
        add_corners(path, [(left, top), (right, top), (right, bottom), (left, bottom)].into_iter());
        path.push('z');
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        add_corners(self.document.path(Paint::of(style, false)), path.into_iter());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Outcome {
        if fill {
            let paint = Paint::Dots(Paint::of(style, true).colour(), radius * 2);
            // A line of hardly any length, whose round ends are the dot.
            let _ = write!(self.document.path(paint), "M{x} {y}h.01");
        } else {
            let path = self.document.path(Paint::of(style, false));
            let r = radius;
            let _ =
                write!(path, "M{x} {y}m-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0", d = r * 2);
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Outcome {
        let path = self.document.path(Paint::of(style, true));
        if add_corners(path, corners.into_iter()) {
            path.push('z');
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Outcome {
        self.document.finish_path();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Right => " text-anchor=\"end\"",
            HPos::Center => " text-anchor=\"middle\"",
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => "0.76em",
            VPos::Center => "0.5ex",
            VPos::Bottom => "-0.5ex",
        };
        let weight = match style.style() {
            FontStyle::Bold => " font-weight=\"bold\"",
            _ => "",
        };
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(270 {x} {y})\""),
        };
        let BackendColor { rgb, alpha } = style.color();
        let colour = Colour(rgb, alpha);
        let size = style.size() / 1.24;
        let fill = self.document.colour(Part::Fill, colour);
        self.document.body.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"{dy}\" font-size=\"{size:.1}\"{anchor}{weight}{turn} \
             fill=\"{fill}\"{}>{}</text>\n",
            opacity(colour),
            escaped(text)
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::prelude::IntoDrawingArea;
    use plotters::style::{BLACK, Color, RED};

    use super::super::chart::ChartKind;
    use super::super::marks;
    use super::*;

    fn file(draw: impl FnOnce(&super::super::output::Area<Svg<'_>>)) -> String {
        let mut document = Document::new((100, 50));
        draw(&document.backend().into_drawing_area());
        document.into_file(&Chart {
            stem: "a-chart".to_owned(),
            title: "Latency of <script>".to_owned(),
            alt: "p99 < 5 ms & more".to_owned(),
            kind: ChartKind::Timeline,
        })
    }

    fn dot(
        area: &super::super::output::Area<Svg<'_>>,
        x: i32,
        style: impl Into<plotters::style::ShapeStyle>,
    ) {
        let circle = plotters::element::Circle::new((x, 20), 3, style.into());
        area.draw(&circle).unwrap();
    }

    #[test]
    fn points_of_one_look_are_one_path() {
        let svg = file(|area| {
            dot(area, 10, RED.filled());
            dot(area, 30, RED.filled());
            dot(area, 50, BLACK.filled());
        });
        assert_eq!(svg.matches("<path").count(), 2, "{svg}");
        assert!(svg.contains("stroke=\"#ff0000\" stroke-width=\"6\" stroke-linecap=\"round\" d=\"M10 20h.01M30 20h.01\""), "{svg}");
    }

    #[test]
    fn every_colour_has_another_in_the_dark_and_none_of_them_on_paper() {
        let svg = file(|area| {
            dot(area, 10, RED.filled());
            area.draw_text("a", &marks::text(18), (5, 5)).unwrap();
        });
        let (style, _) = svg.split_once("</style>").unwrap();
        let (_, style) =
            style.split_once("<style>@media screen and (prefers-color-scheme:dark)").unwrap();
        for attribute in ["stroke=\"#ff0000\"", "fill=\"#1a1a1a\""] {
            let (property, light) = attribute.split_once('=').unwrap();
            assert!(svg.contains(&format!(" {attribute}")), "{svg}");
            let (_, rule) = style.split_once(&format!("[{attribute}]{{{property}:")).unwrap();
            assert!(!rule.starts_with(light.trim_matches('"')), "{rule}");
        }
    }

    #[test]
    fn what_is_not_opaque_stays_apart_so_that_overlaps_add_up() {
        let svg = file(|area| {
            dot(area, 10, RED.mix(0.5).filled());
            dot(area, 12, RED.mix(0.5).filled());
        });
        assert_eq!(svg.matches("<path").count(), 2, "{svg}");
        assert_eq!(svg.matches("opacity=\"0.5\"").count(), 2, "{svg}");
    }

    #[test]
    fn a_picture_says_what_it_shows_and_nothing_breaks_out_of_it() {
        let svg = file(|area| area.draw_text("a < b", &marks::text(18), (5, 5)).unwrap());
        assert!(
            svg.contains("role=\"img\" aria-labelledby=\"a-chart-title a-chart-desc\""),
            "{svg}"
        );
        assert!(
            svg.contains("<title id=\"a-chart-title\">Latency of &lt;script&gt;</title>"),
            "{svg}"
        );
        assert!(svg.contains("<desc id=\"a-chart-desc\">p99 &lt; 5 ms &amp; more</desc>"), "{svg}");
        assert!(svg.contains(">a &lt; b</text>"), "{svg}");
    }
}
