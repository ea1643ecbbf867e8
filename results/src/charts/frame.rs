//! What surrounds the data: title, what was run, the legend above the plotting area, panels with
//! their axes.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, TextStyle, WHITE};
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::marks::{self, Pixel, SMALL, TEXT, TITLE};
use super::output::{Area, Drawing};
use super::palette::{GREY, GRID, INK, Look};

/// The width of every chart.
pub(super) const WIDTH: u32 = 1400;
/// Empty space at the chart's edges.
pub(super) const MARGIN: i32 = 24;
/// The middle of the subtitle's first line, and the height of its lines.
const SUBTITLE_TOP: i32 = 62;
const SUBTITLE_LINE: i32 = 26;
/// The height of a line of the legend.
const LEGEND_LINE: i32 = 30;
/// The length of a line in the legend, the gap to its label, and that to the next entry.
const SAMPLE: i32 = 40;
const SAMPLE_GAP: i32 = 10;
const ENTRY_GAP: i32 = 26;
/// Below the legend.
const HEAD_GAP: i32 = 10;

/// Title, subtitle and legend.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// What was measured.
    pub(super) title: String,
    /// How: plan, clients, replicas. Lines are separated by line breaks.
    pub(super) subtitle: String,
    /// What the looks stand for.
    pub(super) legend: Vec<(Look, String)>,
}

impl Frame {
    /// How far down it reaches.
    pub(super) fn height(&self) -> i32 {
        let last = self.places().last().map_or(self.legend_top(), |&(_, y)| y + LEGEND_LINE / 2);
        last + HEAD_GAP
    }

    /// Draws it.
    pub(super) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        area.draw_text(&self.title, &marks::bold(TITLE), (MARGIN, 30))?;
        for (index, line) in self.subtitle.lines().enumerate() {
            let place = (MARGIN, SUBTITLE_TOP + index as i32 * SUBTITLE_LINE);
            area.draw_text(line, &marks::text(TEXT).color(&GREY), place)?;
        }
        let style = marks::text(TEXT);
        for ((look, label), (x, y)) in self.legend.iter().zip(self.places()) {
            sample(area, (x, y), *look)?;
            area.draw_text(label, &style, (x + SAMPLE + SAMPLE_GAP, y))?;
        }
        Ok(())
    }

    fn legend_top(&self) -> i32 {
        SUBTITLE_TOP + SUBTITLE_LINE * self.subtitle.lines().count() as i32 - 4
    }

    /// Where the entries of the legend stand, in as many lines as it takes.
    fn places(&self) -> Vec<Pixel> {
        let style = marks::text(TEXT);
        let right = WIDTH.cast_signed() - MARGIN;
        let (mut x, mut y) = (MARGIN, self.legend_top() + LEGEND_LINE / 2);
        let entries = self.legend.iter().map(|(_, label)| {
            let length = SAMPLE + SAMPLE_GAP + marks::width(label, &style);
            if x > MARGIN && x + length > right {
                (x, y) = (MARGIN, y + LEGEND_LINE);
            }
            let place = (x, y);
            x += length + ENTRY_GAP;
            place
        });
        entries.collect()
    }
}

fn sample<DB: DrawingBackend>(area: &Area<DB>, (x, y): Pixel, look: Look) -> Drawing<DB> {
    if look.bar.is_some() {
        marks::bar(area, (x, x + SAMPLE), (y, SAMPLE / 2), look)?;
    }
    if let Some(line) = look.line {
        marks::path(area, &[(x, y), (x + SAMPLE, y)], look.colour, line)?;
    }
    if let Some((shape, radius)) = look.marker {
        marks::marker(area, (x + SAMPLE / 2, y), shape, radius.max(4), look.colour)?;
    }
    Ok(())
}

/// The box that data is drawn in, by its edges in pixels; axis text goes outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The left edge.
    pub(super) left: i32,
    /// The upper edge.
    pub(super) top: i32,
    /// The right edge.
    pub(super) right: i32,
    /// The lower edge.
    pub(super) bottom: i32,
}

/// From one line of a label to the next, in text of this em.
pub(super) fn label_line(em: u32) -> i32 {
    em.cast_signed() * 5 / 4
}

/// Two axes and the box between them.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// Where it is.
    pub(super) bounds: Bounds,
    /// The horizontal axis.
    pub(super) x: Axis,
    /// The vertical axis.
    pub(super) y: Axis,
    /// The em of its text.
    pub(super) em: u32,
}

impl Panel {
    /// A panel with text of the ordinary size.
    pub(super) fn new(bounds: Bounds, x: Axis, y: Axis) -> Self {
        Self { bounds, x, y, em: TEXT }
    }

    /// A panel of small multiples.
    pub(super) fn small(bounds: Bounds, x: Axis, y: Axis) -> Self {
        Self { bounds, x, y, em: SMALL }
    }

    /// Where a value is in the horizontal.
    pub(super) fn x_at(&self, value: f64) -> i32 {
        let length = f64::from(self.bounds.right - self.bounds.left);
        self.bounds.left + (self.x.share(value) * length).round() as i32
    }

    /// Where a value is in the vertical.
    pub(super) fn y_at(&self, value: f64) -> i32 {
        let length = f64::from(self.bounds.bottom - self.bounds.top);
        self.bounds.bottom - (self.y.share(value) * length).round() as i32
    }

    /// Where a point is.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> Pixel {
        (self.x_at(x), self.y_at(y))
    }

    /// Draws grid, ticks and titles. The titles of axes that have none are left out, and so are the
    /// labels of the horizontal axis if `x_labels` is false (a panel below has them).
    pub(super) fn draw_axes<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        x_labels: bool,
    ) -> Drawing<DB> {
        let Bounds { left, top, right, bottom } = self.bounds;
        let style = marks::text(self.em);
        let centred = marks::anchored(style.clone(), HPos::Center);
        let ending = marks::anchored(style.clone(), HPos::Right);
        let em = self.em.cast_signed();
        let mut widest = 0;
        for (value, label) in &self.y.ticks {
            let y = self.y_at(*value);
            area.draw(&PathElement::new(vec![(left, y), (right, y)], GRID))?;
            area.draw_text(label, &ending, (left - 8, y))?;
            widest = widest.max(marks::width(label, &ending));
        }
        for (value, label) in &self.x.ticks {
            let x = self.x_at(*value);
            area.draw(&PathElement::new(vec![(x, top), (x, bottom)], GRID))?;
            for (index, line) in label.lines().enumerate().filter(|_| x_labels) {
                area.draw_text(
                    line,
                    &centred,
                    (x, bottom + em + index as i32 * label_line(self.em)),
                )?;
            }
        }
        area.draw(&Rectangle::new([(left, top), (right, bottom)], INK.stroke_width(1)))?;
        if x_labels && !self.x.title.is_empty() {
            let middle = i32::midpoint(left, right);
            let title = bottom + em * 5 / 2 + self.x.more_lines() * label_line(self.em);
            area.draw_text(&self.x.title, &centred, (middle, title))?;
        }
        if !self.y.title.is_empty() {
            let place = (left - 14 - widest - em * 3 / 4, i32::midpoint(top, bottom));
            area.draw_text(&self.y.title, &marks::upward(style), place)?;
        }
        Ok(())
    }

    /// Draws a line from the lower edge to the upper one, if it is within the panel.
    pub(super) fn draw_vertical<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        value: f64,
        look: Look,
    ) -> Drawing<DB> {
        if !self.x.contains(value) {
            return Ok(());
        }
        let x = self.x_at(value);
        marks::line(area, &[(x, self.bounds.top), (x, self.bounds.bottom)], look)
    }

    /// Writes a line into the panel's upper left corner, legible whatever is drawn there.
    pub(super) fn label_inside<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        text: &str,
    ) -> Drawing<DB> {
        let style = marks::bold(self.em);
        let em = self.em.cast_signed();
        let (left, top) = (self.bounds.left + 1, self.bounds.top + 1);
        let corner = (left + em + marks::width(text, &style), top + em * 3 / 2);
        area.draw(&Rectangle::new([(left, top), corner], WHITE.filled()))?;
        area.draw_text(text, &style, (left + em / 2, top + em * 3 / 4))
    }

    /// Writes a line above the panel.
    pub(super) fn heading<DB: DrawingBackend>(&self, area: &Area<DB>, text: &str) -> Drawing<DB> {
        let style: TextStyle<'_> = marks::bold(self.em);
        let place = (self.bounds.left, self.bounds.top - self.em.cast_signed() * 4 / 5);
        area.draw_text(text, &style, place)
    }
}

/// Cuts a figure into `count` equal cells, row by row, for small multiples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    columns: i32,
    rows: i32,
    cell: Pixel,
    top: i32,
}

/// What a cell keeps free for axis text: left, top, right, bottom.
const CELL_PADDING: (i32, i32, i32, i32) = (84, 34, 12, 56);

impl Grid {
    /// A grid whose cells are `height` pixels high and which begins `top` pixels down.
    pub(super) fn new(count: usize, top: i32, height: i32) -> Self {
        let columns = match count {
            0..=3 => count.max(1),
            4 => 2,
            _ => 3,
        };
        let rows = count.max(1).div_ceil(columns) as i32;
        let columns = columns as i32;
        let cell = ((WIDTH.cast_signed() - 2 * MARGIN) / columns, height);
        Self { columns, rows, cell, top }
    }

    /// How far down it reaches.
    pub(super) fn bottom(&self) -> i32 {
        self.top + self.rows * self.cell.1
    }

    /// The plotting area of the `index`-th cell.
    pub(super) fn bounds(&self, index: usize) -> Bounds {
        let (column, row) = (index as i32 % self.columns, index as i32 / self.columns);
        let (left, top) = (MARGIN + column * self.cell.0, self.top + row * self.cell.1);
        Bounds {
            left: left + CELL_PADDING.0,
            top: top + CELL_PADDING.1,
            right: left + self.cell.0 - CELL_PADDING.2,
            bottom: top + self.cell.1 - CELL_PADDING.3,
        }
    }

    /// Writes the title of an axis that all cells share below the middle of the last row.
    pub(super) fn title_below<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        title: &str,
    ) -> Drawing<DB> {
        let last = self.bounds((self.rows * self.columns - 1).unsigned_abs() as usize);
        let middle = i32::midpoint(self.bounds(0).left, last.right);
        let style = marks::anchored(marks::text(TEXT), HPos::Center);
        area.draw_text(title, &style, (middle, last.bottom + TEXT.cast_signed() * 5 / 2))
    }

    /// Whether the cell is the first of its row.
    pub(super) fn is_leftmost(&self, index: usize) -> bool {
        (index as i32).rem_euclid(self.columns) == 0
    }
}
