//! The faults of a trial as a timeline shows them: bars above the panels, bands and lines across
//! them, and the list below.

use plotters::element::{Circle, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};
use plotters_backend::DrawingBackend;

use super::super::axis::Axis;
use super::super::faults::Fault;
use super::super::frame::{MARGIN, Panel, WIDTH};
use super::super::marks::{self, SMALL};
use super::super::output::{Area, Drawing};
use super::super::palette::{self, Look};
use super::super::trial::TrialView;

/// The radius of a number's circle, half the height of a fault's bar, and the height of a row.
const RADIUS: i32 = 12;
const HALF_BAR: i32 = 5;
const STRIP_ROW: i32 = 30;
/// Between the strip and the panel, for the marks of leader changes.
const STRIP_GAP: i32 = 8;
/// The strip has room for this many rows; what does not fit shares the last.
const MOST_STRIP_ROWS: usize = 6;
/// The height of a line of the list, its columns where all fit, and how many faults it spells out.
const LIST_LINE: i32 = 26;
const LIST_COLUMNS: usize = 2;
const MOST_LISTED: usize = 24;
/// How strongly the time between a fault and its end is shaded. Faults that overlap add up.
const BAND_OPACITY: f64 = 0.13;

/// Everything about faults that a timeline shows.
pub(in super::super) struct FaultMarks {
    faults: Vec<Fault>,
    /// From the fault to what undid it, in seconds.
    bands: Vec<(f64, f64)>,
    leader_changes: Vec<f64>,
}

impl FaultMarks {
    pub(in super::super) fn new(trial: &TrialView<'_>) -> Self {
        let (first_us, last_us) = trial.span_us().unwrap_or((0, 0));
        let faults = trial.faults.clone();
        let band = |fault: &Fault| (seconds(fault.from_us), seconds(fault.until_us(last_us)));
        let changes = trial.timeline.terms().iter().map(|term| term.from_us);
        let changes = changes.filter(|at_us| (first_us..=last_us).contains(at_us));
        Self {
            bands: faults.iter().map(band).collect(),
            leader_changes: changes.map(seconds).collect(),
            faults,
        }
    }

    /// What the marks stand for.
    pub(in super::super) fn legend(&self) -> Vec<(Look, String)> {
        let mut legend = Vec::new();
        if !self.faults.is_empty() {
            legend.push((palette::fault(), "fault (bar: until it ends)".to_owned()));
        }
        if self.faults.iter().any(|fault| fault.end.is_some()) {
            legend.push((palette::repaired(), "restart, resume or heal".to_owned()));
        }
        if !self.leader_changes.is_empty() {
            legend.push((palette::leader_change(), "new leader".to_owned()));
        }
        legend
    }

    /// The height of the strip of bars on this axis, which is so wide.
    pub(in super::super) fn strip_height(&self, time: &Axis, width: i32) -> i32 {
        let place = |at_s: f64| (time.share(at_s) * f64::from(width)) as i32;
        let places: Vec<_> =
            self.bands.iter().map(|&(from, until)| (place(from), place(until))).collect();
        let rows = stagger(&places).into_iter().max().map_or(0, |row| row + 1);
        if rows == 0 { 0 } else { rows as i32 * STRIP_ROW + STRIP_GAP }
    }

    /// The height of the list below.
    pub(in super::super) fn list_height(&self) -> i32 {
        let list = self.list();
        let lines = list.len().div_ceil(columns(&list)) as i32;
        if lines == 0 { 0 } else { lines * LIST_LINE + LIST_LINE }
    }

    /// Shades the time that each fault lasted, behind the data.
    pub(in super::super) fn draw_bands<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for &(from_s, until_s) in &self.bands {
            let corners = [
                (panel.x_at(from_s), panel.bounds.top),
                (panel.x_at(until_s), panel.bounds.bottom),
            ];
            area.draw(&Rectangle::new(corners, palette::DOWN.mix(BAND_OPACITY).filled()))?;
        }
        Ok(())
    }

    /// Lines at the beginning and the end of each fault.
    pub(in super::super) fn draw_lines<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for (fault, &(from_s, until_s)) in self.faults.iter().zip(&self.bands) {
            if fault.end.is_some() {
                panel.draw_vertical(area, until_s, palette::repaired())?;
            }
            panel.draw_vertical(area, from_s, palette::fault())?;
        }
        Ok(())
    }

    /// A numbered bar per fault above the panel, and the changes of leader on its upper edge.
    pub(in super::super) fn draw_strip<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        let places: Vec<_> = self
            .bands
            .iter()
            .map(|&(from_s, until_s)| (panel.x_at(from_s), panel.x_at(until_s)))
            .collect();
        let top = panel.bounds.top;
        let height = |row: usize| top - STRIP_GAP - STRIP_ROW / 2 - row as i32 * STRIP_ROW;
        let rows: Vec<i32> = stagger(&places).into_iter().map(height).collect();
        // Stems first, then bars, so that none crosses a number.
        let fault_line = palette::fault();
        for (&(from, _), &y) in places.iter().zip(&rows) {
            marks::line(area, &[(from, y), (from, top)], fault_line)?;
        }
        for (&(from, until), &y) in places.iter().zip(&rows) {
            let corners = [(from, y - HALF_BAR), (until.max(from + 1), y + HALF_BAR)];
            area.draw(&Rectangle::new(corners, palette::DOWN.filled()))?;
        }
        for ((fault, &(from, _)), &y) in self.faults.iter().zip(&places).zip(&rows) {
            area.draw(&Circle::new((from, y), RADIUS, fault_line.colour.filled()))?;
            let style = marks::anchored(marks::bold(SMALL - 2), HPos::Center).color(&WHITE);
            area.draw_text(&fault.number.to_string(), &style, (from, y))?;
        }
        for &at_s in self.leader_changes.iter().filter(|&&at_s| panel.x.contains(at_s)) {
            marks::series(area, &[(panel.x_at(at_s), top)], palette::leader_change())?;
        }
        Ok(())
    }

    /// What each number was.
    pub(in super::super) fn draw_list<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        top: i32,
    ) -> Drawing<DB> {
        let list = self.list();
        let lines = list.len().div_ceil(columns(&list)).max(1);
        for (index, text) in list.iter().enumerate() {
            let x = MARGIN + (index / lines) as i32 * COLUMN;
            let y = top + LIST_LINE + (index % lines) as i32 * LIST_LINE;
            area.draw_text(text, &marks::text(SMALL), (x, y))?;
        }
        Ok(())
    }

    /// The list as a sentence.
    pub(in super::super) fn in_words(&self) -> String {
        match self.list().as_slice() {
            [] => "No fault was injected.".to_owned(),
            list => format!("Faults: {}.", list.join("; ")),
        }
    }

    fn list(&self) -> Vec<String> {
        let mut list: Vec<String> = self.faults.iter().map(Fault::in_words).collect();
        if list.len() > MOST_LISTED {
            let more = list.len() - MOST_LISTED + 1;
            list.truncate(MOST_LISTED - 1);
            list.push(format!("and {more} more: see events.csv"));
        }
        list
    }
}

/// How wide a column of the list is.
const COLUMN: i32 = (WIDTH.cast_signed() - 2 * MARGIN) / LIST_COLUMNS as i32;

/// How many columns the list has: one if a line is too long for several. A width is measured a little too large, so there is a gap between two.
fn columns(list: &[String]) -> usize {
    let fits = |line: &String| marks::width(line, &marks::text(SMALL)) <= COLUMN;
    if list.iter().all(fits) { LIST_COLUMNS } else { 1 }
}

/// For each bar, from left to right, the lowest row in which it covers no other.
fn stagger(places: &[(i32, i32)]) -> Vec<usize> {
    let mut ends: Vec<i32> = Vec::new();
    places
        .iter()
        .map(|&(from, until)| {
            let free = ends.iter().position(|&end| end <= from - RADIUS);
            let row = free.unwrap_or(ends.len()).min(MOST_STRIP_ROWS - 1);
            let end = until.max(from + RADIUS);
            if row == ends.len() {
                ends.push(end);
            } else {
                ends[row] = ends[row].max(end);
            }
            row
        })
        .collect()
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_would_run_into_the_next_column_have_one_alone() {
        let usual =
            "4: throttle front-end <-> catalog at 7.6 s, first ack after 371 ms; heal at 9.6 s";
        let long = "4: throttle front-end @ n1 <-> catalog @ n2 at 7.6 s, first ack after 371 ms; heal at 9.6 s";
        let width = |line: &str| marks::width(line, &marks::text(SMALL));
        assert_eq!(columns(&[usual.to_owned()]), LIST_COLUMNS, "{}", width(usual));
        assert_eq!(columns(&[usual.to_owned(), long.to_owned()]), 1, "{}", width(long));
    }

    #[test]
    fn bars_that_would_cover_each_other_go_to_different_rows() {
        let bars = [(100, 200), (110, 115), (120, 121), (140, 300), (230, 240)];
        assert_eq!(stagger(&bars), [0, 1, 2, 1, 0]);
        assert_eq!(stagger(&[(0, 9); 8]), [0, 1, 2, 3, 4, 5, 5, 5]);
        assert!(stagger(&[]).is_empty());
    }
}
