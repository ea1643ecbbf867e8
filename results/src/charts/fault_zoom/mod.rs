//! The moments around each fault: one cell each, with the answers that arrived in every 10 ms above
//! and every operation below.
//!
//! An operation is a point where it was due, as high as it took; one that waited has a thread to
//! where it was answered. The lines are medians of a fiftieth of the cell's time each. A cell shows as
//! much time as its fault was felt for.

mod moment;

use plotters::element::Rectangle;
use plotters::style::Color;
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Bounds, Frame, Grid, Panel, WIDTH};
use super::marks::{self, SMALL};
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look, Rank};
use super::trial::TrialView;
use super::words::{LATENCY, plural, setting, singular};
use crate::records::{Manifest, Op, Outcome};
use moment::{Moment, SLICE_MS};

/// More faults than this do not fit one picture.
const MOST_CELLS: usize = 12;
/// How high a cell is, and if it is the only one.
const CELL_HEIGHT: i32 = 440;
const LONE_CELL_HEIGHT: i32 = 700;
/// In the order in which they are drawn: what changes something, which faults hit hardest, on top.
const OPS: [Op; 7] =
    [Op::Lookup, Op::Query, Op::Read, Op::Trade, Op::Write, Op::CompareAndSet, Op::Append];

/// Which part of a cell, in percent, is the panel of answers, and the gap below that.
const ANSWERS_PERCENT: i32 = 24;
const GAP: i32 = 12;
/// How far a heading may go beyond its panel, which is less than to the next one, and how far it stays away
/// from the picture's edge.
const HEADING_ROOM: i32 = 70;
const EDGE: i32 = 6;
/// Medians that are more slices than this apart are not joined: nothing was due between them.
const LONGEST_BRIDGE: f64 = 4.5;
/// A thread shorter than this, in pixels, would only blur its point.
const SHORTEST_THREAD: i32 = 10;

/// The chart of one trial.
pub(super) struct FaultZoom {
    name: String,
    /// Which trial this is.
    setting: String,
    frame: Frame,
    moments: Vec<Moment>,
    latency: Axis,
    answers: Axis,
}

impl FaultZoom {
    pub(super) fn new(manifest: &Manifest, trial: &TrialView<'_>) -> Attempt<Self> {
        let name = format!("faults-{}", trial.file_part());
        let all: Vec<Moment> = trial
            .faults
            .iter()
            .map(|fault| Moment::new(fault, trial))
            .filter(|moment| !moment.points.is_empty())
            .collect();
        if all.is_empty() {
            return Err(format!("{name}: no fault was injected under load"));
        }
        let (felt, all_faults) = (all.len(), trial.faults.len());
        let moments = worst(all);
        let points = moments.iter().flat_map(|moment| &moment.points);
        let latency = Axis::logarithmic(LATENCY, points.map(|point| point.ms));
        let most = moments.iter().map(Moment::most_accepted).max().unwrap_or(0);
        let answers = Axis::from_zero(format!("per {SLICE_MS} ms"), [most as f64]);
        let of = if moments.len() < felt {
            format!(" · the {} of {felt} faults that were felt longest", moments.len())
        } else if felt < all_faults {
            format!(" · {felt} of {all_faults} faults, the others hit no load")
        } else {
            String::new()
        };
        let bars = manifest.target().model().worded("queries on top of trades");
        let frame = Frame {
            title: "The moments around each fault, every operation".to_owned(),
            subtitle: format!(
                "{} · {}{of}\nabove: accepted in each {SLICE_MS} ms, {bars} · below: operations when they \
                 were due, threads to their answers\n\
                 lines: medians, each of a fiftieth of the time that is shown",
                setting(manifest),
                trial.setting()
            ),
            legend: legend(&moments),
        };
        Ok(Self { name, setting: trial.setting(), frame, moments, latency, answers })
    }

    fn grid(&self) -> Grid {
        let height = if self.moments.len() == 1 { LONE_CELL_HEIGHT } else { CELL_HEIGHT };
        Grid::new(self.moments.len(), self.frame.height(), height)
    }

    /// The panel of answers and that of latencies.
    fn panels(&self, index: usize, moment: &Moment) -> (Panel, Panel) {
        let Bounds { left, top, right, bottom } = self.grid().bounds(index);
        let cut = top + (bottom - top) * ANSWERS_PERCENT / 100;
        let above = Bounds { left, top, right, bottom: cut };
        let below = Bounds { left, top: cut + GAP, right, bottom };
        let mut above = Panel::small(above, moment.time.clone(), self.answers.few_ticks());
        let mut below = Panel::small(below, moment.time.clone(), self.latency.clone());
        if !self.grid().is_leftmost(index) {
            above.y.title.clear();
            below.y.title.clear();
        }
        (above, below)
    }
}

/// The moments that were felt longest, in the order of time.
fn worst(mut moments: Vec<Moment>) -> Vec<Moment> {
    moments.sort_by(|a, b| b.felt_ms.total_cmp(&a.felt_ms));
    moments.truncate(MOST_CELLS);
    moments.sort_by_key(|moment| moment.from_us);
    moments
}

impl Figure for FaultZoom {
    fn card(&self) -> Chart {
        let headings: Vec<String> =
            self.moments.iter().map(|moment| moment.heading(|_| true)).collect();
        let lost: usize = self.moments.iter().map(Moment::lost).sum();
        Chart {
            stem: self.name.clone(),
            title: format!("{} ({})", self.frame.title, self.setting),
            alt: format!(
                "Operations, and what was accepted per {SLICE_MS} ms, around {} faults, {lost} of these \
                 operations failed or unknown. {}.",
                headings.len(),
                headings.join("; ")
            ),
            kind: ChartKind::Faults,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, self.grid().bottom().unsigned_abs() + 10)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        for (index, moment) in self.moments.iter().enumerate() {
            let (above, below) = self.panels(index, moment);
            above.draw_axes(area, false)?;
            below.draw_axes(area, true)?;
            let end = (above.bounds.right + HEADING_ROOM).min(WIDTH.cast_signed() - EDGE);
            let room = end - above.bounds.left;
            let fits = |text: &str| marks::width(text, &marks::bold(SMALL)) <= room;
            above.heading(area, &moment.heading(fits))?;
            moment.draw_answers(area, &above)?;
            for panel in [&above, &below] {
                moment.draw_marks(area, panel)?;
            }
            moment.draw_operations(area, &below)?;
        }
        Ok(())
    }
}

impl Moment {
    /// Bars, queries standing on trades.
    fn draw_answers<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        let slice = SLICE_MS as f64;
        for op in [Op::Trade, Op::Query] {
            for (&index, &(trades, queries)) in &self.accepted {
                let (low, high) = match op {
                    Op::Trade => (0, trades),
                    _ => (trades, trades + queries),
                };
                let from_ms = index as f64 * slice;
                if low == high || !panel.x.contains(from_ms) {
                    continue;
                }
                let corners =
                    [panel.at((from_ms, high as f64)), panel.at((from_ms + slice, low as f64))];
                let colour = palette::point(op, Outcome::Ok).colour;
                area.draw(&Rectangle::new(corners, colour.filled()))?;
            }
        }
        Ok(())
    }

    fn draw_marks<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        for &(at_ms, look) in &self.marks {
            panel.draw_vertical(area, at_ms, look)?;
        }
        Ok(())
    }

    fn draw_operations<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        // What was lost is drawn last, on top.
        let order = [Outcome::Ok, Outcome::Rejected, Outcome::Unknown, Outcome::Failed];
        let kinds = order.into_iter().flat_map(|outcome| OPS.map(|op| (op, outcome)));
        for (op, outcome) in kinds {
            let look = palette::point(op, outcome);
            let of_kind = || self.points.iter().filter(|p| p.op == op && p.outcome == outcome);
            let mut threads: Vec<_> = of_kind()
                .map(|point| {
                    let answered = point.at + point.ms;
                    (panel.at((point.at, point.ms)), panel.at((answered, point.ms)))
                })
                .filter(|(from, to)| to.0 - from.0 >= SHORTEST_THREAD)
                .collect();
            threads.sort_unstable();
            threads.dedup();
            for (from, to) in threads {
                marks::line(area, &[from, to], palette::thread(look))?;
            }
            // Points of one kind on the same pixel look like one.
            let mut places: Vec<_> =
                of_kind().map(|point| panel.at((point.at, point.ms))).collect();
            places.sort_unstable();
            places.dedup();
            marks::series(area, &places, look)?;
        }
        for (op, medians) in &self.medians {
            let look = palette::operation_line(*op, Rank::P99);
            let bridge_ms = LONGEST_BRIDGE * self.median_ms;
            for stretch in medians.chunk_by(|a, b| b.0 - a.0 < bridge_ms) {
                let points: Vec<_> = stretch.iter().map(|&point| panel.at(point)).collect();
                marks::line(area, &points, look)?;
            }
        }
        Ok(())
    }
}

fn legend(moments: &[Moment]) -> Vec<(Look, String)> {
    let points = || moments.iter().flat_map(|moment| &moment.points);
    let number = |outcome: Outcome| points().filter(|point| point.outcome == outcome).count();
    let mut legend = Vec::new();
    for op in OPS.into_iter().rev() {
        if points().any(|point| point.op == op) {
            legend.push((palette::point(op, Outcome::Ok), format!("{} ok", singular(op))));
        }
        if op != Op::Lookup && points().any(|point| point.op == op) {
            let median = palette::operation_line(op, Rank::P99);
            legend.push((median, format!("median of {}", plural(op))));
        }
    }
    for (outcome, name) in
        [(Outcome::Rejected, "refused"), (Outcome::Failed, "failed"), (Outcome::Unknown, "unknown")]
    {
        if outcome != Outcome::Rejected || number(outcome) > 0 {
            let look = palette::point(Op::Trade, outcome);
            legend.push((look, format!("{name} ({})", number(outcome))));
        }
    }
    let changes = points().map(|point| point.op).find(|op| op.changes());
    let first_ack = format!("first acknowledged {}", changes.unwrap_or(Op::Trade).as_str());
    for (look, name) in [
        (palette::fault(), "fault"),
        (palette::repaired(), "its end"),
        (palette::new_leader(), "new leader"),
        (palette::first_ack(), first_ack.as_str()),
    ] {
        if moments.iter().flat_map(|moment| &moment.marks).any(|mark| mark.1 == look) {
            legend.push((look, name.to_owned()));
        }
    }
    legend
}
