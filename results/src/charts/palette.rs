//! What everything looks like: the one place where colours, dashes and markers are chosen.
//!
//! The colours are those of Okabe and Ito (<https://jfly.uni-koeln.de/color/>), which people with
//! any kind of colour vision tell apart. Each means one thing in every chart. What differs in
//! colour differs in marker or dash as well, so that a black-and-white print can be read.

use plotters::style::RGBColor;

use crate::records::{Op, Outcome};

/// The font family: the first name is what PNGs are drawn with, the others are for readers of
/// an SVG on a machine that lacks it. All are about as wide.
pub const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// Text, axes, faults.
pub const INK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
/// Second-rank text and what undoes a fault.
pub const GREY: RGBColor = RGBColor(0x5a, 0x5a, 0x5a);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// The time during which a process is down.
pub(super) const DOWN: RGBColor = RGBColor(0x80, 0x80, 0x80);
/// A process that is up: what is as it should be draws no attention.
const UP: RGBColor = RGBColor(0xe4, 0xe8, 0xec);
/// A change of leader.
pub(super) const LEADER_CHANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const BLUISH_GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
const REDDISH_PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
const SKY_BLUE: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
const YELLOW: RGBColor = RGBColor(0xf0, 0xe4, 0x42);

/// A goal that is reached.
pub const MET: RGBColor = BLUISH_GREEN;
/// A goal that is not.
pub const NOT_MET: RGBColor = VERMILION;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// A filled circle.
    Disc,
    /// A square with a white inside.
    Square,
    /// A filled triangle.
    Triangle,
    /// A filled circle with a dark edge.
    RingedDisc,
    /// A filled triangle with a dark edge.
    RingedTriangle,
    /// A filled diamond.
    Diamond,
    /// An upright line with a foot and a head.
    Whisker,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dash {
    /// Unbroken.
    Solid,
    /// Broken.
    Dashed,
}

/// How a stretch of time in a lane is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bar {
    /// Filled.
    Full,
    /// Filled, with an edge.
    Edged,
    /// Half as high, with an edge.
    Half,
    /// Hatched, with an edge.
    Hatched,
    /// A thick line.
    Thin,
}

/// How a series is drawn: a line, points, both, or as bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    /// Its colour.
    pub(super) colour: RGBColor,
    /// Its line, if it has one.
    pub(super) line: Option<(Dash, u32)>,
    /// Its points, if it has any, with their radius.
    pub(super) marker: Option<(Marker, i32)>,
    /// Its stretches of time, if it has any.
    pub(super) bar: Option<Bar>,
}

impl Look {
    /// Nothing but a colour.
    const fn plain(colour: RGBColor) -> Self {
        Self { colour, line: None, marker: None, bar: None }
    }

    const fn bar(colour: RGBColor, bar: Bar) -> Self {
        Self { bar: Some(bar), ..Self::plain(colour) }
    }
}

/// A setting of the cache: the heavier the line, the more operations stay below it.
pub(super) fn cache(on: bool, rank: Rank) -> Look {
    let (colour, marker) = if on { (BLUE, Marker::Disc) } else { (VERMILION, Marker::Square) };
    let (width, radius) = match rank {
        Rank::Median => (4, 7),
        Rank::P99 | Rank::Slowest => (2, 5),
    };
    let line = Some((Dash::Solid, width));
    Look { line, marker: Some((marker, radius)), ..Look::plain(colour) }
}

/// The same without points, for curves of many of them.
pub(super) fn cache_curve(on: bool) -> Look {
    Look { line: Some((Dash::Solid, 3)), marker: None, ..cache(on, Rank::P99) }
}

/// The end of such a curve.
pub(super) fn cache_end(on: bool) -> Look {
    Look { line: None, ..cache(on, Rank::P99) }
}

/// Reads with this setting, as bars.
pub(super) fn reads(cache_on: bool) -> Look {
    Look::bar(pale(cache(cache_on, Rank::P99).colour), Bar::Full)
}

/// Reads that showed an older state than they had to.
pub(super) fn stale() -> Look {
    Look::bar(INK, Bar::Full)
}

/// The highest rate that was held with this setting. The two settings' knees may be the same: the dashes
/// of one leave room for the other.
pub(super) fn knee(on: bool) -> Look {
    let width = if on { 4 } else { 2 };
    Look { line: Some((Dash::Dashed, width)), ..Look::plain(cache(on, Rank::P99).colour) }
}

/// What would be if nothing were lost: a line to compare with.
pub(super) fn reference() -> Look {
    Look { line: Some((Dash::Dashed, 2)), ..Look::plain(GREY) }
}

/// The interval in which a figure lies.
pub(super) fn interval() -> Look {
    Look { marker: Some((Marker::Whisker, 10)), ..Look::plain(GREY) }
}

/// Single operations as points: the shape says what was done, the colour what came of it. What went
/// well has the operation's own colour.
pub(super) fn point(op: Op, outcome: Outcome) -> Look {
    let (shape, ringed) = match op {
        Op::Query | Op::Read => (Marker::Disc, Marker::RingedDisc),
        Op::Trade | Op::Write | Op::Append => (Marker::Triangle, Marker::RingedTriangle),
        Op::Lookup | Op::CompareAndSet => (Marker::Square, Marker::Square),
    };
    let small = if matches!(op, Op::Query | Op::Read) { 3 } else { 5 };
    let (colour, marker) = match outcome {
        Outcome::Ok => (operation(op), (shape, small)),
        Outcome::Rejected => (SKY_BLUE, (shape, small)),
        Outcome::Failed => (INK, (shape, 5)),
        Outcome::Unknown => (YELLOW, (ringed, 6)),
    };
    Look { marker: Some(marker), ..Look::plain(colour) }
}

/// The same where there are thousands, as a ground for lines: paler and smaller, except for what
/// was lost.
pub(super) fn faint_point(op: Op, outcome: Outcome) -> Look {
    let look = point(op, outcome);
    if !outcome.is_answer() {
        return look;
    }
    let marker = look.marker.map(|(shape, radius)| (shape, (radius - 1).max(2)));
    Look { colour: pale(look.colour), marker, ..look }
}

/// From where such an operation was due to where it was answered.
pub(super) fn thread(point: Look) -> Look {
    Look { line: Some((Dash::Solid, 1)), ..Look::plain(pale(point.colour)) }
}

/// How much of its colour something faint keeps.
const PALE_PERCENT: u16 = 45;

fn pale(RGBColor(red, green, blue): RGBColor) -> RGBColor {
    let pale = |channel: u8| 255 - ((255 - u16::from(channel)) * PALE_PERCENT / 100) as u8;
    RGBColor(pale(red), pale(green), pale(blue))
}

/// The colour of an operation that went well.
fn operation(op: Op) -> RGBColor {
    match op {
        Op::Query | Op::Read => BLUISH_GREEN,
        Op::Trade | Op::Lookup | Op::Write | Op::CompareAndSet | Op::Append => REDDISH_PURPLE,
    }
}

/// Which figure of a latency: the heavier the line, the more operations stay below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// The 50th percentile.
    Median,
    /// The 99th.
    P99,
    /// The largest.
    Slowest,
}

/// Operations over time as a line.
pub(super) fn operation_line(op: Op, rank: Rank) -> Look {
    let width = match rank {
        Rank::Median => 4,
        Rank::P99 => 2,
        Rank::Slowest => 1,
    };
    let RGBColor(red, green, blue) = operation(op);
    // Darker than the points that it crosses.
    let dark = |channel: u8| (u16::from(channel) * 7 / 10) as u8;
    let colour = RGBColor(dark(red), dark(green), dark(blue));
    Look { line: Some((Dash::Solid, width)), ..Look::plain(colour) }
}

/// The same figure without the correction for waiting before the send: same colour, dashed.
pub(super) fn uncorrected(look: Look) -> Look {
    let line = look.line.map(|(_, width)| (Dash::Dashed, width));
    Look { line, marker: look.marker.map(|(shape, radius)| (shape, (radius - 2).max(2))), ..look }
}

/// A fault.
pub(super) fn fault() -> Look {
    Look { line: Some((Dash::Solid, 2)), ..Look::plain(INK) }
}

/// The beginning of a stage of the load.
pub(super) fn stage() -> Look {
    Look { line: Some((Dash::Solid, 1)), ..Look::plain(GREY) }
}

/// A restart or a resume.
pub(super) fn repaired() -> Look {
    Look { line: Some((Dash::Dashed, 2)), ..Look::plain(GREY) }
}

/// A change of leader, as a line.
pub(super) fn new_leader() -> Look {
    Look { line: Some((Dash::Solid, 2)), marker: None, ..leader_change() }
}

/// The first trade that was acknowledged after a fault.
pub(super) fn first_ack() -> Look {
    Look { line: Some((Dash::Dashed, 2)), ..operation_line(Op::Trade, Rank::P99) }
}

/// A change of leader.
pub(super) fn leader_change() -> Look {
    Look { marker: Some((Marker::Diamond, 7)), ..Look::plain(LEADER_CHANGE) }
}

/// A process that is ready.
pub(super) fn up() -> Look {
    Look::bar(UP, Bar::Edged)
}

/// A replica that leads: the colour of leadership.
pub(super) fn leading() -> Look {
    Look::bar(LEADER_CHANGE, Bar::Edged)
}

/// A process that starts, or a replica that is not in sync yet.
pub(super) fn catching_up() -> Look {
    Look::bar(UP, Bar::Half)
}

/// A process that is stopped.
pub(super) fn paused() -> Look {
    Look::bar(GREY, Bar::Hatched)
}

/// A process that is dead.
pub(super) fn down() -> Look {
    Look::bar(INK, Bar::Thin)
}

/// A link that is cut, delayed or throttled.
pub(super) fn broken_link() -> Look {
    Look::bar(GREY, Bar::Full)
}

/// Answers to operations of this kind, as many as usual.
pub(super) fn answers(op: Op) -> Look {
    Look::bar(pale(operation(op)), Bar::Full)
}

/// The same, fewer than usual.
pub(super) fn few_answers(op: Op) -> Look {
    Look::bar(operation_line(op, Rank::P99).colour, Bar::Full)
}

/// No answers at all.
pub(super) fn no_answers() -> Look {
    Look::bar(INK, Bar::Full)
}

/// One of several systems, by its number. What differs in colour differs in shape; from the sixth on the colours come again with each
/// other's shapes and broken lines, and after the tenth everything begins anew.
pub(super) fn system(number: usize) -> Look {
    const LOOKS: [(RGBColor, Marker); 5] = [
        (BLUE, Marker::Disc),
        (VERMILION, Marker::Square),
        (BLUISH_GREEN, Marker::Triangle),
        (REDDISH_PURPLE, Marker::Diamond),
        (LEADER_CHANGE, Marker::RingedDisc),
    ];
    let is_again = number % (2 * LOOKS.len()) >= LOOKS.len();
    let (colour, _) = LOOKS[number % LOOKS.len()];
    let (_, marker) = LOOKS[(number + usize::from(is_again)) % LOOKS.len()];
    let dash = if is_again { Dash::Dashed } else { Dash::Solid };
    Look { line: Some((dash, 2)), marker: Some((marker, 6)), ..Look::plain(colour) }
}

/// A single measurement, behind what is made of all of them.
pub(super) fn single() -> Look {
    Look { marker: Some((Marker::Disc, 4)), ..Look::plain(pale(BLUE)) }
}

/// What is made of several measurements, in order.
pub(super) fn middle() -> Look {
    Look { line: Some((Dash::Solid, 3)), marker: Some((Marker::Diamond, 6)), ..Look::plain(INK) }
}

/// The same, of things that have no order.
pub(super) fn middle_mark() -> Look {
    Look { line: None, marker: Some((Marker::Diamond, 7)), ..middle() }
}

/// A figure of a run that passed.
pub(super) fn passed() -> Look {
    Look { marker: Some((Marker::Disc, 4)), ..Look::plain(MET) }
}

/// A figure of a run that failed.
pub(super) fn failed() -> Look {
    Look { marker: Some((Marker::Square, 5)), ..Look::plain(NOT_MET) }
}

/// A figure of a run that is inconclusive.
pub(super) fn doubted() -> Look {
    Look { marker: Some((Marker::Triangle, 5)), ..Look::plain(GREY) }
}

/// Where figures changed by more than noise.
pub(super) fn change() -> Look {
    Look { line: Some((Dash::Dashed, 2)), ..Look::plain(VERMILION) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_systems_are_told_apart_by_their_points_alone() {
        let look = |number| {
            let Look { colour, marker, .. } = system(number);
            ((colour.0, colour.1, colour.2), marker.map(|(shape, _)| shape))
        };
        for (one, other) in (0..10).flat_map(|one| (0..one).map(move |other| (one, other))) {
            assert_ne!(look(one), look(other), "{one} and {other}");
        }
    }
}
