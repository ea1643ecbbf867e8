//! The faults of a trial: bands, lines, numbers above the panels, and the list below them.

use plotters::element::{Circle, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};
use plotters_backend::DrawingBackend;

use super::super::axis::Axis;
use super::super::frame::{MARGIN, Panel, WIDTH};
use super::super::marks::{self, SMALL};
use super::super::output::{Area, Drawing};
use super::super::palette::{self, Dash, Look, Marker};
use super::super::trial::TrialView;
use crate::availability::{AvailabilityRow, FaultKind};
use crate::records::EventKind;
use crate::text::three_digits;

/// The radius of a number's circle, and the height of a row of them.
const RADIUS: i32 = 12;
const STRIP_ROW: i32 = 30;
/// Between the strip and the panel, for the marks of leader changes.
const STRIP_GAP: i32 = 8;
/// The strip has room for this many rows; what does not fit shares the last.
const MOST_STRIP_ROWS: usize = 4;
/// The height of a line of the list, its columns, and how many faults it spells out.
const LIST_LINE: i32 = 26;
const LIST_COLUMNS: usize = 2;
const MOST_LISTED: usize = 24;
/// How strongly the time between a fault and its end is shaded. Faults that overlap add up.
const BAND_OPACITY: f64 = 0.13;

/// A number above the panels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number {
    at_s: f64,
    fault: u32,
    /// It is the fault itself, not what undid it.
    begins: bool,
}

/// Everything about faults that a timeline shows.
pub(super) struct FaultMarks {
    numbers: Vec<Number>,
    /// From the fault to what undid it.
    bands: Vec<(f64, f64)>,
    leader_changes: Vec<f64>,
    list: Vec<String>,
}

impl FaultMarks {
    pub(super) fn new(trial: &TrialView<'_>) -> Self {
        let end_s = trial.span_us().map_or(0.0, |(_, last_us)| seconds(last_us));
        let mut marks =
            Self { numbers: vec![], bands: vec![], leader_changes: vec![], list: vec![] };
        for row in &trial.faults {
            let comeback = trial.events.iter().find(|event| {
                event.event == EventKind::Injected
                    && event.fault == Some(row.fault)
                    && event.at_us > row.at_us
            });
            let back_s = comeback.map(|event| seconds(event.at_us));
            let at_s = seconds(row.at_us);
            marks.numbers.push(Number { at_s, fault: row.fault, begins: true });
            marks.numbers.extend(back_s.map(|at_s| Number {
                at_s,
                fault: row.fault,
                begins: false,
            }));
            marks.bands.push((at_s, back_s.unwrap_or(end_s)));
            let back = comeback.map(|event| event.action.as_deref().unwrap_or("back"));
            marks.list.push(describe(row, back.zip(back_s)));
        }
        marks.numbers.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        let changes = trial.events.iter().filter(|event| event.event == EventKind::LeaderChanged);
        marks.leader_changes = changes.map(|event| seconds(event.at_us)).collect();
        if marks.list.len() > MOST_LISTED {
            let more = marks.list.len() - MOST_LISTED + 1;
            marks.list.truncate(MOST_LISTED - 1);
            marks.list.push(format!("and {more} more: see availability.csv"));
        }
        marks
    }

    /// The list as a sentence.
    pub(super) fn in_words(&self) -> String {
        match self.list.as_slice() {
            [] => "No fault was injected.".to_owned(),
            list => format!("Faults: {}.", list.join("; ")),
        }
    }

    /// What the marks stand for.
    pub(super) fn legend(&self) -> Vec<(Look, String)> {
        let mut legend = Vec::new();
        if !self.numbers.is_empty() {
            legend.push((palette::fault(), "fault".to_owned()));
        }
        if self.numbers.iter().any(|number| !number.begins) {
            legend.push((palette::comeback(), "restart or resume".to_owned()));
        }
        if !self.leader_changes.is_empty() {
            legend.push((palette::leader_change(), "new leader".to_owned()));
        }
        legend
    }

    /// The height of the strip of numbers on this axis.
    pub(super) fn strip_height(&self, time: &Axis) -> i32 {
        // The strip is as wide as the panels, less than the chart: counted a little too narrow,
        // numbers only ever get more room.
        let width = f64::from(WIDTH.cast_signed() - 8 * MARGIN);
        let places: Vec<i32> =
            self.numbers.iter().map(|n| (time.share(n.at_s) * width) as i32).collect();
        let rows = stagger(&places).into_iter().max().map_or(0, |row| row + 1);
        if rows == 0 { 0 } else { rows as i32 * STRIP_ROW + STRIP_GAP }
    }

    /// The height of the list below.
    pub(super) fn list_height(&self) -> i32 {
        let lines = self.list.len().div_ceil(LIST_COLUMNS) as i32;
        if lines == 0 { 0 } else { lines * LIST_LINE + LIST_LINE }
    }

    pub(super) fn draw_bands<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for &(from_s, to_s) in &self.bands {
            let corners =
                [(panel.x_at(from_s), panel.bounds.top), (panel.x_at(to_s), panel.bounds.bottom)];
            area.draw(&Rectangle::new(corners, palette::DOWN.mix(BAND_OPACITY).filled()))?;
        }
        Ok(())
    }

    pub(super) fn draw_lines<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for number in self.shown(panel) {
            let look = if number.begins { palette::fault() } else { palette::comeback() };
            let x = panel.x_at(number.at_s);
            let line = look.line.unwrap_or((Dash::Solid, 2));
            marks::path(
                area,
                &[(x, panel.bounds.top), (x, panel.bounds.bottom)],
                look.colour,
                line,
            )?;
        }
        Ok(())
    }

    /// Numbers above the panel, and the changes of leader on its upper edge.
    pub(super) fn draw_strip<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        let numbers: Vec<&Number> = self.shown(panel).collect();
        let places: Vec<i32> = numbers.iter().map(|number| panel.x_at(number.at_s)).collect();
        let top = panel.bounds.top;
        let rows = stagger(&places).into_iter();
        let heights: Vec<i32> =
            rows.map(|row| top - STRIP_GAP - STRIP_ROW / 2 - row as i32 * STRIP_ROW).collect();
        // Stems first, so that none crosses a number.
        for ((number, &x), &y) in numbers.iter().zip(&places).zip(&heights) {
            let look = if number.begins { palette::fault() } else { palette::comeback() };
            let line = look.line.unwrap_or((Dash::Solid, 2));
            marks::path(area, &[(x, y), (x, top)], look.colour, line)?;
        }
        for ((number, &x), &y) in numbers.iter().zip(&places).zip(&heights) {
            draw_number(area, (x, y), number)?;
        }
        for &at_s in self.leader_changes.iter().filter(|&&at_s| panel.x.contains(at_s)) {
            let look = palette::leader_change();
            let (shape, radius) = look.marker.unwrap_or((Marker::Diamond, 6));
            marks::marker(area, (panel.x_at(at_s), top), shape, radius, look.colour)?;
        }
        Ok(())
    }

    /// What each number was.
    pub(super) fn draw_list<DB: DrawingBackend>(&self, area: &Area<DB>, top: i32) -> Drawing<DB> {
        let lines = self.list.len().div_ceil(LIST_COLUMNS).max(1);
        let column = (WIDTH.cast_signed() - 2 * MARGIN) / LIST_COLUMNS as i32;
        for (index, text) in self.list.iter().enumerate() {
            let x = MARGIN + (index / lines) as i32 * column;
            let y = top + LIST_LINE + (index % lines) as i32 * LIST_LINE;
            area.draw_text(text, &marks::text(SMALL), (x, y))?;
        }
        Ok(())
    }

    fn shown(&self, panel: &Panel) -> impl Iterator<Item = &Number> {
        self.numbers.iter().filter(|number| panel.x.contains(number.at_s))
    }
}

fn draw_number<DB: DrawingBackend>(
    area: &Area<DB>,
    (x, y): (i32, i32),
    number: &Number,
) -> Drawing<DB> {
    let look = if number.begins { palette::fault() } else { palette::comeback() };
    let inside = if number.begins { look.colour } else { WHITE };
    let ink = if number.begins { WHITE } else { look.colour };
    area.draw(&Circle::new((x, y), RADIUS, look.colour.filled()))?;
    area.draw(&Circle::new((x, y), RADIUS - 2, inside.filled()))?;
    let style = marks::anchored(marks::bold(SMALL - 2), HPos::Center).color(&ink);
    area.draw_text(&number.fault.to_string(), &style, (x, y))
}

/// For each place, from left to right, the lowest row in which it covers no other.
fn stagger(places: &[i32]) -> Vec<usize> {
    let mut ends: Vec<i32> = Vec::new();
    places
        .iter()
        .map(|&x| {
            let free = ends.iter().position(|&end| end <= x - RADIUS);
            let row = free.unwrap_or(ends.len()).min(MOST_STRIP_ROWS - 1);
            if row == ends.len() {
                ends.push(x + RADIUS);
            } else {
                ends[row] = x + RADIUS;
            }
            row
        })
        .collect()
}

/// `3: kill order-2 (leader) at 20.0 s, first ack after 41.2 ms; restart at 25.0 s`.
fn describe(row: &AvailabilityRow, back: Option<(&str, f64)>) -> String {
    let ack = match row.first_ack_ms {
        Some(ms) => format!("first ack after {} ms", three_digits(ms)),
        None if row.action == FaultKind::Kill => "no ack seen".to_owned(),
        None => "no ack".to_owned(),
    };
    let back = back.map_or_else(String::new, |(action, at_s)| format!("; {action} at {at_s:.1} s"));
    let at_s = seconds(row.at_us);
    format!(
        "{}: {} {} ({}) at {at_s:.1} s, {ack}{back}",
        row.fault, row.action, row.process, row.role
    )
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_cover_each_other_go_to_different_rows() {
        assert_eq!(stagger(&[100, 110, 120, 124, 300]), [0, 1, 2, 0, 0]);
        assert_eq!(stagger(&[0; 6]), [0, 1, 2, 3, 3, 3]);
        assert!(stagger(&[]).is_empty());
    }
}
