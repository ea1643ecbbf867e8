//! The drawing: a lane per client, a bar per operation, a band per fault.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::axis::Axis;
use super::drawing::{Drawing, Role, Shown};
use super::scene::{Band, Scene};
use super::words::{Escaped, milliseconds};
use crate::linear::model::Model;

const LANE: f64 = 30.0;
const BAR: f64 = 22.0;
/// Above the lanes: the names of the bands, then the times.
const TOP: f64 = 42.0;
const MARGIN: f64 = 10.0;
/// About how wide a character of the bars' text is.
const CHARACTER: f64 = 6.4;
/// The same for bold text.
const BOLD_CHARACTER: f64 = 7.6;
/// Bars that have no place for their text even so are still this wide.
const MIN_BAR: f64 = 4.0;
const TICKS_APART: f64 = 90.0;
/// Bands wider than this have their name at both ends, one of which is in sight.
const NAMED_TWICE: f64 = 500.0;

/// Writes the clients' names and, beside them, the lanes, which can be scrolled.
pub(super) fn write<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
) -> fmt::Result {
    let lanes = lanes(drawing);
    let axis = axis(drawing);
    let height = TOP + LANE * lanes.len() as f64 + MARGIN;
    let width = axis.width() + 2.0 * MARGIN;
    writeln!(page, "<div class=\"picture\">")?;
    writeln!(page, "<svg class=\"names\" width=\"78\" height=\"{height}\" aria-hidden=\"true\">")?;
    for (&client, &lane) in &lanes {
        let name = if client == 0 { "by hand".to_owned() } else { format!("client {client}") };
        writeln!(page, "<text x=\"0\" y=\"{:.1}\">{name}</text>", middle(lane) + 4.0)?;
    }
    writeln!(
        page,
        "</svg>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Operations by client and time\">"
    )?;
    writeln!(
        page,
        "<svg width=\"{width:.0}\" height=\"{height}\" role=\"img\" aria-label=\"One lane per client; the table below says the same\">"
    )?;
    write_ground(page, &axis, &lanes, height)?;
    for band in &scene.bands {
        write_band(page, &axis, band, height)?;
    }
    for shown in &drawing.shown {
        if let Some(&lane) = lanes.get(&shown.operation.client) {
            write_bar(page, scene, drawing, &axis, lane, shown)?;
        }
    }
    writeln!(page, "</svg></div></div>")
}

/// A lane per client that is drawn, in the order of their numbers.
fn lanes<M: Model>(drawing: &Drawing<M>) -> BTreeMap<u32, usize> {
    let mut lanes: BTreeMap<u32, usize> =
        drawing.shown.iter().map(|shown| (shown.operation.client, 0)).collect();
    for (lane, place) in lanes.values_mut().enumerate() {
        *place = lane;
    }
    lanes
}

/// From where to where an operation is drawn. What was not answered by the end runs out of the
/// picture.
fn interval<M: Model>(drawing: &Drawing<M>, shown: &Shown<M>) -> (u64, u64) {
    let call_us = shown.operation.call_us.min(drawing.end_us);
    let end_us =
        shown.operation.return_us.map_or(drawing.end_us, |at_us| at_us.min(drawing.end_us));
    (call_us, end_us)
}

fn axis<M: Model>(drawing: &Drawing<M>) -> Axis {
    let bars: Vec<(u64, u64, f64)> = drawing
        .shown
        .iter()
        .map(|shown| {
            let (from_us, to_us) = interval(drawing, shown);
            (from_us, to_us, text_width(shown) + 10.0)
        })
        .collect();
    Axis::new(&bars)
}

fn middle(lane: usize) -> f64 {
    TOP + LANE * (lane as f64 + 0.5)
}

fn text<M: Model>(shown: &Shown<M>) -> String {
    let label = M::label(shown.operation.action);
    match (shown.role, shown.step) {
        (Role::Culprit, _) => format!("\u{2717} {label}"),
        (_, Some(step)) => format!("{step}: {label}"),
        (_, None) => format!("{label} ?"),
    }
}

fn text_width<M: Model>(shown: &Shown<M>) -> f64 {
    let character = if shown.role == Role::Culprit { BOLD_CHARACTER } else { CHARACTER };
    text(shown).chars().count() as f64 * character
}

fn write_ground(
    page: &mut String,
    axis: &Axis,
    lanes: &BTreeMap<u32, usize>,
    height: f64,
) -> fmt::Result {
    let end = axis.width() + 2.0 * MARGIN;
    for lane in lanes.values() {
        let y = middle(*lane);
        writeln!(page, "<line class=\"lane\" x1=\"0\" x2=\"{end:.1}\" y1=\"{y}\" y2=\"{y}\"/>")?;
    }
    for (at_us, place) in axis.ticks(TICKS_APART) {
        let x = place + MARGIN;
        let bottom = height - MARGIN;
        writeln!(
            page,
            "<line class=\"tick\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>"
        )?;
        if x + TICKS_APART < end || place == 0.0 {
            let time = milliseconds(at_us);
            writeln!(page, "<text class=\"time\" x=\"{x:.1}\" y=\"34\">{time} ms</text>")?;
        }
    }
    Ok(())
}

fn write_band(page: &mut String, axis: &Axis, band: &Band, height: f64) -> fmt::Result {
    let Some((first_us, last_us)) = axis.ends_us() else { return Ok(()) };
    if !band.overlaps(first_us, last_us) {
        return Ok(());
    }
    let (from, to) = (axis.place(band.from_us) + MARGIN, axis.place(band.to_us) + MARGIN);
    let (width, label) = ((to - from).max(2.0), Escaped(&band.label));
    writeln!(
        page,
        "<rect class=\"band\" x=\"{from:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{height}\">\
         <title>{label}</title></rect>"
    )?;
    let name = |page: &mut String, x: f64, anchor: &str| {
        writeln!(
            page,
            "<text class=\"fault\" x=\"{x:.1}\" y=\"13\" text-anchor=\"{anchor}\">{label}</text>"
        )
    };
    name(page, from + 4.0, "start")?;
    if width > NAMED_TWICE { name(page, to - 4.0, "end") } else { Ok(()) }
}

fn write_bar<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
    axis: &Axis,
    lane: usize,
    shown: &Shown<M>,
) -> fmt::Result {
    let (from_us, to_us) = interval(drawing, shown);
    let open = shown.operation.return_us.is_none_or(|at_us| at_us > drawing.end_us);
    let class = match shown.role {
        Role::Culprit => "culprit",
        Role::Key => "key",
        Role::Placed => "placed",
        Role::Open => "open",
    };
    let (x, y) = (axis.place(from_us) + MARGIN, middle(lane) - BAR / 2.0);
    let width = (axis.place(to_us) + MARGIN - x).max(MIN_BAR);
    let text = text(shown);
    let source = &scene.sources[shown.place];
    let until = shown
        .operation
        .return_us
        .map_or("no answer".to_owned(), |at_us| format!("{} ms", milliseconds(at_us)));
    write!(
        page,
        "<g class=\"{class}{}\"><title>{text}, {} ms to {until}, {}</title>\
         <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\"/>",
        if open { " unanswered" } else { "" },
        milliseconds(from_us),
        Escaped(&source.row),
    )?;
    if width >= text_width(shown) {
        write!(page, "<text x=\"{:.1}\" y=\"{:.1}\">{text}</text>", x + 5.0, middle(lane) + 4.0)?;
    }
    writeln!(page, "</g>")
}
