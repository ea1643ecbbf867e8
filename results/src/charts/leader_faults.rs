//! The moments around each fault that hit a leader: one panel each, with every operation.
//!
//! An operation is a point where it was sent, as high as it took, with a thread to where it was
//! answered: the threads across the outage are the operations that waited for it to end.

use std::collections::HashSet;

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::by_p::plural;
use super::chart::{Chart, ChartKind};
use super::frame::{Frame, Grid, Panel, WIDTH};
use super::marks;
use super::output::{Area, Drawing, Figure};
use super::palette::{self, Dash, Look};
use super::trial::TrialView;
use super::{Attempt, setting, to_ms};
use crate::availability::{AvailabilityRow, Role};
use crate::records::{Manifest, Observation, Op};
use crate::summary::is_answered;
use crate::text::three_digits;

/// What a panel shows, in milliseconds relative to the fault.
const BEFORE_MS: f64 = 200.0;
const AFTER_MS: f64 = 500.0;
/// More faults than this do not fit one picture.
const MOST_PANELS: usize = 12;
/// Where the panels begin, and how high they are.
const GRID_TOP: i32 = 124;
const PANEL_HEIGHT: i32 = 330;
/// How high the panel is if it is the only one.
const LONE_PANEL_HEIGHT: i32 = 660;

/// One operation: milliseconds from the fault to its sending, and its latency in milliseconds.
struct Point {
    op: Op,
    answered: bool,
    place: (f64, f64),
}

/// One panel.
struct Moment {
    heading: String,
    points: Vec<Point>,
    new_leader_ms: Option<f64>,
    first_ack_ms: Option<f64>,
}

/// The chart of one trial.
pub(super) struct LeaderFaults {
    name: String,
    frame: Frame,
    moments: Vec<Moment>,
    time: Axis,
    latency: Axis,
}

impl LeaderFaults {
    pub(super) fn new(manifest: &Manifest, trial: &TrialView<'_>) -> Attempt<Self> {
        let name = format!("leader-faults-{}", trial.file_part());
        let hit: Vec<&AvailabilityRow> =
            trial.faults.iter().copied().filter(|row| row.role == Role::Leader).collect();
        let moments: Vec<Moment> = hit
            .iter()
            .map(|row| Moment::new(row, &trial.load))
            .filter(|moment| !moment.points.is_empty())
            .take(MOST_PANELS)
            .collect();
        if moments.is_empty() {
            return Err(format!("{name}: no fault hit a leader under load"));
        }
        let latencies = moments.iter().flat_map(|moment| &moment.points).map(|point| point.place.1);
        let latency = Axis::logarithmic(super::LATENCY, latencies);
        let ticks = [-200.0, 0.0, 200.0, 400.0].map(|ms: f64| (ms, format!("{ms:.0}")));
        let time = Axis::fixed("ms since the fault", (-BEFORE_MS, AFTER_MS), ticks.to_vec());
        let of = match hit.len() - moments.len() {
            0 => String::new(),
            _ => format!(" · {} of {} faults", moments.len(), hit.len()),
        };
        let frame = Frame {
            title: "Every operation around each leader's fault, from sending to answer".to_owned(),
            subtitle: format!("{} · {}{of}", setting(manifest), trial.setting()),
            legend: legend(&moments),
        };
        Ok(Self { name, frame, moments, time, latency })
    }

    fn grid(&self) -> Grid {
        let height = if self.moments.len() == 1 { LONE_PANEL_HEIGHT } else { PANEL_HEIGHT };
        Grid::new(self.moments.len(), GRID_TOP, height)
    }
}

impl Figure for LeaderFaults {
    fn card(&self) -> Chart {
        let headings: Vec<&str> = self.moments.iter().map(|m| m.heading.as_str()).collect();
        Chart {
            stem: self.name.clone(),
            title: self.frame.title.clone(),
            alt: format!("The moments around each fault. {}.", headings.join("; ")),
            kind: ChartKind::Faults,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, self.grid().bottom().unsigned_abs() + 10)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let grid = self.grid();
        for (index, moment) in self.moments.iter().enumerate() {
            let mut panel =
                Panel::small(grid.bounds(index), self.time.clone(), self.latency.clone());
            if !grid.is_leftmost(index) {
                panel.y.title.clear();
            }
            panel.draw_axes(area, true)?;
            panel.heading(area, &moment.heading)?;
            moment.draw(area, &panel)?;
        }
        Ok(())
    }
}

impl Moment {
    fn new(row: &AvailabilityRow, load: &[&Observation]) -> Self {
        let since_ms = |us: u64| (us as f64 - row.at_us as f64) / 1000.0;
        let mut points: Vec<Point> = load
            .iter()
            .filter(|operation| (-BEFORE_MS..=AFTER_MS).contains(&since_ms(operation.start_us)))
            .map(|operation| Point {
                op: operation.op,
                answered: is_answered(operation),
                place: (since_ms(operation.start_us), to_ms(operation.latency_us)),
            })
            .collect();
        // What was lost is rare, and drawn last, on top.
        points.sort_by_key(|point| !point.answered);
        let ack = row.first_ack_ms.map_or_else(
            || "no ack seen".to_owned(),
            |ms| format!("first ack {} ms", three_digits(ms)),
        );
        Self {
            heading: format!("{}: {} {}, {ack}", row.fault, row.action, row.process),
            points,
            new_leader_ms: row.new_leader_ms,
            first_ack_ms: row.first_ack_ms,
        }
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        let lines = [
            (Some(0.0), palette::fault()),
            (self.new_leader_ms, new_leader()),
            (self.first_ack_ms, first_ack()),
        ];
        for (at_ms, look) in lines {
            let Some(at_ms) = at_ms.filter(|&at_ms| panel.x.contains(at_ms)) else { continue };
            let x = panel.x_at(at_ms);
            let line = look.line.unwrap_or((Dash::Solid, 2));
            marks::path(
                area,
                &[(x, panel.bounds.top), (x, panel.bounds.bottom)],
                look.colour,
                line,
            )?;
        }
        // Points of one kind on the same pixel look like one; drawing them once keeps the SVG
        // small.
        let mut drawn = HashSet::new();
        for point in &self.points {
            let look = if point.answered { palette::operation(point.op) } else { palette::lost() };
            let place = panel.at(point.place);
            if !drawn.insert((point.op, point.answered, place)) {
                continue;
            }
            let answer = panel.at((point.place.0 + point.place.1, point.place.1));
            if answer.0 > place.0 {
                marks::path(area, &[place, answer], look.colour, (Dash::Solid, 1))?;
            }
            marks::series(area, &[place], look)?;
        }
        Ok(())
    }
}

fn new_leader() -> Look {
    Look { line: Some((Dash::Solid, 2)), marker: None, ..palette::leader_change() }
}

fn first_ack() -> Look {
    palette::comeback()
}

fn legend(moments: &[Moment]) -> Vec<(Look, String)> {
    let points = || moments.iter().flat_map(|moment| &moment.points);
    let mut legend = Vec::new();
    for op in [Op::Query, Op::Trade] {
        if points().any(|point| point.op == op) {
            legend.push((palette::operation(op), plural(op).to_owned()));
        }
    }
    let lost = points().filter(|point| !point.answered).count();
    legend.push((palette::lost(), format!("failed or unknown ({lost})")));
    legend.push((palette::fault(), "fault".to_owned()));
    if moments.iter().any(|moment| moment.new_leader_ms.is_some()) {
        legend.push((new_leader(), "new leader".to_owned()));
    }
    if moments.iter().any(|moment| moment.first_ack_ms.is_some()) {
        legend.push((first_ack(), "first acknowledged trade".to_owned()));
    }
    legend
}
