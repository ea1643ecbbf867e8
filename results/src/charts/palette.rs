//! What everything looks like: the one place where colours, dashes and markers are chosen.
//!
//! The colours are those of Okabe and Ito (<https://jfly.uni-koeln.de/color/>), which people with
//! any kind of colour vision tell apart. Each means one thing in every chart. What differs in
//! colour differs in marker or dash as well, so that a black-and-white print can be read.

use plotters::style::RGBColor;

use crate::records::Op;

/// The font family: the first name is what PNGs are drawn with, the others are for readers of
/// an SVG on a machine that lacks it. All are about as wide.
pub(super) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Text, axes, faults.
pub(super) const INK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
/// Second-rank text and what undoes a fault.
pub(super) const GREY: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// The time during which a process is down.
pub(super) const DOWN: RGBColor = RGBColor(0x80, 0x80, 0x80);
/// A change of leader.
pub(super) const LEADER_CHANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const BLUISH_GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
const REDDISH_PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const SKY_BLUE: RGBColor = RGBColor(0x56, 0xb4, 0xe9);

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// A filled circle.
    Disc,
    /// A square with a white inside.
    Square,
    /// A filled triangle.
    Triangle,
    /// A filled diamond.
    Diamond,
    /// A diagonal cross.
    Cross,
    /// An upright cross.
    Plus,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dash {
    /// Unbroken.
    Solid,
    /// Broken.
    Dashed,
}

/// How a series is drawn: a line, points, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// Its colour.
    pub(super) colour: RGBColor,
    /// Its line, if it has one.
    pub(super) line: Option<(Dash, u32)>,
    /// Its points, if it has any, with their radius.
    pub(super) marker: Option<(Marker, i32)>,
}

/// A median, or all that there is to show.
pub(super) fn cache(on: bool) -> Look {
    let (colour, marker) = if on { (BLUE, Marker::Disc) } else { (VERMILION, Marker::Square) };
    Look { colour, line: Some((Dash::Solid, 3)), marker: Some((marker, 7)) }
}

/// The same, for the figure of second rank: the 99th percentile, or a part of the whole.
pub(super) fn cache_dashed(on: bool) -> Look {
    let look = cache(on);
    Look {
        line: Some((Dash::Dashed, 2)),
        marker: look.marker.map(|(marker, _)| (marker, 5)),
        ..look
    }
}

/// The same without points, for curves of many of them: off is dashed.
pub(super) fn cache_curve(on: bool) -> Look {
    let dash = if on { Dash::Solid } else { Dash::Dashed };
    Look { line: Some((dash, 3)), marker: None, ..cache(on) }
}

/// Single operations as points.
pub(super) fn operation(op: Op) -> Look {
    let (colour, marker) = match op {
        Op::Query => (BLUISH_GREEN, (Marker::Disc, 3)),
        Op::Trade => (REDDISH_PURPLE, (Marker::Triangle, 5)),
        Op::Lookup => (SKY_BLUE, (Marker::Plus, 4)),
    };
    Look { colour, line: None, marker: Some(marker) }
}

/// Operations over time as a line.
pub(super) fn operation_line(op: Op) -> Look {
    let width = if op == Op::Trade { 3 } else { 2 };
    Look { line: Some((Dash::Solid, width)), marker: None, ..operation(op) }
}

/// Operations that failed or whose outcome is unknown.
pub(super) fn lost() -> Look {
    Look { colour: INK, line: None, marker: Some((Marker::Cross, 6)) }
}

/// A fault.
pub(super) fn fault() -> Look {
    Look { colour: INK, line: Some((Dash::Solid, 2)), marker: None }
}

/// A restart or a resume.
pub(super) fn comeback() -> Look {
    Look { colour: GREY, line: Some((Dash::Dashed, 2)), marker: None }
}

/// A change of leader.
pub(super) fn leader_change() -> Look {
    Look { colour: LEADER_CHANGE, line: None, marker: Some((Marker::Diamond, 7)) }
}
